"""Which run is meant: a folder here before an id, and never one of several by chance."""

import shutil

import pytest

from tests.engine.records.store.folders import change_manifest
from tests.tui.asking import asked
from tui.claim import claim


@pytest.fixture
def twice(known, run, tmp_path):
    """The run and a copy of it, both in the database under one id."""
    shutil.copytree(run, tmp_path / "elsewhere" / "copy")
    assert known("rebuild", "elsewhere/copy")[0] == 0
    return known


COMMANDS = [
    ("runs", "delete"), ("runs", "delete", "--files", "--yes"), ("runs", "use"), ("rebuild",),
    ("portfolio",), ("verify",), ("explain",), ("analytics", "overview", "--run"),
    ("signals", "filter", "--run"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS)
def test_an_id_of_two_folders_is_refused(twice, run, tmp_path, words):
    """Both folders are listed, and nothing is changed."""
    before = asked(twice, "runs", "list")
    code, out, err = twice(*words, "one")

    assert code == 2
    assert out == ""
    assert "2 folders hold a run of this id" in err
    assert str(run) in err
    assert str(tmp_path / "elsewhere" / "copy") in err
    assert asked(twice, "runs", "list") == before
    assert (run / "events.jsonl").exists()


@pytest.mark.parametrize("words", COMMANDS[2:])
def test_a_folder_names_one_of_them(twice, words):
    """Where an id is not enough."""
    code, _, err = twice(*words, "elsewhere/copy")
    assert code == 0, err


@pytest.mark.parametrize("words", [*COMMANDS[:3], *COMMANDS[4:5], *COMMANDS[7:]])
def test_a_folder_here_comes_before_an_id(known, run, tmp_path, words):
    """One that the database does not know is not another run of its name."""
    shutil.copytree(run, tmp_path / "one")
    code, _, err = known(*words, "one")

    assert code == 2
    assert "rotor rebuild one" in err
    assert [row["folder"] for row in asked(known, "runs", "list")] == [str(run)]
    assert known("rebuild", "one")[0] == 0
    assert len(asked(known, "runs", "list")) == 2
    assert known(*words, "one")[0] == 0


def test_deleting_says_which_folder_went(twice, run, tmp_path):
    """With its records or without."""
    copy = tmp_path / "elsewhere" / "copy"
    code, out, _ = twice("runs", "delete", "elsewhere/copy", "--files", "--yes")
    assert code == 0
    assert f"one in {copy}: gone" in out
    assert "records are deleted" in out
    assert not copy.exists()

    _, out, _ = twice("runs", "delete", "one")
    assert f"one in {run}: gone" in out
    assert "its folder stays" in out
    assert (run / "events.jsonl").exists()


def test_the_records_of_a_run_that_goes_on_are_not_deleted(known, run):
    """It would write into nothing."""
    with claim(run):
        code, _, err = known("runs", "delete", "one", "--files", "--yes")

    assert code == 2
    assert "still writes there" in err
    assert len(asked(known, "runs", "list")) == 1
    assert (run / "events.jsonl").exists()


def test_the_list_tells_runs_of_one_id_apart(twice, run, tmp_path, monkeypatch):
    """By their folders, which other runs are listed without."""
    monkeypatch.setenv("COLUMNS", "300")
    out = twice("runs", "list")[1]
    assert f"one in {run} " in out
    assert f"one in {tmp_path / 'elsewhere' / 'copy'} " in out
    change_manifest(tmp_path / "elsewhere" / "copy", run_id="two")
    assert twice("rebuild", "elsewhere/copy")[0] == 0
    assert str(run) not in twice("runs", "list")[1]


def test_an_id_below_the_runs_folder_needs_no_database(rotor, run, tmp_path):
    """Where verify and explain look without one."""
    shutil.copytree(run, tmp_path / "runs" / "one")
    assert rotor("verify", "one", "--set", "database.url=")[0] == 0
    assert rotor("rebuild", "one")[0] == 0


def test_a_folder_that_is_gone_is_named(known, run, tmp_path):
    """A row without records."""
    shutil.copytree(run, tmp_path / "lost")
    change_manifest(tmp_path / "lost", run_id="lost")
    assert known("rebuild", "lost")[0] == 0
    shutil.rmtree(tmp_path / "lost")
    for command in ("verify", "rebuild", "explain"):
        code, _, err = known(command, "lost")
        assert code == 2
        assert "is gone" in err
    assert known("runs", "delete", "lost")[0] == 0
