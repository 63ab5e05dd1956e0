"""The half-minute's comparison of the broker's positions with the book."""

from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing

from actors.execution import Execution
from actors.venue import Unreachable
from engine.events import StreamLost
from tests.actors.interleavings import market
from tests.actors.simulated_venue import Latencies, open_venue
from tests.bars import SIX, config

AT_ONCE = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


@asynccontextmanager
async def executing(book, told):
    """Run execution against a venue that holds nothing; yields both."""
    (session, bars), warmup = market()
    venue, clock = open_venue(session, SIX, bars, warmup, config(), 0, AT_ONCE)
    execution = Execution(venue, clock, config(), session, told.extend, book)
    async with trio.open_nursery() as nursery:
        await nursery.start(execution.run, SIX)
        await trio.sleep(1)
        yield execution, venue
        nursery.cancel_scope.cancel()


async def test_what_is_on_its_way_is_no_difference(mock_clock):
    """A difference that is gone at the second look is forgotten."""
    book, told = {"TQQQ": 10}, []
    async with executing(lambda: book, told) as (execution, _):
        await trio.sleep(30)
        book.clear()
        await trio.sleep(300)

    assert (execution.down, told) == ("", [])


async def test_a_difference_that_stays_stops_entries(mock_clock):
    """After a second look and a snapshot of the orders."""
    told = []
    async with executing(lambda: {"TQQQ": 10}, told) as (execution, _):
        await trio.sleep(90)

    assert "the broker holds nothing, the book 10 TQQQ" in execution.down
    assert [type(report) for report in told] == [StreamLost]


async def test_an_unanswered_snapshot_of_a_standing_stream_stops_nothing(mock_clock):
    """Nothing is known to be wrong with the stream: entries go on."""

    async def silence(venue, **_):
        raise Unreachable("no answer")

    book, told = {"TQQQ": 10}, []
    async with executing(lambda: book, told) as (execution, venue):
        venue.orders = partial(silence, venue)
        await trio.sleep(65)
        assert execution.down == ""
        book.clear()
        await trio.sleep(60)

    assert (execution.down, told) == ("", [])
