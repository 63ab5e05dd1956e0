"""`rotor risk …`, as typed."""

import orjson
import pytest

from tui.cli import main

ACCOUNT = ("--price", "50", "--equity", "100000")


@pytest.fixture
def rotor(tmp_path, monkeypatch, capsysbinary):
    """Run `rotor …` in a folder of its own; return (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def command(*words):
        code = main([str(word) for word in words])
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


def ask(rotor, *words):
    code, out, err = rotor("risk", *words, "--json")
    assert err == ""
    return code, orjson.loads(out)


def test_the_default_size(rotor):
    """A third of 100,000 at 50 is 666 shares; 1.5% below lies the stop, 3% above the target."""
    code, shown = ask(rotor, "size", *ACCOUNT, "--cash", "100000")

    assert code == 0
    assert (shown["shares"], shown["binding"]) == (666, "slot_share")
    assert (shown["stop"], shown["target"]) == (49.25, 51.5)
    assert shown["risk_usd"] == pytest.approx(666 * 0.75)
    assert shown["limits"]["risk_per_trade"] == pytest.approx(2000 / 0.75, abs=0.01)
    assert "participation" not in shown["limits"]


@pytest.mark.parametrize(
    ("words", "binding", "shares"),
    [
        (["--set", "risk.risk_per_trade_pct=0.1"], "risk_per_trade", 133),
        (["--set", "risk.max_position_pct=10"], "position_cap", 200),
        (["--cash", "1000"], "cash", 20),
        (["--buying-power", "2000"], "buying_power", 40),
        (["--heat", "9990"], "heat", 13),
        (["--set", "risk.max_gross_exposure_pct=20"], "gross_exposure", 400),
        (["--set", "risk.max_net_exposure_pct=20"], "net_exposure", 400),
        (["--symbol", "TQQQ", "--recent-volume", "300"], "participation", 30),
        (["--symbol", "TQQQ", "--closing-volume", "200"], "exit_liquidity", 20),
        (["--symbol", "TQQQ", "--set", "risk.max_underlying_exposure_pct=30"],
         "underlying_exposure", 200),
        (["--set", "risk.volatility_target_pct=0.5", "--daily-volatility", "0.05"],
         "volatility_target", 200),
    ],
)  # fmt: skip
def test_the_binding_limit_is_named(rotor, words, binding, shares):
    """Whichever limit allows least is the one that is told."""
    _, shown = ask(rotor, "size", *ACCOUNT, *words)

    assert (shown["binding"], shown["shares"]) == (binding, shares)


def test_zero_is_an_answer_with_a_reason(rotor):
    """Nothing is rounded up to one share (A10)."""
    code, shown = ask(rotor, "size", *ACCOUNT, "--cash", "49")

    assert (code, shown["shares"]) == (0, 0)
    assert shown["refused"]["reason"] == "cash allows no share"
    assert shown["refused"]["advice"]


def test_an_atr_stop_needs_the_atr(rotor):
    """The stop is the multiple of the ATR; without one it says what is missing."""
    many = ("--set", "risk.stop_atr_multiple=4")
    assert ask(rotor, "size", *ACCOUNT, *many, "--atr", "0.5")[1]["stop"] == 48.0

    code, _, err = rotor("risk", "size", *ACCOUNT, *many)
    assert (code, "--atr" in err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--price", "0", "--equity", "1"),
        ("--price", "-5", "--equity", "1"),
        ("--price", "nan", "--equity", "1"),
        ("--price", "5", "--equity", "inf"),
        ("--price", "5", "--equity", "0"),
        ("--price", "5", "--equity", "9", "--heat", "-1"),
        ("--price", "5", "--equity", "9", "--positions", "-1"),
    ],
)
def test_figures_that_cannot_be_are_named(rotor, words):
    """Exit code 2, and the option."""
    code, out, err = rotor("risk", "size", *words)

    assert (code, out) == (2, "")
    assert "--" in err


def test_check_collects_every_failure(rotor):
    """Limits and breakers are all asked, not just up to the first that refuses."""
    code, shown = ask(
        rotor, "check", *ACCOUNT, "--shares", "700", "--day-pnl", "-6000", "--losses", "3"
    )
    failed = {check["check"] for check in shown["checks"] if not check["ok"]}

    assert (code, shown["can_trade"]) == (1, False)
    assert failed == {"position_cap", "slot_share", "daily_loss", "consecutive_losses"}
    assert all(check["advice"] for check in shown["checks"] if not check["ok"])


def test_check_says_yes_with_exit_code_0(rotor):
    """A trade within every limit may be made; its heat is told."""
    code, shown = ask(rotor, "check", *ACCOUNT, "--shares", "600", "--heat", "100")

    assert (code, shown["can_trade"]) == (0, True)
    assert shown["heat_after_usd"] == pytest.approx(100 + 600 * 0.75)


def test_set_show_and_history(rotor, tmp_path):
    """An edit is told, in force, and remembered; it holds for its kind of account alone."""
    code, out, _ = rotor(
        "risk", "set", "stop_loss_pct=2", "risk.max_heat_pct=8", "--why", "calmer", "--who", "ann"
    )
    assert (code, out.splitlines()[0]) == (0, "risk.stop_loss_pct: 1.5 → 2.0  [next entry]")

    rows = {row["key"]: row for row in ask(rotor, "show")[1]["parameters"]}
    assert (rows["risk.max_heat_pct"]["value"], rows["risk.max_heat_pct"]["set_by"]) == (
        8.0, "overrides.paper.toml",
    )  # fmt: skip
    (first, second) = ask(rotor, "set", "--history")[1]["history"]
    assert (first["who"], first["why"], second["new"]) == ("ann", "calmer", 8.0)

    day = ("replay", "--from", "2025-07-10", "--json", "--journal", "none")
    assert "overrides" not in rotor(*day)[2]
    rotor("risk", "set", "stop_loss_pct=2", "--kind", "replay")
    assert "overrides.replay.toml: risk.stop_loss_pct=2" in rotor(*day)[2]
    rows = {row["key"]: row for row in ask(rotor, "show", "--kind", "live")[1]["parameters"]}
    assert rows["risk.stop_loss_pct"]["set_by"] == "default"


def test_set_refuses_what_is_no_limit(rotor):
    """Unknown keys, values and an empty line are named; nothing is written."""
    for words in (["nonsense=1"], ["stop_loss_pct"], ["stop_loss_pct=much"], []):
        code, _, err = rotor("risk", "set", *words)
        assert code == 2
        assert "risk" in err


def test_show_tells_every_key_and_breaker(rotor):
    """Every key of [risk] with unit and reload class, and eight breakers in words."""
    _, shown = ask(rotor, "show", "--set", "risk.daily_loss_pct=3")
    rows = {row["key"]: row for row in shown["parameters"]}

    assert rows["risk.daily_loss_pct"] == {
        "key": "risk.daily_loss_pct", "value": 3.0, "unit": "%", "default": 5.0, "set_by": "--set",
        "reload": "live",
    }  # fmt: skip
    assert len(shown["breakers"]) == 8
    assert all(row["measures"] and row["rearms"] for row in shown["breakers"])


@pytest.mark.parametrize("verb", ["show", "size", "check"])
def test_for_people(rotor, verb):
    """Tables name the binding limit, the refusal, the breakers."""
    words = {"size": ACCOUNT, "check": (*ACCOUNT, "--shares", "700")}.get(verb, ())
    code, out, _ = rotor("risk", verb, *words)

    assert code == (1 if verb == "check" else 0)
    assert {"show": "daily_loss", "size": "← binds", "check": "REFUSED"}[verb] in out
