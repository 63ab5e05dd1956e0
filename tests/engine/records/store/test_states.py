"""Orders, positions, cards and breakers end as the journal says, told by a second, plain walk."""

from collections import defaultdict

import pytest

from engine.events import Decision
from engine.records.reading import read_rows
from engine.records.store.database import Store
from engine.records.store.queries import rows
from engine.records.store.tables import (
    ActiveRiskPosition,
    BreakerTrip,
    InboxItem,
    OrderRow,
)
from tests.engine.records.store.folders import read_whole

RUNS = ("finished", "thin", "patient", "approving")
STATUS = {
    Decision.PROFIT_TARGET: "target_hit",
    Decision.STOP_LOSS: "stopped_out",
    Decision.TRAILING_STOP: "stopped_out",
    Decision.MANUAL_EXIT: "manual_close",
}


@pytest.fixture(scope="module", params=RUNS)
def run(request):
    """A real run's folder."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def store(run, tmp_path_factory):
    """A store that has read the run to its end; no test changes it."""
    with Store(f"sqlite:///{tmp_path_factory.mktemp('states')}/rotor.db") as opened:
        read_whole(opened, run)
        yield opened


def events(folder, *kinds):
    return [row for row in read_rows(folder / "events.jsonl") if row["type"] in kinds]


def test_orders_end_as_the_journal_says(store, run):
    """Filled, in part or whole, canceled, rejected or replaced: none is left working."""
    of = defaultdict(list)
    for row in events(run, "order_filled", "order_canceled", "order_rejected"):
        of[row["order_id"]].append(row)
    submitted = events(run, "order_submitted")
    replaced = {row["replaces"] for row in submitted if "replaces" in row}

    expected = {}
    for order in submitted:
        mine = of[order["order_id"]]
        fills = [row for row in mine if row["type"] == "order_filled"]
        ends = [row["type"].removeprefix("order_") for row in mine if row not in fills]
        if any(row["final"] for row in fills):
            ends.append("filled")
        if order["order_id"] in replaced:
            ends.append("canceled")
        filled = sum(row["shares"] for row in fills)
        expected[order["order_id"]] = (ends, filled, order["shares"])

    found = rows(store, OrderRow)
    assert len(found) == len(expected)
    for order in found:
        ends, filled, shares = expected[order["order_id"]]
        assert [order["status"]] == ends
        assert order["filled_shares"] == filled
        assert filled == shares or order["status"] != "filled"
        assert order["closed_ms"] >= order["submitted_ms"]


def test_positions_end_as_the_journal_says(store, run):
    """By stop, target, hand or otherwise; each from its first fill, with all that was bought."""
    trips = sorted(events(run, "round_trip"), key=lambda row: (row["entry_ms"], row["symbol"]))
    found = sorted(rows(store, ActiveRiskPosition), key=lambda p: (p["entry_ms"], p["symbol"]))

    assert [
        (p["symbol"], p["opened_shares"], p["entry_micro"], p["status"], p["shares"]) for p in found
    ] == [
        (
            t["symbol"], t["shares"], round(t["entry_value"] * 1e6),
            STATUS.get(t["decision"], "closed"), 0,
        )
        for t in trips
    ]  # fmt: skip
    assert [p["closed_ms"] for p in found] == [t["exit_ms"] for t in trips]


def test_stops_stand_where_they_were_moved_last(store, run):
    """In the order and in the position."""
    last = {row["order_id"]: row["stop"] for row in events(run, "stop_moved")}
    stops = {o["order_id"]: o["stop_micro"] for o in rows(store, OrderRow)}

    assert {key: round(stop * 1e6) for key, stop in last.items()} == {
        key: stops[key] for key in last
    }


def test_cards_end_as_the_journal_says(store, run):
    """Each version is closed by its own row, or renewed by the next."""
    closed = {
        (row["card"], row["version"]): (row["status"], row["reason"], row["actor"])
        for row in events(run, "card_closed")
    }
    cards = rows(store, InboxItem)

    assert len(cards) == len(events(run, "card_offered"))
    for card in cards:
        key = card["card"], card["version"]
        assert (card["status"], card["reason"], card["actor"]) == closed.pop(
            key, ("renewed", "", "")
        )
    assert not closed


def test_breakers_rearm_as_the_journal_says(store, run):
    """Each trip by the next re-arming of that breaker; one that none re-armed stands."""
    standing, expected = {}, []
    for row in events(run, "breaker_tripped", "breaker_rearmed"):
        if row["type"] == "breaker_tripped":
            standing[row["breaker"]] = [row["breaker"], row["timestamp_ms"], None]
            expected.append(standing[row["breaker"]])
        else:
            standing.pop(row["breaker"])[2] = row["timestamp_ms"]

    assert [
        [
            trip["breaker"], trip["tripped_ms"],
            trip["rearmed_ms"],
        ]
        for trip in rows(store, BreakerTrip)
    ] == expected  # fmt: skip


def test_the_runs_have_every_end(finished, thin, patient, approving):
    """The tests above would say nothing about an end that never came."""
    seen = [row for run in (finished, thin, patient, approving) for row in events(
        run, "order_filled", "order_submitted", "order_canceled", "round_trip", "card_closed"
    )]  # fmt: skip
    decisions = {row["decision"] for row in seen if row["type"] == "round_trip"}

    assert decisions >= {*STATUS, Decision.EXIT, Decision.EOD_EXIT, Decision.TIME_EXIT}
    assert any("replaces" in row for row in seen)
    assert any("after" in row for row in seen)
    assert any(row.get("final") is False and row.get("leg") for row in seen)
    assert {row["status"] for row in seen if row["type"] == "card_closed"} >= {
        "approved", "expired",
    }  # fmt: skip
