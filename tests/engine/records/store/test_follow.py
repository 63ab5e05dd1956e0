"""The store follows a journal exactly once, however it is cut, killed, repeated or shared."""

import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInputError, RotorError
from engine.records.outcomes import shadow_of, trip_of
from engine.records.reading import read_rows
from engine.records.store.database import Store
from engine.records.store.follow import (
    catch_up,
    finish,
    forget,
    rebuild,
    register,
    settle,
    use,
)
from engine.records.store.queries import find_run, rows, runs, runs_that_count, shadows, trips
from engine.records.store.tables import (
    ActiveRiskPosition,
    AuditRow,
    BreakerTrip,
    FillRow,
    InboxItem,
    OrderRow,
    SessionRow,
    SignalQuality,
    StrategyPerformance,
)
from tests.engine.records.store.folders import change_manifest, every_row, write_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished replay of three sessions."""
    return write_run(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def approving(tmp_path_factory):
    """A replay with an inbox."""
    return write_run(tmp_path_factory.mktemp("runs") / "two", "inbox.mode=approve")


def read_whole(store, folder):
    register(store, folder)
    finish(store, folder)
    return every_row(store)


def test_what_was_recorded_is_there(store, finished):
    """Fills, round trips, shadows and sessions of the journal, each once and exact."""
    read_whole(store, finished)
    events = list(read_rows(finished / "events.jsonl"))
    key = find_run(store, "one")["id"]

    assert trips(store, [key]) == [trip_of(e) for e in events if e["type"] == "round_trip"]
    assert shadows(store, [key]) == [shadow_of(e) for e in events if e["type"] == "shadow"]
    fills = [e for e in events if e["type"] == "order_filled"]
    assert [f["price_micro"] for f in rows(store, FillRow, run=key)] == [
        round(e["price"] * 1e6) for e in fills
    ]
    assert len(rows(store, SessionRow, run=key)) == 4
    assert len(trips(store, [key])) > 20


def test_everything_is_settled_at_the_end(store, finished):
    """No order works, no position is active, no card waits once a run has ended."""
    read_whole(store, finished)

    assert {o["status"] for o in rows(store, OrderRow)} <= {"filled", "canceled"}
    positions = rows(store, ActiveRiskPosition)
    assert {p["status"] for p in positions} >= {"stopped_out", "target_hit", "manual_close"}
    assert all(p["shares"] == 0 and p["status"] != "active" for p in positions)
    assert all(s["closing_equity_micro"] for s in rows(store, SessionRow))
    entries = [o for o in rows(store, OrderRow) if o["kind"] == "entry"]
    assert all(o["signal_id"].startswith(o["symbol"]) for o in entries)


def test_cards_and_commands_are_there(store, approving):
    """Each version of a card with its end; who said what and when."""
    read_whole(store, approving)
    cards = rows(store, InboxItem)

    assert {"approved", "expired"} <= {card["status"] for card in cards}
    assert "open" not in {card["status"] for card in cards}
    assert {a["verb"] for a in rows(store, AuditRow)} >= {"halt", "resume", "approve", "liquidate"}
    assert {a["actor"] for a in rows(store, AuditRow)} == {"test"}


def test_breakers_are_there(store, finished):
    """Each trip with its re-arming."""
    read_whole(store, finished)
    told = [e for e in read_rows(finished / "events.jsonl") if e["type"] == "breaker_tripped"]

    assert [t["breaker"] for t in rows(store, BreakerTrip)] == [e["breaker"] for e in told]


cuts = st.lists(st.floats(0, 1), max_size=6).map(sorted)


@given(cuts)
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
def test_any_cut_gives_the_same_rows(finished, approving, tmp_path_factory, cuts):
    """Read after any number of bytes, torn lines included, and then to the end."""
    for original in (finished, approving):
        here = tmp_path_factory.mktemp("cut")
        folder = here / original.name
        shutil.copytree(original, folder)
        whole = (original / "events.jsonl").read_bytes()
        with Store(f"sqlite:///{here}/a.db") as store, Store(f"sqlite:///{here}/b.db") as other:
            register(store, folder)
            for cut in cuts:
                (folder / "events.jsonl").write_bytes(whole[: int(cut * len(whole))])
                catch_up(store, folder)
            (folder / "events.jsonl").write_bytes(whole)
            finish(store, folder)
            assert every_row(store) == read_whole(other, folder)


def test_a_rebuilt_run_is_the_same(store, finished, approving):
    """Deleted and read anew, no row and no sum differs."""
    read_whole(store, approving)
    before = read_whole(store, finished)
    rebuild(store, approving)
    rebuild(store, finished)
    assert every_row(store) == before

    forget(store, finished)
    forget(store, approving)
    assert not any(every_row(store).values())
    read_whole(store, approving)
    assert read_whole(store, finished) == before


def test_two_at_once_double_nothing(store, url, finished):
    """Two threads, each with its own connections, read the same run at once."""
    register(store, finished)
    failed = []

    def read():
        try:
            with Store(url) as mine:
                for _ in range(3):
                    catch_up(mine, finished)
        except RotorError as error:
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finish(store, finished)
    found = every_row(store)

    assert not failed
    assert all(len(rows) == len(set(rows)) for rows in found.values())
    forget(store, finished)
    assert read_whole(store, finished) == found


def test_what_a_killed_run_left_is_read_later(store, finished, tmp_path):
    """A run that never ended is read on when the database is next asked."""
    folder = tmp_path / "killed"
    shutil.copytree(finished, folder)
    change_manifest(folder, ended=None)
    (folder / "summary.json").unlink()
    whole = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(whole[: len(whole) // 2])
    register(store, folder)
    settle(store)
    half = len(rows(store, FillRow))
    (folder / "events.jsonl").write_bytes(whole)
    settle(store)

    assert 0 < half < len(rows(store, FillRow))
    assert find_run(store, str(folder))["state"] == "running"


def test_april_five_times_counts_once(store, finished, tmp_path):
    """Of many replays one counts: the newest that finished, or the one that is pinned."""
    once = read_whole(store, finished)
    for i in range(4):
        folder = tmp_path / f"again{i}"
        shutil.copytree(finished, folder)
        change_manifest(folder, run_id=folder.name, ended=f"2025-08-02T12:0{i}:00+00:00")
        read_whole(store, folder)
        sums = every_row(store)
        for table in ("strategy_performance", "signal_quality"):
            assert sums[table] == once[table]

    counts = runs_that_count(store, "rotation-ewrls")
    assert counts == {"backtest": [find_run(store, "again3")["id"]], "live": []}
    use(store, finished)
    assert runs_that_count(store, "rotation-ewrls")["backtest"] == [find_run(store, "one")["id"]]
    forget(store, finished)
    assert runs_that_count(store, "rotation-ewrls")["backtest"] == [find_run(store, "again3")["id"]]


def test_backtest_and_live_stay_apart(store, finished, tmp_path):
    """Live runs all count, each kind of evidence in rows of its own; other strategies too."""
    read_whole(store, finished)
    for i, kind in enumerate(("live", "live", "rehearse")):
        folder = tmp_path / f"{kind}{i}"
        shutil.copytree(finished, folder)
        change_manifest(folder, command=kind, run_id=folder.name)
        read_whole(store, folder)
    sums = {
        (row["symbol"], row["evidence"]): row["signals_taken"]
        for row in rows(store, StrategyPerformance)
    }

    for (symbol, evidence), n in sums.items():
        if evidence == "backtest":
            assert sums[symbol, "live"] == 2 * n
    assert {row["evidence"] for row in rows(store, SignalQuality)} == {
        "backtest", "live", "shadow-backtest", "shadow-live",
    }  # fmt: skip
    assert len(runs_that_count(store, "rotation-ewrls")["live"]) == 2
    assert runs_that_count(store, "another") == {"backtest": [], "live": []}


def test_an_overwritten_run_is_replaced(store, finished, tmp_path):
    """Another run in the same folder takes the place of the one before."""
    folder = tmp_path / "same"
    shutil.copytree(finished, folder)
    before = read_whole(store, folder)
    assert read_whole(store, folder) == before
    assert len(runs(store)) == 1


def test_runs_are_found_by_id_and_folder(store, finished, tmp_path):
    """Of two with one id the newest; an unknown one says what there is."""
    read_whole(store, finished)
    folder = tmp_path / "one"
    shutil.copytree(finished, folder)
    change_manifest(folder, started="2025-09-01T11:00:00+00:00")
    read_whole(store, folder)

    assert find_run(store, "one")["folder"] == str(folder)
    assert find_run(store, str(finished))["folder"] == str(finished)
    with pytest.raises(BadInputError, match="knows no such run; the last ones are: one, one"):
        find_run(store, "three")


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"run_id": 1}'])
def test_what_is_no_run_is_refused(store, tmp_path, text):
    """Named, and nothing is entered."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadInputError, match="is no manifest of a run"):
        register(store, tmp_path)
    with pytest.raises(BadInputError, match="holds no run"):
        register(store, Path(tmp_path, "none"))
    assert runs(store) == []


def test_a_broken_row_is_named(store, finished, tmp_path):
    """A line that is no JSON names the file; what came before stays."""
    folder = tmp_path / "broken"
    shutil.copytree(finished, folder)
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if b'"order_filled"' in line)
    lines[at] = lines[at].replace(b'"shares":', b'"shares"')
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    register(store, folder)
    with pytest.raises(BadInputError, match=r"events\.jsonl, byte \d+: .*rotor verify"):
        catch_up(store, folder)
