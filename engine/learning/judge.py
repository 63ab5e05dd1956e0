"""The judge: how stored forecasts did against what came. Nobody scores his own.

KEY INPUT: every block, in order, and what the predictors handed on for it.
KEY OUTPUT: gathered signals (T, S, 6); per symbol the session's sums Σ f·y and Σ f², from which the
slope is earned; per horizon the information coefficient and the hit rate.

It sees forecasts and bars, nothing else of a predictor. A forecast f counts if its minute had a
bar, it was WARM, and the label of the longest horizon lies inside the session, whatever age it says
it has. Its label for a horizon of h minutes, made in minute t, is

    y = ln(B/A) / (σ·√h), clipped to ±4,

A the open of the first bar at or after minute t + 1, B at or after t + 1 + h, each at most 3
minutes late. f is in the same units. σ is the volatility of a minute, known in t: the exponentially
weighted standard deviation of one-minute log returns (half-life 30 bars). Prequential scoring:
A. P. Dawid, "Statistical theory: the prequential approach", J. R. Stat. Soc. A 147 (1984).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.learning.features import SIGMA_FLOOR, next_variance
from engine.learning.kernel import LABEL_CLIP
from engine.learning.layout import LATE, ring_size
from engine.learning.signals import EXPECTED, FORECASTS, SD, SIGNAL_FIELDS, WARM, Signals
from engine.market.frames import CLOSE, OPEN, PRESENT, Arrays, Block, Floats, Ints

_LAST_BAR, _LAST_LOG, _VARIANCE, _SIGMA, _FY, _FF = range(6)
_SUMS = 7
"""Per horizon: n, Σf, Σy, Σf², Σy², Σfy, hits."""
_KEPT = ("state", "rows", "sums", "newest", "scaled")
_BESIDE = 4
"""Beside a row's forecasts: σ, ln A, A's minute, whether it counts."""


@dataclass(frozen=True, slots=True)
class HorizonScore:
    """How the stored forecasts of one horizon did against what came (prequential)."""

    horizon_minutes: int
    n: int
    ic: float
    """Pearson correlation of stored forecast and realised return, both in volatility units."""
    hit_rate: float
    """Share of matured labels whose sign the forecast had; a label of 0 counts half."""


class Judge:
    """One run's scores, of the symbols in `columns` of every block."""

    def __init__(self, columns: Sequence[int], horizons: Sequence[int]) -> None:
        """Start before the first session; `horizons` are minutes, rising."""
        symbols, h = len(columns), len(horizons)
        self._columns = np.array(columns, np.int64)
        self._horizons = np.array(horizons, np.int64)
        self._roots = np.sqrt(self._horizons)
        self._scaled = np.zeros(symbols, np.bool_)
        self._state = np.zeros((symbols, 6))
        self._state[:, _LAST_BAR] = -1.0
        self._state[:, _VARIANCE] = 1e-6
        self._state[:, _SIGMA] = 1e-3
        self._rows = np.zeros((symbols, ring_size(horizons[-1]), h + _BESIDE))
        self._sums = np.zeros((symbols, h, _SUMS))
        self._newest = np.zeros((symbols, h))

    def take(self, block: Block, handed: Sequence[Signals]) -> Floats:
        """Score the labels that mature in a block, then store its forecasts.

        `handed` is by column. Returns the gathered signals, (T, S, 6) float64: what was handed on,
        and the means over the horizons of expected return and sd, log returns.
        """
        symbols, h = self._newest.shape
        told = np.empty((len(block), symbols, FORECASTS + 2 * h))
        scaled = self._scaled
        for s, signals in enumerate(handed):
            told[:, s] = signals.values
            scaled[s] = signals.scaled
        gathered = np.empty((len(block), symbols, SIGNAL_FIELDS))
        _take(
            self._state, self._rows, self._sums, self._newest, self._horizons, self._roots,
            self._columns, block.bars, block.first, block.session.minutes, told, scaled, gathered,
        )  # fmt: skip
        return gathered

    def checkpoint(self) -> Arrays:
        """Return all that is kept."""
        return {name: getattr(self, f"_{name}").copy() for name in _KEPT}

    def restore(self, kept: Arrays) -> None:
        """Take up a checkpoint of the same symbols and horizons."""
        for name in _KEPT:
            getattr(self, f"_{name}")[:] = kept[name]

    def pairs(self) -> tuple[Floats, Floats]:
        """Return Σ f·y and Σ f² of the session so far, each (S,)."""
        return self._state[:, _FY].copy(), self._state[:, _FF].copy()

    def scores(self, place: int) -> tuple[HorizonScore, ...]:
        """Return how the forecasts of the symbol at `place` of the columns did, by horizon."""
        return tuple(
            _horizon_score(minutes, row)
            for minutes, row in zip(self._horizons.tolist(), self._sums[place], strict=True)
        )

    def forecasts(self, place: int) -> dict[int, float]:
        """Return the forecast in force by horizon, log returns; 0 where there is none."""
        return dict(zip(self._horizons.tolist(), self._newest[place].tolist(), strict=True))


def _horizon_score(minutes: int, sums: Floats) -> HorizonScore:
    n, f, y, ff, yy, fy, hits = sums.tolist()
    spread = (n * ff - f * f) * (n * yy - y * y)
    ic = (n * fy - f * y) / math.sqrt(spread) if spread > 0 else 0.0
    return HorizonScore(minutes, int(n), ic, hits / n if n else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _take(
    state: Floats, rows: Floats, sums: Floats, newest: Floats, horizons: Ints, roots: Floats,
    columns: Ints, bars: Floats, first: int, minutes: int, told: Floats,
    scaled: npt.NDArray[np.bool_], gathered: Floats,
) -> None:  # fmt: skip
    h = len(horizons)
    ring = rows.shape[1]
    if first == 0:
        rows[:, :, h + 3] = 0.0
        state[:, _LAST_BAR] = -1.0
        state[:, _FY] = 0.0
        state[:, _FF] = 0.0
    last_row = minutes - 2 - horizons[h - 1]
    for s in range(len(columns)):
        column = columns[s]
        for t in range(len(bars)):
            minute = first + t
            slot = minute % ring
            present = bars[t, column, PRESENT] != 0.0
            if present:
                log_open = math.log(bars[t, column, OPEN])
                _mature(state, rows, sums, horizons, roots, s, minute, log_open)
                _measure(state, s, minute, log_open, math.log(bars[t, column, CLOSE]))
                rows[s, slot, h] = state[s, _SIGMA]
                rows[s, slot, h + 2] = -1.0
            counts = present and told[t, s, WARM] != 0.0 and minute <= last_row
            rows[s, slot, h + 3] = 1.0 if counts else 0.0
            for i in range(FORECASTS):
                gathered[t, s, i] = told[t, s, i]
            _store(state, rows, newest, roots, told, gathered, s, t, slot, scaled)


@njit(cache=True, nogil=True, error_model="numpy")
def _store(
    state: Floats, rows: Floats, newest: Floats, roots: Floats, told: Floats, gathered: Floats,
    s: int, t: int, slot: int, scaled: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    # forecasts by horizon enter the row in units of σ√h, their means what is traded
    h = len(roots)
    sigma = state[s, _SIGMA]
    mean = 0.0
    spread = 0.0
    for k in range(h):
        forecast = told[t, s, FORECASTS + k]
        sd = told[t, s, FORECASTS + h + k]
        root = sigma * roots[k]
        if scaled[s]:
            rows[s, slot, k] = forecast
            newest[s, k] = forecast * root
            mean += forecast * (root / h)
            spread += sd * (root / h)
        else:
            rows[s, slot, k] = forecast / root
            newest[s, k] = forecast
            mean += forecast / h
            spread += sd / h
    gathered[t, s, EXPECTED] = mean
    gathered[t, s, SD] = spread


@njit(cache=True, nogil=True, error_model="numpy")
def _measure(state: Floats, s: int, minute: int, log_open: float, log_close: float) -> None:
    # a session's first bar moves from its own open: no night is a minute
    last = state[s, _LAST_BAR]
    change = log_close - (state[s, _LAST_LOG] if last >= 0.0 else log_open)
    gap = minute - last if last >= 0.0 else 1.0
    state[s, _VARIANCE] = next_variance(state[s, _VARIANCE], change, gap)
    state[s, _SIGMA] = max(SIGMA_FLOOR, math.sqrt(state[s, _VARIANCE]))
    state[s, _LAST_LOG] = log_close
    state[s, _LAST_BAR] = minute


@njit(cache=True, nogil=True, error_model="numpy")
def _mature(
    state: Floats, rows: Floats, sums: Floats, horizons: Ints, roots: Floats, s: int, minute: int,
    price: float,
) -> None:  # fmt: skip
    h = len(horizons)
    ring = rows.shape[1]
    # a bar serves every target since the last bar, at most LATE minutes late
    earliest = max(int(state[s, _LAST_BAR]) + 1, minute - LATE)
    for made in range(max(0, earliest - 1), minute):
        slot = made % ring
        if rows[s, slot, h + 3] != 0.0:
            rows[s, slot, h + 1] = price
            rows[s, slot, h + 2] = minute
    for k in range(h):
        for target in range(earliest, minute + 1):
            made = target - 1 - horizons[k]
            if made < 0:
                continue
            slot = made % ring
            # no row, no first price within LATE minutes, or no second one after it
            if rows[s, slot, h + 3] == 0.0 or not 0.0 <= rows[s, slot, h + 2] < minute:
                continue
            label = (price - rows[s, slot, h + 1]) / (rows[s, slot, h] * roots[k])
            label = min(LABEL_CLIP, max(-LABEL_CLIP, label))
            _score(state, sums, s, k, rows[s, slot, k], label)


@njit(cache=True, nogil=True, error_model="numpy")
def _score(state: Floats, sums: Floats, s: int, k: int, forecast: float, label: float) -> None:
    state[s, _FY] += forecast * label
    state[s, _FF] += forecast * forecast
    sums[s, k, 0] += 1.0
    sums[s, k, 1] += forecast
    sums[s, k, 2] += label
    sums[s, k, 3] += forecast * forecast
    sums[s, k, 4] += label * label
    sums[s, k, 5] += forecast * label
    if forecast * label > 0.0:
        sums[s, k, 6] += 1.0
    elif label == 0.0:
        sums[s, k, 6] += 0.5
