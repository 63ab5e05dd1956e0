"""Execution against a venue that says what it is told to."""

import pytest
import trio.testing

from actors.desk import Outgoing
from actors.sending import INSUFFICIENT
from actors.venue import Rejected
from engine.events import Decision, OcoOrder, Order, OrderRejected, Side
from engine.trading.approval import approve_exit
from tests.actors.executing import answering, executing

LEGS = OcoOrder("legs", "TQQQ", Side.SELL, 10, 9_000_000, 11_000_000, 0.0)
EXIT = Order("out", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


async def test_shares_that_are_not_there_yet_are_waited_for(mock_clock):
    """A leg refused for want of shares is sent again by the same id before it counts as refused."""
    told = []
    refused = Rejected("insufficient qty available", INSUFFICIENT)
    async with executing(told) as (execution, venue):
        sent = answering(venue, [refused] * 3)
        await execution.send(Outgoing((), (approve_exit(LEGS, 10),)), [])
        await trio.sleep(10)

    assert sent == ["legs"] * 3
    assert [type(report) for report in told] == [OrderRejected]


async def test_another_refusal_is_final_at_once(mock_clock):
    """The broker's words are told."""
    told = []
    async with executing(told) as (execution, venue):
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
    assert told[0].reason == "the broker holds 0 shares"
