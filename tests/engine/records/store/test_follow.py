"""The store follows a journal exactly once, however it is cut, killed, repeated or shared."""

import shutil
import threading
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text

from engine.errors import BadInputError, RotorError
from engine.records.outcomes import shadow_of, trip_of
from engine.records.reading import read_rows
from engine.records.store import taking
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
from tests.budget import examples
from tests.engine.records.store.folders import (
    change_manifest,
    every_row,
    on_both,
    read_whole,
    seal,
)


@on_both
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
    assert len(rows(store, SessionRow, run=key)) == 3
    assert len(trips(store, [key])) > 20


@on_both
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


def read_in_pieces(store, folder, cuts):
    """Read a run's copy each time that its journal has grown to one of `cuts` bytes."""
    whole = (folder / "events.jsonl").read_bytes()
    register(store, folder)
    for cut in cuts:
        (folder / "events.jsonl").write_bytes(whole[:cut])
        catch_up(store, folder)
    (folder / "events.jsonl").write_bytes(whole)
    finish(store, folder)
    return every_row(store)


@on_both
@given(cuts=st.lists(st.integers(0, 1_300_000), max_size=12).map(sorted))
@examples(0.1, suppress_health_check=list(HealthCheck))
def test_any_cut_gives_the_same_rows(store, finished, approving, tmp_path_factory, cuts):
    """Read after any number of bytes, torn lines included, and then to the end."""
    for original in (finished, approving):
        folder = tmp_path_factory.mktemp("cut") / original.name
        shutil.copytree(original, folder)
        once = read_whole(store, folder)
        assert read_in_pieces(store, folder, cuts) == once
        forget(store, folder)


@pytest.mark.parametrize(
    ("url", "kind"),
    [("sqlite", "finished"), ("sqlite", "approving"), ("sqlite", "thin"), ("postgresql", "thin")],
    indirect=["url"],
)
def test_a_hundred_cuts_give_the_same_rows(store, request, tmp_path, kind):
    """Positions that close and open again between two readings, cards that are renewed."""
    folder = tmp_path / "cut"
    shutil.copytree(request.getfixturevalue(kind), folder)
    once = read_whole(store, folder)
    cuts = range(0, (folder / "events.jsonl").stat().st_size, 17_001)
    assert read_in_pieces(store, folder, cuts) == once


def test_a_long_journal_is_read_in_chunks(store, finished, monkeypatch):
    """In a transaction each, the rows are the same."""
    once = read_whole(store, finished)
    monkeypatch.setattr(taking, "CHUNK", 50_000)
    assert read_whole(store, finished) == once


def test_a_frame_longer_than_a_chunk_is_read_whole(store, finished, tmp_path, monkeypatch):
    """A chunk grows until a frame ends in it."""
    folder = tmp_path / "cut"
    shutil.copytree(finished, folder)
    whole = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(whole[:40_000])
    change_manifest(folder, ended=None)
    once = read_whole(store, folder)
    monkeypatch.setattr(taking, "CHUNK", 100)
    assert read_whole(store, folder) == once


@on_both
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


@on_both
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
    assert all(set(rows.values()) <= {1} for rows in found.values())
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


@on_both
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


@on_both
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
    """An id of two is refused, and says which; an unknown one says what there is."""
    read_whole(store, finished)
    assert find_run(store, "one")["folder"] == str(finished)
    folder = tmp_path / "one"
    shutil.copytree(finished, folder)
    change_manifest(folder, started="2025-09-01T11:00:00+00:00")
    read_whole(store, folder)

    with pytest.raises(BadInputError) as error:
        find_run(store, "one")
    assert str(error.value).endswith(f"the one that is meant:\n  {finished}\n  {folder}")
    assert find_run(store, str(folder))["folder"] == str(folder)
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


@pytest.mark.parametrize(
    ("there", "instead", "why"),
    [
        (b'"shares":', b'"shares"', "expected ':'"),
        (b'"shares":', b'"pieces":', "no 'shares'"),
        (b'"shares":', b'"shares":"a","x":', ""),
        (b'{"seq"', b'garbage {"seq"', "unexpected"),
        (b'"type":"', b'"kind":"', "no 'type'"),
        (b'"timestamp_ms":', b'"timestamp_ms":null,"x":', ""),
    ],
)
def test_a_broken_row_is_named(store, finished, tmp_path, there, instead, why):
    """File, byte and cause; nothing of that reading stays, and once mended all is read."""
    folder = tmp_path / "broken"
    shutil.copytree(finished, folder)
    whole = (folder / "events.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if b'"order_filled"' in line)
    place = len(b"".join(lines[:at]))
    assert there in lines[at]
    lines[at] = lines[at].replace(there, instead)
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    seal(folder)
    register(store, folder)
    told = rf"broken/events\.jsonl, byte {place}: .*{why}.*; rotor verify"
    with pytest.raises(BadInputError, match=told):
        catch_up(store, folder)

    assert rows(store, FillRow) == rows(store, OrderRow) == []
    (folder / "events.jsonl").write_bytes(whole)
    finish(store, folder)
    assert len(rows(store, FillRow)) == whole.count(b'"order_filled"')


@pytest.mark.parametrize("text", ["{}", "[]", "no json"])
def test_a_broken_summary_is_named(store, finished, tmp_path, text):
    """The run is not taken for one that ended."""
    folder = tmp_path / "broken"
    shutil.copytree(finished, folder)
    (folder / "summary.json").write_text(text)
    register(store, folder)
    with pytest.raises(BadInputError, match=r"summary\.json: does not tell how the run ended"):
        finish(store, folder)
    assert find_run(store, str(folder))["state"] == "running"


@on_both
def test_a_run_that_another_displaced_is_not_mixed_with_it(store, finished, thin, tmp_path):
    """A run was followed half way and then its folder was given back to the one before."""
    folder = tmp_path / "same"
    shutil.copytree(finished, folder)
    before = read_whole(store, folder)
    (folder / "events.jsonl").write_bytes((thin / "events.jsonl").read_bytes()[:700_000])
    change_manifest(folder, started="2025-10-01T11:00:00+00:00", ended=None)
    register(store, folder)
    catch_up(store, folder)
    shutil.rmtree(folder)
    shutil.copytree(finished, folder)
    settle(store)
    assert every_row(store) == before


def test_sums_forget_a_run_that_was_displaced(store, finished, tmp_path):
    """Also when the new one has another strategy, and is never finished."""
    folder = tmp_path / "same"
    shutil.copytree(finished, folder)
    read_whole(store, folder)
    assert rows(store, StrategyPerformance)
    change_manifest(folder, strategy="another", ended=None)
    register(store, folder)
    assert rows(store, StrategyPerformance) == rows(store, SignalQuality) == []


def test_a_pin_survives_a_rebuild_but_not_another_run(store, finished, tmp_path):
    """It belongs to the run, not to the folder."""
    read_whole(store, finished)
    use(store, finished)
    rebuild(store, finished)
    assert find_run(store, "one")["pinned"]
    register(store, finished)
    assert not find_run(store, "one")["pinned"]


def test_only_a_known_backtest_can_be_pinned(store, finished, tmp_path):
    """Anything else is refused, and the pin stays where it was."""
    read_whole(store, finished)
    use(store, finished)
    live = tmp_path / "live"
    shutil.copytree(finished, live)
    change_manifest(live, command="live")
    read_whole(store, live)
    for folder in (live, tmp_path):
        with pytest.raises(BadInputError, match="knows no backtest there"):
            use(store, folder)
    assert find_run(store, str(finished))["pinned"]


@on_both
def test_backtest_trades_are_the_round_trips_of_replays(store, finished, tmp_path):
    """One of the seeds' tables, as a view: no live trade is in it."""
    read_whole(store, finished)
    live = tmp_path / "live"
    shutil.copytree(finished, live)
    change_manifest(live, command="live")
    read_whole(store, live)
    with store.read() as connection:
        found = connection.execute(text("SELECT * FROM backtest_trades ORDER BY id")).mappings()
        seen = [dict(row) for row in found]
    known = trips(store, [find_run(store, str(finished))["id"]])

    assert [row["profit_loss_micro"] for row in seen] == [trip.pnl_micro for trip in known]
    assert [row["signal_type"] for row in seen] == [
        "LONG" if trip.direction > 0 else "SHORT" for trip in known
    ]
    assert [float(row["profit_loss"]) for row in seen] == pytest.approx(
        [trip.net_return for trip in known], rel=1e-9
    )
    assert [float(row["entry_price"]) for row in seen] == pytest.approx(
        [trip.entry_micro / trip.shares / 1e6 for trip in known], rel=1e-9
    )


def test_no_password_gets_into_the_database(store, finished, tmp_path):
    """The configuration that is kept with a run holds the URL without it."""
    folder = tmp_path / "secret"
    shutil.copytree(finished, folder)
    config = orjson.loads((folder / "manifest.json").read_bytes())["config"]
    config["database"]["url"] = "postgresql://ann:secret@host/rotor"
    change_manifest(folder, config=config)
    read_whole(store, folder)
    kept = orjson.loads(find_run(store, str(folder))["config_json"])
    assert kept == config | {"database": {"url": "postgresql://ann:***@host/rotor"}}


@on_both
def test_a_moved_run_takes_the_place_of_its_row(store, finished, tmp_path):
    """Rebuilt where it is now; the row of the folder that is gone makes room, pin included."""
    first, copy, moved = (tmp_path / name for name in ("first", "copy", "moved"))
    shutil.copytree(finished, first)
    read_whole(store, first)
    use(store, first)
    shutil.copytree(finished, copy)
    rebuild(store, copy)
    assert {run["folder"]: run["pinned"] for run in runs(store)} == {
        str(first): True, str(copy): False,
    }  # fmt: skip
    first.rename(moved)
    rebuild(store, moved)

    assert {run["folder"]: run["pinned"] for run in runs(store)} == {
        str(copy): False, str(moved): True,
    }  # fmt: skip
    copy_key, moved_key = (find_run(store, str(folder))["id"] for folder in (copy, moved))
    assert trips(store, [copy_key]) == trips(store, [moved_key])


def test_another_run_that_is_gone_makes_no_room(store, finished, tmp_path):
    """The same id, begun at another moment: another run."""
    for name in ("first", "second"):
        shutil.copytree(finished, tmp_path / name)
    change_manifest(tmp_path / "second", started="2025-08-02T11:00:00+00:00")
    read_whole(store, tmp_path / "first")
    shutil.rmtree(tmp_path / "first")
    rebuild(store, tmp_path / "second")

    assert len(runs(store)) == 2
    with pytest.raises(BadInputError, match="2 folders hold a run of this id"):
        find_run(store, "one")


def test_a_run_without_rows_is_never_the_one_that_counts(store, finished, tmp_path):
    """However new it is; nor can it be pinned."""
    folder = tmp_path / "none"
    folder.mkdir()
    for name in ("manifest.json", "summary.json"):
        shutil.copy(finished / name, folder)
    change_manifest(folder, level="none", run_id="none", ended="2025-09-01T12:00:00+00:00")
    read_whole(store, finished)
    read_whole(store, folder)

    counted = runs_that_count(store, "rotation-ewrls")["backtest"]
    assert counted == [find_run(store, "one")["id"]]
    with pytest.raises(BadInputError, match="not recorded"):
        use(store, folder)
    forget(store, finished)
    assert runs_that_count(store, "rotation-ewrls")["backtest"] == []
