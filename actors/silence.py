"""An order stream that stands and says nothing: told by the orders of which it should have spoken.

KEY INPUT: orders as they are sent; events as they come.
KEY OUTPUT: a stream that is dropped, to be connected again, once two orders in a row had no event.

The socket's own pings find a connection that is dead, after 20 seconds; one that answers them and
brings nothing they never find.
"""

from collections.abc import Callable

import trio

from actors.session_clock import SessionClock, pause
from actors.trust import Trust

WORD_PAUSES = (0.5,) * 6
"""Seconds that an order waits for a word; several, so that they last by the wall too."""
MOST_UNHEARD = 2
"""Orders in a row; the events of one may be missing by themselves."""


class Silence:
    """Listens for a word of the stream after each order that the broker has taken."""

    def __init__(
        self, clock: SessionClock, trust: Trust, drop: Callable[[str], None], nursery: trio.Nursery
    ) -> None:
        self.words = 0
        """How often the stream has spoken."""
        self._clock = clock
        self._trust = trust
        self._drop = drop
        self._nursery = nursery
        self._unheard = 0

    def word(self) -> None:
        """Note that the stream has said something, or is a new one."""
        self.words += 1
        self._unheard = 0

    def expect(self, before: int) -> None:
        """Wait for a word on an order that the broker took; `before` were the words as it went."""
        self._nursery.start_soon(self._listen, before)

    async def _listen(self, before: int) -> None:
        for wait in WORD_PAUSES:
            if self.words > before or not self._trust.connected:
                return
            await pause(self._clock, wait)
        if self.words > before or not self._trust.connected:
            return
        self._unheard += 1
        if self._unheard >= MOST_UNHEARD:
            self._unheard = 0
            self._drop(f"it stands and is mute: no word of {MOST_UNHEARD} orders")
