"""How long an actor takes over its messages; measured only where somebody may look.

KEY INPUT: when it begins and ends.
KEY OUTPUT: percentiles of the last few minutes.
"""

import time
from collections import deque

import numpy as np

KEPT = 240


class Durations:
    """The last durations of one thing, in milliseconds."""

    def __init__(self) -> None:
        self._ms: deque[float] = deque(maxlen=KEPT)
        self._began: float | None = None

    def begin(self) -> None:
        """Begin to measure."""
        self._began = time.perf_counter()

    def end(self) -> None:
        """Note how long it has been; nothing if it did not begin."""
        if self._began is not None:
            self._ms.append(1e3 * (time.perf_counter() - self._began))
            self._began = None

    def percentile(self, percent: float) -> float | None:
        """Return a percentile of them; None before the first."""
        return round(float(np.percentile(self._ms, percent)), 2) if self._ms else None
