"""What a run was worth, in the field's usual figures.

KEY INPUT: daily returns, round trips, totals.
KEY OUTPUT: floats; None where a figure is not defined.

Sharpe, Sortino, drawdown and Calmar agree with empyrical-reloaded to 1e-9 (tests). MRD, the mean
return per day, is total return / trading days; its interval is a circular block bootstrap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from engine.events import MICRO
from engine.market.frames import Floats
from engine.trading.ledger import RoundTrip

DAYS_A_YEAR = 252
MINUTES_A_YEAR = 252 * 390
RESAMPLES = 10_000


def daily_returns(equity: Sequence[float]) -> Floats:
    """Return the simple returns of an equity series that begins with the starting capital."""
    series = np.asarray(equity, np.float64)
    return series[1:] / series[:-1] - 1.0


def sharpe(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return mean / sd (n − 1) × √periods; None below two returns or without variation."""
    if len(returns) < 2:
        return None
    sd = float(np.std(returns, ddof=1))
    return float(np.mean(returns)) / sd * math.sqrt(periods) if sd > 0 else None


def sortino(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return mean × periods / annualised downside deviation (over all n, target 0)."""
    if len(returns) < 2:
        return None
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)) * periods)
    return float(np.mean(returns)) * periods / downside if downside > 0 else None


def max_drawdown(returns: Floats) -> float:
    """Return the largest fall from a peak as a fraction ≥ 0."""
    curve = np.append(1.0, np.cumprod(1.0 + returns))
    return float(np.max(1.0 - curve / np.maximum.accumulate(curve)))


def calmar(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return the compound annual return over the largest drawdown; None without a drawdown."""
    drawdown = max_drawdown(returns)
    if len(returns) == 0 or drawdown <= 0:
        return None
    growth: float = float(np.prod(1.0 + returns)) ** (periods / len(returns))
    return (growth - 1.0) / drawdown


def block_length(days: int) -> int:
    """Return the bootstrap's block length: n^(1/3), rounded up (Hall, Horowitz, Jing 1995)."""
    root: float = days ** (1 / 3)
    return max(1, math.ceil(round(root, 9)))


def bootstrap_interval(
    returns: Floats, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float | None, float | None]:
    """Return the interval of the mean daily return by circular block bootstrap.

    Politis and Romano, "A circular block-resampling procedure for stationary data" (1992).
    (None, None) below two days.
    """
    n = len(returns)
    if n < 2:
        return None, None
    length = block_length(n)
    blocks = math.ceil(n / length)
    starts = np.random.default_rng(seed).integers(0, n, (resamples, blocks))
    # mean of a resample = mean of its blocks; the last one is cut so that n days are drawn
    wrapped = np.concatenate([returns, returns])
    sums = np.concatenate([[0.0], np.cumsum(wrapped)])
    totals = (sums[starts[:, :-1] + length] - sums[starts[:, :-1]]).sum(axis=1)
    rest = n - (blocks - 1) * length
    totals += sums[starts[:, -1] + rest] - sums[starts[:, -1]]
    low, high = np.quantile(totals / n, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def deflated_sharpe(returns: Floats, *, trials: int, trial_sharpe_variance: float) -> float | None:
    """Return the probability that the true Sharpe ratio exceeds what the best of `trials` would.

    `trial_sharpe_variance` is of per-day Sharpe ratios over the trials. Bailey and López de Prado,
    "The deflated Sharpe ratio", Journal of Portfolio Management 40 (2014).
    """
    n = len(returns)
    if n < 3 or trials < 1:
        return None
    sd = float(np.std(returns, ddof=1))
    if sd <= 0:
        return None
    normal = NormalDist()
    observed = float(np.mean(returns)) / sd
    euler = 0.5772156649015329
    expected = 0.0
    if trials > 1:
        expected = math.sqrt(trial_sharpe_variance) * (
            (1 - euler) * normal.inv_cdf(1 - 1 / trials)
            + euler * normal.inv_cdf(1 - 1 / (trials * math.e))
        )
    z = (returns - np.mean(returns)) / np.std(returns)
    skew, kurtosis = float(np.mean(z**3)), float(np.mean(z**4))
    spread = 1 - skew * observed + (kurtosis - 1) / 4 * observed**2
    return normal.cdf((observed - expected) * math.sqrt(n - 1) / math.sqrt(spread))


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """Round trips, counted and averaged; a round trip at exactly zero is neither win nor loss."""

    round_trips: int
    wins: int
    losses: int
    break_even: int
    win_rate: float | None
    profit_factor: float | None
    """None without losses."""
    expectancy: float | None
    """Mean net profit, USD."""
    average_win: float | None
    average_loss: float | None
    total_pnl: float
    gross_pnl: float
    mean_bars_held: float | None


def trade_figures(trips: Sequence[RoundTrip]) -> TradeFigures:
    """Return the figures of some round trips."""
    won = [trip.pnl_micro for trip in trips if trip.pnl_micro > 0]
    lost = [trip.pnl_micro for trip in trips if trip.pnl_micro < 0]
    n = len(trips)
    total = sum(won) + sum(lost)
    return TradeFigures(
        round_trips=n,
        wins=len(won),
        losses=len(lost),
        break_even=n - len(won) - len(lost),
        win_rate=len(won) / n if n else None,
        profit_factor=sum(won) / -sum(lost) if lost else None,
        expectancy=total / n / MICRO if n else None,
        average_win=sum(won) / len(won) / MICRO if won else None,
        average_loss=sum(lost) / len(lost) / MICRO if lost else None,
        total_pnl=total / MICRO,
        gross_pnl=sum(trip.gross_micro for trip in trips) / MICRO,
        mean_bars_held=sum(trip.bars_held for trip in trips) / n if n else None,
    )
