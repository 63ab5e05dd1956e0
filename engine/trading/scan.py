"""Which frame comes next in which a rule can act; the frames between need no page of Python.

KEY INPUT: a block's ranking, who is held since when, what was last told.
KEY OUTPUT: the next frame to decide, and the refusals counted on the way.

It may stop too often, never too seldom: a property test runs every frame and finds one journal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.config import Config
from engine.events import Gate
from engine.learning.signals import STALE
from engine.market.frames import Floats, Ints
from engine.trading.exits import flatten_minute
from engine.trading.ranking import Ranking
from engine.trading.state import HELD, State

_PASS = int(Gate.PASS)


@dataclass(slots=True, eq=False)
class Refusals:
    """Refused candidates by gate, one per symbol and frame."""

    counts: Ints

    @classmethod
    def none(cls) -> "Refusals":
        """Return zero counts."""
        return cls(np.zeros(len(Gate), np.int64))

    def add(self, gates: Sequence[int]) -> None:
        """Count one frame's deciding gates."""
        for gate in gates:
            if gate > _PASS:
                self.counts[gate] += 1

    def by_gate(self) -> dict[str, int]:
        """Return the counts by the gate's name, lower case, of gates that refused anyone."""
        return {g.name.lower(): int(self.counts[g]) for g in Gate if self.counts[g]}


def next_frame(
    state: State, ranking: Ranking, signals: Floats, start: int, stop: int, first: int,
    minutes: int, config: Config, refusals: Refusals,
) -> int:  # fmt: skip
    """Return the first frame in [start, stop) in which something may act, or `stop`.

    `first` is the session minute of the block's first frame; refusals of the frames that are
    passed over are added to `refusals`.
    """
    if state.working:
        return start
    rules = config.rotation
    side = np.zeros(len(state.symbols), np.int8)
    hold_from = np.zeros(len(state.symbols), np.int64)
    for symbol, position in state.ledger.positions.items():
        column = state.column[symbol]
        entered = state.minute(position.entry_ts_ns)
        side[column] = position.direction
        hold_from[column] = entered + rules.min_hold_minutes - first
        due = min(entered + rules.max_hold_minutes, flatten_minute(minutes, config)) - first
        stop = min(stop, max(start, due))
    return int(
        _scan(
            ranking.gate, ranking.direction, ranking.strength, ranking.rank, signals,
            side, hold_from, state.told, start, stop,
            rules.min_strength_to_hold, rules.min_rank_to_hold, rules.max_cold_minutes,
            refusals.counts,
        )
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(
    gate: npt.NDArray[np.int8],
    direction: npt.NDArray[np.int8],
    strength: Floats,
    rank: npt.NDArray[np.int16],
    signals: Floats,
    side: npt.NDArray[np.int8],
    hold_from: Ints,
    told: npt.NDArray[np.int8],
    start: int,
    stop: int,
    min_strength: float,
    max_rank: int,
    max_cold: int,
    counts: Ints,
) -> int:
    symbols = gate.shape[1]
    for t in range(start, stop):
        for s in range(symbols):
            if side[s] == 0:
                g = gate[t, s]
                if g == _PASS or (g > _PASS and g != told[s]):
                    return t
            else:
                d = direction[t, s]
                if d == -side[s] or told[s] != HELD or signals[t, s, STALE] > max_cold:
                    return t
                if t >= hold_from[s] and (
                    d != side[s] or strength[t, s] < min_strength or rank[t, s] > max_rank
                ):
                    return t
        for s in range(symbols):
            if side[s] == 0 and gate[t, s] > _PASS:
                counts[gate[t, s]] += 1
    return stop
