"""`rotor config`, and profiles on the command line."""

import json

import orjson


def test_show_tells_each_values_layer(rotor, tmp_path):
    """Default, profile, config.toml, overrides, --set; of a secret not the value."""
    (tmp_path / "config.toml").write_text("[rotation]\nmax_positions = 2\nmin_edge_bps = 1.0\n")
    rotor("risk", "set", "max_heat_pct=3")
    words = ("--profile", "explore", "--set", "rotation.cooldown_minutes=1", "--set",
             "database.url=sqlite:///here.db", "--json")  # fmt: skip
    code, out, _ = rotor("config", "show", *words)
    shown = json.loads(out)
    rows = {row["key"]: row for row in shown["settings"]}

    assert (code, shown["profile"]) == (0, "explore")
    assert {key: rows[key]["set_by"] for key in (
        "profile.name", "quality.earned_slope", "rotation.min_edge_bps", "rotation.max_positions",
        "risk.max_heat_pct", "rotation.cooldown_minutes", "risk.stop_loss_pct",
    )} == {
        "profile.name": "--profile", "quality.earned_slope": "profile explore",
        "rotation.min_edge_bps": "profile explore", "rotation.max_positions": "config.toml",
        "risk.max_heat_pct": "overrides.paper.toml", "rotation.cooldown_minutes": "--set",
        "risk.stop_loss_pct": "default",
    }  # fmt: skip
    assert rows["database.url"]["value"] == "(not shown)"
    assert "learning.forgetting" not in rotor("config", "show", "--changed")[1]


def test_profiles_tells_what_each_sets(rotor):
    """For people a table each."""
    code, out, _ = rotor("config", "profiles")
    found = json.loads(rotor("config", "profiles", "--json")[1])["profiles"]

    assert code == 0
    assert [line for line in out.split() if line in ("cautious", "explore", "seed")] == [
        "cautious", "explore", "seed",
    ]  # fmt: skip
    row = {"profile": "explore", "key": "quality.earned_slope", "value": "off", "default": "on"}
    assert row in found


def test_an_unknown_profile_is_refused_by_each_command(rotor):
    """Exit code 2, and the names."""
    for words in (
        ["replay"], ["audit"], ["live"], ["rehearse"], ["exchange"], ["risk", "show"],
        ["risk", "set", "stop_loss_pct=2"], ["risk", "size", "--price=50", "--equity=9000"],
        ["runs", "list"], ["signals", "filter"], ["config", "show"],
    ):  # fmt: skip
        code, _, err = rotor(*words, "--profile", "bold")
        assert (code, "cautious, explore, seed" in err) == (2, True), words


def test_the_demo_day_is_traded_with_explore(rotor, tmp_path):
    """What README promises: trades, small ones; the manifest records name and values."""
    day = ("replay", "--from", "2025-07-10", "--json", "--out", tmp_path / "run", "--set",
           "database.url=", "--profile", "explore")  # fmt: skip
    code, out, err = rotor(*day)
    manifest = orjson.loads((tmp_path / "run" / "manifest.json").read_bytes())
    lines = (tmp_path / "run" / "trades.jsonl").read_bytes().splitlines()
    fills = [orjson.loads(row) for row in lines]
    entries = [row["value"] for row in fills if row.get("action") == "ENTRY"]

    assert code == 0
    assert json.loads(out)["trades_executed"] >= 20
    assert "profile explore: quality.earned_slope=off, quality.min_win_rate=0.0" in err
    assert (manifest["profile"], manifest["config"]["profile"]) == ("explore", {"name": "explore"})
    assert manifest["config"]["rotation"]["min_edge_bps"] == -10000
    assert max(entries) < 0.11 * 100_000
