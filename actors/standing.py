"""A finished run's inputs given again, up to the minute that is asked for, where it then stands.

KEY INPUT: a function that gives the inputs again and tells of each minute that is over.
KEY OUTPUT: the cockpit of a minute, which knows no more than it did then.

Going on costs the minutes in between; going back, a run from the start. There is never more than
one: whoever waits for a minute while another one is asked for is answered by the newer one.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import trio

from actors.cockpit.cockpit import Cockpit


class Place(NamedTuple):
    """A minute of a run."""

    session: int
    """Index of it."""
    minute: int


Tell = Callable[[Place, Cockpit], Awaitable[None]]
"""Awaited once a minute is over, before the next one begins."""
Rerun = Callable[[Tell, int], Awaitable[None]]
"""Gives the inputs again; of the sessions before that index, it need not tell every minute."""


class Standing:
    """One run of the inputs at a time."""

    def __init__(self, rerun: Rerun) -> None:
        self._rerun = rerun
        self._goal: Place | None = None
        self._since = 0
        """The first session whose minutes are told."""
        self._last: tuple[Place, Cockpit] | None = None
        """The last minute that is over, of the run that goes on."""
        self._stands = False
        """Whether the run waits there."""
        self._moved = trio.Event()
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Run what is asked for, for ever."""
        while True:
            while self._goal is None:
                await self._moved.wait()
            self._since = self._goal.session
            with trio.CancelScope() as self._scope:
                await self._rerun(self._tell, self._since)
                await trio.sleep_forever()
            self._last, self._stands = None, False

    async def at(self, place: Place) -> Cockpit:
        """Return the cockpit of a minute, or of one that was asked for meanwhile.

        It stands there until the caller's next checkpoint, and no longer.
        """
        if self._is_past(place):
            self._scope.cancel()
        self._goal = place
        self._wake()
        while True:
            if self._stands and self._last is not None and self._last[0] == self._goal:
                return self._last[1]
            await self._moved.wait()

    def _is_past(self, place: Place) -> bool:
        if place.session < self._since:
            return True
        return self._last is not None and (place, self._stands) < (self._last[0], True)

    async def _tell(self, place: Place, cockpit: Cockpit) -> None:
        self._last = place, cockpit
        while self._goal is None or self._goal <= place:
            self._stands = True
            self._wake()
            await self._moved.wait()
        self._stands = False

    def _wake(self) -> None:
        self._moved.set()
        self._moved = trio.Event()
