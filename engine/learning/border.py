"""The border: what a predictor hands on is checked before anybody builds on it.

KEY INPUT: a predictor's answer to a block.
KEY OUTPUT: the same numbers, copied; or ForecastError, which the restart policy takes as a crash.

Behind it kernels index by these numbers: int(nan) is −2⁶³ there, without an error.
"""

from typing import Any

import numpy as np
from numba import njit

from engine.learning.signals import (
    CONFIDENCE,
    FORECASTS,
    PROBABILITY,
    STALE,
    WARM,
    Context,
    Signals,
)
from engine.market.frames import Block, Floats

MOST_RETURN = 10.0
"""The largest log return that may be expected: a factor of 22,000."""
MOST_SCALED = 1e6
"""The same in units of σ√minutes."""
_FLOAT64 = np.dtype(np.float64)
_FRACTION = "a number from 0 to 1 is wanted"
_WANTED = {
    PROBABILITY: ("probability", _FRACTION),
    CONFIDENCE: ("confidence", _FRACTION),
    WARM: ("warm", "1.0 or 0.0 is wanted"),
    STALE: ("stale", "minutes are wanted, 0 or more"),
}


class ForecastError(ValueError):
    """What a predictor handed on cannot be used; the message names predictor, symbol, minute."""


def checked(answer: Any, block: Block, context: Context, predictor: Any) -> Signals:
    """Return a predictor's answer to `block`, copied, so that nothing can change it any more.

    Raises ForecastError if it is no Signals, has other shapes than (T, 4 + 2·H) and (T, n), is not
    float64, or holds a number that is not finite or out of its range.
    """
    h, n = len(context.horizons), len(predictor.feature_names)
    if not isinstance(answer, Signals):
        raise _error(context, predictor, f"{type(answer).__name__} instead of Signals")
    values, contributions = answer.values, answer.contributions
    frames, columns = len(block), FORECASTS + 2 * h
    if not (_is_table(values, frames, columns) and _is_table(contributions, frames, n)):
        told = f"values {_shape(values)} and contributions {_shape(contributions)}"
        wanted = f"{frames} × {columns} and {frames} × {n} of float64"
        raise _error(context, predictor, f"{told}; wanted are {wanted}")
    if contributions.base is not None or not contributions.flags.c_contiguous:
        contributions = contributions.copy()
    values = values.copy()
    place = _first_fault(values, contributions, h, MOST_SCALED if answer.scaled else MOST_RETURN)
    if place >= 0:
        raise _error(context, predictor, _words(values, contributions, place, context, block))
    return Signals(values, contributions, bool(answer.scaled))


def _is_table(array: Any, frames: int, columns: int) -> bool:
    return (
        isinstance(array, np.ndarray)
        and array.shape == (frames, columns)
        and array.dtype == _FLOAT64
    )


def _shape(array: Any) -> str:
    if not isinstance(array, np.ndarray):
        return f"a {type(array).__name__}"
    return f"{' × '.join(map(str, array.shape))} of {array.dtype}"


def _error(context: Context, predictor: Any, why: str) -> ForecastError:
    kind = type(predictor)
    return ForecastError(f"{kind.__module__}.{kind.__qualname__} hands on {why} ({context.symbol})")


def _words(
    values: Floats, contributions: Floats, place: int, context: Context, block: Block
) -> str:
    columns = values.shape[1]
    t, column = divmod(place, columns + contributions.shape[1])
    h = len(context.horizons)
    if column < FORECASTS:
        name, wanted = _WANTED[column]
    elif column < FORECASTS + h:
        name = f"expected return over {context.horizons[column - FORECASTS]} minutes"
        wanted = f"a log return within ±{MOST_RETURN:g} is wanted"
    elif column < columns:
        name = f"sd over {context.horizons[column - FORECASTS - h]} minutes"
        wanted = "a finite number above 0 is wanted"
    else:
        name, wanted = f"contribution {column - columns}", "a finite number is wanted"
    value = values[t, column] if column < columns else contributions[t, column - columns]
    return f"{name} {value:g} in minute {block.first + t} of {block.session.date}; {wanted}"


@njit(cache=True, nogil=True, error_model="numpy")
def _first_fault(values: Floats, contributions: Floats, h: int, most: float) -> int:
    """Return frame × columns + column of the first number that is out of its range, −1 if none."""
    columns: int = values.shape[1]
    n: int = contributions.shape[1]
    for t in range(len(values)):
        at = t * (columns + n)
        fault = _fault_of_row(values, t, h, most)
        if fault >= 0:
            return at + fault
        bad = 0
        for i in range(n):  # without a branch, so that it is vectorised
            bad += not abs(contributions[t, i]) < np.inf
        if bad > 0:
            for i in range(n):
                if not abs(contributions[t, i]) < np.inf:
                    return at + columns + i
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def _fault_of_row(values: Floats, t: int, h: int, most: float) -> int:
    # written so that NaN fails each of them
    for i in (PROBABILITY, CONFIDENCE):
        if not 0.0 <= values[t, i] <= 1.0:
            return i
    if not (values[t, WARM] == 0.0 or values[t, WARM] == 1.0):
        return WARM
    if not 0.0 <= values[t, STALE] < np.inf:
        return STALE
    for i in range(FORECASTS, FORECASTS + h):
        if not abs(values[t, i]) <= most:
            return i
        if not 0.0 < values[t, i + h] < np.inf:
            return i + h
    return -1
