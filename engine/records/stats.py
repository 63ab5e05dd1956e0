"""The running account of a run: what metrics and summaries are made of.

KEY INPUT: the equity of every frame, fills, days.
KEY OUTPUT: RunStats. Round trips and days are kept; minutes are not, except of the first days,
from which a short run's Sharpe ratio is taken.
"""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from engine.events import MICRO, OrderFilled
from engine.market.frames import Floats
from engine.trading.ledger import Booking, RoundTrip

MINUTE_DAYS = 5
"""Runs of fewer days take their Sharpe ratio from minute returns."""


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
    rotations: int = 0
    fee_micro: int = 0
    slippage_micro: int = 0
    traded_micro: int = 0
    """Σ |value| of all fills."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Refused candidates, symbol × minute, by gate."""
    forced_closes: int = 0
    ambiguous_bars: int = 0
    warmup_sessions: int = 0
    restarts: int = 0
    quarantined: list[tuple[str, int]] = field(default_factory=list)
    """(symbol, UTC ns)."""
    interrupted: bool = False
    max_drawdown: float = 0.0
    """Fraction of the peak."""
    longest_drawdown_minutes: int = 0
    exposure_sum: float = 0.0
    """Σ gross exposure of all frames, USD."""
    equity_sum: float = 0.0
    last_equity: float = 0.0
    minute_equity: list[float] = field(default_factory=list)
    """Of the first MINUTE_DAYS days."""
    _peak: float = 0.0
    _below: int = 0
    _marked: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        self._peak = self.last_equity = self.starting_micro / MICRO

    def mark(self, equity: Floats, exposure: Floats) -> None:
        """Take the equity and gross exposure (n,) of the next n frames, USD."""
        if len(self.days) < MINUTE_DAYS:
            self.minute_equity += equity.tolist()
        # running sums and peaks go frame by frame: the same bytes however frames are cut
        self.exposure_sum = float(np.add.accumulate(np.append(self.exposure_sum, exposure))[-1])
        self.equity_sum = float(np.add.accumulate(np.append(self.equity_sum, equity))[-1])
        peaks = np.maximum.accumulate(np.append(self._peak, equity))[1:]
        self.max_drawdown = max(self.max_drawdown, float(np.max(1.0 - equity / peaks)))
        self._drawdown_length(equity >= peaks)
        self._peak = float(peaks[-1])
        self.last_equity = float(equity[-1])

    def booked(self, fill: OrderFilled, booking: Booking) -> None:
        """Take a fill and what it did to the book."""
        self.fills += 1
        self.fee_micro += fill.fee_micro
        self.slippage_micro += fill.slippage_micro
        self.traded_micro += fill.shares * fill.price_micro
        self.forced_closes += fill.forced
        self.positions_opened += booking.entry and booking.first
        if booking.closed is not None:
            self.round_trips.append(booking.closed)

    def close_day(self, date: dt.date, minutes: int, equity_micro: int) -> None:
        """End a traded session, flat."""
        now = (self.fills, self.traded_micro, self.fee_micro, self.slippage_micro)
        fills, traded, fee, slippage = (a - b for a, b in zip(now, self._marked, strict=True))
        self._marked = now
        self.days.append(Day(date, minutes, equity_micro, fills, traded, fee, slippage))

    def _drawdown_length(self, at_peak: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        peaks = np.flatnonzero(at_peak)
        if len(peaks) == 0:
            self._below += len(at_peak)
        else:
            gaps = np.diff(peaks) - 1
            inside = int(gaps.max()) if len(gaps) else 0
            first = self._below + int(peaks[0])
            self.longest_drawdown_minutes = max(self.longest_drawdown_minutes, inside, first)
            self._below = len(at_peak) - 1 - int(peaks[-1])
        self.longest_drawdown_minutes = max(self.longest_drawdown_minutes, self._below)
