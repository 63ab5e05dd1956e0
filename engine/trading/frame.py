"""One minute as the trader sees it: prices, signals and ranks of all symbols.

KEY INPUT: a block, its gathered signals and its ranking, and which frame of it.
KEY OUTPUT: FrameView, plain Python numbers on request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.cards import Signal
from engine.learning.signals import CONFIDENCE, PROBABILITY, STALE, WARM, Signals
from engine.market.frames import CLOSE, MINUTE_NS, Block, Floats
from engine.trading.quality import Quality
from engine.trading.ranking import Ranking


@dataclass(slots=True, eq=False)
class FrameView:
    """Frame `t` of a block."""

    block: Block
    t: int
    ranking: Ranking
    signals: Floats
    """(T, S, 8)."""
    explained: Sequence[Signals]
    """By column: what each predictor said, with its contributions."""
    feature_names: Sequence[tuple[str, ...]]
    quality: Quality
    ts_ns: int = field(init=False)
    """UTC start of the frame's bars."""
    minute: int = field(init=False)
    """Of the session."""

    def __post_init__(self) -> None:
        self.ts_ns = self.block.ts_ns(self.t)
        self.minute = self.block.first + self.t

    def price(self, column: int) -> float:
        """Return the close, carried if the symbol had no bar, USD."""
        return self.block.bars.item(self.t, column, CLOSE)

    def doubted(self, column: int) -> bool:
        """Return whether the symbol had a bar that was not believed."""
        return any(doubt.t == self.t and doubt.column == column for doubt in self.block.doubts)

    def strength(self, column: int) -> float:
        """Return the signal's strength."""
        return self.ranking.strength.item(self.t, column)

    def own_strength(self, column: int, direction: int) -> float:
        """Return the strength of the signal if it points in `direction`, else 0."""
        return self.strength(column) if self.direction(column) == direction else 0.0

    def rank(self, column: int) -> int:
        """Return the symbol's rank, 1 the strongest."""
        return self.ranking.rank.item(self.t, column)

    def direction(self, column: int) -> int:
        """Return 1, 0 or −1."""
        return self.ranking.direction.item(self.t, column)

    def edge_bps(self, column: int) -> float:
        """Return the expected return after the earned slope and a round trip's cost."""
        return self.ranking.edge_bps.item(self.t, column)

    def signal(self, column: int) -> Signal:
        """Return the signal with what is known of such signals."""
        confidence = self.signals.item(self.t, column, CONFIDENCE)
        cell = self.quality.cell(column, self.direction(column), confidence)
        symbol = self.block.symbols[column]
        return Signal(
            id=signal_id(symbol, self.ts_ns),
            probability=round(self.signals.item(self.t, column, PROBABILITY), 6),
            confidence=round(confidence, 6),
            strength=round(self.strength(column), 8),
            rank=self.rank(column),
            edge_bps=round(self.edge_bps(column), 4),
            win_rate=round(self.quality.rate(cell), 6),
            verdict=self.quality.verdict(cell).name.lower(),
        )

    def stale_minutes(self, column: int) -> int:
        """Return the age of the symbol's forecast."""
        return int(self.signals.item(self.t, column, STALE))

    def cold(self, column: int) -> bool:
        """Return whether the symbol's predictor is not warm, or crashed in this frame."""
        return self.signals.item(self.t, column, WARM) == 0.0

    def gates(self) -> list[int]:
        """Return each symbol's first refusing gate (Gate.PASS if none, Gate.NONE: no candidate)."""
        gates: list[int] = self.ranking.gate[self.t].tolist()
        return gates

    def drivers(self, column: int, most: int = 5) -> tuple[tuple[str, float], ...]:
        """Return the strongest contributions to the expected return: (feature, bps)."""
        row = self.explained[column].contributions[self.t]
        strongest = np.argsort(-np.abs(row), kind="stable")[:most].tolist()
        names = self.feature_names[column]
        return tuple((names[f], round(float(row[f]) * 1e4, 4)) for f in strongest)


def signal_id(symbol: str, ts_ns: int) -> str:
    """Return the name of a symbol's signal in the bar that starts at `ts_ns`."""
    return f"{symbol}-{ts_ns // MINUTE_NS}"
