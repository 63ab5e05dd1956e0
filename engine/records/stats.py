"""The running account of a run: what metrics and summaries are made of.

KEY INPUT: the equity of every frame, fills, days.
KEY OUTPUT: RunStats. Round trips and days are kept; minutes are not, except of the first days,
from which a short run's Sharpe ratio is taken.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from engine.events import (
    MICRO,
    FillBusted,
    FillCorrected,
    Gate,
    OrderFilled,
    RoundTrip,
    ShadowClosed,
)
from engine.market.frames import Floats
from engine.trading.ledger import Mended
from engine.trading.lots import Booking

MINUTE_DAYS = 5
"""Runs of fewer days take their Sharpe ratio from minute returns."""
_PEAK, _DRAWDOWN, _BELOW, _LONGEST, _EQUITY_SUM, _EXPOSURE_SUM, _RUNNING = range(7)


@dataclass(frozen=True, slots=True)
class Day:
    """A traded session."""

    date: dt.date
    minutes: int
    equity_micro: int
    """At its close, flat."""
    fills: int
    traded_micro: int
    fee_micro: int
    slippage_micro: int


@dataclass(slots=True)
class Tripped:
    """A breaker's trip and when it re-armed."""

    breaker: Gate
    ts_ns: int
    reason: str
    rearms: str
    rearmed_ns: int | None = None


@dataclass(slots=True)
class RunStats:
    """What a run has come to so far."""

    starting_micro: int
    days: list[Day] = field(default_factory=list)
    round_trips: list[RoundTrip] = field(default_factory=list)
    frames: int = 0
    symbol_bars: int = 0
    """Bars that were there, of all symbols."""
    fills: int = 0
    positions_opened: int = 0
    entries: int = 0
    """Decided, filled or not."""
    rotations: int = 0
    fee_micro: int = 0
    slippage_micro: int = 0
    traded_micro: int = 0
    """Σ |value| of all fills."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Refused candidates, symbol × minute, by gate."""
    filtered: dict[dt.date, list[float]] = field(default_factory=dict)
    """By session the net returns, fractions, of the shadows that the quality filter refused."""
    forced_closes: int = 0
    ambiguous_bars: int = 0
    warmup_sessions: int = 0
    trips: list[Tripped] = field(default_factory=list)
    """In order of time."""
    blocked_since_ns: int | None = None
    """When what blocks entries at the end began."""
    blocked_by: str = ""
    restarts: int = 0
    quarantined: list[tuple[str, int]] = field(default_factory=list)
    """(symbol, UTC ns)."""
    crashes: dict[str, str] = field(default_factory=dict)
    """By symbol the last error of its predictor."""
    interrupted: bool = False
    open_positions: int = 0
    """At the end: 0 unless it was interrupted within a session."""
    last_equity: float = 0.0
    minute_equity: list[float] = field(default_factory=list)
    """Of the first MINUTE_DAYS days."""
    _running: Floats = field(default_factory=lambda: np.zeros(_RUNNING))
    _marked: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        self._running[_PEAK] = self.last_equity = self.starting_micro / MICRO

    @property
    def max_drawdown(self) -> float:
        """Return the largest fall of equity from its peak so far, a fraction."""
        return float(self._running[_DRAWDOWN])

    @property
    def longest_drawdown_minutes(self) -> int:
        """Return the longest time below a peak so far."""
        return int(self._running[_LONGEST])

    @property
    def exposure(self) -> float:
        """Return Σ gross exposure / Σ equity over all frames."""
        total = float(self._running[_EQUITY_SUM])
        return float(self._running[_EXPOSURE_SUM]) / total if total else 0.0

    def mark(self, equity: Floats, exposure: Floats) -> None:
        """Take the equity and gross exposure (n,) of the next n frames, USD."""
        if len(equity) == 0:
            return
        if len(self.days) < MINUTE_DAYS:
            self.minute_equity += equity.tolist()
        _mark(self._running, equity, exposure)
        self.last_equity = float(equity[-1])

    def contributed(self, micro: int) -> None:
        """Add to the account what was held before the run began, so that it is no profit."""
        self.starting_micro += micro
        self.last_equity += micro / MICRO
        self._running[_PEAK] += micro / MICRO

    def booked(self, fill: OrderFilled, booking: Booking) -> None:
        """Take a fill and what it did to the book."""
        self.fills += 1
        self.fee_micro += fill.fee_micro
        self.slippage_micro += fill.slippage_micro
        self.traded_micro += fill.shares * fill.price_micro
        self.forced_closes += fill.forced
        self.ambiguous_bars += fill.ambiguous
        self.positions_opened += booking.entry and booking.first and not booking.orphan
        if booking.closed is not None:
            self.round_trips.append(booking.closed)

    def shadowed(self, date: dt.date, shadows: Iterable[ShadowClosed]) -> None:
        """Take shadows that closed in a traded session."""
        refused = [shadow.net_return for shadow in shadows if shadow.gate is Gate.QUALITY]
        if refused:
            self.filtered.setdefault(date, []).extend(refused)

    def mended(self, event: FillBusted | FillCorrected, mended: Mended) -> None:
        """Take back a fill that did not happen, or happened at another price."""
        undone, instead = event.undone, event.instead
        self.slippage_micro -= mended.slippage_micro
        self.fee_micro -= undone.fee_micro
        self.traded_micro -= undone.shares * undone.price_micro
        if instead is not None:
            self.fee_micro += instead.fee_micro
            self.traded_micro += instead.shares * instead.price_micro
        for trip in mended.voided:
            self.round_trips.remove(trip)
        self.round_trips += mended.closed

    def rearmed(self, breaker: Gate, ts_ns: int) -> None:
        """Note when the standing trip of a breaker ended."""
        standing = [trip for trip in self.trips if trip.breaker is breaker]
        standing[-1].rearmed_ns = ts_ns

    def close_day(self, date: dt.date, minutes: int, equity_micro: int) -> None:
        """End a traded session, flat."""
        now = (self.fills, self.traded_micro, self.fee_micro, self.slippage_micro)
        fills, traded, fee, slippage = (a - b for a, b in zip(now, self._marked, strict=True))
        self._marked = now
        self.days.append(Day(date, minutes, equity_micro, fills, traded, fee, slippage))


@njit(cache=True, nogil=True, error_model="numpy")
def _mark(running: Floats, equity: Floats, exposure: Floats) -> None:
    # frame by frame: the same bytes however frames are cut into blocks
    for t in range(len(equity)):
        running[_EQUITY_SUM] += equity[t]
        running[_EXPOSURE_SUM] += exposure[t]
        if equity[t] >= running[_PEAK]:
            running[_PEAK] = equity[t]
            running[_BELOW] = 0.0
        else:
            running[_BELOW] += 1.0
            running[_LONGEST] = max(running[_LONGEST], running[_BELOW])
            running[_DRAWDOWN] = max(running[_DRAWDOWN], 1.0 - equity[t] / running[_PEAK])
