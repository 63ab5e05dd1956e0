"""Signal quality in trading: what the calibration in force allows, by the policy in force.

KEY INPUT: the calibration's fit, the [quality] rules.
KEY OUTPUT: per cell (symbol, direction, confidence bucket): the win rate to expect, the verdict,
the gate that refuses such signals, the factor on their size.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.cards import record_words
from engine.config import Quality as Rules
from engine.events import Gate
from engine.learning.calibration import Fit, Verdict, bucket_of
from engine.learning.verdicts import Cells, judge

Cell = tuple[int, int, int]
"""Column, side (0 long, 1 short), bucket."""
Words = Callable[[int, int, int], str]
"""From column, direction and bucket."""
SHRUNK = 0.5
"""The factor on the size of an unproven signal, where `unproven = "shrink"`."""


class Quality:
    """One version of the calibration under one set of rules."""

    def __init__(
        self, fit: Fit, rules: Rules, words: Words | None = None, before: Cells | None = None
    ) -> None:
        """`words` tells what trades and shadows have won, for people.

        `before`: which cells were below the least win rate in the version before.
        """
        self._words = words or (lambda _column, _direction, _bucket: "")
        self._fit, self._rules, self._before = fit, rules, before
        self._rates, self._verdicts = fit.rate, judge(fit, rules, before)

    def after(self, fit: Fit, rules: Rules, *, anew: bool) -> "Quality":
        """Return the next version's; `anew` if it went back on its evidence."""
        return Quality(fit, rules, self._words, None if anew else self._verdicts.below)

    @property
    def before(self) -> Cells | None:
        """Return which cells were below the least win rate in the version before."""
        return self._before

    def under(self, rules: Rules) -> "Quality":
        """Return this version under other rules."""
        return Quality(self._fit, rules, self._words, self._before)

    def cell(self, column: int, direction: int, confidence: float) -> Cell:
        """Return the cell of a signal."""
        return column, 0 if direction > 0 else 1, bucket_of(confidence)

    def rate(self, cell: Cell) -> float:
        """Return the win rate that is expected of such signals."""
        return self._rates.item(cell)

    def verdict(self, cell: Cell) -> Verdict:
        """Return what is said of such signals."""
        return Verdict(self._verdicts.codes.item(cell))

    def pays_bps(self, cell: Cell) -> float | None:
        """Return the mean net return of such shadows, if it is why they are not rejected."""
        pays = self._verdicts.pays.item(cell)
        return 1e4 * self._fit.mean_return.item(cell) if pays else None

    def factor(self, cell: Cell) -> float:
        """Return the factor on the size of such signals."""
        shrinks = self._rules.unproven == "shrink"
        return SHRUNK if shrinks and self.verdict(cell) is Verdict.UNPROVEN else 1.0

    def words(self, column: int, direction: int, confidence: float) -> str:
        """Return what such trades and signals have won so far, in words."""
        said = self._words(column, direction, bucket_of(confidence))
        cell = self.cell(column, direction, confidence)
        pays = self.pays_bps(cell)
        return said if pays is None else f"{said} · {record_words(self.rate(cell), pays)}"

    def refused(self) -> npt.NDArray[np.int8]:
        """Return the gate that refuses the signals of each cell, 0 if none."""
        gates = np.where(self._verdicts.codes == Verdict.REJECT, Gate.QUALITY, Gate.NONE)
        if self._rules.unproven == "hide":
            gates = np.where(self._verdicts.codes == Verdict.UNPROVEN, Gate.UNPROVEN, gates)
        return gates.astype(np.int8)
