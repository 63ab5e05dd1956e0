"""The broker's word read with doubt: odd statuses, refused cancels, moves that were lost."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from actors.desk import Outgoing
from actors.exchange.order import Status as At
from actors.venue import Accepted, Rejected, Status, Unknown
from engine.events import (
    Decision,
    ExitRefused,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    RefusalKind,
    Side,
    StreamLost,
    StreamRestored,
    TradedByHand,
)
from engine.trading.approval import approve_exit
from tests.actors.executing import Taken, executing, hold
from tests.actors.simulated_venue import shown_order

LEGS = OcoOrder("e-d-TQQQ-SELL-1-0", "TQQQ", Side.SELL, 10, 9_000_000, 11_000_000_000, 0.0)
EXIT = Order("e-d-TQQQ-SELL-2-0", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


def of(told, kind):
    return [report for report in told if isinstance(report, kind)]


def holding(_execution, venue):
    """Let the venue hold ten shares before the session begins."""
    hold(venue, "TQQQ", 10, 80.0)
    venue.drop_orders = lambda _reason: None


async def send(execution, *orders, cancels=(), moves=()):
    """Hand orders to execution."""
    approved = tuple(approve_exit(order, order.shares) for order in orders)
    await execution.send(Outgoing(cancels, approved), moves)


def odd(venue, word, *, until=10**9):
    """Let the venue show every order with a word that nobody knows, for so many answers."""
    left = [until]

    def doubted(order):
        if order is None or left[0] <= 0:
            return order
        left[0] -= 1
        legs = tuple(map(doubted, order.legs))
        return replace(order, status=Status.WORKING, said=word, doubtful=True, legs=legs)

    submit, asked, listed = venue.submit, venue.order, venue.orders

    async def odd_submit(approved):
        answer = await submit(approved)
        return Accepted(doubted(answer.order)) if isinstance(answer, Accepted) else answer

    async def odd_order(client_id):
        return doubted(await asked(client_id))

    async def odd_orders(*, since_ns=None):
        return [doubted(order) for order in await listed(since_ns=since_ns)]

    venue.submit, venue.order, venue.orders = odd_submit, odd_order, odd_orders
    mute(venue)


def mute(venue):
    """Let the order stream say nothing more."""
    for line in venue._events:
        line.put = lambda *_: None


@pytest.mark.parametrize("word", ["frobnicated", ""])
async def test_an_exit_whose_word_is_unknown_has_a_bound(mock_clock, word):
    """It is over as soon as the broker lists it no more as open; what it filled is told."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        odd(venue, word)
        await send(execution, EXIT)
        await trio.sleep(3)
        order = venue.books.by_client_id[EXIT.order_id]
        venue.books.book(order, 10, 81_000_000, venue.clock.now_ns())
        await trio.sleep(100)
        down = execution.trust.down

    assert [f.shares for f in of(told, OrderFilled)] == [10]
    assert down == ""
    assert len(of(told, StreamLost)) == len(of(told, StreamRestored)) <= 1


async def test_one_that_works_on_is_canceled_and_said_once(mock_clock):
    """Nothing waits for it without bound, and entries end until it is known."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        odd(venue, "frobnicated")
        await send(execution, EXIT)
        await trio.sleep(90)
        said = list(of(told, StreamLost))
        order = venue.books.by_client_id[EXIT.order_id]
        await trio.sleep(60)

    assert [report.reason for report in said] == [
        "TQQQ: what has become of an order is not known: the broker calls it 'frobnicated'"
    ]
    assert not order.live
    assert [c.order_id for c in of(told, OrderCanceled)] == [EXIT.order_id]
    assert len(of(told, StreamRestored)) == 1


@pytest.mark.parametrize("word", ["frobnicated", ""])
async def test_an_exit_does_not_wait_for_legs_of_an_unknown_word(mock_clock, word):
    """They are over at the broker: it goes within a minute or so."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        odd(venue, word)
        await send(execution, LEGS)
        await trio.sleep(3)
        await send(execution, EXIT)
        await trio.sleep(80)
        sent = list(venue.orders_seen)

    assert sent == [LEGS.order_id, EXIT.order_id]


async def test_legs_that_hold_the_shares_for_ever_end_the_exit_with_words(mock_clock):
    """The trader hears why, and decides again."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        await send(execution, LEGS)
        await trio.sleep(3)

        async def nothing_happens(_broker_id):
            return None

        venue.cancel = nothing_happens
        held = venue.holdings

        async def none_free():
            return [holding._replace(available=0) for holding in await held()]

        venue.holdings = none_free
        await send(execution, EXIT)
        await trio.sleep(70)
        sent = list(venue.orders_seen)

    assert sent == [LEGS.order_id]
    (canceled,) = of(told, OrderCanceled)
    assert canceled.order_id == EXIT.order_id
    assert "holds the shares and does not end" in canceled.reason


async def test_legs_whose_cancel_the_account_is_refused_say_so(mock_clock):
    """Revoked keys: in the broker's words, once however often it is tried (6)."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        await send(execution, LEGS)
        await trio.sleep(3)

        async def refused(_broker_id):
            return Rejected("request is not authorized", 401, RefusalKind.KEYS)

        venue.cancel = refused
        for number in range(2):
            await send(execution, EXIT._replace(order_id=f"{EXIT.order_id}-{number}"))
            await trio.sleep(70)

    (said,) = of(told, ExitRefused)
    assert (said.reason, said.kind) == ("request is not authorized", RefusalKind.KEYS)
    assert {canceled.reason for canceled in of(told, OrderCanceled)} == {
        "its stop holds the shares, and the broker refuses to cancel it: request is not authorized"
    }


@pytest.mark.parametrize(
    "refusal",
    [
        Rejected('order is already in "canceled" state', 42_210_000, ended=Status.CANCELED),
        Rejected("order not found", 40_410_000),
    ],
)
async def test_a_refused_cancel_says_that_an_order_is_over(mock_clock, refusal):
    """A state that was lost at the broker holds no exit up."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        await send(execution, LEGS)
        await trio.sleep(3)
        root = venue.books.by_client_id[LEGS.order_id]
        mute(venue)
        for order in (root, *root.legs):
            venue.books.end(order, At.CANCELED, venue.clock.now_ns())

        async def refused(_broker_id):
            return refusal

        asked = venue.order

        async def as_before(client_id):
            if client_id != LEGS.order_id:
                return await asked(client_id)
            if refusal.ended is None:
                return None
            return replace(shown_order(root), status=Status.WORKING, said="new")

        venue.cancel, venue.order = refused, as_before
        await send(execution, EXIT)
        await trio.sleep(10)
        sent = list(venue.orders_seen)

    assert sent == [LEGS.order_id, EXIT.order_id]


@pytest.mark.parametrize("arrives", [None, 0.0, 0.6])
async def test_legs_that_did_not_arrive_are_sent_again_at_once(mock_clock, arrives):
    """By the same id, of which the broker takes one, should the first arrive after all."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue), trio.open_nursery() as n:
        really, sent = venue.submit, []

        async def late(approved):
            await trio.sleep(arrives)
            await really(approved)

        async def unreadable(approved):
            sent.append((trio.current_time(), approved.order))
            if len(sent) > 2:
                return await really(approved)
            if len(sent) == 1 and arrives is not None:
                n.start_soon(late, approved)
            return Unknown("HTTP 200: an answer that is no JSON")

        venue.submit = unreadable
        began = trio.current_time()
        await send(execution, LEGS)
        await trio.sleep(10)
        resting = [order for order in venue.books.orders.values() if order.live]

    assert [order.client_id for order in resting if order.kind == "limit"] == [LEGS.order_id]
    assert {order for _, order in sent} == {LEGS}
    assert sent[-1][0] - began < 2.0
    assert told == []


async def test_a_move_that_was_lost_is_sent_again(mock_clock):
    """Within half a minute, by the same id."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        await send(execution, LEGS)
        await trio.sleep(3)
        really, names = venue.move_stop, []

        async def lost(broker_id, stop_micro, client_id):
            names.append(client_id)
            if len(names) == 1:
                return Unknown("HTTP 200: an answer that is no JSON")
            return await really(broker_id, stop_micro, client_id)

        venue.move_stop = lost
        await send(execution, moves=[(LEGS.order_id, 9_500_000)])
        await trio.sleep(45)
        root = venue.books.by_client_id[LEGS.order_id]
        stops = [leg.stop_micro for leg in root.legs]

    assert names == [f"{LEGS.order_id}-9500000"] * 2
    assert stops == [9_500_000]


async def test_a_stop_that_rests_where_it_should_is_left_alone(mock_clock):
    """No move is sent of which there is no need."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        await send(execution, LEGS)
        await trio.sleep(3)
        moves = []
        really = venue.move_stop

        async def counted(*given):
            moves.append(given)
            return await really(*given)

        venue.move_stop = counted
        await send(execution, moves=[(LEGS.order_id, 9_500_000)])
        await trio.sleep(200)

    assert len(moves) == 1


async def test_a_state_that_was_lost_is_found_as_the_stream_comes_back(mock_clock):
    """Legs that the broker has no more are over within seconds, and what is held is compared."""
    told = Taken(TQQQ=10)
    async with executing(told, told.books, holding) as (execution, venue):
        await send(execution, LEGS)
        await trio.sleep(3)
        venue.books.orders.clear()
        venue.books.by_client_id.clear()
        venue.books.holdings["TQQQ"].shares = 4
        await execution._reconcile()
        await trio.sleep(3)
        ended = of(told, OrderCanceled)
        await trio.sleep(7)

    assert [(c.order_id, c.reason) for c in ended] == [(LEGS.order_id, "the broker has it no more")]
    assert [(r.shares, r.unpriced) for r in of(told, TradedByHand)] == [(-6, True)]
