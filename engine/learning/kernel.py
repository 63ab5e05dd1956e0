"""The learner's one pass over a block: learn, look, forecast, minute by minute.

KEY INPUT: a block, the state buffer, a symbol's column.
KEY OUTPUT: a row of signal values and of contributions per minute.

In minute s:  1. labels whose second price is the open of this bar mature, oldest row first:
                 the weights of that horizon are moved by the gain that was stored with the row,
                 its noise by the error of the forecast that was stored with it;
              2. the bar enters the indicators and makes a row;
              3. a learnable row enters P, and its gain is stored;
              4. the row's forecast is made and stored.
A minute without a bar does none of it: the last forecast is carried.

Several horizons share one P, since a gain depends on rows and forgetting alone.
"""

import math

from numba import njit

from engine.learning.features import (
    feature_row,
    start_session,
    take_minute,
    take_universe,
    take_volume,
)
from engine.learning.layout import (
    AXIS,
    C_CONFIDENCE,
    C_MINUTES,
    C_PROBABILITY,
    CARRIED,
    GRID,
    HEAD,
    LAST_BAR,
    LATE,
    MATURED,
    WINDOW,
)
from engine.learning.signals import (
    CONFIDENCE,
    FORECASTS,
    PROBABILITY,
    STALE,
    WARM,
)
from engine.learning.ud import ud_quadratic, ud_unit_update, ud_update
from engine.market.frames import OPEN, PRESENT, VOLUME, Floats, Ints

LABEL_CLIP = 4.0
NOISE_RATE = 0.002
OVERNIGHT = 1000.0
"""The age, in minutes, of a forecast that was made yesterday."""


@njit(cache=True, nogil=True, error_model="numpy")
def advance(
    state: Floats, horizons: Ints, options: Floats, bars: Floats, universe: Floats,
    column: int, first: int, minutes: int, values: Floats, contributions: Floats,
) -> None:  # fmt: skip
    """Process the frames of a block whose first is minute `first` of a session of `minutes`.

    `options` are forgetting, ridge weight per step, warm rows, cap of d, sign. Fills `values`
    (T, 4 + 2·H), expected returns and sds in units of σ√h, and `contributions` (T, n).
    """
    n = contributions.shape[1]
    h = len(horizons)
    ring = horizons[h - 1] + LATE + 2
    size = 3 * n + h + 5
    at = HEAD + GRID + 3 * WINDOW
    ut = state[at : at + n * n].reshape((n, n))
    at += n * n
    d = state[at : at + n]
    at += n
    weights = state[at : at + h * n].reshape((h, n))
    at += h * n
    noise = state[at : at + h]
    at += h
    carried = state[at : at + CARRIED * h].reshape((CARRIED, h))
    at += CARRIED * h
    rows = state[at : at + ring * size].reshape((ring, size))
    forgetting = options[0]
    ridge_step = options[1]
    warm_rows = options[2]
    cap = options[3]
    sign = options[4]
    if first == 0:
        start_session(state)
        _forget_yesterday(state, carried)
        rows[:, size - 1] = 0.0
    for t in range(len(bars)):
        minute = first + t
        bar = bars[t, column]
        slot = minute % ring
        rest = take_universe(state, bar, universe[t, 0], universe[t, 1], sign)
        if bar[PRESENT] == 0.0:
            rows[slot, size - 1] = 0.0
            state[C_MINUTES] += 1.0
            _carry(state, carried, values, t, warm_rows)
            contributions[t] = 0.0
            continue
        _mature(state, horizons, rows, weights, noise, minute, bar[OPEN])
        sigma = take_minute(state, bar, minute)
        x = rows[slot, :n]
        feature_row(state, bar, minute, minutes, sigma, rest, x)
        take_volume(state, bar[VOLUME])
        learnable = minute + 1 + horizons[h - 1] <= minutes - 1
        if learnable:
            doubt = ud_update(ut, d, x, forgetting, cap, rows[slot, n : 2 * n])
            axis = int(state[AXIS])
            rows[slot, size - 2] = axis
            if ridge_step > 0.0:
                ud_unit_update(ut, d, axis, ridge_step, rows[slot, 2 * n : 3 * n])
                state[AXIS] = (axis + 1) % n
        else:
            doubt = ud_quadratic(ut, d, x)
        rows[slot, 3 * n + h] = sigma
        rows[slot, 3 * n + h + 2] = -1.0
        rows[slot, size - 1] = 1.0 if learnable else 0.0
        _forecast(
            state, carried, horizons, weights, noise, rows, slot, doubt, sigma, contributions, t
        )
        _carry(state, carried, values, t, warm_rows)


@njit(cache=True, nogil=True, error_model="numpy")
def _forget_yesterday(state: Floats, carried: Floats) -> None:
    # no label and no forecast crosses the night
    state[LAST_BAR] = -1.0
    state[C_PROBABILITY] = 0.5
    state[C_CONFIDENCE] = 0.0
    state[C_MINUTES] = OVERNIGHT
    carried[0] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _mature(
    state: Floats, horizons: Ints, rows: Floats, weights: Floats, noise: Floats, minute: int,
    price: float,
) -> None:  # fmt: skip
    h, n = weights.shape
    ring, size = rows.shape
    first_price = 3 * n + h + 1
    # a bar serves every target since the last bar, at most LATE minutes late
    earliest = max(int(state[LAST_BAR]) + 1, minute - LATE)
    state[LAST_BAR] = minute
    log_price = math.log(price)
    for made in range(max(0, earliest - 1), minute):
        slot = made % ring
        if rows[slot, size - 1] != 0.0:
            rows[slot, first_price] = log_price
            rows[slot, first_price + 1] = minute
    for k in range(h):
        for target in range(earliest, minute + 1):
            made = target - 1 - horizons[k]
            if made < 0:
                continue
            slot = made % ring
            # no row, no first price within LATE minutes, or no second one after it
            if rows[slot, size - 1] == 0.0 or not 0.0 <= rows[slot, first_price + 1] < minute:
                continue
            scale = rows[slot, first_price - 1] * math.sqrt(horizons[k])
            label = (log_price - rows[slot, first_price]) / scale
            label = min(LABEL_CLIP, max(-LABEL_CLIP, label))
            forecast = rows[slot, 3 * n + k]
            error = label - forecast
            noise[k] += NOISE_RATE * (error * error - noise[k])
            _learn(weights, k, rows, slot, n, label, int(rows[slot, size - 2]))
            if k == h - 1:
                state[MATURED] += 1.0


# the loops below index whole arrays: a view per call would cost as much as the loop itself


@njit(cache=True, nogil=True, error_model="numpy")
def _learn(
    weights: Floats, k: int, rows: Floats, slot: int, n: int, label: float, axis: int
) -> None:
    innovation = label - _dot(weights, k, rows, slot, n)
    for i in range(n):
        weights[k, i] += innovation * rows[slot, n + i]
    pull = weights[k, axis]
    for i in range(n):
        weights[k, i] -= pull * rows[slot, 2 * n + i]


@njit(cache=True, nogil=True, error_model="numpy")
def _forecast(
    state: Floats, carried: Floats, horizons: Ints, weights: Floats, noise: Floats, rows: Floats,
    slot: int, doubt: float, sigma: float, contributions: Floats, t: int,
) -> None:  # fmt: skip
    h, n = weights.shape
    for i in range(n):
        contributions[t, i] = 0.0
    sd = 0.0
    expected = 0.0
    toward = 0.0
    apart = 0.0
    for k in range(h):
        scale = sigma * math.sqrt(horizons[k]) / h
        forecast = _dot(weights, k, rows, slot, n)
        rows[slot, 3 * n + k] = forecast
        spread = math.sqrt(noise[k] * (1.0 + doubt))
        carried[0, k] = forecast
        carried[1, k] = spread
        sd += spread * scale
        expected += forecast * scale
        toward += forecast / spread
        apart += abs(forecast / spread)
        for i in range(n):
            contributions[t, i] += scale * weights[k, i]
    for i in range(n):
        contributions[t, i] *= rows[slot, i]
    state[C_PROBABILITY] = 0.5 * (1.0 + math.erf(expected / (sd * math.sqrt(2.0))))
    agreement = abs(toward) / apart if apart > 0.0 else 0.0
    state[C_CONFIDENCE] = agreement / (1.0 + doubt)
    state[C_MINUTES] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(state: Floats, carried: Floats, values: Floats, t: int, warm_rows: float) -> None:
    values[t, PROBABILITY] = state[C_PROBABILITY]
    values[t, CONFIDENCE] = state[C_CONFIDENCE]
    values[t, WARM] = 1.0 if state[MATURED] >= warm_rows else 0.0
    values[t, STALE] = state[C_MINUTES]
    h = carried.shape[1]
    for k in range(h):
        values[t, FORECASTS + k] = carried[0, k]
        values[t, FORECASTS + h + k] = carried[1, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _dot(weights: Floats, k: int, rows: Floats, slot: int, n: int) -> float:
    # four sums in a fixed order: fast without fastmath, the same bytes everywhere
    s0 = 0.0
    s1 = 0.0
    s2 = 0.0
    s3 = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        s0 += weights[k, i] * rows[slot, i]
        s1 += weights[k, i + 1] * rows[slot, i + 1]
        s2 += weights[k, i + 2] * rows[slot, i + 2]
        s3 += weights[k, i + 3] * rows[slot, i + 3]
    for i in range(whole, n):
        s0 += weights[k, i] * rows[slot, i]
    return (s0 + s1) + (s2 + s3)
