"""What is damaged, deleted or cannot be is told in a sentence that names it."""

import shutil

import orjson
import pytest

from actors.heartbeat import NAME as HEARTBEAT
from actors.heartbeat import Heart
from engine.errors import BadInputError, ConfigError, DamagedError
from engine.records.manifest import read_manifest
from engine.records.overrides import HISTORY, history, patch_overrides
from engine.records.recorded import whole_rows
from engine.records.store.database import Store
from tests.engine.records.store.folders import change_manifest
from tests.tui.asking import asked
from tui.enrol import enrol

WHO = {"who": "ann", "why": "calmer", "when": "2025-07-02T14:30:00+00:00"}


@pytest.fixture
def mine(known, run, tmp_path):
    """A copy of the run that the database knows, below the runs folder."""
    folder = tmp_path / "runs" / "mine"
    shutil.copytree(run, folder)
    change_manifest(folder, run_id="mine", started="2025-08-02T11:00:00+00:00")
    assert known("rebuild", "runs/mine")[0] == 0
    return folder


def test_a_deleted_folder_is_told_by_what_the_database_shows_of_it(known, mine):
    """Its rows stay, with a word; what reads the folder says that it is gone."""
    shown = asked(known, "portfolio", "mine")
    shutil.rmtree(mine)
    code, out, err = known("portfolio", "mine", "--json")
    assert (code, orjson.loads(out)) == (0, shown)
    assert f"{mine}: is gone (what the database has read of this run before is shown)" in err
    for words in (("runs", "list"), ("analytics", "overview", "--run", "mine")):
        assert f"{mine}: is gone" in known(*words)[2]
    for command in ("verify", "explain", "rebuild"):
        code, _, err = known(command, "mine")
        assert code == 2
        assert "mine is gone" in err


def test_a_deleted_manifest_is_no_deleted_run(known, mine):
    """The file is named."""
    (mine / "manifest.json").unlink()
    for words in (("verify",), ("explain",), ("replay",)):
        code, _, err = known(*words, "runs/mine")
        assert code == 2
        assert "manifest.json" in err
    assert "manifest.json" in known("portfolio", "mine")[2]
    assert "its manifest.json is gone" in known("rebuild", "--json")[1]


def test_a_run_without_its_journal_is_no_folder_of_bars(known, mine):
    """`rotor replay RUN` says what is missing, not that there are no bar files."""
    (mine / "events.jsonl").unlink()
    code, _, err = known("replay", "runs/mine")
    assert code == 2
    assert f"{mine.relative_to(mine.parents[1])}/events.jsonl: is missing" in err


def test_a_deleted_database_is_told_and_can_be_made_again(known, mine, tmp_path):
    """The runs below the runs folder are counted."""
    for path in (tmp_path / "runs").glob("rotor.db*"):
        path.unlink()
    words = "the database knows no run, but 1 lie below runs: rotor rebuild"
    assert words in known("runs", "list")[1]
    code, _, err = known("portfolio")
    assert code == 2
    assert words in err


def test_a_database_that_is_deleted_under_a_run_is_told_at_its_end(run, tmp_path, capfd):
    """With what to do."""
    enrolled = enrol(f"sqlite:///{tmp_path}/rotor.db", run)
    (tmp_path / "rotor.db").unlink()
    enrolled.finish()
    enrolled.close()
    said = capfd.readouterr().err

    assert "rotor.db: was deleted or replaced meanwhile" in said
    assert f"rotor rebuild {run}" in said


@pytest.mark.parametrize("url", ["sqlite:///a\0b", "sqlite:///\0", "postgresql://h\0st/rotor"])
def test_a_nul_in_the_databases_url_is_no_name(url):
    """Refused with how one looks."""
    with pytest.raises(BadInputError, match=r"write sqlite:///runs/rotor\.db"):
        Store(url)


@pytest.mark.parametrize("line", [b"5\n", b"[]\n", b"null\n", b'"text"\n', b"\xff\n", b"{\n"])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    """Also where no checksum was asked."""
    (tmp_path / "x.jsonl").write_bytes(b'{"a":1,"chain":""}\n' + line)
    with pytest.raises(DamagedError, match=r"x\.jsonl, line 2: is no "):
        list(whole_rows(tmp_path / "x.jsonl"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run_id", 5), ("command", "sell"), ("level", "much"), ("level", ["full"]), ("symbols", []),
        ("symbols", [1]), ("from", "2025-13-01"), ("epoch", None), ("started", 5),
        ("config", {"risk": 5}), ("config", []), ("config", {"simulation": {}}), ("ended", True),
        ("interrupted", None), ("cash_micro", "5"), ("journal_sha256", {}), ("versions", []),
        ("scores", 1),
    ],
)  # fmt: skip
def test_a_manifest_of_other_types_is_named_by_its_field(run, tmp_path, key, value):
    """Whatever the checksum says."""
    shutil.copytree(run, tmp_path / "run")
    change_manifest(tmp_path / "run", **{key: value})
    with pytest.raises(DamagedError, match=r"manifest\.json: is no manifest of a run") as error:
        read_manifest(tmp_path / "run")
    assert key in str(error.value) or "does not tell how" in str(error.value)


def test_a_torn_history_of_settings_loses_no_change(tmp_path):
    """Half a line is none yet, and the next change begins a line of its own."""
    patch_overrides(tmp_path, {"risk.stop_loss_pct": 2.0}, **WHO)
    patch_overrides(tmp_path, {"risk.stop_loss_pct": 3.0}, **WHO)
    path = tmp_path / HISTORY
    path.write_bytes(path.read_bytes()[:-20])
    assert [row["new"] for row in history(tmp_path)] == [2.0]
    patch_overrides(tmp_path, {"risk.stop_loss_pct": 4.0}, **WHO)
    assert [row["new"] for row in history(tmp_path)] == [2.0, 4.0]

    path.write_bytes(b'{"when": 5}\n' + path.read_bytes())
    with pytest.raises(ConfigError, match=r"overrides\.history\.jsonl, line 1: is no change"):
        history(tmp_path)


def test_a_history_that_cannot_be_read_keeps_nobody_from_the_runs(rotor, tmp_path):
    """It is told beside the answer."""
    (tmp_path / HISTORY).write_bytes(b"5\n")
    code, _, err = rotor("runs", "list")
    assert code == 0
    assert "overrides.history.jsonl, line 1" in err


async def test_the_heart_beats_on_a_full_disk(tmp_path, autojump_clock, monkeypatch):
    """Over the beat of before; and on none at all it is no crash."""
    import trio

    heart = Heart()
    async with trio.open_nursery() as nursery:
        await nursery.start(heart.beat, tmp_path)
        first = (tmp_path / HEARTBEAT).read_bytes()
        monkeypatch.setattr("actors.heartbeat.Path.write_bytes", _full)
        await trio.sleep(2.5)
        assert int((tmp_path / HEARTBEAT).read_bytes()) > int(first)
        shutil.rmtree(tmp_path)
        await trio.sleep(2.5)
        nursery.cancel_scope.cancel()


def _full(*_):
    raise OSError(28, "No space left on device")
