"""What others do to the account while Rotor trades: the books follow, to the micro-dollar."""

from contextlib import contextmanager

import numpy as np
import pytest

from engine.events import (
    MICRO,
    Acknowledge,
    CashMoved,
    Decided,
    Decision,
    Gate,
    Liquidate,
    OcoOrder,
    OrderSubmitted,
    OrphanFound,
    RoundTripClosed,
)
from engine.records.identity import broken_identities
from engine.records.journal import Journal
from engine.records.metrics import trade_figures
from engine.records.page import Trade
from engine.records.recorded import whole_rows
from tests.actors.floor import Floor, bar, quiet, wish
from tests.bars import config

SYMBOLS = ("AAA", "BBB")
SETS = (
    "rotation.min_hold_minutes=0", "rotation.min_edge_bps=-100", "rotation.cooldown_minutes=0",
    "rotation.max_positions=1",
)  # fmt: skip
FLAT = [bar(50), bar(50)]
QUIET = quiet(SYMBOLS)
AAA = wish(SYMBOLS, "AAA")
BOTH = wish(SYMBOLS, "AAA", "BBB")


def fresh(*sets):
    return Floor(config(*SETS, *sets), SYMBOLS, scan=False)


def enter(place):
    """Let it hold AAA since its last frame, its legs at the broker."""
    place.play([FLAT] * 2, AAA)
    assert place.state.ledger.positions["AAA"].shares > 300
    return place


def holding(*sets):
    return enter(fresh(*sets))


def shares_of(place, symbol="AAA"):
    position = place.state.ledger.positions.get(symbol)
    return 0 if position is None else position.quantity


def legs(place):
    """What rests at the broker: shares by symbol."""
    return {w.order.symbol: w.remaining for w in place.account._resting.values()}


def exits(events):
    return [
        e.order.shares
        for e in events
        if isinstance(e, OrderSubmitted) and not isinstance(e.order, OcoOrder) and not e.order.entry
    ]


def trips(events):
    return [e.trip for e in events if isinstance(e, RoundTripClosed)]


def agrees(place):
    """Whether the book is the broker's: cash to the micro-dollar, shares."""
    held = {s: place.state.ledger.quantity(s) for s in SYMBOLS}
    assert place.state.ledger.cash_micro == place.account._cash_micro
    assert held == place.account._shares
    assert place.state.columns.quantity.tolist() == list(held.values())


@contextmanager
def journal(place, folder):
    """Write what is played down, then hold the files to their identities."""
    files = Journal(folder, "full", "0" * 8, place.session.open_ns)
    place.closed = files.write
    with files:
        yield
    start = round(place.start)
    assert broken_identities(folder, start) == []


def rows(folder, name, kind=None):
    found = whole_rows(folder / f"{name}.jsonl")
    return [row for row in found if kind is None or row["type"] == kind]


# --- sold by hand -------------------------------------------------------------------------------


def test_what_is_left_of_a_position_keeps_a_stop_for_its_own_shares():
    """192 of 385 sold by others: new legs for the rest, at the old levels, in the same fold (2)."""
    place = holding()
    before, level = shares_of(place), place.state.legs[0].stop_micro
    sold = before // 2
    events = place.frame(FLAT, AAA, [place.by_hand("AAA", -sold, 50.1, fee=700)])

    (again,) = [e.order for e in events if isinstance(e, OrderSubmitted)]
    assert isinstance(again, OcoOrder)
    assert (again.shares, again.stop_micro) == (before - sold, level)
    assert legs(place) == {"AAA": before - sold}
    (trade,) = [e for e in events if isinstance(e, Trade)]
    assert (trade.decision, trade.reason, trade.by_hand) == (Decision.MANUAL_EXIT, "by hand", True)
    agrees(place)
    place.command(Liquidate())
    events = place.frame(FLAT, QUIET)
    assert exits(events) == [before - sold]
    assert shares_of(place) == 0
    agrees(place)


def test_what_was_sold_whole_is_not_sold_again():
    """Its legs are canceled, no order is sent, and its symbol is entered no more today (3)."""
    place = holding()
    events = place.frame(FLAT, BOTH, [place.by_hand("AAA", -shares_of(place), 50.0)])
    after = place.play([FLAT] * 30, AAA)

    assert exits(events) + exits(after) == []
    assert legs(place) == {}
    assert [order.symbol for order in place.account._canceled] == ["AAA"]
    (trip,) = trips(events)
    assert (trip.by_hand, trip.exit_reason) == (True, "by hand")
    told = [e.gate for e in events + after if isinstance(e, Decided) and e.symbol == "AAA"]
    assert told == [Gate.BY_HAND]
    agrees(place)


def test_tomorrow_it_may_be_entered_again():
    """The bar is of the session."""
    place = holding()
    place.frame(FLAT, AAA, [place.by_hand("AAA", -shares_of(place), 50.0)])
    place.play([FLAT] * (390 - place.minute), QUIET)
    place.play([FLAT] * 2, AAA)

    assert shares_of(place) > 0


def test_an_exit_at_work_is_not_doubled():
    """Sold in part while an exit works: no legs, no second exit."""
    place = holding()
    before = shares_of(place)
    nothing = [[np.nan] * 5, bar(50)]
    place.command(Liquidate(symbol="AAA"))
    assert exits(place.frame(nothing, QUIET)) == [before]
    events = place.frame(nothing, QUIET, [place.by_hand("AAA", -100, 50.0)])

    assert exits(events) == []
    assert legs(place) == {}


def test_a_trip_that_was_ended_by_hand_counts_in_profit_alone():
    """No loss in a row, no track record, no evidence, no win rate; liquidated ones neither."""
    place = holding("quality.track_record=on")
    place.frame(FLAT, QUIET, [place.by_hand("AAA", -shares_of(place), 48.0)])
    state, stats = place.state, place.desk.stats
    assert stats.round_trips[-1].pnl_micro < 0
    place.play([FLAT] * 2, wish(SYMBOLS, "BBB"))
    place.command(Liquidate(symbol="BBB"))
    place.play([FLAT] * 2, QUIET)

    figures = trade_figures(stats.round_trips)
    assert [trip.by_hand for trip in stats.round_trips] == [True, True]
    assert (figures.round_trips, figures.wins, figures.losses, figures.win_rate) == (2, 0, 0, None)
    assert figures.total_pnl == sum(trip.pnl_micro for trip in stats.round_trips) / MICRO
    assert (state.risk.losses, state.track.factor(0)) == (0, 1.0)
    assert place.desk.evidence.words(0, 1, 9) == "no outcomes yet"


# --- bought on top ------------------------------------------------------------------------------


def test_what_others_buy_on_top_stands_beside_ours():
    """Counted in equity and exposure, without a stop; entries wait; our exit sells ours alone."""
    place = holding("rotation.max_positions=2")
    ours, equity = shares_of(place), place.state.equity
    place.frame(FLAT, BOTH, [place.by_hand("AAA", 50, 50.0)])
    ledger = place.state.ledger
    assert (ledger.positions["AAA"].shares, ledger.beside["AAA"].shares) == (ours, 50)
    assert legs(place) == {"AAA": ours}
    assert place.state.equity == pytest.approx(equity)
    assert place.state.risk.block is Gate.ORPHAN
    agrees(place)
    events = place.frame(FLAT, wish(SYMBOLS, "AAA", probability=0.2, bps=-80))
    assert exits(events) == [ours]
    events = place.frame(FLAT, QUIET)

    (trip,) = trips(events)
    assert (trip.shares, trip.by_hand, trip.orphan) == (ours, False, False)
    assert (ledger.positions["AAA"].orphan, ledger.positions["AAA"].shares) == (True, 50)
    assert ledger.beside == {}
    agrees(place)


def test_a_hand_sale_takes_what_others_bought_first():
    """Then ours; each has a round trip of its own."""
    place = holding()
    ours = shares_of(place)
    place.frame(FLAT, AAA, [place.by_hand("AAA", 50, 49.0)])
    place.frame(FLAT, AAA, [place.by_hand("AAA", -30, 51.0)])
    assert (shares_of(place), place.state.ledger.beside["AAA"].shares) == (ours, 20)
    events = place.frame(FLAT, AAA, [place.by_hand("AAA", -120, 51.0, fee=13)])

    (trip,) = trips(events)
    assert (trip.orphan, trip.shares, trip.pnl_micro) == (True, 50, 100 * MICRO - 2)
    assert (shares_of(place), legs(place)) == (ours - 100, {"AAA": ours - 100})
    assert place.state.orphans.by == {}
    assert place.state.risk.block is None
    agrees(place)


@pytest.mark.parametrize("keep", ["adopt", "leave", None])
def test_the_close_sells_what_was_adopted_and_nothing_else(keep):
    """Bought on top: adopted it goes with ours in one order; else only ours goes."""
    place = holding("rotation.max_hold_minutes=390")
    place.desk._carries = True
    ours = shares_of(place)
    place.frame(FLAT, AAA, [place.by_hand("AAA", 50, 50.0)])
    place.command(Acknowledge(symbol="AAA", keep=keep), "cli:ann")
    place.play([FLAT] * (387 - place.minute), AAA)
    events = place.frame(FLAT, AAA)

    adopted = keep == "adopt"
    assert exits(events) == [ours + 50 * adopted]
    place.frame(FLAT, AAA)
    agrees(place)
    assert shares_of(place) == (0 if adopted else 50)
    assert place.state.orphans.by == ({} if adopted else {"AAA": "cli:ann"})


@pytest.mark.parametrize("said", ["before", "after"])
def test_what_is_left_is_never_sold(said):
    """Neither by the clock nor by `liquidate`; flat is flat of ours; it is no loss of the day."""
    place = fresh()
    place.desk._carries = True
    word = Acknowledge(symbol="AAA", keep="leave")
    place.account._shares["AAA"] = 10
    found = OrphanFound(
        ts_ns=0, symbol="AAA", shares=10, price_micro=48 * MICRO, fee_micro=0, paid=False
    )
    if said == "before":
        place.command(word)
        place.frame(FLAT, QUIET)
        place.frame(FLAT, QUIET, [found])
    else:
        place.frame(FLAT, QUIET, [found])
        place.command(word)
    place.command(Liquidate())
    events = place.play([FLAT] * (390 - place.minute), QUIET)

    assert exits(events) == []
    assert (shares_of(place), place.state.mode) == (10, "REDUCE_ONLY")
    (day,) = place.desk.stats.days
    assert day.equity_micro - place.desk.stats.starting_micro == 10 * 2 * MICRO
    assert place.account._cash_micro == place.state.ledger.cash_micro == place.start


def test_bought_by_hand_where_nothing_is_held():
    """An orphan like any other: sold before the close, unless the account's money is real."""
    for left, sold in ((False, [10]), (True, [])):
        place = fresh()
        place.desk._carries = True
        place.frame(FLAT, QUIET, [place.by_hand("AAA", 10, 50.0, left=left)])
        assert exits(place.play([FLAT] * (390 - place.minute), QUIET)) == sold


# --- no order explains it, cash -----------------------------------------------------------------


@pytest.mark.parametrize("shares", [-100, 100])
def test_a_transfer_moves_no_cash_and_is_no_profit(shares, tmp_path):
    """Booked at the last mark; its value is taken out of the account, or added to it."""
    place = fresh("costs.fees=false")
    with journal(place, tmp_path):
        place.play([FLAT] * 2, AAA)
        rises = [bar(50, close=50.5), bar(50)]
        place.frame(rises, AAA)
        cash = place.state.ledger.cash_micro
        worth = place.state.equity - place.desk.stats.starting_micro / MICRO
        place.frame([bar(50.5), bar(50)], AAA, [place.by_hand("AAA", shares)])
        stats = place.desk.stats

        assert place.state.ledger.cash_micro == cash == place.account._cash_micro
        assert stats.starting_micro == place.start + round(shares * 50.5 * MICRO)
        assert place.state.equity - stats.starting_micro / MICRO == pytest.approx(worth)
        assert place.state.risk.session_open == stats.starting_micro / MICRO
        place.command(Acknowledge(symbol="AAA", keep="adopt"))
        place.command(Liquidate())
        place.frame([bar(50.5), bar(50)], QUIET)
        place.play([[bar(50.5), bar(50)]] * (390 - place.minute), QUIET)
    (row,) = rows(tmp_path, "events", "traded_by_hand")
    assert (row["unpriced"], row["price"]) == (True, 50.5)


@pytest.mark.parametrize("amount", [-60_000, 25_000])
def test_cash_that_moves_is_no_profit_and_sizes_what_follows(amount, tmp_path):
    """Neither the day's loss nor the drawdown trips; entries are as large as the account (15)."""
    place = fresh("costs.fees=false")
    with journal(place, tmp_path):
        place.frame(FLAT, QUIET)
        place.account._cash_micro += amount * MICRO
        moved = CashMoved(ts_ns=0, amount_micro=amount * MICRO, reason="JNLC")
        place.frame(FLAT, AAA, [moved])
        place.frame(FLAT, AAA)
        state, equity = place.state, 100_000 + amount

        assert state.risk.tripped == {}
        assert state.risk.session_open == state.risk.day_open == equity
        assert place.desk.stats.starting_micro == equity * MICRO
        value = shares_of(place) * 50
        assert 0.3 * equity < value <= 0.34 * equity
        agrees(place)
        place.play([FLAT] * (390 - place.minute), QUIET)
    (day,) = place.desk.stats.days
    assert abs(day.equity_micro / MICRO - equity) < 100
    (row,) = rows(tmp_path, "events", "cash_moved")
    assert (row["amount"], row["reason"]) == (amount, "JNLC")


# --- the journal --------------------------------------------------------------------------------


def test_the_files_add_up_whatever_others_trade(tmp_path):
    """Σ rows = Δcash, each round trip is what its fills earned, positions.jsonl has both lots."""
    place = fresh()
    with journal(place, tmp_path):
        place.play([FLAT] * 2, AAA)
        ours = shares_of(place)
        for shares, price in ((50, 49.5), (-70, 50.5), (40, 50.0), (-ours, 49.9), (-20, 50.2)):
            place.frame(FLAT, AAA, [place.by_hand("AAA", shares, price, fee=301)])
            agrees(place)
        place.play([FLAT] * (390 - place.minute), QUIET)

    told = rows(tmp_path, "events", "traded_by_hand")
    assert sum(r["shares"] * (1 if r["side"] == "BUY" else -1) for r in told) == -ours
    flagged = [row for row in rows(tmp_path, "trades") if row.get("by_hand")]
    assert [row["shares"] for row in told] == [row["shares"] for row in flagged]
    assert {row["reason"] for row in flagged if row["action"] == "EXIT"} == {"by hand"}
    both = [row for row in rows(tmp_path, "positions") if len(row["positions"]) == 2]
    assert [p.get("orphan", False) for p in both[0]["positions"]] == [False, True]
    assert [p["stop"] is None for p in both[0]["positions"]] == [False, True]
