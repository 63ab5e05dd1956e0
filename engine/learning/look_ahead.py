"""Does a predictor look ahead? Later bars are changed; earlier forecasts must not.

KEY INPUT: how a predictor is made; blocks of whole sessions, in order.
KEY OUTPUT: Finding: the first forecast that depends on a later bar, or whose maker cannot be
audited because it does not say the same twice.

A session comes to a predictor as one block, which holds its future: a class that reads on sees it.
For several moments t a fresh predictor is fed everything up to t as it was and then other bars; its
rows up to t are to be the same bytes. What a predictor reads from elsewhere cannot be seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from engine.learning.signals import Context, Predictor, Signals
from engine.market.frames import CLOSE, HIGH, LOW, OPEN, PRESENT, SURPRISE, VOLUME, Block

Make = Callable[[Context], Predictor]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a forecast."""

    kind: Literal["looks ahead", "not deterministic"]
    symbol: str
    session: str
    """The New York date."""
    minute: int
    """Of the first row that differs."""
    changed_after: int
    """Bars after this minute were other ones."""

    def words(self) -> str:
        """Return it in a sentence."""
        if self.kind == "not deterministic":
            return f"the same bars gave other forecasts of {self.symbol} on {self.session}"
        return (
            f"its forecast of {self.symbol} in minute {self.minute} of {self.session} changes when "
            f"only bars after minute {self.changed_after} do"
        )


def look_ahead(
    make: Make, contexts: Sequence[Context], blocks: Sequence[Block], moments: int
) -> Finding | None:
    """Return the first finding over `moments` moments spread over `blocks`, None without one.

    Raises what the predictor raises.
    """
    for context in contexts:
        told = [_row_bytes(s) for s in _fed(make(context), blocks)]
        for i in range(moments):
            k = i * len(blocks) // moments
            block = blocks[k]
            # off the round minutes; the last one has no future
            t = min(len(block) - 2, (2 * i + 1) * len(block) // (2 * moments) + i % 3)
            same = _fed(make(context), blocks[: k + 1])[-1]
            if _row_bytes(same) != told[k]:
                return _finding("not deterministic", context, block, 0, len(block) - 1)
            other = _fed(make(context), [*blocks[:k], other_future(block, t, seed=i)])[-1]
            for row, (a, b) in enumerate(zip(told[k][: t + 1], _row_bytes(other), strict=False)):
                if a != b:
                    return _finding("looks ahead", context, block, row, t)
    return None


def other_future(block: Block, t: int, seed: int) -> Block:
    """Return the block with other prices, volumes and gaps behind frame `t`."""
    rng = np.random.default_rng(seed)
    bars, universe = block.bars.copy(), block.universe.copy()
    later = bars[t + 1 :]
    shape = later.shape[:2]
    factor = np.exp(np.cumsum(3e-3 * rng.standard_normal(shape), axis=0))
    later[:, :, [OPEN, HIGH, LOW, CLOSE]] *= factor[:, :, None]
    later[:, :, VOLUME] = np.round(later[:, :, VOLUME] * rng.uniform(0.2, 5.0, shape))
    later[:, :, SURPRISE] = rng.uniform(-4.0, 4.0, shape) * later[:, :, PRESENT]
    universe[t + 1 :, 0] += rng.standard_normal(len(later))
    bars.flags.writeable = universe.flags.writeable = False
    return replace(block, bars=bars, universe=universe)


def _fed(predictor: Predictor, blocks: Sequence[Block]) -> list[Signals]:
    return [predictor.process(block) for block in blocks]


def _row_bytes(signals: Signals) -> list[bytes]:
    told = np.hstack([signals.values, signals.contributions])
    return [row.tobytes() for row in told]


def _finding(
    kind: Literal["looks ahead", "not deterministic"], context: Context, block: Block, row: int,
    after: int,
) -> Finding:  # fmt: skip
    day = block.session.date.isoformat()
    return Finding(kind, context.symbol, day, block.first + row, block.first + after)
