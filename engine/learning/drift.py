"""Drift: whether outcomes have left what was expected of them.

KEY INPUT: a session's outcomes with the win rate that was expected of each.
KEY OUTPUT: None; or for how many sessions it has gone on, and in words what happened.

The two-sided cumulative sum test of E. S. Page, "Continuous inspection schemes", Biometrika 41
(1954), on one number a session: Σ (won − expected) over its standard deviation, taken as if all
outcomes of a minute's universe were one (the symbols follow the same few indices).
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.market.frames import Arrays

SLACK = 0.25
"""Deviations a session that are borne: half the shift that is looked for."""
THRESHOLD = 8.0
"""An alarm by chance once in some 370 sessions, if the symbols move as one; else more seldom."""


class Outcome(Protocol):
    """What the test reads of an outcome."""

    @property
    def column(self) -> int:
        """Return its symbol's column."""
        ...

    @property
    def won(self) -> bool:
        """Return whether it made money."""
        ...

    @property
    def expected(self) -> float:
        """Return the win rate that was expected."""
        ...


class Drift:
    """The running test."""

    def __init__(self) -> None:
        self._up = self._down = 0.0
        self._up_sessions = self._down_sessions = 0
        self._sums: deque[tuple[int, int, float]] = deque(maxlen=250)

    def end_session(self, outcomes: Sequence[Outcome]) -> tuple[int, str] | None:
        """Take a session; return (sessions since the change began, what happened) on an alarm."""
        if not outcomes:
            return None
        won = sum(o.won for o in outcomes)
        expected = math.fsum(o.expected for o in outcomes)
        variance = math.fsum(o.expected * (1.0 - o.expected) for o in outcomes)
        together = len({o.column for o in outcomes})
        z = (won - expected) / math.sqrt(max(1e-9, variance * together))
        self._sums.append((len(outcomes), won, expected))
        self._up = max(0.0, self._up + z - SLACK)
        self._down = max(0.0, self._down - z - SLACK)
        self._up_sessions = self._up_sessions + 1 if self._up > 0.0 else 0
        self._down_sessions = self._down_sessions + 1 if self._down > 0.0 else 0
        if max(self._up, self._down) <= THRESHOLD:
            return None
        sessions = self._up_sessions if self._up > self._down else self._down_sessions
        words = self._words(sessions, max(self._up, self._down))
        self._up = self._down = 0.0
        self._up_sessions = self._down_sessions = 0
        return sessions, words

    def checkpoint(self) -> Arrays:
        """Return what is kept between sessions."""
        return {
            "levels": np.array([self._up, self._down, self._up_sessions, self._down_sessions]),
            "sums": np.array(self._sums, float).reshape(-1, 3),
        }

    def restore(self, kept: Arrays) -> None:
        """Take up a checkpoint."""
        self._up, self._down, up, down = kept["levels"].tolist()
        self._up_sessions, self._down_sessions = int(up), int(down)
        self._sums.clear()
        self._sums.extend((int(n), int(won), by) for n, won, by in kept["sums"].tolist())

    def _words(self, sessions: int, reached: float) -> str:
        last = list(self._sums)[-sessions:]
        n, won = sum(s[0] for s in last), sum(s[1] for s in last)
        expected = math.fsum(s[2] for s in last)
        return (
            f"drift: over {sessions} sessions {100 * won / n:.0f}% of {n} outcomes won where "
            f"{100 * expected / n:.0f}% were expected (cumulative sum {reached:.1f} > "
            f"{THRESHOLD:g})"
        )
