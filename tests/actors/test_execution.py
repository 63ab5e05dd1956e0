"""Execution against a venue that says what it is told to."""

from contextlib import asynccontextmanager

import pytest
import trio.testing

from actors.desk import Outgoing
from actors.execution import INSUFFICIENT, Execution
from actors.venue import Quote, Rejected, Unreachable
from engine.events import Decision, OcoOrder, Order, OrderCanceled, OrderRejected, Side
from engine.trading.approval import approve_exit
from tests.actors.interleavings import market
from tests.actors.simulated_venue import Latencies, open_venue
from tests.bars import SIX, config

AT_ONCE = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)
LEGS = OcoOrder("legs", "TQQQ", Side.SELL, 10, 9_000_000, 11_000_000, 0.0)
EXIT = Order("out", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)
ENTRY = Order(
    "in", "TQQQ", Side.BUY, 10, entry=True, decision=Decision.ENTER_LONG, limit_micro=99_000_000
)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


@asynccontextmanager
async def executing(answers, told, met=lambda *_: None):
    """Run execution; what is submitted is answered from a list, then by the venue itself."""
    (session, bars), warmup = market()
    venue, clock = open_venue(session, SIX, bars, warmup, config(), 0, AT_ONCE)
    sent, really = [], venue.submit

    async def submit(approved):
        sent.append(approved.order.order_id)
        return answers.pop(0) if answers else await really(approved)

    venue.submit = submit
    execution = Execution(venue, clock, config(), session, told.extend, dict, met)
    async with trio.open_nursery() as nursery:
        await nursery.start(execution.run, SIX)
        await trio.sleep(1)
        yield execution, sent
        nursery.cancel_scope.cancel()


async def test_shares_that_are_not_there_yet_are_waited_for(mock_clock):
    """A leg refused for want of shares is sent again by the same id before it counts as refused."""
    told = []
    refused = Rejected("insufficient qty available", INSUFFICIENT)
    async with executing([refused] * 3, told) as (execution, sent):
        await execution.send(Outgoing((), (approve_exit(LEGS, 10),)), [])
        await trio.sleep(10)

    assert sent == ["legs"] * 3
    assert [type(report) for report in told] == [OrderRejected]


async def test_another_refusal_is_final_at_once(mock_clock):
    """The broker's words are told."""
    told = []
    async with executing([Rejected("no", 42_210_000)], told) as (execution, sent):
        await execution.send(Outgoing((), (approve_exit(LEGS, 10),)), [])
        await trio.sleep(10)

    assert sent == ["legs"]
    assert told[0].reason == "no"


async def test_an_exit_never_sells_what_is_not_held(mock_clock):
    """The venue holds nothing: the exit is not sent, and says why."""
    told = []
    async with executing([], told) as (execution, sent):
        await execution.send(Outgoing((), (approve_exit(EXIT, 10),)), [])
        await trio.sleep(10)

    assert sent == []
    assert told[0].reason == "the broker holds 0 shares"


@pytest.mark.parametrize(
    ("bid", "ask", "why"),
    [(10.1, 10.0, "the market is crossed: 10.1 × 10"), (9.0, 10.0, "the spread is 11.11%")],
)
async def test_a_crossed_or_wide_quote_refuses_an_entry(mock_clock, monkeypatch, bid, ask, why):
    """It is not sent; the reason is told, and the quote that refused it."""
    told, met = [], []
    quote = Quote("TQQQ", bid, ask, 0, streamed=True)
    async with executing([], told, lambda *seen: met.append(seen)) as (execution, sent):
        await meeting(execution, quote, monkeypatch, ENTRY)

    assert sent == []
    assert [type(report) for report in told] == [OrderCanceled]
    assert told[0].reason.startswith(why)
    assert met == [("in", quote)]


async def test_an_exit_notes_its_quote_and_goes_without_one(mock_clock, monkeypatch):
    """What it met is told; where none can be had, nothing is."""
    for quote in (Quote("TQQQ", 10.1, 10.0, 0), None):
        met = []
        async with executing([], [], lambda *seen: met.append(seen)) as (execution, sent):  # noqa: B023
            monkeypatch.setattr(execution, "_held", holding_ten)
            await meeting(execution, quote, monkeypatch, EXIT)

        assert sent == ["out"]
        assert met == ([] if quote is None else [("out", quote)])


async def meeting(execution, quote, monkeypatch, order):
    """Send an order into a market of one quote, or of none."""

    async def quotes(symbols):
        if quote is None:
            raise Unreachable("silence")
        return {quote.symbol: quote}

    monkeypatch.setattr(execution._venue, "quotes", quotes)
    await execution.send(Outgoing((), (approve_exit(order, 10),)), [])
    await trio.sleep(10)


async def holding_ten():
    """Ten shares of TQQQ are there."""
    return {"TQQQ": 10}
