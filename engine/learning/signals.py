"""What a predictor hands on: one row of numbers per frame, and the contributions behind it.

KEY INPUT: a predictor's forecasts for a block.
KEY OUTPUT: Signals, which the supervisor gathers, ranks and explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from engine.market.frames import Block, Floats

PROBABILITY, CONFIDENCE, EXPECTED, SD, WARM, STALE, PAIR_FY, PAIR_FF = range(8)
SIGNAL_FIELDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """A predictor's answer to one block: T rows for one symbol."""

    values: Floats
    """(T, 8) float64, columns:

    PROBABILITY that the price rises over the blended horizon, in [0, 1];
    CONFIDENCE in [0, 1];
    EXPECTED gross log return over the blended horizon, long side, before the earned slope;
    SD of that forecast, log return;
    WARM 1.0 or 0.0;
    STALE minutes since the bar of the forecast (0: made in this frame);
    PAIR_FY and PAIR_FF: running sums since the session's open of forecast × realised and of
    forecast², over labels that matured (both in units of the row's volatility): the earned slope.
    """
    contributions: Floats
    """(T, n) float64: the additive parts of EXPECTED by feature; n = 0 where there are none.
    They sum to EXPECTED in frames whose STALE is 0."""


@dataclass(frozen=True, slots=True)
class HorizonScore:
    """How the stored forecasts of one horizon did against what came (prequential)."""

    horizon_minutes: int
    n: int
    ic: float
    """Pearson correlation of stored forecast and realised return, both in volatility units."""
    hit_rate: float
    """Share of matured labels ≠ 0 whose sign the forecast had."""


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
    """`[learning]`'s numbers by key: forgetting, ridge, warm_rows, seed, …"""


class Predictor(Protocol):
    """One symbol's learner: fed every frame of every session once, in order.

    It is causal (row t depends on frames ≤ t), deterministic, independent of how frames are cut
    into blocks, resumable from a checkpoint to the bit, and finite.
    `rotor` makes it as `Class(context)`.
    """

    feature_names: tuple[str, ...]

    def process(self, block: Block) -> Signals:
        """Score and learn the labels that mature, then forecast, for each frame of the block."""
        ...

    def checkpoint(self) -> bytes:
        """Return the whole state; raises nothing."""
        ...

    def restore(self, state: bytes) -> None:
        """Take up a state from `checkpoint`; raises CheckpointError when it does not fit."""
        ...

    def scores(self) -> tuple[HorizonScore, ...]:
        """Return how the forecasts did so far, by horizon."""
        ...


def neutral(frames: int, features: int = 0) -> Signals:
    """Return cold, neutral signals for `frames` frames."""
    values = np.zeros((frames, SIGNAL_FIELDS))
    values[:, PROBABILITY] = 0.5
    return Signals(values, np.zeros((frames, features)))
