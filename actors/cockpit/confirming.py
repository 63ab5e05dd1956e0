"""After a liquidation by hand: the broker is asked until it holds what the book does.

KEY INPUT: Liquidate, from whoever; what the broker holds.
KEY OUTPUT: since when the broker agrees.
"""

from collections.abc import Callable, Mapping

import trio

from actors.cockpit.flatten import Flattening
from actors.session_clock import SessionClock, pause
from actors.venue import Unreachable, Venue
from engine.events import Command, Liquidate

LOOK_SECONDS = 1.0
Shares = Callable[[], Mapping[str, int]]
"""The signed shares that the trader holds, by symbol."""


class Confirming:
    """Asks on behalf of whoever looks, and of whoever wants to stop flat."""

    def __init__(self, venue: Venue, clock: SessionClock, shares: Shares) -> None:
        self._venue = venue
        self._clock = clock
        self._shares = shares
        self._wanted = trio.Event()
        self._agreed_ns = -1

    def obeyed(self, command: Command) -> None:
        """Take note of a command."""
        if isinstance(command, Liquidate):
            self._wanted.set()

    def agreed_since(self, ts_ns: int) -> bool:
        """Return whether the broker has said since then that it holds what the book does."""
        return self._agreed_ns >= ts_ns

    async def run(self, flattening: Callable[[], Flattening | None]) -> None:
        """Ask for ever, whenever something is liquidated, until that is confirmed."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            while (now := flattening()) is not None and now.confirmed_ns is None:
                if now.unconfirmed:
                    await self._ask(now)
                    if flattening() is now and now.confirmed_ns is not None:
                        break
                await pause(self._clock, LOOK_SECONDS)

    async def _ask(self, flattening: Flattening) -> None:
        asked_ns = self._clock.now_ns()
        try:
            held = {h.symbol: h.shares for h in await self._venue.holdings() if h.shares}
        except Unreachable:
            return
        ours = self._shares()
        both = filter(flattening.covers, held.keys() | ours.keys())
        if all(held.get(symbol, 0) == ours.get(symbol, 0) for symbol in both):
            self._agreed_ns = asked_ns
