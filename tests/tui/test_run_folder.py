"""The folder of a run: what it held is never lost, what is not a run's is never touched."""

import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from engine.errors import BadInputError
from tests.patience import patience
from tests.tui.forked import popen, run
from tui.claim import claim, is_claimed
from tui.run_folder import ASIDE, FILES, run_folder

ROOT = Path(__file__).parents[2]
ENV = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


def write_run(folder, words="new"):
    (folder / "events.jsonl").write_text(words)
    (folder / "manifest.json").write_text('{"epoch": "0"}')


def use(out, *, overwrite=False, error=None, stands=False, words="new", runs="runs"):
    with run_folder(out, str(runs), "abcd", overwrite=overwrite) as folder:
        write_run(folder, words)
        if stands:
            (folder / "summary.json").write_text("{}")
        elif error is not None:
            (folder / "manifest.json").unlink()
        if error is not None:
            raise error
    return folder


def test_default_folders_never_collide(tmp_path):
    """Two runs of the same second have a folder each."""
    folders = {use(None, runs=tmp_path / "runs") for _ in range(5)}

    assert len(folders) == 5


def test_a_run_is_not_replaced_unless_asked(tmp_path):
    """Without --overwrite it is refused; with it the old files are gone only at the end."""
    use(tmp_path, words="old")
    with pytest.raises(BadInputError, match="holds a run"):
        use(tmp_path)

    assert (use(tmp_path, overwrite=True) / "events.jsonl").read_text() == "new"
    assert not (tmp_path / ASIDE).exists()


@pytest.mark.parametrize("error", [BadInputError("x"), OSError("full"), KeyboardInterrupt()])
def test_a_refused_run_gives_back_what_it_would_replace(tmp_path, error):
    """The old run stands as it was, with whatever else lay there."""
    use(tmp_path, words="old")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(type(error)):
        use(tmp_path, overwrite=True, error=error)

    assert (tmp_path / "events.jsonl").read_text() == "old"
    assert (tmp_path / "manifest.json").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / ASIDE).exists()


def test_a_refused_run_leaves_no_folder(tmp_path):
    """Bad input leaves nothing that looks like a run."""
    with pytest.raises(BadInputError):
        use(None, runs=tmp_path / "runs", error=BadInputError("x"))

    assert list((tmp_path / "runs").iterdir()) == []
    with pytest.raises(BadInputError):
        use(tmp_path / "named", error=BadInputError("x"))
    assert not (tmp_path / "named").exists()


def test_half_a_journal_is_kept_when_interrupted(tmp_path):
    """A second Ctrl-C loses nothing that was written."""
    with pytest.raises(KeyboardInterrupt):
        use(tmp_path, error=KeyboardInterrupt())

    assert (tmp_path / "events.jsonl").read_text() == "new"


@pytest.mark.parametrize("name", ["manifest.json", "summary.json"])
def test_what_is_not_a_runs_is_refused_even_with_overwrite(tmp_path, name):
    """A web page's manifest.json is not ours to replace."""
    (tmp_path / name).write_text('{"name": "my app"}')
    with pytest.raises(BadInputError, match="not of a run"):
        use(tmp_path, overwrite=True)

    assert (tmp_path / name).read_text() == '{"name": "my app"}'


@pytest.mark.parametrize("name", FILES[:5])
def test_a_stray_journal_can_be_overwritten(tmp_path, name):
    """What a run that died left behind does not bar the folder for ever."""
    (tmp_path / name).write_text("")

    assert use(tmp_path, overwrite=True) == tmp_path


def test_a_file_is_no_folder(tmp_path):
    """It is named, before anything is made."""
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="no folder that can be written"):
        use(tmp_path / "file")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_second_run_touches_nothing_of_the_first(tmp_path, overwrite):
    """While a run writes, another one in its folder is refused, and every file stays."""
    with claim(tmp_path):
        write_run(tmp_path, "the first's")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(BadInputError, match="another run is writing there"):
            use(tmp_path, overwrite=overwrite)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_two_replays_at_once_make_one_run(tmp_path):
    """One is refused with exit code 2; the other's records are whole."""
    words = [sys.executable, "-m", "tui.cli", "replay", "--json", "--out", "run"]
    both = [
        popen(words, cwd=tmp_path, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=patience(120)) for process in both]

    assert sorted(process.returncode for process in both) == [0, 2]
    loser = said[[process.returncode for process in both].index(2)]
    assert b"another run is writing there" in loser[1] or b"holds a run" in loser[1]
    verified = run(
        [sys.executable, "-m", "tui.cli", "verify", "run", "--json"], cwd=tmp_path, env=ENV,
        capture_output=True, timeout=patience(120),
    )  # fmt: skip
    told = orjson.loads(verified.stdout)
    assert [check["holds"] for check in told["checks"]] == [True] * 4


def test_a_claim_goes_with_its_process_and_its_folder(tmp_path):
    """Seen from elsewhere while the process lives, even where the folder was moved to."""
    folder, moved = tmp_path / "run", tmp_path / "moved"
    folder.mkdir()
    assert not is_claimed(folder)
    code = (
        "import sys; from pathlib import Path; from tui.claim import claim\n"
        "with claim(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with popen(
        [sys.executable, "-c", code, folder], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        assert is_claimed(folder)
        shutil.move(folder, moved)
        assert is_claimed(moved)
        process.kill()
        process.wait()
    assert not is_claimed(moved)
    assert list(moved.iterdir()) == []
    assert not is_claimed(folder)


@pytest.mark.parametrize("error", [BrokenPipeError(), SystemExit(1), KeyboardInterrupt()])
def test_a_run_that_stands_is_kept_whatever_comes_after(tmp_path, error):
    """A reader that goes away while the summary is printed takes no record with it."""
    use(tmp_path, words="old")
    with pytest.raises(type(error)):
        use(tmp_path, overwrite=True, error=error, stands=True)

    assert (tmp_path / "events.jsonl").read_text() == "new"
    assert not (tmp_path / ASIDE).exists()
