"""What the account holds, as far as anything has told it, and since when that is known.

KEY INPUT: answers to the question for positions; the position after a fill; fills since.
KEY OUTPUT: the signed shares of a symbol, or that nothing is known.

Nothing is ever sold beyond it.
"""

from typing import NamedTuple

from actors.session_clock import SECOND_NS, SessionClock
from actors.venue import Holding, Venue

LAG_NS = 2 * SECOND_NS
"""How much older an event may be than the last question, and still say more than its answer."""


class Known(NamedTuple):
    """The shares of one symbol."""

    shares: int
    """Signed."""
    at_ns: int
    """Of the question, or of the fill whose position was told; later fills are counted."""


class Holdings:
    """One session's knowledge of what the account holds."""

    def __init__(self, venue: Venue, clock: SessionClock) -> None:
        self._venue = venue
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._asked_ns: int | None = None
        """When the question was asked that was answered last."""
        self._events: dict[str, int] = {}
        """When the last fill was that told a symbol's position."""
        self._changes: dict[str, int] = {}
        """How often a symbol's shares were changed by a fill."""

    async def ask(self) -> dict[str, Holding]:
        """Return what the broker says that it holds, and keep it. Raises Unreachable."""
        asked_ns, before = self._clock.now_ns(), dict(self._changes)
        held = {holding.symbol: holding for holding in await self._venue.holdings()}
        if self._asked_ns is not None and asked_ns < self._asked_ns:
            return held  # a later question was answered first
        self._asked_ns = asked_ns
        for symbol in held.keys() | self._known.keys():
            if self._changes.get(symbol) != before.get(symbol):
                continue  # a fill came meanwhile: the answer may be from before it
            shares = held[symbol].shares if symbol in held else 0
            self._known[symbol] = Known(shares, asked_ns)
        return held

    def filled(self, symbol: str, shares: int, position: int | None, at_ns: int) -> None:
        """Take a fill's signed shares, and the position after it where that was told."""
        if position is not None and at_ns >= self._events.get(symbol, 0):
            if self._asked_ns is None or at_ns > self._asked_ns - LAG_NS:
                self._events[symbol] = at_ns
                self._set(symbol, position, at_ns)
            return
        known = self._at(symbol)
        if known is not None and at_ns > known.at_ns:
            self._set(symbol, known.shares + shares, known.at_ns)

    def shares(self, symbol: str) -> int | None:
        """Return the signed shares that are held as far as is known; None if nothing is."""
        known = self._at(symbol)
        return None if known is None else known.shares

    def sellable(self, symbol: str, sign: int) -> int | None:
        """Return how many shares an order of a side may ask for that closes; None: not known."""
        shares = self.shares(symbol)
        return None if shares is None else max(0, -sign * shares)

    def _at(self, symbol: str) -> Known | None:
        known = self._known.get(symbol)
        if known is None and self._asked_ns is not None:
            return Known(0, self._asked_ns)
        return known

    def _set(self, symbol: str, shares: int, at_ns: int) -> None:
        self._known[symbol] = Known(shares, at_ns)
        self._changes[symbol] = self._changes.get(symbol, 0) + 1
