"""What the sessions before have taught, and that a run goes on from it."""

import shutil

import numpy as np
import orjson
import pytest
from scipy.stats import beta

from actors.system import new_parts
from engine.errors import DamagedError
from engine.records.arrays import arrays_sha256, read_arrays, write_arrays
from engine.records.recorded import read_recorded
from tests.endurance.damage import asked
from tui.cli import main
from tui.verify import replayed as replayed_plan

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


def test_its_trades_are_what_a_signal_is_told_to_have_won(last):
    """Rate, n, 95% interval (Jeffreys' prior, by scipy) and date, by an independent count."""
    folder, days = last
    rows = map(orjson.loads, (folder / "pass" / "events.jsonl").read_bytes().splitlines())
    trips: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        if row["type"] == "round_trip":
            trips.setdefault((row["symbol"], row["direction"]), []).append(row["pnl"] > 0)
    desk = new_parts(replayed_plan(read_recorded(folder), None)).desk

    assert trips
    for column, symbol in enumerate(desk.state.symbols):
        said = desk.evidence.words(column, 1, 9)
        won = trips.get((symbol, "LONG"), [])
        n, k = len(won), sum(won)
        if not won:
            assert not said.startswith("Backtested")
            continue
        low, high = beta(k + 0.5, n - k + 0.5).ppf([0.025, 0.975])
        low, high = (0.0 if k == 0 else low), (1.0 if k == n else high)
        trades = "trade" if n == 1 else "trades"
        assert said == (
            f"Backtested: {100 * k / n:.0f}% win rate over {n} {trades} "
            f"({100 * low:.0f}–{100 * high:.0f}%) to {days[-1]}"
        )


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
