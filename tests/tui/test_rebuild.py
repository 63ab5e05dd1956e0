"""`rotor rebuild`: what is there is read anew, what is not is said."""

import shutil

import orjson
import pytest

from tests.engine.records.store.folders import change_manifest
from tests.tui.asking import asked
from tui.claim import claim

QUESTIONS = (("runs", "list"), ("analytics", "overview"), ("signals", "quality"), ("portfolio",))


@pytest.fixture
def below(rotor, run, tmp_path):
    """Two runs below the runs folder, and what the database says of them."""
    for i, name in enumerate(("a", "b")):
        shutil.copytree(run, tmp_path / "runs" / name)
        change_manifest(
            tmp_path / "runs" / name, run_id=name, started=f"2025-08-01T11:00:0{i}+00:00"
        )
    assert rotor("rebuild", "runs/a", "runs/b")[0] == 0
    return [asked(rotor, *words) for words in QUESTIONS]


@pytest.mark.parametrize("damage", [None, b"not a database, but 100 bytes of something else" * 3])
def test_a_lost_database_comes_back_by_itself(rotor, below, tmp_path, damage):
    """Bare rebuild reads all runs below the runs folder; the advice for a damaged file works."""
    for path in (tmp_path / "runs").glob("rotor.db*"):
        path.unlink()
    if damage:
        database = tmp_path / "runs" / "rotor.db"
        database.write_bytes(damage)
        code, _, err = rotor("runs", "list")
        assert code == 1
        assert "move the file away, then: rotor rebuild" in err
        database.rename(tmp_path / "moved-away")
    told = asked(rotor, "rebuild")

    assert told["rebuilt"] == ["runs/a", "runs/b"]
    assert "rotor rebuild FOLDER" in told["notes"][0]["note"]
    assert [asked(rotor, *words) for words in QUESTIONS] == below


def test_a_run_that_was_forgotten_stays_so(rotor, below):
    """While the database knows any run, bare rebuild reads what it knows."""
    assert rotor("runs", "delete", "a")[0] == 0
    assert asked(rotor, "rebuild")["rebuilt"] == [
        row["folder"] for row in asked(rotor, "runs", "list")
    ]
    assert [row["run_id"] for row in asked(rotor, "runs", "list")] == ["b"]


def test_files_of_a_glob_are_passed_over(rotor, below, tmp_path):
    """runs/* has the database in it."""
    names = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "runs").iterdir())
    assert "runs/rotor.db" in names
    told = asked(rotor, "rebuild", *names)

    assert told["rebuilt"] == ["runs/a", "runs/b"]
    assert "runs/rotor.db" in {note["folder"] for note in told["notes"]}
    assert asked(rotor, "rebuild", "runs/rotor.db")["rebuilt"] == []


def test_one_bad_journal_does_not_stop_the_others(rotor, below, tmp_path):
    """It is named, and the exit code tells."""
    path = tmp_path / "runs" / "a" / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"type":"round_trip"', b'"type":"round_trip",,', 1))
    code, out, _ = rotor("rebuild", "--json")
    told = orjson.loads(out)

    assert code == 1
    assert told["rebuilt"] == [str(tmp_path / "runs" / "b")]
    assert "rotor verify" in told["kept"][0]["reason"]
    assert rotor("rebuild", "runs/a")[0] == 2


def test_a_moved_run_stands_once_and_keeps_its_pin(rotor, below, tmp_path):
    """The row whose folder is gone makes room; a copy would not."""
    assert rotor("runs", "use", "a")[0] == 0
    (tmp_path / "archive").mkdir()
    shutil.move(tmp_path / "runs" / "a", tmp_path / "archive" / "renamed")
    assert rotor("rebuild", "archive/renamed")[0] == 0
    listed = {row["run_id"]: row for row in asked(rotor, "runs", "list")}

    assert len(asked(rotor, "runs", "list")) == 2
    assert listed["a"]["folder"] == str(tmp_path / "archive" / "renamed")
    assert listed["a"]["counts"] == "backtest, pinned"
    shutil.copytree(tmp_path / "archive" / "renamed", tmp_path / "copy")
    assert rotor("rebuild", "copy")[0] == 0
    listed = asked(rotor, "runs", "list")
    assert len(listed) == 3
    assert [row["folder"] for row in listed if "pinned" in row["counts"]] == [
        str(tmp_path / "archive" / "renamed")
    ]


@pytest.mark.parametrize("left", ["no file", "empty files"])
def test_a_run_killed_before_its_first_record_says_so(rotor, run, tmp_path, left):
    """Rebuild, verify, list and portfolio; while it lives it only has nothing yet."""
    folder = tmp_path / "killed"
    folder.mkdir()
    shutil.copy(run / "manifest.json", folder)
    change_manifest(folder, run_id="killed", ended=None)
    if left == "empty files":
        for name in ("signals", "decisions", "trades", "positions", "events"):
            (folder / f"{name}.jsonl").touch()
    _, out, _ = rotor("rebuild", "killed")

    assert "was killed before its first record" in out
    assert [row["state"] for row in asked(rotor, "runs", "list")] == ["killed"]
    assert asked(rotor, "portfolio", "killed")["state"] == "killed"
    _, out, _ = rotor("verify", "killed")
    assert "before its first record" in out
    assert out.endswith("Nothing could be asked.\n")
    with claim(folder):
        assert "still runs" in rotor("rebuild", "killed")[1]
        assert "still runs" in rotor("verify", "killed")[1]
        assert [row["state"] for row in asked(rotor, "runs", "list")] == ["running"]


def test_a_journal_that_is_gone_takes_no_rows_along(rotor, below, tmp_path):
    """What the database knows of it stays."""
    (tmp_path / "runs" / "a" / "events.jsonl").unlink()
    code, _, err = rotor("rebuild", "a")
    assert code == 2
    assert "its journal is gone" in err
    assert asked(rotor, "rebuild")["kept"][0]["reason"] == "its journal is gone (events.jsonl)"
    assert [asked(rotor, *words) for words in QUESTIONS] == below


def test_a_run_without_rows_never_counts(rotor, run, tmp_path):
    """Of journal none there is a result, but no trade: it is not the backtest of its strategy."""
    summary = asked(rotor, "replay", "--journal", "none", "--out", tmp_path / "none")
    (listed,) = asked(rotor, "runs", "list")
    assert listed["counts"] == ""
    assert listed["total_pnl"] == summary["total_pnl"]
    code, _, err = rotor("runs", "use", "none")
    assert code == 2
    assert "not recorded" in err
    for words in (("analytics", "overview"), ("analytics", "symbols"), ("signals", "quality"),
                  ("signals", "calibration"), ("signals", "filter")):  # fmt: skip
        code, out, err = rotor(*words, "--run", "none")
        assert (code, out) == (2, "")
        assert "not recorded" in err
    assert len(asked(rotor, "analytics", "horizons", "--run", "none")) == 3

    told = asked(rotor, "portfolio", "none")
    assert told["equity"] == summary["final_equity"]
    assert told["positions"] is told["total_positions"] is told["total_pnl"] is None
    assert "positions: not recorded" in rotor("portfolio", "none")[1]
    assert rotor("portfolio", "none", "--csv")[1].count("\n") == 1

    assert rotor("rebuild", run)[0] == 0
    counted = {row["run_id"]: row["counts"] for row in asked(rotor, "runs", "list")}
    assert counted == {"none": "", "one": "backtest"}
    for path in (tmp_path / "runs").glob("rotor.db*"):
        path.unlink()
    assert "not recorded" in rotor("rebuild", "none")[1]
    (again,) = asked(rotor, "runs", "list")
    assert again == listed
