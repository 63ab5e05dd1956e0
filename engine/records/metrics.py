"""What a run was worth, in the field's usual figures.

KEY INPUT: daily returns, round trips, totals.
KEY OUTPUT: floats; None where a figure is not defined.

Sharpe, Sortino, volatility, drawdown and Calmar agree with empyrical-reloaded to 1e-9 (tests).
MRD, the mean return per day, is total return / trading days; its interval is a circular block
bootstrap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from engine.events import MICRO
from engine.market.frames import Floats

DAYS_A_YEAR = 252
MINUTES_A_YEAR = 252 * 390
RESAMPLES = 10_000
_ROUNDING = 1e-14
"""Returns are ratios near 1 less 1: a standard deviation below this is rounding."""
_LOG_MAX = 700.0
"""About the largest x of which exp(x) is a float."""


def daily_returns(equity: Sequence[float]) -> Floats:
    """Return the simple returns of an equity series that begins with the starting capital.

    After ruin (equity at or below zero) a return is not defined: NaN, and with it every ratio None.
    """
    series = np.asarray(equity, np.float64)
    before = np.where(series[:-1] > 0.0, series[:-1], np.nan)
    return series[1:] / before - 1.0


def sharpe(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return mean / sd (n − 1) × √periods; None below two returns or without variation."""
    sd = _deviation(returns)
    return None if sd is None else float(np.mean(returns)) / sd * math.sqrt(periods)


def annual_volatility(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return the sd (n − 1) of returns × √periods; None below two returns or without variation."""
    sd = _deviation(returns)
    return None if sd is None else sd * math.sqrt(periods)


def sortino(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return mean × periods / annualised downside deviation (over all n, target 0)."""
    if len(returns) < 2 or not np.all(np.isfinite(returns)):
        return None
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)) * periods)
    return float(np.mean(returns)) * periods / downside if downside > 0 else None


def max_drawdown(returns: Floats) -> float:
    """Return the largest fall from a peak as a fraction ≥ 0."""
    curve = np.append(1.0, np.cumprod(1.0 + returns))
    return float(np.max(1.0 - curve / np.maximum.accumulate(curve)))


def calmar(returns: Floats, periods: int = DAYS_A_YEAR) -> float | None:
    """Return the compound annual return over the largest drawdown.

    None without a drawdown, after ruin, and if a year's growth is beyond what a float holds.
    """
    if len(returns) == 0 or not np.all(returns > -1.0):
        return None
    drawdown = max_drawdown(returns)
    year = float(np.sum(np.log1p(returns))) * periods / len(returns)
    return math.expm1(year) / drawdown if drawdown > 0 and year < _LOG_MAX else None


def block_length(days: int) -> int:
    """Return the bootstrap's block length: n^(1/3), rounded up (Hall, Horowitz, Jing 1995).

    At most half of the days: a block that goes once round the circle has the same mean wherever it
    starts, and the interval would be a point.
    """
    root: float = days ** (1 / 3)
    return max(1, min(math.ceil(round(root, 9)), days // 2))


def bootstrap_interval(
    returns: Floats, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float | None, float | None]:
    """Return the interval of the MRD by circular block bootstrap of the days' growth.

    Politis and Romano, "A circular block-resampling procedure for stationary data" (1992).
    (None, None) below two days, and after ruin.
    """
    n = len(returns)
    if n < 2 or not np.all(returns > -1.0):
        return None, None
    length = block_length(n)
    blocks = math.ceil(n / length)
    starts = np.random.default_rng(seed).integers(0, n, (resamples, blocks))
    # log growth of a resample = sum over its blocks; the last one is cut so that n days are drawn
    growth = np.log1p(returns)
    wrapped = np.concatenate([growth, growth])
    sums = np.concatenate([[0.0], np.cumsum(wrapped)])
    totals = (sums[starts[:, :-1] + length] - sums[starts[:, :-1]]).sum(axis=1)
    rest = n - (blocks - 1) * length
    totals += sums[starts[:, -1] + rest] - sums[starts[:, -1]]
    mrd = np.expm1(totals) / n
    low, high = np.quantile(mrd, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def deflated_sharpe(returns: Floats, *, trials: int, trial_sharpe_variance: float) -> float | None:
    """Return the probability that the true Sharpe ratio exceeds what the best of `trials` would.

    `trial_sharpe_variance` is of per-day Sharpe ratios over the trials. Bailey and López de Prado,
    "The deflated Sharpe ratio", Journal of Portfolio Management 40 (2014).
    """
    n, sd = len(returns), _deviation(returns)
    if n < 3 or trials < 1 or sd is None:
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
    if spread <= 0:  # returns of two values only can make the estimate's variance vanish
        return None
    return normal.cdf((observed - expected) * math.sqrt(n - 1) / math.sqrt(spread))


def _deviation(returns: Floats) -> float | None:
    if len(returns) < 2 or not np.all(np.isfinite(returns)):
        return None
    sd = float(np.std(returns, ddof=1))
    return sd if sd > _ROUNDING else None


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """Round trips, counted and averaged; a round trip at exactly zero is neither win nor loss.

    What was ended by hand counts in the number and the totals alone.
    """

    round_trips: int
    """All of them."""
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


class ClosedTrade(Protocol):
    """What is read of a round trip."""

    @property
    def pnl_micro(self) -> int:
        """Return the net profit."""
        ...

    @property
    def gross_micro(self) -> int:
        """Return the profit before costs."""
        ...

    @property
    def bars_held(self) -> int:
        """Return the minutes that it was held."""
        ...

    @property
    def by_hand(self) -> bool:
        """Return whether its profit says nothing of the rules."""
        ...


def trade_figures(trips: Sequence[ClosedTrade]) -> TradeFigures:
    """Return the figures of some round trips."""
    ruled = [trip for trip in trips if not trip.by_hand]
    won = [trip.pnl_micro for trip in ruled if trip.pnl_micro > 0]
    lost = [trip.pnl_micro for trip in ruled if trip.pnl_micro < 0]
    n = len(ruled)
    return TradeFigures(
        round_trips=len(trips),
        wins=len(won),
        losses=len(lost),
        break_even=n - len(won) - len(lost),
        win_rate=len(won) / n if n else None,
        profit_factor=sum(won) / -sum(lost) if lost else None,
        expectancy=(sum(won) + sum(lost)) / n / MICRO if n else None,
        average_win=sum(won) / len(won) / MICRO if won else None,
        average_loss=sum(lost) / len(lost) / MICRO if lost else None,
        total_pnl=sum(trip.pnl_micro for trip in trips) / MICRO,
        gross_pnl=sum(trip.gross_micro for trip in trips) / MICRO,
        mean_bars_held=sum(trip.bars_held for trip in ruled) / n if n else None,
    )
