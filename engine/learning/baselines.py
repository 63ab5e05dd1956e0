"""Predictors that learn nothing: to compare with, and to test the trader by.

KEY INPUT: blocks.
KEY OUTPUT: Signals, by one simple and explainable rule each.
"""

import math
import struct

import numpy as np
import numpy.typing as npt

from engine.errors import CheckpointError
from engine.learning.signals import (
    CONFIDENCE,
    EXPECTED,
    FORECASTS,
    PROBABILITY,
    SD,
    SIGNAL_FIELDS,
    STALE,
    UNKNOWN_SD,
    WARM,
    Context,
    Signals,
    neutral,
)
from engine.market.frames import CLOSE, MINUTE_NS, PRESENT, Block, Floats


class Zero:
    """Always neutral: what never trading looks like."""

    feature_names: tuple[str, ...] = ()

    def __init__(self, context: Context) -> None:
        self._context = context

    def process(self, block: Block) -> Signals:
        """Return neutral, warm rows."""
        signals = neutral(len(block), horizons=len(self._context.horizons))
        signals.values[:, WARM] = 1.0
        return signals

    def checkpoint(self) -> bytes:
        """Return nothing: there is no state."""
        return b""

    def restore(self, state: bytes) -> None:
        """Take up nothing; raises CheckpointError for anything else."""
        if state:
            raise CheckpointError("the checkpoint is not one of the predictor 'zero'")


class Random(Zero):
    """Noise, a pure function of seed, symbol and minute."""

    SPREAD = 0.002
    """The expected log return is uniform in ± this, over every horizon."""

    def process(self, block: Block) -> Signals:
        """Draw one forecast per minute that has a bar; carry it through minutes without."""
        minute = (block.ts_ns(0) // MINUTE_NS) + np.arange(len(block))
        seed = int(self._context.options.get("seed", 0))
        name = int.from_bytes(self._context.symbol.encode()[:8].ljust(8), "little")
        noise = _uniform(minute.astype(np.uint64), np.uint64(seed), np.uint64(name))
        signals = neutral(len(block), horizons=len(self._context.horizons))
        values = signals.values
        signals.expected[:] = ((2.0 * noise - 1.0) * self.SPREAD)[:, None]
        signals.sd[:] = 2.0 * self.SPREAD
        values[:, PROBABILITY] = 0.25 + 0.5 * noise
        values[:, CONFIDENCE] = 0.5
        values[:, WARM] = 1.0
        values[:, STALE] = np.where(block.bars[:, self._context.column, PRESENT] == 1.0, 0.0, 3.0)
        return signals


class Momentum:
    """What rose over the last half hour will rise a little more: a tenth of it, at any horizon."""

    feature_names = ("return_30",)
    MINUTES = 30
    SHARE = 0.1
    WARM_MINUTES = 60

    def __init__(self, context: Context) -> None:
        self._column = context.column
        self._roots = np.sqrt(np.array(context.horizons, np.float64))
        self._closes: list[float] = []
        self._variance = 1e-6
        self._last = _nothing_known()

    def process(self, block: Block) -> Signals:
        """Return one row per minute; the closes of a session are kept, of yesterday's none."""
        signals = neutral(len(block), 1, horizons=len(self._roots))
        bars = block.bars[:, self._column]
        if block.first == 0:
            self._closes = []
            self._last = _nothing_known()
        last = np.empty((len(block), SIGNAL_FIELDS))
        for t, (close, present) in enumerate(bars[:, [CLOSE, PRESENT]].tolist()):
            if close == close:
                self._minute(close, fresh=present == 1.0)
            last[t] = self._last
        signals.values[:, :FORECASTS] = last[:, :FORECASTS]
        signals.expected[:] = last[:, EXPECTED, None]
        signals.sd[:] = np.maximum(1e-6, last[:, SD, None] * self._roots)
        signals.contributions[:, 0] = np.where(last[:, STALE] == 0.0, last[:, EXPECTED], 0.0)
        return signals

    def _minute(self, close: float, *, fresh: bool) -> None:
        closes = self._closes
        closes.append(close)
        last = self._last
        if not fresh:
            last[STALE] += 1.0
            return
        if len(closes) > 1:
            change = math.log(close / closes[-2])
            self._variance += 0.02 * (change * change - self._variance)
        past = closes[max(0, len(closes) - 1 - self.MINUTES)]
        expected = self.SHARE * math.log(close / past)
        sd = max(1e-6, math.sqrt(self._variance * self.MINUTES))
        last[EXPECTED] = expected
        last[SD] = math.sqrt(self._variance)
        last[PROBABILITY] = 0.5 * (1.0 + math.erf(expected / sd / math.sqrt(2.0)))
        last[CONFIDENCE] = 1.0
        last[WARM] = float(len(closes) >= self.WARM_MINUTES)
        last[STALE] = 0.0

    def checkpoint(self) -> bytes:
        """Return the variance, the last row and the session's closes."""
        return struct.pack("<d", self._variance) + np.array([*self._last, *self._closes]).tobytes()

    def restore(self, state: bytes) -> None:
        """Take up a checkpoint; raises CheckpointError when it is cut short."""
        if len(state) % 8 or len(state) < 8 * (1 + SIGNAL_FIELDS):
            raise CheckpointError("the checkpoint is not one of the predictor 'momentum'")
        self._variance = struct.unpack_from("<d", state)[0]
        rest = np.frombuffer(state, offset=8)
        self._last = rest[:SIGNAL_FIELDS].copy()
        self._closes = rest[SIGNAL_FIELDS:].tolist()


def _nothing_known() -> Floats:
    # the row of a minute; SD is that of a minute
    last = np.zeros(SIGNAL_FIELDS)
    last[PROBABILITY] = 0.5
    last[SD] = UNKNOWN_SD
    return last


def _uniform(
    minute: npt.NDArray[np.uint64], seed: np.uint64, name: np.uint64
) -> npt.NDArray[np.float64]:
    """Return splitmix64 of the arguments (Steele et al., OOPSLA 2014), uniform in [0, 1)."""
    with np.errstate(over="ignore"):
        z = minute * np.uint64(0x9E3779B97F4A7C15) + (seed + np.uint64(1)) * np.uint64(
            0xD1B54A32D192ED03
        )
        z ^= name
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
