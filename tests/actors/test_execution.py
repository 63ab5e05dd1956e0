"""Execution against a venue that says what it is told to."""

from contextlib import asynccontextmanager

import pytest
import trio.testing

from actors.desk import Outgoing
from actors.execution import INSUFFICIENT, Execution
from actors.venue import Rejected
from engine.events import Decision, OcoOrder, Order, OrderRejected, Side
from engine.trading.approval import approve_exit
from tests.actors.interleavings import market
from tests.actors.simulated_venue import Latencies, open_venue
from tests.bars import SIX, config

AT_ONCE = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)
LEGS = OcoOrder("legs", "TQQQ", Side.SELL, 10, 9_000_000, 11_000_000, 0.0)
EXIT = Order("out", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


@asynccontextmanager
async def executing(answers, told):
    """Run execution; what is submitted is answered from a list, then by the venue itself."""
    (session, bars), warmup = market()
    venue, clock = open_venue(session, SIX, bars, warmup, config(), 0, AT_ONCE)
    sent, really = [], venue.submit

    async def submit(approved):
        sent.append(approved.order.order_id)
        return answers.pop(0) if answers else await really(approved)

    venue.submit = submit
    execution = Execution(venue, clock, config(), session, told.extend, dict)
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
