"""Damaged runs: every file, every kind of damage, every command that reads it."""

import shutil
import tempfile

import pytest

from engine.records.overrides import patch_overrides
from tests.endurance.damage import (
    DAMAGES,
    DATABASE,
    JOURNALS,
    READERS,
    asked,
    contents,
    cut_at_a_line,
    cut_in_a_line,
    damaged,
    empty,
    faults,
    rng_of,
)
from tests.endurance.fuzz import LIVE, REPLAYED, flips, make_runs
from tui.risk import told
from tui.runs import list_runs

KILLS = (cut_at_a_line, cut_in_a_line, empty)
"""What a kill may leave of a journal."""


ALL = tuple(READERS)
OF_THE_JOURNAL = ("verify", "explain")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A replay that ended, a live session that was killed; the database knows both."""
    patch, sockets = pytest.MonkeyPatch(), tempfile.mkdtemp(prefix="rotor-")
    place = tmp_path_factory.mktemp("corpus")
    patch.chdir(place)
    patch.setenv("XDG_RUNTIME_DIR", sockets)
    make_runs(place, patch)
    yield place
    patch.undo()
    shutil.rmtree(sockets)


def test_whole_they_hold(runs):
    """Else nothing of what follows would say anything."""
    for name in (REPLAYED, LIVE):
        for reader in READERS:
            code, said = asked(READERS[reader], str(runs / name))
            assert code == 0, (reader, said)
        assert "Everything holds" in asked(READERS["verify"], str(runs / name))[1]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("events.jsonl", ALL), ("summary.json", ALL), ("manifest.json", ALL),
        *((name, OF_THE_JOURNAL) for name in JOURNALS if name != "events.jsonl"),
    ],
)  # fmt: skip
def test_a_replay_that_ended(runs, name, readers, damage):
    """Every reader that relies on the file refuses it, or warns; nothing is lost."""
    folder = runs / REPLAYED
    with damaged(folder / name, damage, rng_of(name, damage.__name__)) as changed:
        assert changed
        before = contents(folder)
        found = [x for r in readers for x in faults(r, folder, folder / name, before)]
    assert found == []


def test_a_refused_rebuild_takes_no_row_along(runs):
    """What the database knows of the run is as it was before all that."""
    folder, path = runs / REPLAYED, runs / REPLAYED / "events.jsonl"
    shown = [asked(READERS[r], str(folder)) for r in ("portfolio", "analytics")]
    for damage in DAMAGES:
        with damaged(path, damage, rng_of(damage.__name__)):
            assert asked(READERS["rebuild"], str(folder))[0] != 0
    assert [asked(READERS[r], str(folder)) for r in ("portfolio", "analytics")] == shown


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", ["events.jsonl", "inputs.jsonl", "manifest.json", "warmup.npz"])
def test_a_live_session_that_was_killed(runs, name, damage):
    """The same; what a kill may leave of a journal is no damage."""
    folder = runs / LIVE
    mild = name == "events.jsonl" and damage in KILLS
    with damaged(folder / name, damage, rng_of(name, damage.__name__)) as changed:
        assert changed
        before = contents(folder)
        found = [
            x
            for r in ("verify", "rebuild", "cockpit")
            for x in faults(r, folder, folder / name, before, may_be_a_kill=mild)
        ]
    assert found == []


def test_random_bits(runs):
    """300 of them, anywhere in the files of both runs; `make fuzz` takes 5,000."""
    assert flips(runs, 300, seed=1) == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", ["overrides.toml", "overrides.history.jsonl"])
def test_changes_of_settings(tmp_path, monkeypatch, name, damage):
    """Their file and its history: refused or told by name, never a traceback, nothing lost."""
    monkeypatch.chdir(tmp_path)
    for value in (2.0, 2.5, 3.0):
        changes = {"risk.stop_loss_pct": value, "risk.max_heat_pct": value}
        when = f"2025-08-01T12:00:0{value:.0f}+00:00"
        patch_overrides(tmp_path, changes, who="ann", why="calm", when=when)
    with damaged(tmp_path / name, damage, rng_of(name, damage.__name__)):
        before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
        for act in (lambda: list_runs(DATABASE, "json"), lambda: told(None, json=True)):
            code, said = asked(act)
            assert code in (0, 2)
            assert "Traceback" not in said
            assert code == 0 or name in said or "is invalid" in said
        assert ((tmp_path / name).read_bytes() if before is not None else None) == before
