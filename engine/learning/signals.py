"""What a predictor hands on: one row of numbers per frame, and the contributions behind it.

KEY INPUT: a predictor's forecasts for a block.
KEY OUTPUT: Signals, which the judge scores, and the supervisor ranks and explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from engine.market.frames import Block, Floats

PROBABILITY, CONFIDENCE, WARM, STALE, EXPECTED, SD = range(6)
FORECASTS = 4
"""Where in `Signals.values` the expected returns by horizon begin; then come their sds."""
SIGNAL_FIELDS = 6
"""The columns of gathered signals, (T, S, 6): of the returns and sds the mean over horizons."""
UNKNOWN_SD = 1.0
"""The sd where nothing is forecast, log return."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """A predictor's answer to one block: T rows for one symbol, H horizons, n features."""

    values: Floats
    """(T, 4 + 2·H) float64, columns:

    PROBABILITY that the price rises over the horizons, in [0, 1];
    CONFIDENCE in [0, 1];
    WARM 1.0 or 0.0: whether the forecast may be traded, and is scored;
    STALE minutes since the bar of the forecast (0: made in this frame);
    then `expected`, then `sd`.
    """
    contributions: Floats
    """(T, n) float64: the additive parts of the mean of `expected` by feature; n = 0 where there
    are none. They sum to it in frames whose STALE is 0."""
    scaled: bool = False
    """Whether `expected` and `sd` are in units of σ·√minutes instead of log returns, with σ the
    volatility of a minute as the judge measures it (engine.learning.judge)."""

    @property
    def expected(self) -> Floats:
        """Return the gross log return expected over each horizon, long side, before the earned
        slope: a view, (T, H). Their mean is what money is put on."""
        return self.values[:, FORECASTS : (FORECASTS + self.values.shape[1]) // 2]

    @property
    def sd(self) -> Floats:
        """Return the standard deviation of each of `expected`, above 0: a view, (T, H)."""
        return self.values[:, (FORECASTS + self.values.shape[1]) // 2 :]


@dataclass(frozen=True, slots=True)
class Context:
    """What a predictor may know when it is made; all of it is configuration, none of it data."""

    symbol: str
    column: int
    """The symbol's column in every block."""
    symbols: tuple[str, ...]
    sign: float
    """+1 if the symbol gains when the market rises, else −1."""
    horizons: tuple[int, ...] = (15, 30, 60)
    options: Mapping[str, float] = field(default_factory=dict)
    """`[learning]`'s numbers by key: forgetting, ridge, warm_rows, seed."""
    own: Any = None
    """`[learning.options]`: an instance of the predictor's own `Options`, None if it declares none.

    `Options` is a pydantic model, an attribute of the class; it gives each option its type, its
    default and its bounds."""


class Predictor(Protocol):
    """One symbol's learner: fed every frame of every session once, in order.

    It is causal (row t depends on frames ≤ t), deterministic, independent of how frames are cut
    into blocks, resumable from a checkpoint to the bit, and finite.
    `rotor` makes it as `Class(context)`.
    """

    feature_names: tuple[str, ...]

    def process(self, block: Block) -> Signals:
        """Learn what has become known, then forecast, for each frame of the block."""
        ...

    def checkpoint(self) -> bytes:
        """Return the whole state; raises nothing."""
        ...

    def restore(self, state: bytes) -> None:
        """Take up a state from `checkpoint`; raises CheckpointError when it does not fit."""
        ...


def neutral(frames: int, features: int = 0, *, horizons: int = 3) -> Signals:
    """Return cold, neutral signals for `frames` frames, to be filled in."""
    values = np.zeros((frames, FORECASTS + 2 * horizons))
    values[:, PROBABILITY] = 0.5
    values[:, FORECASTS + horizons :] = UNKNOWN_SD
    return Signals(values, np.zeros((frames, features)))
