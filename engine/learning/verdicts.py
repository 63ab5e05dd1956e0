"""Verdicts: what the evidence of a cell says against the least win rate, by the rule configured.

KEY INPUT: the calibration's fit, the [quality] rules, which cells were below before.
KEY OUTPUT: by cell pass, reject or unproven; which are below; which are kept since they pay.

`estimate`: the calibrated win rate is compared as it stands. A cell that was below stays so until
its rate is clearly above (hysteresis). One below passes all the same if its shadows pay: if their
mean net return is above zero at its lower 90% bound by session (clusters.py).
`likely`: the posterior probability that the true rate is at least the least one must be 90% for a
pass, 10% for a reject. `off`: nothing is rejected.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.config import Quality as Rules
from engine.learning.calibration import Fit, Verdict

CLEARLY = 0.01
"""How far above the least win rate a cell that was below it returns."""
Cells = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """By cell, arrays (S, 2, BUCKETS)."""

    codes: npt.NDArray[np.int8]
    """Verdict."""
    below: Cells
    """Its win rate is below the least one, or was and is not clearly above it yet."""
    pays: Cells
    """It is below, and passes since its shadows pay."""


def judge(fit: Fit, rules: Rules, before: Cells | None = None) -> Verdicts:
    """Return the verdicts of a fit; `before` says which cells were below at the last one."""
    known = fit.known(rules.min_outcomes)
    below = _below(fit, rules.min_win_rate, known, before)
    pays = np.zeros_like(below)
    if rules.reject == "likely":
        codes = fit.verdicts(rules.min_win_rate, rules.min_outcomes)
    else:
        codes = np.where(known, Verdict.PASS, Verdict.UNPROVEN).astype(np.int8)
    if rules.reject == "estimate":
        pays = known & below & (fit.return_low() > 0.0)
        codes[known & below & ~pays] = Verdict.REJECT
    return Verdicts(codes, below, pays)


def _below(fit: Fit, least: float, known: Cells, before: Cells | None) -> Cells:
    below = known & (fit.rate < least)
    return below if before is None else below | (before & (fit.rate < least + CLEARLY))
