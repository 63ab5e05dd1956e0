"""A market of one symbol whose price stands still: for scripts that compare what is said, not paid.

KEY INPUT: a symbol, a price.
KEY OUTPUT: a Source of one session.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.market.calendar import session_on
from engine.market.sources import SessionBars, Source

DAY = dt.date(2025, 7, 2)
_VOLUME = 1e6


class StillMarket(Source):
    """Bars of one price."""

    def __init__(self, symbol: str, price: float) -> None:
        super().__init__(Path("a market that stands still"), {}, lenient=False)
        self.symbols = (symbol,)
        self._price = price

    def session_dates(self) -> list[dt.date]:
        """Return the only day."""
        return [DAY]

    def sessions(
        self, first: dt.date | None = None, last: dt.date | None = None
    ) -> Iterator[SessionBars]:
        """Yield the only session."""
        session = session_on(DAY)
        assert session is not None
        if (first or DAY) <= DAY <= (last or DAY):
            row = [self._price] * 4 + [_VOLUME]
            yield SessionBars(session, np.full((session.minutes, 1, 5), row))
