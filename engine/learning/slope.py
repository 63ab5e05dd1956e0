"""The earned slope: how much of what was forecast has come true, out of sample, session by session.

KEY INPUT: per session and symbol, Σ f·y and Σ f² of stored forecasts f and realised returns y.
KEY OUTPUT: a factor in [0, 1] on every forecast that money is put on; 0 until it is earned.

β = Σ g·a / Σ g·b over sessions, with a = Σ f·y, b = Σ f² and g = ½^(age / half-life): the slope of
a regression through the origin. Its standard error takes a session, all symbols together, as one
cluster: SE² = G/(G−1) · Σ g²(a − βb)² / (Σ g·b)² (Liang and Zeger, "Longitudinal data analysis
using generalized linear models", Biometrika 73, 1986). The lower 10% bound is β − 1.2816·SE.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.market.frames import Floats

HALF_LIFE_SESSIONS = 20.0
_Z_10_PERCENT = 1.2815515655446004
_SHRINKAGE = 0.5


@dataclass(frozen=True, slots=True)
class PooledSlope:
    """The slope over all symbols."""

    point: float
    lower: float
    """The lower 10% bound, not clipped; 0 before there is any evidence."""
    sessions: int


class EarnedSlope:
    """The running slope, pooled and by symbol."""

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        min_sessions: int,
        half_life_sessions: float = HALF_LIFE_SESSIONS,
    ) -> None:
        self._keep = 0.5 ** (1.0 / half_life_sessions)
        self.min_sessions = min_sessions
        self._a = np.zeros(len(symbols))
        self._b = np.zeros(len(symbols))
        self._squares = np.zeros(3)
        self._sessions = 0

    def end_session(self, fy: Floats, ff: Floats) -> None:
        """Take a session's sums, each (S,); a session without a matured forecast does not count."""
        a, b = float(sum(fy.tolist())), float(sum(ff.tolist()))
        if b <= 0.0:
            return
        self._a = self._keep * self._a + fy
        self._b = self._keep * self._b + ff
        self._squares = self._keep**2 * self._squares + np.array([a * a, a * b, b * b])
        self._sessions += 1

    @property
    def pooled(self) -> PooledSlope:
        """Return the slope over all symbols with its lower bound."""
        a, b = float(sum(self._a.tolist())), float(sum(self._b.tolist()))
        if self._sessions < 2 or b <= 0.0:
            return PooledSlope(0.0, 0.0, self._sessions)
        point = a / b
        aa, ab, bb = self._squares.tolist()
        correction = self._sessions / (self._sessions - 1)
        variance = correction * max(0.0, aa - 2 * point * ab + point * point * bb) / (b * b)
        return PooledSlope(point, point - _Z_10_PERCENT * float(np.sqrt(variance)), self._sessions)

    @property
    def value(self) -> Floats:
        """Return the factor in force by symbol, (S,): the pooled bound, at most the symbol's own.

        A symbol's own slope is shrunk half-way to the pooled one, since it rests on little.
        """
        pooled = self.pooled
        if pooled.sessions < self.min_sessions:
            return np.zeros(len(self._a))
        own = np.divide(self._a, self._b, out=np.zeros_like(self._a), where=self._b > 0.0)
        shrunk = pooled.point + _SHRINKAGE * (own - pooled.point)
        return np.clip(np.minimum(pooled.lower, shrunk), 0.0, 1.0)

    def checkpoint(self) -> Floats:
        """Return the state as one vector."""
        return np.concatenate([self._a, self._b, self._squares, [float(self._sessions)]])

    def restore(self, state: Floats) -> None:
        """Take up a checkpoint of as many symbols."""
        n = len(self._a)
        assert len(state) == 2 * n + 4
        self._a, self._b = state[:n].copy(), state[n : 2 * n].copy()
        self._squares = state[2 * n : 2 * n + 3].copy()
        self._sessions = int(state[-1])
