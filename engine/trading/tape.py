"""The recent tape: what the market of the last minutes and closes allows, symbol by symbol.

KEY INPUT: every block, in order.
KEY OUTPUT: recent and closing volume, ATR, volatility, correlation; None where a figure cannot be
had. All of them look back from a frame inside its session, whatever the blocks were cut to.
"""

import math
from collections import deque

import numpy as np

from engine.market.frames import CLOSE, HIGH, LOW, PRESENT, VOLUME, Block, Floats

MINUTES = 60
"""How far volatility and correlation look back."""
ATR_MINUTES = 30
VOLUME_MINUTES = 15
CLOSING_MINUTES = 2
CLOSING_SESSIONS = 5
_SESSION_MINUTES = 390


class Tape:
    """The last hour of the session, and the last minutes of the last sessions."""

    def __init__(self) -> None:
        self._bars: Floats = np.empty((0, 0, 0))
        self._before = 0
        self._closing: deque[Floats] = deque(maxlen=CLOSING_SESSIONS)
        self._medians: list[float] = []

    def open_block(self, block: Block) -> None:
        """Take up the next block."""
        if block.first == 0 or not len(self._bars):
            self._bars, self._before = block.bars, 0
            return
        kept = self._bars[-(MINUTES + 1) :]
        self._bars, self._before = np.concatenate([kept, block.bars]), len(kept)

    def close_session(self) -> None:
        """Keep the volumes of the session's last minutes."""
        self._closing.append(self._bars[-CLOSING_MINUTES:, :, VOLUME].copy())
        self._medians = np.median(np.concatenate(self._closing), axis=0).tolist()

    def checkpoint(self) -> Floats:
        """Return what is kept between sessions, (sessions, 2, S): the volumes of last minutes."""
        kept = list(self._closing)
        return np.stack(kept) if kept else np.empty((0, CLOSING_MINUTES, 0))

    def restore(self, kept: Floats) -> None:
        """Take up a checkpoint."""
        self._closing.clear()
        self._closing.extend(kept)
        self._medians = np.median(np.concatenate(kept), axis=0).tolist() if len(kept) else []

    def recent_volume(self, t: int, column: int) -> float:
        """Return the median volume of the last 15 minutes up to frame t, absent ones as 0."""
        volumes = sorted(self._window(t, VOLUME_MINUTES)[:, column, VOLUME].tolist())
        n = len(volumes)
        return float(volumes[n // 2] + volumes[(n - 1) // 2]) / 2

    def closing_volume(self, column: int) -> float | None:
        """Return the median volume of the last two minutes of the past 5 sessions; None if none."""
        return self._medians[column] if self._medians else None

    def atr(self, t: int, column: int) -> float | None:
        """Return the average true range of the last 30 minutes' bars, USD.

        J. Welles Wilder, New Concepts in Technical Trading Systems (1978); a simple mean, within
        the session. None with 15 bars or fewer.
        """
        window = self._window(t, ATR_MINUTES + 1)[:, column]
        bars = window[window[:, PRESENT] > 0]
        if len(bars) <= ATR_MINUTES // 2:
            return None
        before = bars[:-1, CLOSE]
        high = np.maximum(bars[1:, HIGH], before)
        low = np.minimum(bars[1:, LOW], before)
        return float(np.mean(high - low))

    def daily_volatility(self, t: int, column: int) -> float | None:
        """Return the standard deviation of the last hour's minute returns × √390; None if thin."""
        returns = self._returns(t, column)
        returns = returns[~np.isnan(returns)]
        if len(returns) < MINUTES // 2:
            return None
        return float(np.std(returns, ddof=1)) * math.sqrt(_SESSION_MINUTES)

    def correlation(self, t: int, one: int, other: int) -> float | None:
        """Return the correlation of two symbols' minute returns over the last hour.

        None with fewer than 30 common minutes, or without variation.
        """
        pair = np.stack([self._returns(t, one), self._returns(t, other)])
        pair = pair[:, ~np.isnan(pair).any(axis=0)]
        if pair.shape[1] < MINUTES // 2 or not np.all(np.ptp(pair, axis=1) > 0.0):
            return None
        matrix = np.asarray(np.corrcoef(pair))
        return float(matrix[0, 1])

    def _returns(self, t: int, column: int) -> Floats:
        # NaN where either end had no bar
        window = self._window(t, MINUTES + 1)[:, column]
        close = np.where(window[:, PRESENT] > 0, window[:, CLOSE], np.nan)
        return np.asarray(np.diff(np.log(close)))

    def _window(self, t: int, minutes: int) -> Floats:
        stop = self._before + t + 1
        return self._bars[max(0, stop - minutes) : stop]
