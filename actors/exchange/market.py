"""The market of one session: what trades, what is known of it, and the sessions before.

KEY INPUT: a bar source, a date, and how far the session is (the minute).
KEY OUTPUT: the running bar, prices, quotes, the bars that may be shown.

Only what is public leaves this file by `quote`, `price` and `shown`: of the running minute its
open. Matching alone sees the whole bar.
"""

import datetime as dt
from bisect import bisect_right
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from engine.config import Config
from engine.errors import BadInputError
from engine.market.calendar import session_on
from engine.market.frames import CLOSE, HIGH, LOW, MINUTE_NS, OPEN, PRESENT, VOLUME, Floats, Session
from engine.market.grid import Gridder
from engine.market.sources import SessionBars, Source
from engine.trading.costs import half_spread

_CARRIED_SESSIONS = 25
"""Earlier sessions read at the start: for prices before the bell, and as clients ask for them."""
_KEPT_SESSIONS = 60


class MarketBar(NamedTuple):
    """One minute of one symbol."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class ShownBar(NamedTuple):
    """A bar that is over, as it is told to everyone."""

    symbol: str
    start_ns: int
    bar: MarketBar


class Market:
    """All symbols of the source on one date; `minute` says how far the session is."""

    def __init__(self, source: Source, day: dt.date, config: Config) -> None:
        """Read the session; raises BadInputError if the source has none on `day`."""
        dates = source.session_dates()
        session = session_on(day)
        if session is None or day not in dates:
            near = min(dates, key=lambda date: abs(date - day), default=None)
            hint = f"; the nearest is {near}" if near else ""
            raise BadInputError(f"{source.path}: has no session on {day}{hint}")
        self.session: Session = session
        self.symbols = source.symbols
        self.dates = tuple(date for date in dates if date <= day)
        self.costs = config.costs
        self.minute = -1
        """−1 before the bell, then the running minute; session.minutes after the close."""
        self.published = 0
        """How many minutes of the session are over and told."""
        self._sessions = [_session(date) for date in self.dates]
        self._closes = [session.close_ns for session in self._sessions]
        self._source = source
        self._column = {symbol: s for s, symbol in enumerate(source.symbols)}
        self._kept: OrderedDict[dt.date, Floats] = OrderedDict()
        self._bars, self._before = self._read()

    @property
    def open(self) -> bool:
        """Return whether the session runs."""
        return 0 <= self.minute < self.session.minutes

    def start_ns(self, minute: int) -> int:
        """Return the UTC ns at which a minute of the session starts."""
        return self.session.open_ns + minute * MINUTE_NS

    def bar(self, symbol: str, minute: int) -> MarketBar | None:
        """Return the whole bar of a minute, None without one: for matching only."""
        if not 0 <= minute < self.session.minutes:
            return None
        row = self._bars[minute, self._column[symbol]]
        return _bar(row) if row[PRESENT] else None

    def opening(self, symbol: str, minute: int) -> float:
        """Return the open of a minute of the session, or the last price if it has no bar."""
        return float(self._bars[minute, self._column[symbol], OPEN])

    def price(self, symbol: str) -> float | None:
        """Return the price that is known now; None if the symbol has never traded."""
        s = self._column[symbol]
        if self.minute < 0:
            price = float(self._before[s])
        elif self.minute >= self.session.minutes:
            price = float(self._bars[-1, s, CLOSE])
        else:
            price = float(self._bars[self.minute, s, OPEN])
        return None if price != price else price

    def quote(self, symbol: str) -> tuple[float, float] | None:
        """Return bid and ask: the running minute's open, or the last price, ± the half spread."""
        price = self.price(symbol)
        if price is None:
            return None
        half = half_spread(price, self.costs)
        return round(price - half, 6), round(price + half, 6)

    def halt(self, symbol: str, first: int, last: int) -> None:
        """Take the bars of minutes first…last away: the symbol does not trade."""
        s = self._column[symbol]
        for minute in range(max(first, 0), min(last, self.session.minutes - 1) + 1):
            before = self._bars[minute - 1, s, CLOSE] if minute else self._before[s]
            self._bars[minute, s] = 0.0
            self._bars[minute, s, [OPEN, HIGH, LOW, CLOSE]] = before
        for minute in range(last + 1, self.session.minutes):
            if self._bars[minute, s, PRESENT]:
                break
            self._bars[minute, s, [OPEN, HIGH, LOW, CLOSE]] = self._bars[minute - 1, s, CLOSE]

    def shown(
        self, symbol: str, start_ns: int, end_ns: int, most: int, *, newest: bool = False
    ) -> list[ShownBar]:
        """Return the bars of a symbol that start in [start, end] and are over, `most` at most.

        The oldest come first, or the newest.
        """
        found: list[ShownBar] = []
        sessions = self._sessions[bisect_right(self._closes, start_ns) :]
        for session in reversed(sessions) if newest else sessions:
            if session.open_ns > end_ns:
                continue
            first = max(0, -(-(start_ns - session.open_ns) // MINUTE_NS))
            last = min(session.minutes - 1, (end_ns - session.open_ns) // MINUTE_NS)
            bars = self._shown_of(symbol, session, first, last)
            found += bars[::-1] if newest else bars
            if len(found) >= most:
                break
        return found[:most]

    def latest(self, symbol: str) -> ShownBar | None:
        """Return the newest bar that is over."""
        for session in reversed(self._sessions):
            bars = self._shown_of(symbol, session, 0, session.minutes - 1)
            if bars:
                return bars[-1]
        return None

    def ended(self, minute: int) -> list[ShownBar]:
        """Return the bars of a minute of the session, by symbol."""
        bars = [(symbol, self.bar(symbol, minute)) for symbol in self.symbols]
        start = self.start_ns(minute)
        return [ShownBar(symbol, start, bar) for symbol, bar in bars if bar is not None]

    def _shown_of(self, symbol: str, session: Session, first: int, last: int) -> list[ShownBar]:
        s = self._column[symbol]
        if session.date == self.session.date:
            minutes = range(first, min(last, self.published - 1) + 1)
            whole = [(m, self.bar(symbol, m)) for m in minutes]
            return [ShownBar(symbol, self.start_ns(m), b) for m, b in whole if b is not None]
        rows = self._earlier(session.date)[:, s]
        return [
            ShownBar(symbol, session.open_ns + m * MINUTE_NS, MarketBar(*map(float, rows[m])))
            for m in range(first, last + 1)
            if rows[m, 0] == rows[m, 0]
        ]

    def _earlier(self, day: dt.date) -> Floats:
        if day not in self._kept:
            i = self.dates.index(day)
            ahead = self.dates[i : i + _CARRIED_SESSIONS]
            for session, bars in self._source.sessions(ahead[0], ahead[-1]):
                self._keep(session.date, bars)
        self._kept.move_to_end(day)
        return self._kept[day]

    def _keep(self, day: dt.date, bars: Floats) -> None:
        self._kept[day] = bars
        while len(self._kept) > _KEPT_SESSIONS:
            self._kept.popitem(last=False)

    def _read(self) -> tuple[Floats, Floats]:
        """Return the session's grid, writable, and the last close of each symbol before it."""
        first = self.dates[max(0, len(self.dates) - 1 - _CARRIED_SESSIONS)]
        gridder = Gridder(self.symbols, [1.0] * len(self.symbols))
        before = np.full(len(self.symbols), np.nan)
        sessions: list[SessionBars] = list(self._source.sessions(first, self.dates[-1]))
        for session, bars in sessions[:-1]:
            self._keep(session.date, bars)
            before = np.array(gridder.block(session, 0, bars).close[-1])
        return np.array(gridder.block(*_first(sessions[-1])).bars), before


def _session(day: dt.date) -> Session:
    session = session_on(day)
    assert session is not None
    return session


def _first(session: SessionBars) -> tuple[Session, int, Floats]:
    return session.session, 0, session.bars


def _bar(row: Floats) -> MarketBar:
    return MarketBar(*(float(row[i]) for i in (OPEN, HIGH, LOW, CLOSE, VOLUME)))
