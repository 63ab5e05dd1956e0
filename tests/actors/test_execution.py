"""Execution against a venue that says what it is told to."""

import pytest
import trio
import trio.testing

from actors.desk import Outgoing
from actors.orphans import Books
from actors.venue import Lost, Quote, Rejected, Unreachable
from engine.events import (
    Decision,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderRejected,
    RefusalKind,
    Side,
)
from engine.trading.approval import approve_exit
from tests.actors.executing import answering, executing, hold

LEGS = OcoOrder("legs", "TQQQ", Side.SELL, 10, 9_000_000, 11_000_000, 0.0)
EXIT = Order("out", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)
ENTRY = Order(
    "in", "TQQQ", Side.BUY, 10, entry=True, decision=Decision.ENTER_LONG, limit_micro=99_000_000
)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


async def test_shares_that_are_not_there_yet_are_waited_for(mock_clock):
    """A leg refused for want of shares is sent again by the same id before it counts as refused."""
    told = []
    refused = Rejected("insufficient qty available", kind=RefusalKind.SHARES)
    async with executing(told, lambda: Books({"TQQQ": 10})) as (execution, venue):
        hold(venue, "TQQQ", 10, 10.0)
        sent = answering(venue, [refused] * 3)
        await execution.send(Outgoing((), (approve_exit(LEGS, 10),)), [])
        await trio.sleep(10)

    assert sent == ["legs"] * 3
    assert [type(report) for report in told] == [OrderRejected]


async def test_another_refusal_is_final_at_once(mock_clock):
    """The broker's words are told."""
    told = []
    async with executing(told, lambda: Books({"TQQQ": 10})) as (execution, venue):
        hold(venue, "TQQQ", 10, 10.0)
        sent = answering(venue, [Rejected("no", 42_210_000)])
        await execution.send(Outgoing((), (approve_exit(LEGS, 10),)), [])
        await trio.sleep(10)

    assert sent == ["legs"]
    assert told[0].reason == "no"


async def test_an_exit_never_sells_what_is_not_held(mock_clock):
    """The venue holds nothing: the exit is not sent, and says why."""
    told = []
    async with executing(told) as (execution, venue):
        sent = answering(venue, [])
        await execution.send(Outgoing((), (approve_exit(EXIT, 10),)), [])
        await trio.sleep(10)

    assert sent == []
    assert told[0].reason == "the broker holds none"


@pytest.mark.parametrize(
    ("bid", "ask", "why"),
    [(10.1, 10.0, "the market is crossed: 10.1 × 10"), (9.0, 10.0, "the spread is 11.11%")],
)
async def test_a_crossed_or_wide_quote_refuses_an_entry(mock_clock, monkeypatch, bid, ask, why):
    """It is not sent; the reason is told, and the quote that refused it."""
    told, met = [], []
    quote = Quote("TQQQ", bid, ask, 0, streamed=True)
    async with executing(told, met=lambda *seen: met.append(seen)) as (execution, venue):
        sent = answering(venue, [])
        await meeting(execution, venue, quote, monkeypatch, ENTRY)

    assert sent == []
    assert [type(report) for report in told] == [OrderCanceled]
    assert told[0].reason.startswith(why)
    assert met == [("in", quote)]


@pytest.mark.parametrize("quote", [Quote("TQQQ", 10.1, 10.0, 0), None])
async def test_an_exit_notes_its_quote_and_goes_without_one(mock_clock, monkeypatch, quote):
    """What it met is told; where none can be had, nothing is."""
    met = []
    async with executing([], met=lambda *seen: met.append(seen)) as (execution, venue):
        sent = answering(venue, [])
        hold(venue, "TQQQ", 10, 10.0)
        await meeting(execution, venue, quote, monkeypatch, EXIT)

    assert sent[0] == "out"
    assert met == ([] if quote is None else [("out", quote)])


async def meeting(execution, venue, quote, monkeypatch, order):
    """Send an order into a market of one quote, or of none."""

    async def quotes(_symbols):
        if quote is None:
            raise Unreachable("silence")
        return {quote.symbol: quote}

    monkeypatch.setattr(venue, "quotes", quotes)
    await execution.send(Outgoing((), (approve_exit(order, 10),)), [])
    await trio.sleep(10)


async def test_an_order_stream_that_says_nothing_is_dropped(mock_clock):
    """Two orders in a row without any event: one may be missing, a stream that stands is mute."""
    dropped = []

    def note(_execution, venue):
        venue.drop_orders = dropped.append

    async with executing([], begin=note) as (execution, venue):
        for line in venue._events:
            line.put = lambda *_: None
        hold(venue, "TQQQ", 30, 10.0)
        for number in range(3):
            await execution.send(Outgoing((), (approve_exit(leaving(number), 10),)), [])
            await trio.sleep(10)
            assert len(dropped) == (number >= 1)

    assert "no word of 2 orders" in dropped[0]


async def test_an_order_stream_that_speaks_is_left_alone(mock_clock):
    """Also where its event comes before the answer."""
    async with executing([]) as (execution, venue):  # its drop_orders raises
        hold(venue, "TQQQ", 30, 10.0)
        for number in range(3):
            await execution.send(Outgoing((), (approve_exit(leaving(number), 10),)), [])
            await trio.sleep(10)


async def test_a_stream_whose_keys_are_refused_says_so_and_is_begun_again(mock_clock):
    """Not "the connection broke" to the end: it breaks, is refused, and once a minute tried (6)."""
    told, refused, begun = [], Lost("keys refused", fatal=True), []

    def revoked(_execution, venue):
        really = venue.order_stream

        async def stream(out):
            begun.append(trio.current_time())
            if len(begun) == 1:
                await out.send(Lost("the connection broke"))
            if len(begun) == 3:
                await really(out)
            await out.send(refused)

        venue.order_stream = stream

    async with executing(told, begin=revoked) as (execution, _):
        await trio.sleep(50)
        down = execution.trust.down
        await trio.sleep(100)
        up = execution.trust.down

    assert [round(at - begun[0]) for at in begun] == [0, 60, 120]
    assert (down, up) == ("keys refused", "")
    assert [getattr(report, "reason", "") for report in told] == [
        "the connection broke", "keys refused", "",
    ]  # fmt: skip


def leaving(number):
    """Return an exit of ten shares."""
    return EXIT._replace(order_id=f"out-{number}")
