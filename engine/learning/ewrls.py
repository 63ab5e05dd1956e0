"""The learner that Rotor trades on: exponentially weighted recursive least squares, per symbol.

KEY INPUT: blocks; `[learning]` horizons, forgetting, ridge, warm_rows.
KEY OUTPUT: Signals.

For each horizon h the weights minimise Σ λ^(t−i) (y_i − w·x_i)² plus a ridge that does not fade:
after each row a pseudo-row √c·e_j with target 0 enters P, j going round the features, with
c = ridge · (1 − λⁿ), so that every coefficient is held by `ridge` in the long run.
"""

import hashlib
import json

import numpy as np

from engine.errors import CheckpointError
from engine.learning.features import FEATURES, VERSION
from engine.learning.kernel import advance
from engine.learning.layout import (
    GRID,
    HEAD,
    LAST_BAR,
    MATURED,
    WINDOW,
    fresh_state,
    ring_size,
    rings_offset,
    row_size,
)
from engine.learning.signals import FORECASTS, Context, Signals
from engine.market.frames import Block, Floats

D_CAP = 1e8
"""The most that a factor of P may be, in units of 1/ridge: out of reach for ordinary bars."""
DEFAULTS = {"forgetting": 0.9999, "ridge": 3000.0, "warm_rows": 500.0}


class Ewrls:
    """One symbol's learner (see engine.learning.signals.Predictor)."""

    feature_names = FEATURES

    def __init__(self, context: Context) -> None:
        chosen = {**DEFAULTS, **context.options}
        forgetting, ridge = chosen["forgetting"], chosen["ridge"]
        n = len(FEATURES)
        self._column = context.column
        self._horizons = np.array(context.horizons, np.int64)
        step = ridge * (1.0 - forgetting**n)
        cap = chosen.get("d_cap", D_CAP / ridge)
        self._options = np.array([forgetting, step, chosen["warm_rows"], cap, context.sign])
        self._state = fresh_state(n, len(context.horizons), context.horizons[-1], ridge)
        identity = (VERSION, FEATURES, context.symbol, context.horizons, forgetting, ridge)
        self._identity = hashlib.sha256(json.dumps(identity).encode()).digest()

    def process(self, block: Block) -> Signals:
        """Advance over the block's frames."""
        values = np.empty((len(block), FORECASTS + 2 * len(self._horizons)))
        contributions = np.empty((len(block), len(FEATURES)))
        advance(
            self._state, self._horizons, self._options, block.bars, block.universe,
            self._column, block.first, block.session.minutes, values, contributions,
        )  # fmt: skip
        return Signals(values, contributions, scaled=True)

    def checkpoint(self) -> bytes:
        """Return the state behind a hash of what it belongs to."""
        return self._identity + self._state.tobytes()

    def restore(self, state: bytes) -> None:
        """Take up a checkpoint; raises CheckpointError if it is another learner's."""
        identity, body = state[:32], state[32:]
        if identity != self._identity:
            raise CheckpointError(
                "the checkpoint belongs to other features, another symbol, or other horizons, "
                "forgetting or ridge than this run's: start without it, or restore those settings"
            )
        if len(body) != self._state.nbytes:
            raise CheckpointError(
                f"the checkpoint holds {len(body)} bytes, not {self._state.nbytes}"
            )
        self._state[:] = np.frombuffer(body)

    def features(self) -> Floats:
        """Return the feature row (n,) of the last bar that was processed."""
        h, n = len(self._horizons), len(FEATURES)
        size, ring = row_size(n, h), ring_size(int(self._horizons[-1]))
        slot = int(self._state[LAST_BAR]) % ring
        at = rings_offset(n, h) + slot * size
        return self._state[at : at + n].copy()

    @property
    def rows_learned(self) -> int:
        """Return how many rows have matured in every horizon."""
        return int(self._state[MATURED])

    def weights(self) -> Floats:
        """Return the weights, (H, n), in units of the normalised label."""
        h, n = len(self._horizons), len(FEATURES)
        at = HEAD + GRID + 3 * WINDOW + n * n + n
        return self._state[at : at + h * n].reshape(h, n).copy()
