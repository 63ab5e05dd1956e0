"""What others do with the account: trades, shares that are gone, cash, told once and in time."""

from dataclasses import replace
from functools import partial

import pytest
import trio
import trio.testing

from actors.cash import UNEXPLAINED
from actors.desk import Given, Outgoing
from actors.exchange.account import Holding as Held
from actors.exchange.order import Force, Kind
from actors.exchange.tickets import Ticket
from actors.orphans import Books
from actors.venue import Activity, Holding, Rejected, Status, Unreachable, Update
from engine.events import (
    MICRO,
    CashMoved,
    Decision,
    FillBusted,
    FillCorrected,
    Liquidate,
    NotFlat,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    OrphanFound,
    Side,
    TradedByHand,
)
from engine.trading.approval import approve_exit
from tests.actors.executing import Taken, answering, executing, hold
from tests.actors.floor import Floor, bar, quiet
from tests.actors.simulated_venue import shown_order, ticket_of
from tests.actors.test_ladder import Desk
from tests.bars import config

EPOCH = "e0"
LEGS = OcoOrder(f"{EPOCH}-d-TQQQ-SELL-1-0", "TQQQ", Side.SELL, 10, 9_000_000, 11_000_000_000, 0.0)
EXIT = Order(f"{EPOCH}-d-TQQQ-SELL-2-0", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)
HELD = Books({"TQQQ": 10})


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


def holding(_execution, venue, *, shares=10):
    """Let the venue hold shares before the session begins."""
    hold(venue, "TQQQ", shares, 80.0)


def by_hand(venue, side, shares, **changes):
    """Let somebody else's order arrive; it is filled at the open."""
    asked = {
        "symbol": "TQQQ", "side": side, "kind": Kind.MARKET, "force": Force.DAY, "shares": shares,
        "client_id": "theirs", "order_class": "simple", "limit_micro": None, "stop_micro": None,
        "extended_hours": False,
    }  # fmt: skip
    return venue._broker.submit(venue.books, Ticket(**(asked | changes)))


def fill(venue, order, shares=None, price=81.0):
    """Fill an order at the venue, and tell it."""
    now, count = venue.clock.now_ns(), order.shares if shares is None else shares
    return venue.books.book(order, count, round(price * MICRO), now)


async def send(execution, order):
    """Hand an order to execution."""
    await execution.send(Outgoing((), (approve_exit(order, order.shares),)), [])


def of(told, kind):
    return [report for report in told if isinstance(report, kind)]


async def unreachable(*_args, **_named):
    raise Unreachable("no answer")


# --- never more than is held --------------------------------------------------------------------


async def test_an_exit_that_cannot_ask_sells_what_is_known(mock_clock):
    """Nothing is held, and that is known: no answer is no reason to sell short."""
    told = []
    async with executing(told, lambda: Books({}), epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        venue.holdings = unreachable
        await send(execution, EXIT)
        await trio.sleep(10)
        sent = list(venue.orders_seen)

    assert sent == []
    assert [report.reason for report in of(told, OrderCanceled)] == ["the broker holds none"]


@pytest.mark.parametrize("order", [EXIT, LEGS, EXIT._replace(decision=Decision.EOD_EXIT)])
async def test_what_closes_asks_for_no_more_than_is_held(mock_clock, order):
    """Five of ten are left: an exit, a flatten and legs ask for five."""
    told = []
    begin = partial(holding, shares=5)
    async with executing(told, lambda: HELD, begin, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        await send(execution, order)
        await trio.sleep(3)
        asked = [o.shares for o in venue.books.orders.values() if o.parent is None]

    assert set(asked) == {5}
    assert not of(told, OrderCanceled)


async def test_what_is_not_sold_is_told(mock_clock):
    """The rest of an exit is canceled, with words, once what is held was sold."""
    told = []
    begin = partial(holding, shares=5)
    async with executing(told, lambda: HELD, begin, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        await send(execution, EXIT)
        await trio.sleep(2)
        fill(venue, venue.books.by_client_id[EXIT.order_id])
        await trio.sleep(2)

    assert [(f.shares, f.final) for f in of(told, OrderFilled)] == [(5, False)]
    assert [c.reason for c in of(told, OrderCanceled)] == ["the broker holds 5 of 10 shares"]


async def test_while_nothing_is_known_an_exit_waits_and_says_so(mock_clock):
    """Its legs rest meanwhile; once the broker answers it goes."""
    told = []
    async with executing(told, lambda: HELD, holding, epoch=EPOCH) as (execution, venue):
        execution.holdings._known.clear()
        execution.holdings._asked_ns = None
        really, venue.holdings = venue.holdings, unreachable
        await send(execution, EXIT)
        await trio.sleep(12)
        waiting, why = list(venue.orders_seen), execution.trust.down
        venue.holdings = really
        await trio.sleep(20)
        sent = list(venue.orders_seen)

    assert waiting == []
    assert "what the broker holds is not known" in why
    assert sent == [EXIT.order_id]


# --- traded by hand -----------------------------------------------------------------------------


async def test_a_sale_by_hand_is_told_at_once(mock_clock):
    """At its price, once, whatever the stream and the snapshots say."""
    told = []
    async with executing(told, lambda: HELD, holding, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        order = by_hand(venue, Side.SELL, 4)
        fill(venue, order, 1)
        await trio.sleep(1)
        fill(venue, order, 3, 82.0)
        await trio.sleep(3)
        first = list(told)
        await execution._reconcile()
        await trio.sleep(1)

    assert [(r.shares, r.price_micro, r.unpriced) for r in of(first, TradedByHand)] == [
        (-1, 81 * MICRO, False), (-3, 82 * MICRO, False),
    ]  # fmt: skip
    assert {r.order_id for r in of(first, TradedByHand)} == {order.order_id}
    assert of(told, TradedByHand) == of(first, TradedByHand)


async def test_what_was_filled_before_the_session_is_not_told(mock_clock):
    """It is in what was held as the session began."""
    told = []

    def before(_execution, venue):
        holding(_execution, venue)
        fill(venue, by_hand(venue, Side.SELL, 4))

    async with executing(told, lambda: Books({"TQQQ": 6}), before, epoch=EPOCH):
        await trio.sleep(20)

    assert of(told, TradedByHand) == []


async def test_a_leg_whose_answer_is_late_is_no_hand_trade(mock_clock):
    """Its id is the broker's own; a nested snapshot shows whose it is."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        really = venue.submit

        async def slow(approved):
            answer = await really(approved)
            await trio.sleep(3)
            return answer

        venue.submit = slow
        await send(execution, LEGS)
        await trio.sleep(1)
        (root,) = (o for o in venue.books.orders.values() if o.legs)
        fill(venue, root.legs[0])
        await trio.sleep(10)

    assert of(told, TradedByHand) == []
    assert [(f.order_id, f.shares) for f in of(told, OrderFilled)] == [(LEGS.order_id, 10)]


async def test_shares_that_no_order_explains_are_told_after_two_looks(mock_clock):
    """Unpriced, with legs of ours resting on what is left."""
    told = []
    book = {"TQQQ": 10}
    async with executing(told, lambda: Books(dict(book)), holding, epoch=EPOCH) as (_, venue):
        await trio.sleep(8)
        venue.books.holdings["TQQQ"].shares = 4
        await trio.sleep(36)
        first = list(told)
        book["TQQQ"] = 4
        await trio.sleep(60)

    assert [(r.order_id, r.shares, r.unpriced) for r in of(first, TradedByHand)] == [("", -6, True)]
    assert told == first


# --- ours, however late it fills ----------------------------------------------------------------


async def test_an_entry_reported_canceled_and_filled_after_all_is_ours(mock_clock):
    """Neither an orphan nor nobody's: a fill of that order."""
    told = Taken()
    entry = EXIT._replace(
        order_id=f"{EPOCH}-d-TQQQ-BUY-3-0", side=Side.BUY, entry=True, limit_micro=99_000_000
    )
    async with executing(told, told.books, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        arrived = []

        async def lost(approved):
            arrived.append(approved)
            return await venue._ordered(partial(_raise, Unreachable("silence")))

        really, venue.submit = venue.submit, lost
        venue.quotes = quoted
        await send(execution, entry)
        await trio.sleep(20)
        assert [r.reason for r in of(told, OrderCanceled)] == ["it never reached the broker"]
        await really(arrived[0])
        fill(venue, venue.books.by_client_id[entry.order_id])
        await trio.sleep(30)

    assert [(f.order_id, f.side, f.shares) for f in of(told, OrderFilled)] == [
        (entry.order_id, Side.BUY, 10)
    ]
    assert of(told, OrphanFound) + of(told, TradedByHand) == []


@pytest.mark.parametrize("after", [3, 16, 110])
async def test_a_late_fill_whose_event_does_not_come_is_found_in_seconds(mock_clock, after):
    """An entry that ended short is looked at for two minutes: five seconds are too long already."""
    told = Taken()
    entry = EXIT._replace(
        order_id=f"{EPOCH}-d-TQQQ-BUY-3-0", side=Side.BUY, entry=True, limit_micro=99_000_000
    )
    async with executing(told, told.books, epoch=EPOCH) as (execution, venue):
        desk = Desk(venue, [0])
        venue.quotes, venue.drop_orders = quoted, lambda _reason: None
        await send(execution, entry)
        await trio.sleep(after)
        assert [type(report) for report in told] == [OrderCanceled]
        filled = replace(
            desk.orders[entry.order_id], filled=10, filled_price_micro=80 * MICRO,
            status=Status.FILLED, updated_ns=venue.clock.now_ns(),
        )  # fmt: skip
        desk.orders[entry.order_id] = filled
        await trio.sleep(4.5)

    assert [(f.order_id, f.shares) for f in of(told, OrderFilled)] == [(entry.order_id, 10)]


def _raise(error):
    raise error


async def quoted(symbols):
    from actors.venue import Quote

    return {symbol: Quote(symbol, 80.0, 80.01, 0) for symbol in symbols}


# --- undone and changed -------------------------------------------------------------------------


def amended(venue, event, done, *, shares=None, price=None, reduces=True, name="x-1"):
    """Return the event of a fill that an exchange has busted or corrected."""
    order = done.order
    was = done.shares if shares is None else shares
    if event == "trade_bust":
        order.filled -= done.shares if reduces else 0
        order.value_micro -= done.shares * done.price_micro if reduces else 0
    else:
        order.filled += was - done.shares
        order.value_micro += was * round(price * MICRO) - done.shares * done.price_micro
    order.updated_ns = venue.clock.now_ns()
    micro = done.price_micro if price is None else round(price * MICRO)
    return Update(
        event, venue.clock.now_ns(), name, was, micro, shown_order(order), None,
        previous_id=done.execution_id,
    )  # fmt: skip


async def exited(execution, venue):
    """Let an exit of ten be filled in two pieces; return the executions."""
    await trio.sleep(1)
    await send(execution, EXIT)
    await trio.sleep(2)
    order = venue.books.by_client_id[EXIT.order_id]
    return fill(venue, order, 4), fill(venue, order, 6, 82.0)


@pytest.mark.parametrize("reduces", [True, False])
async def test_a_busted_fill_is_undone_once(mock_clock, reduces):
    """To the cent, whether or not the order goes on counting it; a copy of it changes nothing."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        told.cash_micro = venue.books.cash_micro
        before = execution.fees.booked_micro
        one, two = await exited(execution, venue)
        await trio.sleep(1)
        between = told.cash_micro
        bust = amended(venue, "trade_bust", two, reduces=reduces)
        for update in (bust, bust):
            execution._orders.take(update)
        hold(venue, "TQQQ", 6, 80.0, paid=False)
        venue.books.cash_micro -= 6 * 82 * MICRO
        await execution._reconcile()
        await trio.sleep(60)
        fees = execution.fees.booked_micro - before

    (undone,) = of(told, FillBusted)
    assert (undone.order_id, undone.shares, undone.price_micro) == (EXIT.order_id, 6, 82 * MICRO)
    assert sum(f.fee_micro for f in of(told, OrderFilled)) - undone.fee_micro == fees
    assert told.shares == {"TQQQ": 6}
    assert told.cash_micro == between - 6 * 82 * MICRO + undone.fee_micro
    assert [f.shares for f in of(told, OrderFilled)] == [one.shares, two.shares]
    assert of(told, TradedByHand) == []


async def test_a_corrected_price_is_one_report(mock_clock):
    """With the fees of before and after."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        _, two = await exited(execution, venue)
        await trio.sleep(1)
        execution._orders.take(amended(venue, "trade_correct", two, price=81.5))
        await trio.sleep(1)

    (mended,) = of(told, FillCorrected)
    assert (mended.shares, mended.price_micro, mended.new_price_micro) == (
        6, 82 * MICRO, 81_500_000,
    )  # fmt: skip
    assert mended.fee_micro == of(told, OrderFilled)[1].fee_micro
    assert of(told, FillBusted) == []


async def test_a_corrected_quantity_is_a_bust_and_a_fill(mock_clock):
    """The order is not over by it."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        _, two = await exited(execution, venue)
        await trio.sleep(1)
        execution._orders.take(amended(venue, "trade_correct", two, shares=5, price=82.0))
        await trio.sleep(1)

    assert [f.shares for f in of(told, FillBusted)] == [6]
    assert [(f.shares, f.final) for f in of(told, OrderFilled)] == [
        (4, False), (6, True), (5, False),
    ]  # fmt: skip


async def test_a_busted_trade_by_hand_is_reversed(mock_clock):
    """With its fee."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        done = fill(venue, by_hand(venue, Side.SELL, 4))
        await trio.sleep(2)
        execution._orders.take(amended(venue, "trade_bust", done))
        await trio.sleep(1)

    one, back = of(told, TradedByHand)
    assert (one.shares, back.shares) == (-4, 4)
    assert one.price_micro == back.price_micro
    assert one.fee_micro == -back.fee_micro


# --- cash ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
async def test_cash_that_leaves_is_told_once(mock_clock, named):
    """In the broker's words, if an activity of the account comes to as much."""
    told = Taken()
    async with executing(told, told.books, epoch=EPOCH) as (_, venue):
        told.cash_micro = venue.books.cash_micro
        await trio.sleep(40)
        venue.books.cash_micro -= 40_000 * MICRO
        if named:
            venue.activity = [
                Activity("a", "CSD", "2025-06-27", 1 * MICRO, "CSD: earlier"),
                Activity("b", "CSW", "2025-06-27", -40_000 * MICRO, "CSW: to the bank"),
            ]
        await trio.sleep(200)
        cash = venue.books.cash_micro

    (moved,) = told
    assert isinstance(moved, CashMoved)
    assert moved.amount_micro == -40_000 * MICRO
    assert moved.reason == ("CSW: to the bank" if named else UNEXPLAINED)
    assert told.cash_micro == cash


async def test_fees_that_are_posted_later_move_no_cash(mock_clock):
    """Until the broker takes them its cash is above the book's; then it is not."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        venue.fees_at_once = False
        told.cash_micro = venue.books.cash_micro
        before = venue.books.fees_micro
        await exited(execution, venue)
        paid = venue.books.fees_micro - before
        venue.books.cash_micro += paid  # not yet
        await trio.sleep(100)
        venue.books.cash_micro -= paid
        day = str(venue.market.session.date)
        venue.activity = [Activity("f", "FEE", day, -paid, "FEE: TAF")]
        await trio.sleep(100)

    assert paid > 0
    assert of(told, CashMoved) == []


# --- what cannot be priced ----------------------------------------------------------------------


async def test_a_position_without_a_price_is_adopted_at_the_market(mock_clock):
    """And a part of a share is no position."""
    told = Taken()
    async with executing(told, told.books, epoch=EPOCH) as (execution, venue):
        venue.holdings = partial(
            listed,
            [
                Holding("TQQQ", 10, None, 10),
                Holding("ODD", 3, None, 3, market_micro=7),
                Holding("PART", 0, None, 0, fraction=True),
            ],
        )
        venue.quotes = quoted
        await trio.sleep(60)
        down = execution.trust.down

    assert {(r.symbol, r.shares, r.price_micro) for r in told} == {
        ("TQQQ", 10, 80_005_000), ("ODD", 3, 80_005_000),
    }  # fmt: skip
    assert down == ""


async def listed(holdings):
    return holdings


async def test_one_without_any_price_blocks_entries_and_no_exit(mock_clock):
    """What is held beside it is sold all the same."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        odd = Holding("ODD", 3, None, 3)
        venue.holdings = partial(listed, [odd, Holding("TQQQ", 10, 80 * MICRO, 10)])
        venue.quotes = unpriced
        await trio.sleep(60)
        down = execution.trust.down
        await send(execution, EXIT)
        await trio.sleep(5)
        sent = list(venue.orders_seen)

    assert "3 ODD" in down
    assert of(told, OrphanFound) == []
    assert sent == [EXIT.order_id]


async def unpriced(_symbols):
    return {}


# --- near the close -----------------------------------------------------------------------------


async def test_what_was_tried_is_told_near_the_close(mock_clock):
    """Once, while an exit is sent again and again; with the broker's words."""
    told = []
    async with executing(told, lambda: HELD, holding, epoch=EPOCH) as (execution, venue):
        close = (venue.market.session.close_ns - venue.clock.now_ns()) / 1e9
        await trio.sleep(close - 90)
        answering(venue, [Rejected("no", 42_210_000)] * 99)
        await send(execution, EXIT)
        await trio.sleep(88)

    (alarm,) = of(told, NotFlat)
    assert alarm.reason.startswith("the broker still holds 10 TQQQ (TQQQ, tries: ")
    assert alarm.reason.endswith("the last: no)")


def test_what_is_held_near_the_close_is_sold_again():
    """Not what is being sold already."""
    symbols = ("AAA", "BBB")
    sets = ("rotation.min_hold_minutes=0", "rotation.min_edge_bps=-100", "costs.fees=false")
    place = Floor(config(*sets), symbols, scan=False)
    flat = [bar(50), bar(50)]
    for symbol in symbols:
        place.frame(flat, quiet(symbols), [orphan(symbol)])
    place.desk.give(Given(place.block.ts_ns(0), Liquidate(symbol="AAA"), "test"))
    place.desk.open_minutes(place.block, trading=True)
    place.desk.begin(0)
    first = place.desk.fold(0, [NotFlat(ts_ns=0, reason="held")])
    again = place.desk.fold(0, [NotFlat(ts_ns=0, reason="held")])

    assert [approved.order.symbol for approved in first.orders] == ["BBB"]
    assert first.orders[0].order.decision is Decision.EOD_EXIT
    assert list(again.orders) == []


def orphan(symbol):
    return OrphanFound(
        ts_ns=0, symbol=symbol, shares=10, price_micro=50 * MICRO, fee_micro=0, paid=True
    )


# --- after a restart ----------------------------------------------------------------------------


async def test_what_the_log_knows_is_not_told_again(mock_clock):
    """Of others' orders and of ours that were over; what was filled meanwhile is told."""
    told = Taken(TQQQ=10)
    late = EXIT._replace(order_id=f"{EPOCH}-d-TQQQ-SELL-9-0")

    def before(execution, venue):
        hold(venue, "TQQQ", 40, 80.0)
        earlier = by_hand(venue, Side.SELL, 5, client_id="a")
        theirs = by_hand(venue, Side.SELL, 6, client_id="b")
        ours = venue._broker.submit(venue.books, ticket_of(late))
        fill(venue, earlier, 5)
        execution.learn(
            [
                TradedByHand(
                    ts_ns=0, order_id=theirs.order_id, symbol="TQQQ", shares=-2,
                    price_micro=81 * MICRO, fee_micro=0, unpriced=False,
                ),
                OrderFilled(
                    0, late.order_id, "TQQQ", Side.SELL, 3, 81 * MICRO, 0, 0, final=False
                ),
            ],
            {earlier.order_id: 5},
        )  # fmt: skip
        fill(venue, theirs, 2)
        fill(venue, ours, 3)
        fill(venue, theirs, 4, 82.0)
        fill(venue, ours, 7, 83.0)

    told.shares["TQQQ"] = 40 - 5 - 2 - 3
    async with executing(told, told.books, before, epoch=EPOCH):
        await trio.sleep(60)

    assert [(r.shares, r.price_micro) for r in of(told, TradedByHand)] == [(-4, 82 * MICRO)]
    assert [(f.order_id, f.shares, f.price_micro) for f in of(told, OrderFilled)] == [
        (late.order_id, 7, 83 * MICRO)
    ]
    assert told.shares == {"TQQQ": 40 - 5 - 6 - 10}


async def test_what_was_filled_before_is_noted_once(mock_clock):
    """So that a session that goes on knows it."""
    noted = []

    def before(_execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        fill(venue, by_hand(venue, Side.SELL, 4))

    told = Taken(TQQQ=6)
    async with executing(told, told.books, before, epoch=EPOCH, began=noted.append) as (e, venue):
        (order,) = venue.books.orders
        await e._reconcile()

    assert noted == [{order: 4}]


@pytest.mark.parametrize("ours", [True, False])
async def test_a_bust_that_was_not_heard_of_is_seen_in_the_snapshots(mock_clock, ours):
    """Once two of them agree that less was filled than was told; a missing field says nothing."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding, epoch=EPOCH) as (execution, venue):
        await trio.sleep(1)
        order = by_hand(venue, Side.SELL, 10)
        if ours:
            venue._broker.cancel(venue.books, order)
            await send(execution, EXIT)
            await trio.sleep(2)
            order = venue.books.by_client_id[EXIT.order_id]
        fill(venue, order, 10)
        await trio.sleep(3)
        order.filled = order.value_micro = 0
        order.updated_ns = venue.clock.now_ns()
        venue.books.holdings["TQQQ"] = Held(10, 800 * MICRO)
        really = venue.orders

        async def uncounted(*, since_ns=None):
            return [replace(o, counted=False) for o in await really(since_ns=since_ns)]

        venue.orders = uncounted
        await execution._reconcile()
        await trio.sleep(1.5)
        before = list(told)
        venue.orders = really
        await trio.sleep(60)

    kind = FillBusted if ours else TradedByHand
    assert of(before, FillBusted) == []
    assert [r.shares for r in of(told, kind)] == ([10] if ours else [-10, 10])
    assert told.shares == {"TQQQ": 10}
    assert of(told, OrphanFound) == []
