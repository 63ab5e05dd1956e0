"""What a position is worth that the broker names no price for; and parts of shares, told once.

KEY INPUT: holdings; quotes.
KEY OUTPUT: a price each, in micro-dollars; a line in the log.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress

from actors.venue import Holding, Quote, Unreachable, Venue
from engine.events import MICRO

_log = logging.getLogger("rotor")


class Pricing:
    """Prices of one session's positions that Rotor did not open."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._parts: set[str] = set()

    async def of(self, holdings: Sequence[Holding]) -> dict[str, int]:
        """Return what each cost on average, else what the market pays; at least a micro-dollar.

        What has no price at all is missing.
        """
        prices = {}
        for holding in holdings:
            price = holding.entry_price_micro or await self._quoted(holding.symbol)
            price = price or holding.market_micro
            if price:
                prices[holding.symbol] = price
        return prices

    def fractions(self, holdings: Iterable[Holding]) -> None:
        """Say once of each symbol that a part of a share is held, which is not traded."""
        for holding in holdings:
            if holding.fraction and holding.symbol not in self._parts:
                self._parts.add(holding.symbol)
                _log.warning(
                    "%s: a part of a share is held; it is not counted, sold, or waited for",
                    holding.symbol,
                )

    async def _quoted(self, symbol: str) -> int | None:
        quotes: dict[str, Quote] = {}
        with suppress(Unreachable):
            quotes = await self._venue.quotes([symbol])
        quote = quotes.get(symbol)
        return None if quote is None else max(1, round((quote.bid + quote.ask) / 2 * MICRO))
