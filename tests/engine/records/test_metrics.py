import math
from statistics import NormalDist

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from engine.events import MICRO, Decision, RoundTrip
from engine.records.metrics import (
    annual_volatility,
    block_length,
    bootstrap_interval,
    calmar,
    daily_returns,
    deflated_sharpe,
    max_drawdown,
    sharpe,
    sortino,
    trade_figures,
)


def returns(seed=0, n=120):
    return np.random.default_rng(seed).normal(0.0004, 0.01, n)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ratios_equal_empyrical(seed):
    """Sharpe, Sortino, volatility, drawdown and Calmar equal empyrical-reloaded's to 1e-9 (B19)."""
    daily = returns(seed)
    series = pd.Series(daily, index=pd.bdate_range("2025-01-01", periods=len(daily)))

    assert sharpe(daily) == pytest.approx(empyrical.sharpe_ratio(series), rel=1e-9)
    assert annual_volatility(daily) == pytest.approx(empyrical.annual_volatility(series), rel=1e-9)
    assert sortino(daily) == pytest.approx(empyrical.sortino_ratio(series), rel=1e-9)
    assert max_drawdown(daily) == pytest.approx(-empyrical.max_drawdown(series), rel=1e-9)
    assert calmar(daily) == pytest.approx(empyrical.calmar_ratio(series), rel=1e-9)


def test_what_is_not_defined_is_none():
    """No returns, no variation, no losses: None, never a division by zero or a NaN."""
    nothing, constant = np.array([]), np.zeros(5)
    ratios = (sharpe, sortino, calmar, annual_volatility)

    assert [f(nothing) for f in ratios] == [None] * 4
    assert [f(constant) for f in ratios] == [None] * 4
    assert bootstrap_interval(np.array([0.1])) == (None, None)
    assert deflated_sharpe(constant, trials=10, trial_sharpe_variance=0.1) is None
    assert trade_figures([]).win_rate is None
    assert trade_figures([trip(5)]).profit_factor is None


@pytest.mark.parametrize("value", [0.1, 0.01, -0.003])
def test_rounding_is_not_variation(value):
    """A constant return, whose sd is a rounding error and not zero, has no Sharpe ratio."""
    constant = np.full(10, value)

    assert np.std(constant, ddof=1) >= 0
    assert sharpe(constant) is None
    assert annual_volatility(constant) is None
    assert deflated_sharpe(constant, trials=1, trial_sharpe_variance=0.0) is None


def test_after_ruin_no_ratio_is_defined():
    """Equity that falls to zero or below leaves no return to speak of: None, no warning."""
    ruined = daily_returns([100.0, 50.0, -10.0, 5.0])

    assert [f(ruined) for f in (sharpe, sortino, calmar, annual_volatility)] == [None] * 4
    assert bootstrap_interval(ruined) == (None, None)
    assert deflated_sharpe(ruined, trials=2, trial_sharpe_variance=0.1) is None


def test_a_year_beyond_floats_has_no_calmar_ratio():
    """One day's growth, compounded to more than a float holds, is None and no OverflowError."""
    assert calmar(np.array([1e4, -0.1])) is None


def test_daily_returns_start_at_the_capital():
    """The first day's return is against the starting capital."""
    np.testing.assert_allclose(daily_returns([100.0, 110.0, 99.0]), [0.1, -0.1])


def test_bootstrap_equals_a_naive_loop():
    """The vectorised circular block bootstrap equals drawing the blocks one by one."""
    daily, n = returns(n=31), 31
    length = block_length(n)
    starts = np.random.default_rng(7).integers(0, n, (500, math.ceil(n / length)))
    days = [[daily[(s + i) % n] for s in row for i in range(length)][:n] for row in starts]
    mrd = [(np.prod(1 + np.array(drawn)) - 1) / n for drawn in days]
    low, high = np.quantile(mrd, [0.025, 0.975])

    actual = bootstrap_interval(daily, resamples=500, seed=7)
    assert actual == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("n", range(2, 30))
def test_the_interval_of_days_that_differ_is_never_a_point(n):
    """However few the days: no block goes once round the circle."""
    low, high = bootstrap_interval(np.linspace(-0.01, 0.02, n))

    assert block_length(n) <= max(1, n // 2)
    assert low < 0.005 < high


def test_the_interval_is_of_the_mrd_itself():
    """With volatile days the compounded MRD lies well below the mean return, and inside it."""
    daily = np.random.default_rng(0).normal(0.0, 0.05, 100)
    low, high = bootstrap_interval(daily)

    assert low < (np.prod(1 + daily) - 1) / 100 < high


def test_bootstrap_covers_the_mean_of_white_noise():
    """The 95% interval holds the true mean about 95 times of 100."""
    inside = 0
    for seed in range(200):
        low, high = bootstrap_interval(
            np.random.default_rng(seed).normal(0, 0.001, 80), resamples=400, seed=seed
        )
        inside += low <= 0 <= high

    assert 0.86 <= inside / 200 <= 0.99


def test_deflated_sharpe_equals_the_paper():
    """Bailey and López de Prado's formula, computed here with SciPy's moments."""
    daily, trials, variance = returns(3, 250), 100, 0.004
    observed = daily.mean() / daily.std(ddof=1)
    euler, normal = 0.5772156649015329, NormalDist()
    best = math.sqrt(variance) * (
        (1 - euler) * normal.inv_cdf(1 - 1 / trials)
        + euler * normal.inv_cdf(1 - 1 / (trials * math.e))
    )
    skew, kurt = scipy_stats.skew(daily), scipy_stats.kurtosis(daily, fisher=False)
    spread = math.sqrt(1 - skew * observed + (kurt - 1) / 4 * observed**2)
    expected = normal.cdf((observed - best) * math.sqrt(len(daily) - 1) / spread)

    actual = deflated_sharpe(daily, trials=trials, trial_sharpe_variance=variance)
    assert actual == pytest.approx(expected, rel=1e-9)
    assert actual < deflated_sharpe(daily, trials=1, trial_sharpe_variance=variance)


def trip(pnl, symbol="A", decision=Decision.EXIT):
    return RoundTrip(
        symbol=symbol, direction=1, entry_ts_ns=0, exit_ts_ns=1, shares=10, entry_price=5.0,
        exit_price=6.0, pnl_micro=round(pnl * MICRO), fee_micro=10_000, slippage_micro=5,
        bars_held=30, decision=decision, forced=False,
    )  # fmt: skip


@given(st.lists(st.integers(-5, 5), max_size=30))
def test_trade_figures_equal_pandas(profits):
    """Wins, losses, break-even, win rate, profit factor and expectancy, counted by pandas (B21)."""
    table = pd.Series(profits, dtype=float)
    figures = trade_figures([trip(p) for p in profits])
    wins, losses = table[table > 0], table[table < 0]

    assert (figures.wins, figures.losses, figures.break_even) == (
        len(wins), len(losses), int((table == 0).sum()),
    )  # fmt: skip
    assert figures.total_pnl == pytest.approx(table.sum())
    if profits:
        assert figures.win_rate == pytest.approx(len(wins) / len(table))
        assert figures.expectancy == pytest.approx(table.mean())
        assert figures.gross_pnl == pytest.approx(table.sum() + 0.010005 * len(table))
    if len(losses):
        assert figures.profit_factor == pytest.approx(wins.sum() / -losses.sum())
