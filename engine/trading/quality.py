"""Signal quality in trading: what the calibration in force allows, by the policy in force.

KEY INPUT: the calibration's fit, the [quality] rules.
KEY OUTPUT: per cell (symbol, direction, confidence bucket): the win rate to expect, the verdict,
the gate that refuses such signals, the factor on their size.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.config import Quality as Rules
from engine.events import Gate
from engine.learning.calibration import Fit, Verdict, bucket_of

Cell = tuple[int, int, int]
"""Column, side (0 long, 1 short), bucket."""
Words = Callable[[int, int, int], str]
"""From column, direction and bucket."""
SHRUNK = 0.5
"""The factor on the size of an unproven signal, where `unproven = "shrink"`."""


class Quality:
    """One version of the calibration under one set of rules."""

    def __init__(self, fit: Fit, rules: Rules, words: Words | None = None) -> None:
        """`words` tells what trades and shadows have won, for people."""
        self._words = words or (lambda _column, _direction, _bucket: "")
        self._rates = fit.rate
        self._verdicts = fit.verdicts(rules.min_win_rate, rules.min_outcomes)
        self._rules = rules

    def cell(self, column: int, direction: int, confidence: float) -> Cell:
        """Return the cell of a signal."""
        return column, 0 if direction > 0 else 1, bucket_of(confidence)

    def rate(self, cell: Cell) -> float:
        """Return the win rate that is expected of such signals."""
        return self._rates.item(cell)

    def verdict(self, cell: Cell) -> Verdict:
        """Return what is said of such signals."""
        return Verdict(self._verdicts.item(cell))

    def factor(self, cell: Cell) -> float:
        """Return the factor on the size of such signals."""
        shrinks = self._rules.unproven == "shrink"
        return SHRUNK if shrinks and self.verdict(cell) is Verdict.UNPROVEN else 1.0

    def words(self, column: int, direction: int, confidence: float) -> str:
        """Return what such trades and signals have won so far, in words."""
        return self._words(column, direction, bucket_of(confidence))

    def refused(self) -> npt.NDArray[np.int8]:
        """Return the gate that refuses the signals of each cell, 0 if none."""
        gates = np.where(self._verdicts == Verdict.REJECT, Gate.QUALITY, Gate.NONE)
        if self._rules.unproven == "hide":
            gates = np.where(self._verdicts == Verdict.UNPROVEN, Gate.UNPROVEN, gates)
        return gates.astype(np.int8)
