"""Positions that Rotor did not open: found, counted, acknowledged, sold."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from actors.orphans import Books
from actors.venue import BrokerOrder, Status
from engine.events import (
    MICRO,
    Acknowledge,
    CashMoved,
    Decided,
    Decision,
    Gate,
    Liquidate,
    OcoOrder,
    OrderFilled,
    OrderSubmitted,
    OrphanFound,
    RoundTripClosed,
    Side,
    TradedByHand,
)
from engine.records.page import Trade
from engine.trading.ledger import Ledger, side_of
from tests.actors.executing import executing, hold, sell_by_hand
from tests.actors.floor import Floor, bar, quiet, wish
from tests.bars import config

SYMBOLS = ("AAA", "BBB")
SETS = ("rotation.min_hold_minutes=0", "rotation.min_edge_bps=-100", "costs.fees=false")
FLAT = [bar(50), bar(50)]
QUIET = quiet(SYMBOLS)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


def orphan(symbol="AAA", shares=10, *, price=50.0, paid=True):
    return OrphanFound(
        ts_ns=0, symbol=symbol, shares=shares, price_micro=round(price * MICRO), fee_micro=0,
        paid=paid,
    )  # fmt: skip


def entered(events):
    return [
        e.order.symbol
        for e in events
        if isinstance(e, OrderSubmitted) and not isinstance(e.order, OcoOrder) and e.order.entry
    ]


# --- found at the broker ------------------------------------------------------------------------


class Account:
    """A trader that takes what it is told at once."""

    def __init__(self, venue_cash=0):
        self.told = []
        self.ledger = Ledger(venue_cash)

    def extend(self, reports):
        for report in reports:
            self.told.append(report)
            if isinstance(report, OrphanFound):
                side = side_of(report.shares, entry=True)
                self._trade(report, side)
            elif isinstance(report, TradedByHand):
                if report.unpriced:
                    # an account's books without the desk's: it is sold at its cost
                    price = round(self.ledger.positions[report.symbol].entry_price * MICRO)
                    report = replace(report, price_micro=price)
                self._trade(report, Side.BUY if report.shares > 0 else Side.SELL)
            elif isinstance(report, CashMoved):
                self.ledger.cash_micro += report.amount_micro

    def _trade(self, report, side):
        fill = OrderFilled(
            0, "", report.symbol, side, abs(report.shares), report.price_micro, report.fee_micro,
            0, final=True,
        )  # fmt: skip
        self.ledger.book(fill, Decision.MANUAL_EXIT, by_hand=True)
        self.ledger.cash_micro += report.deposit_micro

    def books(self):
        held = self.ledger.positions
        return Books({s: p.quantity for s, p in held.items()}, self.ledger.cash_micro)


@pytest.mark.parametrize(("shares", "paid"), [(10, True), (10, False), (-10, True), (-10, False)])
async def test_what_is_held_unknown_is_adopted_once(mock_clock, shares, paid):
    """Within twenty seconds, at the broker's price; the cash tells whether it was paid by us."""
    account = Account()
    async with executing(account, account.books) as (execution, venue):
        account.ledger.cash_micro = venue.books.cash_micro
        hold(venue, "TQQQ", shares, 80.0, paid=paid)
        await trio.sleep(20)
        assert [type(report) for report in account.told] == [OrphanFound]
        await trio.sleep(300)
        cash = venue.books.cash_micro

    (found,) = account.told
    assert (found.symbol, found.shares, found.price_micro) == ("TQQQ", shares, 80_000_000)
    assert found.paid is paid
    assert account.ledger.cash_micro == cash
    assert execution.trust.down == ""


async def test_entries_wait_from_the_start_if_something_unknown_is_held(mock_clock):
    """Not only from the third look on, by which it is adopted; then the orphan stops them."""
    account = Account()

    def before(_, venue):
        account.ledger.cash_micro = venue.books.cash_micro
        hold(venue, "TQQQ", 10, 80.0, paid=False)

    async with executing(account, account.books, before) as (execution, _):
        assert execution.trust.down == "the broker holds 10 TQQQ, which is not in the book"
        await trio.sleep(60)
        assert execution.trust.down == ""

    assert [type(report) for report in account.told] == [OrphanFound]


async def test_one_that_was_there_and_one_that_was_bought_since(mock_clock):
    """Each is told apart by the cash that is missing."""
    account = Account()
    async with executing(account, account.books) as (_, venue):
        account.ledger.cash_micro = venue.books.cash_micro
        hold(venue, "SQQQ", 100, 30.0, paid=False)
        hold(venue, "TQQQ", 10, 80.0, paid=True)
        hold(venue, "XYZ", 3, 7.0, paid=False)
        await trio.sleep(20)

    assert {o.symbol: o.paid for o in account.told} == {"SQQQ": False, "TQQQ": True, "XYZ": False}


def sold_by_hand(shares, price):
    return BrokerOrder(
        client_id="theirs", broker_id="b", symbol="TQQQ", side=Side.SELL, kind="market",
        shares=shares, filled=shares, filled_price_micro=round(price * MICRO),
        status=Status.FILLED, said="filled", stop_micro=None, limit_micro=None, updated_ns=7,
        replaces="",
    )  # fmt: skip


@pytest.mark.parametrize(("price", "known"), [(90.0, True), (80.0, False)])
async def test_one_that_is_closed_by_hand_leaves_the_book(mock_clock, price, known):
    """At the price of the order that closed it; else unpriced, and what it brought apart."""
    account = Account()
    async with executing(account, account.books) as (execution, venue):
        account.ledger.cash_micro = venue.books.cash_micro
        hold(venue, "TQQQ", 10, 80.0, paid=True)
        await trio.sleep(20)
        sell_by_hand(venue, "TQQQ", price)
        really = venue.orders

        async def orders(*, since_ns=None):
            return await really(since_ns=since_ns) + ([sold_by_hand(10, price)] * known)

        venue.orders = orders
        await trio.sleep(60)

    rest = [] if known else [CashMoved]
    assert [type(report) for report in account.told] == [OrphanFound, TradedByHand, *rest]
    traded = account.told[1]
    assert (traded.shares, traded.price_micro) == (-10, round(price * MICRO) if known else 0)
    assert traded.unpriced is not known
    assert account.ledger.positions == {}
    assert execution.trust.down == ""


async def test_more_shares_than_the_book_are_told_once(mock_clock):
    """As traded by hand, unpriced; a book that does not take it stops entries."""
    told = []
    async with executing(told, lambda: Books({"TQQQ": 10})) as (execution, venue):
        hold(venue, "TQQQ", 15, 80.0, paid=True)
        await trio.sleep(60)

    assert [(r.symbol, r.shares, r.unpriced) for r in told if isinstance(r, TradedByHand)] == [
        ("TQQQ", 5, True)
    ]
    assert "the broker holds 15 TQQQ, the book 10 TQQQ" in execution.trust.down
    assert not any(isinstance(report, OrphanFound) for report in told)


async def test_nothing_is_adopted_while_reports_are_on_their_way(mock_clock):
    """The trader has not taken all fills yet: what differs may be ours."""
    told = []
    async with executing(told, lambda: Books({}, settled=False)) as (_, venue):
        hold(venue, "TQQQ", 15, 80.0, paid=True)
        await trio.sleep(300)

    assert told == []


# --- taken into the book ------------------------------------------------------------------------


def floor(*sets):
    return Floor(config(*SETS, *sets), SYMBOLS, scan=False)


def test_entries_wait_until_it_is_acknowledged():
    """Of the whole book; by whom is kept."""
    place = floor()
    place.frame(FLAT, QUIET, [orphan()])
    refused = place.play([FLAT] * 3, wish(SYMBOLS, "BBB"))
    place.command(Acknowledge(symbol="AAA"), "cli:ann")
    events = place.play([FLAT] * 3, wish(SYMBOLS, "BBB"))

    assert entered(refused) == []
    gates = [e.gate for e in refused if isinstance(e, Decided) and e.symbol == "BBB"]
    assert gates == [Gate.ORPHAN]
    assert entered(events) == ["BBB"]
    assert place.state.orphans.by == {"AAA": "cli:ann"}
    assert place.state.ledger.positions["AAA"].shares == 10


def test_nothing_is_entered_in_its_underlying():
    """Also once it is acknowledged, for as long as it stands."""
    place = Floor(config(*SETS, 'universe.underlying={"AAA"="X", "BBB"="X"}'), SYMBOLS, scan=False)
    place.frame(FLAT, QUIET, [orphan()])
    place.command(Acknowledge(symbol="AAA"))
    held = place.play([FLAT] * 3, wish(SYMBOLS, "BBB"))
    place.command(Liquidate(symbol="AAA"))
    place.frame(FLAT, QUIET)
    free = place.play([FLAT] * 3, wish(SYMBOLS, "BBB"))

    assert entered(held) == []
    assert Gate.ORPHAN in [e.gate for e in held if isinstance(e, Decided)]
    assert entered(free) == ["BBB"]


@pytest.mark.parametrize("paid", [True, False])
def test_its_profit_is_the_change_of_equity_since_it_was_found(paid):
    """Neither what it cost nor what it adds to the account is profit."""
    place = floor()
    place.frame(FLAT, QUIET, [orphan(price=48.0, paid=paid)])
    account, stats = place.state, place.desk.stats
    assert account.equity - stats.starting_micro / MICRO == pytest.approx(10 * 2.0)
    assert account.risk.day_open == stats.starting_micro / MICRO
    place.command(Liquidate(symbol="AAA"))
    events = place.frame(FLAT, QUIET)

    (trip,) = [e.trip for e in events if isinstance(e, RoundTripClosed)]
    assert trip.orphan
    assert account.ledger.positions == {}
    assert trip.pnl_micro == account.ledger.realised_micro
    assert account.ledger.cash_micro - stats.starting_micro == trip.pnl_micro
    assert (account.orphans.by, account.risk.block, account.risk.losses) == ({}, None, 0)


def test_no_rule_but_the_clock_sells_it():
    """Held for hours, without a signal, with a target passed: it stays until the flatten."""
    place = floor("rotation.max_hold_minutes=5")
    place.frame(FLAT, QUIET, [orphan()])
    place.play([[bar(60), bar(50)]] * 300, wish(SYMBOLS, "BBB"))
    assert not place.fills()
    place.play([FLAT] * (390 - 301), QUIET)

    (fill,) = place.fills()
    assert (fill.symbol, fill.forced) == ("AAA", False)
    (out,) = [d for _, d in place.events(Decided) if d.decision is Decision.EOD_EXIT]
    assert out.symbol == "AAA"


def test_one_of_another_symbol_takes_a_slot_and_its_cost():
    """It is held at its cost, never sold by the clock, and sold by hand."""
    place = floor("rotation.max_positions=1")
    place.desk._carries = True
    place.frame(FLAT, QUIET, [orphan("XYZ", 10, price=7.0, paid=False)])
    place.command(Acknowledge(symbol="XYZ"))
    assert entered(place.play([FLAT] * 3, wish(SYMBOLS, "BBB"))) == []
    assert place.state.equity == pytest.approx(place.desk.stats.starting_micro / MICRO)
    place.play([FLAT] * (390 - 4), QUIET)
    assert list(place.state.ledger.positions) == ["XYZ"]


def test_a_fill_by_hand_closes_it():
    """The report names no order of ours: it is booked as a manual exit."""
    place = floor()
    place.frame(FLAT, QUIET, [orphan()])
    by_hand = OrderFilled(
        ts_ns=place.block.ts_ns(0), order_id="by-hand", symbol="AAA", side=Side.SELL, shares=10,
        price_micro=51_000_000, fee_micro=0, slippage_micro=0, final=True,
    )  # fmt: skip
    events = place.frame(FLAT, QUIET, [by_hand])

    (trade,) = [e for e in events if isinstance(e, Trade)]
    assert (trade.decision, trade.booking.realised_micro) == (Decision.MANUAL_EXIT, 10 * MICRO)
    assert "by hand" in trade.reason
    assert place.state.ledger.positions == {}
