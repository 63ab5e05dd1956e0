"""A session next door whose parts break: the screen is told, the session goes on."""

import asyncio
from functools import partial

import pytest
import trio

from actors.restart import Crash, attempt_async
from engine.errors import BadInputError
from tests.tui.cockpit.sample import paper
from tui.cockpit.inside import Inside


class Viewed:
    """A cockpit that breaks when it is told to."""

    viewers = 0
    broken = False

    def view(self):
        if self.broken:
            raise ZeroDivisionError("no bars")
        return paper()


def test_a_view_that_cannot_be_made_leaves_the_last_one(caplog):
    source, viewed = Inside(), Viewed()
    source.open(viewed, None)
    first = source.latest()
    viewed.broken = True

    assert source.latest() is first
    assert source.latest() is first
    assert [record.message for record in caplog.records] == [
        "the view failed: ZeroDivisionError: no bars"
    ]
    viewed.broken = False
    assert source.latest() is not None


def test_a_step_that_waits_may_break_or_be_refused():
    async def broken():
        await asyncio.sleep(0)
        raise KeyError("x")

    async def refused():
        raise BadInputError("no such card")

    assert asyncio.run(attempt_async(broken)) == Crash("KeyError: 'x'")
    with pytest.raises(BadInputError, match="no such card"):
        asyncio.run(attempt_async(refused))


async def test_being_cancelled_is_no_crash():
    with trio.move_on_after(0.01) as scope:
        await attempt_async(partial(trio.sleep, 5))
    assert scope.cancelled_caught
