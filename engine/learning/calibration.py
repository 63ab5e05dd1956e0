"""Calibration: what signals of a symbol, direction and confidence have won, and what that is worth.

KEY INPUT: matured shadow outcomes, session by session.
KEY OUTPUT: per cell (symbol, direction, confidence bucket) a win rate and a mean net return with
their evidence.

A cell's own wins and losses, decayed by time, meet a Beta prior of the strength of 20 outcomes
whose mean comes from everybody else: the symbol's other buckets, shrunk to the same bucket of the
other symbols, shrunk to one half. What is measured is never its own prior. Rates are then made
monotone in confidence by pooling neighbours (isotonic regression: Barlow et al., Statistical
Inference under Order Restrictions, 1972).

It is refitted at each session's end, so a verdict holds for a whole session; each fit is a version.
When what happens drifts from what was expected (drift.py), it goes back to the version that says
best what has happened since.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.learning.clusters import error, errors_to
from engine.learning.drift import Drift
from engine.market.frames import Arrays, Floats, Ints, above, below

BUCKETS = 10
"""Of confidence: [0, 0.1), …, [0.9, 1]."""
PRIOR_STRENGTH = 20.0
"""Outcomes that the prior is worth."""
KEPT_VERSIONS = 20
_COUNTS = ("wins", "losses", "seen", "won")
SURE = 0.9
"""Probability from which a verdict is spoken."""
LEAST, MOST = 1e-6, 1.0 - 1e-6
"""Probabilities in logarithms stay within these."""


class Verdict(IntEnum):
    """What a cell's evidence says against the least win rate."""

    UNPROVEN = 0
    PASS = 1
    REJECT = 2


class Matured(NamedTuple):
    """One outcome."""

    column: int
    """Of the symbol."""
    side: int
    """0 long, 1 short."""
    bucket: int
    won: bool
    expected: float
    """The win rate that the calibration in force said when the signal came."""
    net_return: float = 0.0
    """After costs, a fraction."""


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """Sums of net returns by cell, arrays (S, 2, BUCKETS); a session is a cluster (clusters.py)."""

    total: Floats
    """Σ g·a: a session's sum of returns a, decayed."""
    squares: tuple[Floats, Floats, Floats]
    """Σ g²a², Σ g²ab, Σ g²b², b being a session's outcomes."""
    sessions: Ints
    """With an outcome."""

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "Returns":
        """Return no returns."""
        zeros = np.zeros(shape)
        return cls(zeros, (zeros, zeros, zeros), np.zeros(shape, np.int64))

    def then(self, outcomes: Sequence[Matured], keep: float) -> "Returns":
        """Return this, decayed by `keep`, with a session's outcomes."""
        a, b = np.zeros_like(self.total), np.zeros_like(self.total)
        for one in outcomes:
            a[one.column, one.side, one.bucket] += one.net_return
            b[one.column, one.side, one.bucket] += 1.0
        aa, ab, bb = (keep**2 * was for was in self.squares)
        squares = (aa + a * a, ab + a * b, bb + b * b)
        return Returns(keep * self.total + a, squares, self.sessions + (b > 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Outcomes by cell, arrays (S, 2, BUCKETS)."""

    wins: Floats
    """Decayed."""
    losses: Floats
    seen: Ints
    """Outcomes ever, not decayed."""
    won: Ints
    returns: Returns

    @classmethod
    def none(cls, symbols: int) -> "Evidence":
        """Return no evidence."""
        shape = (symbols, 2, BUCKETS)
        zeros, whole = np.zeros(shape), np.zeros(shape, np.int64)
        return cls(zeros, zeros, whole, whole, Returns.none(shape))

    @classmethod
    def restored(cls, kept: Arrays) -> "Evidence":
        """Return what a checkpoint was made of."""
        a, b, c = kept["squares"].copy()
        returns = Returns(kept["total"].copy(), (a, b, c), kept["sessions"].copy())
        wins, losses, seen, won = (kept[name].copy() for name in _COUNTS)
        return cls(wins, losses, seen, won, returns)

    def checkpoint(self) -> Arrays:
        """Return all of it, by name."""
        kept: Arrays = {name: getattr(self, name).copy() for name in _COUNTS}
        returns = self.returns
        kept |= {"total": returns.total.copy(), "sessions": returns.sessions.copy()}
        return kept | {"squares": np.stack(returns.squares)}

    def then(self, outcomes: Sequence[Matured], keep: float) -> "Evidence":
        """Return this, decayed by `keep`, with more outcomes."""
        wins, losses = keep * self.wins, keep * self.losses
        seen, won = self.seen.copy(), self.won.copy()
        for column, side, bucket, win, _, _ in outcomes:
            (wins if win else losses)[column, side, bucket] += 1.0
            seen[column, side, bucket] += 1
            won[column, side, bucket] += win
        return Evidence(wins, losses, seen, won, self.returns.then(outcomes, keep))


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Beta posteriors by cell, arrays (S, 2, BUCKETS), monotone in confidence."""

    alpha: Floats
    beta: Floats
    own: Floats
    """Decayed outcomes of the cell itself."""
    returns: Returns

    @property
    def rate(self) -> Floats:
        """Return the calibrated win rates."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def mean_return(self) -> Floats:
        """Return the mean net return of each cell's own outcomes; 0 without any."""
        there = self.own > 0.0
        return np.divide(self.returns.total, self.own, out=np.zeros_like(self.own), where=there)

    def return_low(self, share: float = SURE) -> Floats:
        """Return the mean net return's lower bound by session; NaN below two sessions."""
        mean, sessions = self.mean_return, self.returns.sessions
        sure = error(mean, self.returns.squares, self.own, sessions)
        return mean - errors_to(share, sessions) * sure

    def known(self, min_outcomes: float) -> npt.NDArray[np.bool_]:
        """Return which cells have at least `min_outcomes` of their own."""
        return self.own >= max(min_outcomes, 1e-9)

    def verdicts(self, min_win_rate: float, min_outcomes: float) -> npt.NDArray[np.int8]:
        """Return a Verdict by cell; fewer than `min_outcomes` of its own leave it unproven."""
        verdicts = np.full(self.own.shape, Verdict.UNPROVEN, np.int8)
        known = self.known(min_outcomes)
        above = self.probability_above(min_win_rate, known)
        verdicts[known] = np.where(
            above >= SURE, Verdict.PASS,
            np.where(above <= 1.0 - SURE, Verdict.REJECT, Verdict.UNPROVEN),
        )  # fmt: skip
        return verdicts

    def probability_above(self, rate: float, cells: npt.NDArray[np.bool_]) -> Floats:
        """Return the posterior probability that the true win rate of `cells` is at least `rate`."""
        from scipy.special import betaincc

        return np.asarray(betaincc(self.alpha[cells], self.beta[cells], rate))

    def interval(self, share: float = 0.95) -> tuple[Floats, Floats]:
        """Return the equal-tailed posterior interval of each cell's win rate."""
        from scipy.special import betaincinv

        tail = (1.0 - share) / 2
        low = betaincinv(self.alpha, self.beta, tail)
        return np.asarray(low), np.asarray(betaincinv(self.alpha, self.beta, 1.0 - tail))


def fit(evidence: Evidence) -> Fit:
    """Return the posteriors of the evidence."""
    k, wins = PRIOR_STRENGTH, evidence.wins
    n = wins + evidence.losses
    all_w, all_n = wins.sum(), n.sum()
    own_w, own_n = wins.sum(axis=2, keepdims=True), n.sum(axis=2, keepdims=True)
    bucket_w, bucket_n = wins.sum(axis=(0, 1)), n.sum(axis=(0, 1))
    others = (all_w - own_w + 0.5 * k) / (all_n - own_n + k)
    same_bucket = (bucket_w - wins + k * others) / (bucket_n - n + k)
    prior = (own_w - wins + k * same_bucket) / (own_n - n + k)
    prior = np.clip(prior, 1e-3, 1.0 - 1e-3)
    alpha, beta = np.empty_like(n), np.empty_like(n)
    _monotone(wins, n, prior, k, alpha, beta)
    return Fit(alpha, beta, n, evidence.returns)


@njit(cache=True, nogil=True, error_model="numpy")
def _monotone(
    wins: Floats, n: Floats, prior: Floats, k: float, alpha: Floats, beta: Floats
) -> None:
    # pool adjacent violators; a pool has the wins of all its cells and one prior, their mean
    symbols, sides, buckets = n.shape
    start = np.empty(buckets, np.int64)
    pool = np.empty((buckets, 3))
    for s in range(symbols):
        for d in range(sides):
            count = 0
            for b in range(buckets):
                start[count] = b
                pool[count, 0] = wins[s, d, b]
                pool[count, 1] = n[s, d, b]
                pool[count, 2] = prior[s, d, b]
                size = 1
                while count > 0 and _rate(pool[count - 1], k) > _rate(pool[count], k):
                    before = start[count] - start[count - 1]
                    pool[count - 1, 0] += pool[count, 0]
                    pool[count - 1, 1] += pool[count, 1]
                    mean = before * pool[count - 1, 2] + size * pool[count, 2]
                    pool[count - 1, 2] = mean / (before + size)
                    size += before
                    count -= 1
                count += 1
            for p in range(count):
                stop = start[p + 1] if p + 1 < count else buckets
                for b in range(start[p], stop):
                    alpha[s, d, b] = pool[p, 0] + k * pool[p, 2]
                    beta[s, d, b] = pool[p, 1] - pool[p, 0] + k * (1.0 - pool[p, 2])


@njit(cache=True, nogil=True, error_model="numpy")
def _rate(pool: Floats, k: float) -> float:
    return (pool[0] + k * pool[2]) / (pool[1] + k)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Version:
    """What a session's end made of the calibration."""

    number: int
    outcomes: int
    """Of the session."""
    brier: float | None
    """Of the session's outcomes against what was expected of them; None without any."""
    log_loss: float | None
    rolled_back: str = ""
    """Why it went back to an older version; empty if it did not."""


class Calibration:
    """The calibration in force, and the versions before it."""

    def __init__(self, symbols: int, *, half_life_sessions: float) -> None:
        self._symbols = symbols
        self._keep = 0.5 ** (1.0 / half_life_sessions)
        self._drift = Drift()
        self._kept: deque[tuple[int, Evidence]] = deque(maxlen=KEPT_VERSIONS)
        self._recent: deque[list[Matured]] = deque(maxlen=KEPT_VERSIONS)
        self.evidence = Evidence.none(symbols)
        self.fit = fit(self.evidence)
        self.version = 0

    def end_session(self, outcomes: Sequence[Matured]) -> Version:
        """Take a session's outcomes, in order; refit, or go back to an older version."""
        if outcomes:  # the drift counts no others
            self._kept.append((self.version, self.evidence))
            self._recent.append(list(outcomes))
        self.version += 1
        found = self._drift.end_session(outcomes)
        self.evidence = self.evidence.then(outcomes, self._keep)
        reason = "" if found is None else self._go_back(*found)
        self.fit = fit(self.evidence)
        brier, log_loss = _scores(outcomes)
        return Version(self.version, len(outcomes), brier, log_loss, reason)

    def checkpoint(self) -> Arrays:
        """Return what is kept between sessions."""
        versions = [Evidence.none(self._symbols), *(evidence for _, evidence in self._kept)]
        kept: Arrays = {
            "version": np.array(self.version),
            "numbers": np.array([number for number, _ in self._kept], np.int64),
            "recent": np.array([o for day in self._recent for o in day], float),
            "sizes": np.array([len(day) for day in self._recent], np.int64),
        }
        parts = [version.checkpoint() for version in versions]
        kept |= above("evidence", self.evidence.checkpoint())
        kept |= above("kept", {name: np.stack([p[name] for p in parts])[1:] for name in parts[0]})
        return kept | above("drift", self._drift.checkpoint())

    def restore(self, kept: Arrays) -> None:
        """Take up a checkpoint of as many symbols."""
        self.version = int(kept["version"])
        self.evidence = Evidence.restored(below(kept, "evidence"))
        versions = below(kept, "kept")
        self._kept.clear()
        for i, number in enumerate(kept["numbers"].tolist()):
            one = Evidence.restored({name: array[i] for name, array in versions.items()})
            self._kept.append((number, one))
        kinds, ends = Matured.__annotations__.values(), np.cumsum(kept["sizes"]).tolist()
        rows = kept["recent"].reshape(-1, len(kinds)).tolist()
        told = [Matured(*(k(v) for k, v in zip(kinds, row, strict=True))) for row in rows]
        self._recent.clear()
        self._recent.extend(told[a:b] for a, b in zip([0, *ends], ends, strict=False))
        self._drift.restore(below(kept, "drift"))
        self.fit = fit(self.evidence)

    def _go_back(self, sessions: int, words: str) -> str:
        """Take the evidence that says best what the last `sessions` sessions brought."""
        recent = list(self._recent)[-sessions:]
        since = [outcome for session in recent for outcome in session]
        older = list(self._kept)[: max(1, len(self._kept) - len(recent) + 1)]
        choices = [(0, Evidence.none(self._symbols)), *older]
        losses = [_loss(fit(evidence).rate, since) for _, evidence in choices]
        best = losses.index(min(losses))
        number, evidence = choices[best]
        for session in recent:
            evidence = evidence.then(session, self._keep)
        self.evidence = evidence
        where = f"version {number}" if number else "no evidence at all"
        return f"{words}; back to {where}, with what has happened since"


def bucket_of(confidence: float) -> int:
    """Return the bucket of a confidence in [0, 1]."""
    return min(BUCKETS - 1, max(0, int(confidence * BUCKETS)))


def _loss(rate: Floats, outcomes: Sequence[Matured]) -> float:
    total = 0.0
    for column, side, bucket, won, _, _ in outcomes:
        p = min(MOST, max(LEAST, rate.item(column, side, bucket)))
        total -= np.log(p if won else 1.0 - p)
    return float(total)


def _scores(outcomes: Sequence[Matured]) -> tuple[float | None, float | None]:
    if not outcomes:
        return None, None
    expected = np.clip([o.expected for o in outcomes], LEAST, MOST)
    won = np.array([o.won for o in outcomes], float)
    brier = float(np.mean((expected - won) ** 2))
    log_loss = float(-np.mean(np.log(np.where(won > 0, expected, 1.0 - expected))))
    return brier, log_loss


def interval(won: int, n: int, share: float = 0.95) -> tuple[float, float]:
    """Return the equal-tailed interval of a win rate by Jeffreys' prior, Beta(½, ½).

    With no wins it begins at 0, with nothing but wins it ends at 1 (Brown, Cai and DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16, 2001).
    """
    from scipy.special import betaincinv

    tail = (1.0 - share) / 2
    a, b = won + 0.5, n - won + 0.5
    low = 0.0 if won == 0 else float(betaincinv(a, b, tail))
    return low, 1.0 if won == n else float(betaincinv(a, b, 1.0 - tail))
