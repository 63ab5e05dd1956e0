"""Where each number of a learner's state lies in its one buffer.

KEY INPUT: the number of features n, of horizons H, and the longest horizon.
KEY OUTPUT: offsets. A learner's whole state is one float64 vector, so that a kernel takes one
argument and a checkpoint is its bytes.
"""

import numpy as np

from engine.market.frames import Floats

# scalars, at the head of the buffer
(
    LAST_CLOSE, LAST_MINUTE, FIRST_MINUTE, SESSION_OPEN, GAP, BARS,
    EMA10, EMA20, EMA50, GAIN, LOSS, ATR14, ATR60, VARIANCE, VARIANCE_SLOW, VOLUME_MEAN,
    PRICE_VOLUME, VOLUME_SUM, U5, U15, U60,
    MATURED, AXIS, LAST_BAR,
    C_PROBABILITY, C_CONFIDENCE, C_MINUTES, LAST_LOG,
) = range(28)  # fmt: skip
HEAD = 28

GRID = 128
"""Minutes of carried log closes that are kept (a power of two above the longest return)."""
WINDOW = 20
"""Bars in the Bollinger band and the range."""
CARRIED = 2
"""Per horizon: the last forecast and its sd, in units of σ√h."""
LATE = 3
"""Minutes by which a label's bars may be late."""


def ring_size(longest: int) -> int:
    """Return how many minutes of rows are kept: each outlives its last label."""
    return longest + LATE + 2


def state_size(features: int, horizons: int, longest: int) -> int:
    """Return the length of the buffer."""
    return rings_offset(features, horizons) + ring_size(longest) * row_size(features, horizons)


def row_size(features: int, horizons: int) -> int:
    """Return the length of one stored row: x, gain, ridge gain, forecasts, σ, A, A's minute, axis,
    learnable."""
    return 3 * features + horizons + 5


def rings_offset(features: int, horizons: int) -> int:
    """Return where the stored rows begin."""
    fixed = HEAD + GRID + 3 * WINDOW
    return fixed + features * features + features + horizons * (features + 1 + CARRIED)


def fresh_state(features: int, horizons: int, longest: int, ridge: float) -> Floats:
    """Return the state of a learner that has seen nothing: P = I/ridge, weights 0."""
    state = np.zeros(state_size(features, horizons, longest))
    state[LAST_MINUTE] = state[LAST_BAR] = -1.0
    state[FIRST_MINUTE] = -1.0
    state[VARIANCE] = state[VARIANCE_SLOW] = 1e-6
    state[C_PROBABILITY] = 0.5
    at = HEAD + GRID + 3 * WINDOW
    state[at : at + features * features] = np.eye(features).ravel()
    at += features * features
    state[at : at + features] = 1.0 / ridge
    at += features + horizons * features
    state[at : at + horizons] = 1.0
    at += 2 * horizons
    state[at : at + horizons] = 1.0
    return state
