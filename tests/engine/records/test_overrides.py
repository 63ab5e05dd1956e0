"""overrides.toml: a PATCH that touches nothing else, whole or not at all, with its history."""

import multiprocessing

import pytest

from engine.config import load_config
from engine.errors import ConfigError
from engine.records.overrides import forgotten, history, patch_overrides, read_overrides

WHO = {"who": "ann", "why": "calmer", "when": "2025-07-02T14:30:00+00:00"}


def patch(folder, **changes):
    return patch_overrides(folder, {f"risk.{k}": v for k, v in changes.items()}, "PAPER", **WHO)


def test_only_the_named_keys_change(tmp_path):
    """Other keys, other sections, comments and their order stay as they are (A1, C6)."""
    before = "# mine\n[rotation]\nmax_positions = 2 # few\n\n[risk]\nmax_heat_pct = 5.0\n"
    (tmp_path / "overrides.paper.toml").write_text(before)
    (found,) = patch(tmp_path, stop_loss_pct=2.0)

    assert (found.key, found.old, found.new) == ("risk.stop_loss_pct", 1.5, 2.0)
    assert read_overrides(tmp_path, "PAPER")[0] == before + "stop_loss_pct = 2.0\n"


def test_none_takes_an_override_away(tmp_path):
    """Afterwards the layer below holds again."""
    patch(tmp_path, stop_loss_pct=2.0, max_heat_pct=5.0)
    (found,) = patch(tmp_path, stop_loss_pct=None)

    assert (found.old, found.new) == (2.0, 1.5)
    config = load_config(overrides=read_overrides(tmp_path, "PAPER")[0])[0]
    assert (config.risk.stop_loss_pct, config.risk.max_heat_pct) == (1.5, 5.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"stop_loss_pct": 200.0, "max_heat_pct": 3.0},
        {"max_heat_pct": 3.0, "nonsense": 1},
        {"max_heat_pct": "much"},
    ],
)
def test_a_wrong_key_refuses_the_whole(tmp_path, changes):
    """Nothing of it is written, and nothing remembered."""
    with pytest.raises(ConfigError):
        patch(tmp_path, **changes)

    assert read_overrides(tmp_path, "PAPER")[0] == ""
    assert history(tmp_path, "PAPER") == []


def test_what_breaks_the_whole_is_refused(tmp_path):
    """Keys are judged together with config.toml: here a relation between two of them."""
    toml = "[rotation]\nmin_strength_to_enter = 0.003\n"
    change = {"rotation.min_strength_to_hold": 0.004}
    with pytest.raises(ConfigError, match="min_strength_to_hold"):
        patch_overrides(tmp_path, change, "PAPER", config_text=toml, **WHO)


def test_history_says_who_when_and_why(tmp_path):
    """One line per key that changed; what changes nothing leaves none."""
    patch(tmp_path, stop_loss_pct=2.0)
    patch(tmp_path, stop_loss_pct=2.0)
    patch(tmp_path, max_heat_pct=10.0)

    assert history(tmp_path, "PAPER") == [
        WHO | {"key": "risk.stop_loss_pct", "old": 1.5, "new": 2.0}
    ]


def test_a_broken_file_is_named(tmp_path):
    """A file that is no TOML is refused, not replaced."""
    (tmp_path / "overrides.paper.toml").write_text("[risk\n")

    with pytest.raises(ConfigError, match=r"overrides\.paper\.toml: not valid TOML"):
        patch(tmp_path, stop_loss_pct=2.0)
    assert read_overrides(tmp_path, "PAPER")[0] == "[risk\n"


def _many(folder, key, values):
    for value in values:
        patch(folder, **{key: value})


def test_two_writers_at_once_lose_nothing(tmp_path):
    """Each edits its own key many times; both last values stand, and every edit is remembered."""
    spawn = multiprocessing.get_context("spawn")
    values = [1.0 + i / 10 for i in range(1, 11)]
    writers = [
        spawn.Process(target=_many, args=(tmp_path, key, values))
        for key in ("take_profit_pct", "max_heat_pct")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    risk = load_config(overrides=read_overrides(tmp_path, "PAPER")[0])[0].risk
    assert (risk.take_profit_pct, risk.max_heat_pct) == (2.0, 2.0)
    assert len(history(tmp_path, "PAPER")) == 20


def test_each_kind_of_account_has_its_own(tmp_path):
    """What is set on paper reaches neither real money nor a replay; so does its history."""
    patch(tmp_path, stop_loss_pct=2.0)

    assert read_overrides(tmp_path, "PAPER")[1] == "overrides.paper.toml"
    for kind in ("LIVE", "REHEARSAL", "REPLAY"):
        assert read_overrides(tmp_path, kind)[0] == ""
        assert history(tmp_path, kind) == []


def test_a_file_of_an_earlier_version_never_holds_with_real_money(tmp_path):
    """Elsewhere it does, until the kind has a file of its own, which begins as a copy of it."""
    old = "# all of them\n[risk]\nmax_heat_pct = 5.0\n"
    (tmp_path / "overrides.toml").write_text(old)
    patch(tmp_path, stop_loss_pct=2.0)

    assert read_overrides(tmp_path, "PAPER")[0] == f"{old}stop_loss_pct = 2.0\n"
    assert read_overrides(tmp_path, "REPLAY") == (old, "overrides.toml")
    assert read_overrides(tmp_path, "LIVE") == ("", "overrides.live.toml")
    assert (tmp_path / "overrides.toml").read_text() == old

    assert forgotten(tmp_path)
    patch_overrides(tmp_path, {"risk.stop_loss_pct": 1.0}, "LIVE", **WHO)
    assert read_overrides(tmp_path, "LIVE")[0] == "[risk]\nstop_loss_pct = 1.0\n"
    assert not forgotten(tmp_path)


def test_a_history_of_an_earlier_version_is_told_before_the_kinds_own(tmp_path):
    """For real money it is none."""
    patch(tmp_path, stop_loss_pct=3.0)
    (tmp_path / "overrides.paper.history.jsonl").rename(tmp_path / "overrides.history.jsonl")
    patch(tmp_path, stop_loss_pct=2.0)

    assert [row["new"] for row in history(tmp_path, "PAPER")] == [3.0, 2.0]
    assert [row["new"] for row in history(tmp_path, "REPLAY")] == [3.0]
    assert history(tmp_path, "LIVE") == []
