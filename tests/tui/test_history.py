"""What the sessions before have taught, and that a run goes on from it."""

import shutil

import numpy as np
import orjson
import pytest
import trio

from engine.errors import DamagedError
from engine.records.arrays import arrays_sha256, read_arrays, write_arrays
from tests.endurance.damage import asked, contents
from tui import history
from tui.cli import main
from tui.parity import parity

OFF = ("--set", "database.url=")
ROWS = ("decisions", "trades", "events")


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """28 sessions in which something can be found."""
    path = tmp_path_factory.mktemp("bars") / "planted.parquet"
    words = ["--sessions", "28", "--signal", "3", "--seed", "5"]
    assert asked(main, ["synth", str(path), *words])[0] == 0
    return path


@pytest.fixture(scope="module")
def last(bars, tmp_path_factory):
    """The last of them, replayed; the dates of the others."""
    folder = tmp_path_factory.mktemp("runs") / "last"
    code, said = replayed(bars, folder, "--from", "2025-05-09")
    assert code == 0, said
    return folder, manifest_of(folder)["warmup"]


def replayed(bars, folder, *words):
    return asked(main, ["replay", str(bars), "--out", str(folder), "--json", *words, *OFF])


def manifest_of(folder):
    return orjson.loads((folder / "manifest.json").read_bytes())


def test_it_is_the_replay_of_those_sessions_byte_for_byte(bars, last, tmp_path):
    """With that capital, and nothing before; the drawdown breaker did not trip in either."""
    folder, days = last
    code, said = replayed(
        bars, tmp_path / "run", "--from", days[0], "--to", days[-1], "--journal", "trades",
        "--set", "session.warmup_sessions=0",
    )  # fmt: skip
    assert code == 0, said
    assert len(days) == 27
    for name in ROWS:
        ours = (folder / "pass" / f"{name}.jsonl").read_bytes()
        assert ours == (tmp_path / "run" / f"{name}.jsonl").read_bytes()
    assert len((folder / "pass" / "trades.jsonl").read_bytes().splitlines()) > 20


def test_the_run_goes_on_from_it(bars, last, tmp_path):
    """It trades on its first day, with the defaults; without the sessions before it cannot."""
    folder, _ = last
    summary = orjson.loads((folder / "summary.json").read_bytes())
    assert summary["warmup_sessions"] == 27
    assert summary["trades_executed"] > 0
    replayed(bars, tmp_path / "alone", "--from", "2025-05-09", "--set", "session.warmup_sessions=0")
    alone = orjson.loads((tmp_path / "alone" / "summary.json").read_bytes())
    assert alone["trades_executed"] == 0


def test_the_orders_of_a_run_begin_afresh(last):
    """Whatever the sessions before did, in whatever number."""
    folder, _ = last
    first = orjson.loads((folder / "trades.jsonl").read_bytes().splitlines()[0])
    epoch, day, _, _, number, _ = first["order_id"].split("-")
    assert (epoch, day, number) == (manifest_of(folder)["epoch"], "20250509", "0")
    assert manifest_of(folder)["pass"]["epoch"] != epoch


def test_a_rehearsal_of_the_last_day_decides_what_its_replay_does(bars, last, tmp_path):
    """With the default gates: real alpaca-py, the local exchange, the account's equity."""
    folder, out = last[0], tmp_path / "rehearsal"
    words = ["--date", "2025-05-09", "--speed", "max", "--out", str(out), "--json", *OFF]
    code, said = asked(main, ["rehearse", str(bars), *words])
    assert code == 0, said
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["trades_executed"] > 0
    assert summary["parity"]["same_decisions"]
    assert decided(out) == decided(folder)
    code, said = asked(main, ["verify", str(out), *OFF])
    assert code == 0, said
    assert "pass   holds: 27 sessions before lead to the same records" in said


def decided(folder):
    """Return a run's decisions without their checksums."""
    rows = map(orjson.loads, (folder / "decisions.jsonl").read_bytes().splitlines())
    return [{key: value for key, value in row.items() if key != "chain"} for row in rows]


def spoilt_state(folder):
    next((folder / "pass").glob("state-*.npz")).write_bytes(b"PK")
    return "state-"


def spoilt_trades(folder):
    path = folder / "pass" / "trades.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"ENTRY"', b'"entry"', 1))
    return "trades.jsonl"


def spoilt_bars(folder):
    (folder / "warmup.npz").unlink()
    return "warmup.npz: is missing"


@pytest.mark.parametrize("spoil", [spoilt_state, spoilt_trades, spoilt_bars])
def test_verify_asks_for_each_of_its_files(last, tmp_path, spoil):
    copy = tmp_path / "copy"
    shutil.copytree(last[0], copy)
    named = spoil(copy)
    code, said = asked(main, ["verify", str(copy), *OFF])
    assert code == 1
    assert named in said
    assert "Do not trust this run." in said


def test_arrays_are_known_by_what_they_hold(tmp_path):
    """The same arrays make the same file, at any time; a changed one is refused by name."""
    arrays = {"b": np.arange(6.0).reshape(2, 3), "a/c": np.array(3)}
    path = tmp_path / "x.npz"
    sha256 = write_arrays(path, arrays)
    assert sha256 == arrays_sha256(dict(reversed(arrays.items())))
    found = read_arrays(path, sha256)
    assert {name: array.tolist() for name, array in found.items()} == {
        "a/c": 3, "b": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
    }  # fmt: skip
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=r"x\.npz: was changed"):
        read_arrays(path, sha256)


def test_an_interrupted_overwrite_gives_the_old_backtest_back(bars, last, tmp_path, monkeypatch):
    """Ctrl-C in the backtest of the new run: the old run is whole; a new folder is gone."""
    copy, fresh = tmp_path / "copy", tmp_path / "fresh"
    shutil.copytree(last[0], copy)
    before = contents(copy)

    async def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "run_pass", interrupted)
    for folder, words in ((copy, ["--overwrite"]), (fresh, [])):
        assert replayed(bars, folder, "--from", "2025-05-09", *words)[0] == 1
    assert contents(copy) == before
    assert not fresh.exists()


@pytest.mark.parametrize("name", ["pass/notes.txt", "warmup.npz"])
def test_files_of_the_users_are_not_taken_for_a_backtest(bars, tmp_path, name):
    mine = tmp_path / "run" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    code, said = replayed(bars, tmp_path / "run", "--from", "2025-05-09")
    assert code == 2
    assert "not of a run; choose another --out" in said
    assert contents(tmp_path / "run") == {mine: b"mine"}


def test_of_a_run_that_is_not_recorded_no_backtest_is_kept(bars, tmp_path):
    replayed(bars, tmp_path / "run", "--from", "2025-05-09", "--journal", "none")
    summary = orjson.loads((tmp_path / "run" / "summary.json").read_bytes())
    assert summary["warmup_sessions"] == 27
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"manifest.json", "summary.json"}


def test_the_parity_of_a_session_whose_state_is_damaged_is_not_asked(last, tmp_path):
    """And says why; it does not end the session."""
    copy = tmp_path / "copy"
    shutil.copytree(last[0], copy)
    spoilt_state(copy)
    found = trio.run(parity, copy)
    assert not found["compared"]
    assert "state-" in found["why"]
