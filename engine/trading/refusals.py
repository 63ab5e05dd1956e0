"""Refused candidates: counted by gate, and told in words with their numbers.

KEY INPUT: a frame, a column, the gate that refuses.
KEY OUTPUT: the REFUSED decision; counts for the summary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.config import Config
from engine.events import Decided, Decision, Gate
from engine.learning.verdicts import CLEARLY
from engine.market.frames import Ints
from engine.trading.approval import Refused
from engine.trading.frame import FrameView

_PASS = int(Gate.PASS)
_FIXED = {
    Gate.COLD: "the predictor is not warm yet",
    Gate.WINDOW: "no entries this close to the close",
    Gate.QUARANTINE: "its predictor is quarantined",
    Gate.COOLDOWN: "in cooldown after its last exit",
    Gate.TWIN: "its inverse twin is held",
    Gate.SLOTS: "all slots are held by positions as strong",
    Gate.DISMISSED: "dismissed or snoozed in the inbox",
    Gate.ORPHAN: "a position that Rotor did not open has its underlying",
    Gate.BROKER_REFUSES: "the broker refused it three times for one kind of reason",
    Gate.INBOX: "it waits in the inbox for approval",
    Gate.BY_HAND: "it was traded by hand in this session",
}


@dataclass(slots=True, eq=False)
class Refusals:
    """Refused candidates by gate, one per symbol and frame."""

    counts: Ints

    @classmethod
    def none(cls) -> "Refusals":
        """Return zero counts."""
        return cls(np.zeros(max(Gate) + 1, np.int64))

    def add(self, gates: Sequence[int]) -> None:
        """Count one frame's deciding gates."""
        for gate in gates:
            if gate > _PASS:
                self.counts[gate] += 1

    def by_gate(self) -> dict[str, int]:
        """Return the counts by the gate's name, lower case, of gates that refused anyone."""
        return {g.name.lower(): int(self.counts[g]) for g in Gate if self.counts[g]}


def refused(
    frame: FrameView, column: int, gate: Gate, config: Config, risk: Refused | None = None
) -> Decided:
    """Return the decision that refuses a candidate; `risk` where a risk check does."""
    return Decided(
        ts_ns=frame.ts_ns,
        symbol=frame.block.symbols[column],
        decision=Decision.REFUSED,
        reason=risk.reason if risk else gate_words(frame, column, gate, config),
        rank=frame.rank(column),
        strength=frame.strength(column),
        gate=gate,
        numbers=tuple(risk.numbers.items()) if risk else (),
        advice=risk.advice if risk else "",
    )


def gate_words(frame: FrameView, column: int, gate: Gate, config: Config) -> str:
    """Return why a gate refuses a column, with its numbers."""
    rules = config.rotation
    match gate:
        case Gate.EDGE:
            return f"edge {frame.edge_bps(column):.1f} bps < {rules.min_edge_bps:g} after costs"
        case Gate.STRENGTH:
            least = rules.min_strength_to_enter
            return f"strength {frame.strength(column):.4f} < {least:g} to enter"
        case Gate.RANK:
            return f"rank {frame.rank(column)} > {rules.max_positions} positions"
        case Gate.EARNED_SLOPE:
            return f"edge {frame.edge_bps(column):.1f} bps with the slope earned so far"
        case Gate.QUALITY | Gate.UNPROVEN:
            return _quality(frame, column, gate, config)
        case Gate.STALE:
            return f"the signal is {frame.stale_minutes(column)} minutes old"
    return _FIXED[gate]


def _quality(frame: FrameView, column: int, gate: Gate, config: Config) -> str:
    signal = frame.signal(column)
    such = f"such signals of {frame.block.symbols[column]} (confidence {signal.confidence:.2f})"
    if gate is Gate.UNPROVEN:
        return f"{such} are unproven: too few outcomes, or too near to the least win rate"
    least = config.quality.min_win_rate
    wins = f"{such} win {100 * signal.win_rate:.1f}%, less than"
    if signal.win_rate < least or config.quality.reject == "likely":
        return f"{wins} {100 * least:g}%"
    return f"{wins} the {100 * (least + CLEARLY):g}% at which what was rejected returns"
