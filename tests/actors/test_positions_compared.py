"""The half-minute's comparison of the broker's positions with the book."""

from functools import partial

import pytest
import trio
import trio.testing

from actors.orphans import Books
from actors.venue import Unreachable
from engine.events import StreamLost, TradedByHand
from tests.actors.executing import executing


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


async def test_what_is_on_its_way_is_no_difference(mock_clock):
    """A difference that is gone at the second look is forgotten."""
    book, told = {"TQQQ": 10}, []
    async with executing(told, lambda: Books(dict(book))) as (execution, _):
        await trio.sleep(7)
        book.clear()
        await trio.sleep(300)

    assert (execution.trust.down, told) == ("", [])


async def test_a_difference_that_stays_stops_entries(mock_clock):
    """What was traded by hand is told first; it is lost where the book does not take that."""
    told = []
    async with executing(told, lambda: Books({"TQQQ": 10})) as (execution, _):
        await trio.sleep(90)

    assert "the broker holds nothing, the book 10 TQQQ" in execution.trust.down
    assert [type(report) for report in told] == [TradedByHand, StreamLost]


async def test_an_unanswered_snapshot_of_a_standing_stream_stops_nothing(mock_clock):
    """Nothing is known to be wrong with the stream: entries go on."""

    async def silence(venue, **_):
        raise Unreachable("no answer")

    book, told = {"TQQQ": 10}, []
    async with executing(told, lambda: Books(dict(book))) as (execution, venue):
        venue.orders = partial(silence, venue)
        await trio.sleep(65)
        assert execution.trust.down == ""
        book.clear()
        await trio.sleep(60)

    assert (execution.trust.down, told) == ("", [])
