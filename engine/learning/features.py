"""The features: what a learner sees of its symbol and of the market, each minute.

KEY INPUT: a bar (open, high, low, close, volume), the minute, the rest of the universe.
KEY OUTPUT: the row x of FEATURES: dimensionless, clipped, without raw prices.

Indicators run over the bars that exist, on prices whose overnight gaps are taken out (at the first
bar of a session every price kept is scaled by open / last close), so that neither a gap nor a split
looks like a move. Session quantities start anew at the open. σ is the exponentially weighted
standard deviation of one-minute log returns (half-life 30 bars).
"""

import math

import numpy as np
from numba import njit

from engine.learning.layout import (
    ATR14,
    ATR60,
    BARS,
    EMA10,
    EMA20,
    EMA50,
    FIRST_MINUTE,
    GAIN,
    GAP,
    GRID,
    HEAD,
    LAST_CLOSE,
    LAST_LOG,
    LAST_MINUTE,
    LOSS,
    PRICE_VOLUME,
    SESSION_OPEN,
    U5,
    U15,
    U60,
    VARIANCE,
    VARIANCE_SLOW,
    VOLUME_MEAN,
    VOLUME_SUM,
    WINDOW,
)
from engine.market.frames import CLOSE, HIGH, LOW, OPEN, PRESENT, SURPRISE, VOLUME, Floats

VERSION = 1
FEATURES = (
    "bias",
    "return_1", "return_2", "return_5", "return_10", "return_15", "return_30", "return_60",
    "ema_10", "ema_20", "ema_50", "vwap",
    "percent_b", "rsi_14", "range_20", "atr_ratio", "body", "upper_wick", "lower_wick",
    "volume", "since_open", "gap", "time", "time_squared",
    "rest_now", "rest_5", "rest_15", "rest_60", "volatility",
)  # fmt: skip
RETURNS = np.array([1, 2, 5, 10, 15, 30, 60])
_ROOT = np.sqrt(np.arange(1.0, 391.0))
"""√1 … √390, so that the kernel takes no roots of minutes."""

SIGMA_FLOOR = 1e-5
_FAST = 1.0 - 2.0 ** (-1.0 / 30.0)
_SLOW = 1.0 - 2.0 ** (-1.0 / 1950.0)
_CLIP = 4.0
_LEAST_VARIANCE = 1e-14


@njit(cache=True, nogil=True, error_model="numpy")
def start_session(state: Floats) -> None:
    """Reset what belongs to one session; prices are rescaled at the session's first bar."""
    state[FIRST_MINUTE] = -1.0
    state[LAST_MINUTE] = -1.0
    state[PRICE_VOLUME] = 0.0
    state[VOLUME_SUM] = 0.0
    state[U5] = 0.0
    state[U15] = 0.0
    state[U60] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def take_minute(state: Floats, bar: Floats, minute: int) -> float:
    """Fold one bar into the indicators; return σ, the volatility of a minute.

    The rest of the universe is folded by `take_universe`, also in minutes without a bar.
    """
    close = bar[CLOSE]
    if state[FIRST_MINUTE] < 0.0:
        _open_session(state, bar[OPEN], minute)
    previous = state[LAST_CLOSE]
    log_close = math.log(close)
    log_previous = state[LAST_LOG]
    gap = minute - state[LAST_MINUTE]
    change = log_close - log_previous
    _volatility(state, change, gap)
    _averages(state, close, close - previous, bar[HIGH], bar[LOW], previous)
    for m in range(int(state[LAST_MINUTE]) + 1, minute):
        state[HEAD + (m & (GRID - 1))] = log_previous
    state[HEAD + (minute & (GRID - 1))] = log_close
    state[LAST_LOG] = log_close
    slot = HEAD + GRID + int(state[BARS]) % WINDOW
    state[slot] = close
    state[slot + WINDOW] = bar[HIGH]
    state[slot + 2 * WINDOW] = bar[LOW]
    volume = bar[VOLUME]
    state[PRICE_VOLUME] += volume * (bar[HIGH] + bar[LOW] + close) / 3.0
    state[VOLUME_SUM] += volume
    state[LAST_CLOSE] = close
    state[LAST_MINUTE] = minute
    state[BARS] += 1.0
    return max(SIGMA_FLOOR, math.sqrt(state[VARIANCE]))


@njit(cache=True, nogil=True, error_model="numpy")
def _open_session(state: Floats, price: float, minute: int) -> None:
    state[GAP] = 0.0
    if state[LAST_CLOSE] > 0.0:
        factor = price / state[LAST_CLOSE]
        state[GAP] = math.log(factor)
        for i in (EMA10, EMA20, EMA50, GAIN, LOSS, ATR14, ATR60):
            state[i] *= factor
        for i in range(HEAD + GRID, HEAD + GRID + 3 * WINDOW):
            state[i] *= factor
    state[FIRST_MINUTE] = minute
    state[LAST_MINUTE] = minute - 1.0
    state[LAST_CLOSE] = price
    state[LAST_LOG] = state[SESSION_OPEN] = math.log(price)


@njit(cache=True, nogil=True, error_model="numpy")
def next_variance(variance: float, change: float, gap: float) -> float:
    """Return the variance of a minute after a log return `change` over `gap` minutes."""
    return variance + _FAST * (change * change / gap - variance)


@njit(cache=True, nogil=True, error_model="numpy")
def _volatility(state: Floats, change: float, gap: float) -> None:
    square = change * change / gap
    state[VARIANCE] = next_variance(state[VARIANCE], change, gap)
    state[VARIANCE_SLOW] += _SLOW * (square - state[VARIANCE_SLOW])


@njit(cache=True, nogil=True, error_model="numpy")
def _averages(
    state: Floats, close: float, change: float, high: float, low: float, previous: float
) -> None:
    true_range = max(high, previous) - min(low, previous)
    gain = max(change, 0.0)
    loss = max(-change, 0.0)
    if state[BARS] == 0.0:
        for i in (EMA10, EMA20, EMA50):
            state[i] = close
        state[GAIN] = gain
        state[LOSS] = loss
        state[ATR14] = true_range
        state[ATR60] = true_range
        return
    state[EMA10] += 2.0 / 11.0 * (close - state[EMA10])
    state[EMA20] += 2.0 / 21.0 * (close - state[EMA20])
    state[EMA50] += 2.0 / 51.0 * (close - state[EMA50])
    state[GAIN] += (gain - state[GAIN]) / 14.0
    state[LOSS] += (loss - state[LOSS]) / 14.0
    state[ATR14] += (true_range - state[ATR14]) / 14.0
    state[ATR60] += (true_range - state[ATR60]) / 60.0


@njit(cache=True, nogil=True, error_model="numpy")
def take_universe(state: Floats, bar: Floats, total: float, count: float, sign: float) -> float:
    """Fold what the other symbols just did; return it, signed so that + is good for this one."""
    if bar[PRESENT] != 0.0:
        total -= sign * bar[SURPRISE]
        count -= 1.0
    rest = sign * total / count if count > 0.0 else 0.0
    state[U5] += (rest - state[U5]) * 2.0 / 6.0
    state[U15] += (rest - state[U15]) * 2.0 / 16.0
    state[U60] += (rest - state[U60]) * 2.0 / 61.0
    return rest


@njit(cache=True, nogil=True, error_model="numpy")
def feature_row(
    state: Floats, bar: Floats, minute: int, minutes: int, sigma: float, rest: float, x: Floats
) -> None:
    """Fill x (n,) with the features of a minute whose bar `take_minute` has folded in."""
    close = bar[CLOSE]
    log_close = state[LAST_LOG]
    per_sigma = 1.0 / sigma
    x[0] = 1.0
    for k in range(len(RETURNS)):
        x[1 + k] = _return_over(state, log_close, minute, RETURNS[k], per_sigma)
    x[8] = _clip((close / state[EMA10] - 1.0) * per_sigma / 3.0)
    x[9] = _clip((close / state[EMA20] - 1.0) * per_sigma / 4.0)
    x[10] = _clip((close / state[EMA50] - 1.0) * per_sigma / 7.0)
    since = per_sigma / _ROOT[minute - int(state[FIRST_MINUTE])]
    vwap = state[PRICE_VOLUME] / state[VOLUME_SUM] if state[VOLUME_SUM] > 0.0 else close
    x[11] = _clip((close / vwap - 1.0) * since)
    _window_features(state, close, x)
    swing = state[GAIN] + state[LOSS]
    x[13] = 2.0 * state[GAIN] / swing - 1.0 if swing > 0.0 else 0.0
    both = state[ATR14] > 0.0 and state[ATR60] > 0.0
    x[15] = _clip(2.0 * math.log(state[ATR14] / state[ATR60])) if both else 0.0
    high, low, open_ = bar[HIGH], bar[LOW], bar[OPEN]
    size = high - low
    x[16] = (close - open_) / size if size > 0.0 else 0.0
    x[17] = (high - max(open_, close)) / size if size > 0.0 else 0.0
    x[18] = (min(open_, close) - low) / size if size > 0.0 else 0.0
    surprise = math.log((bar[VOLUME] + 1.0) / (state[VOLUME_MEAN] + 1.0))
    x[19] = _clip(surprise) if state[BARS] > 1.0 else 0.0
    x[20] = _clip((log_close - state[SESSION_OPEN]) * since)
    x[21] = _clip(state[GAP] * per_sigma / 20.0)
    time = 2.0 * minute / (minutes - 1.0) - 1.0
    x[22] = time
    x[23] = 1.5 * time * time - 0.5
    x[24] = _clip(rest)
    x[25] = _clip(2.0 * state[U5])
    x[26] = _clip(3.0 * state[U15])
    x[27] = _clip(5.0 * state[U60])
    calm = max(state[VARIANCE_SLOW], _LEAST_VARIANCE)
    x[28] = _clip(0.5 * math.log(max(state[VARIANCE], _LEAST_VARIANCE) / calm))


@njit(cache=True, nogil=True, error_model="numpy")
def take_volume(state: Floats, volume: float) -> None:
    """Fold a bar's volume into its mean, after the row was made: a surprise is against the past."""
    if state[BARS] <= 1.0:
        state[VOLUME_MEAN] = volume
    state[VOLUME_MEAN] += _FAST * (volume - state[VOLUME_MEAN])


@njit(cache=True, nogil=True, error_model="numpy")
def _return_over(state: Floats, log_close: float, minute: int, k: int, per_sigma: float) -> float:
    first = int(state[FIRST_MINUTE])
    if minute - k < first:
        base = state[SESSION_OPEN]
        k = minute - first + 1
    else:
        base = state[HEAD + ((minute - k) & (GRID - 1))]
    return _clip((log_close - base) * per_sigma / _ROOT[k - 1])


@njit(cache=True, nogil=True, error_model="numpy")
def _window_features(state: Floats, close: float, x: Floats) -> None:
    n = min(WINDOW, int(state[BARS]))
    at = HEAD + GRID
    high = state[at + WINDOW]
    low = state[at + 2 * WINDOW]
    for i in range(n):
        high = max(high, state[at + WINDOW + i])
        low = min(low, state[at + 2 * WINDOW + i])
    mean = 0.0
    square = 0.0
    for i in range(n):
        mean += state[at + i] - close
    mean /= n
    for i in range(n):
        apart = state[at + i] - close - mean
        square += apart * apart
    sd = math.sqrt(square / n)
    mean += close
    x[12] = 2.0 * _clip((close - mean) / (4.0 * sd)) if sd > 1e-9 * mean else 0.0
    x[14] = 2.0 * (close - low) / (high - low) - 1.0 if high > low else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _clip(value: float) -> float:
    return min(_CLIP, max(-_CLIP, value))
