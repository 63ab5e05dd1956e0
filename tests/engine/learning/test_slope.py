import numpy as np
import pytest
import statsmodels.api as sm

from engine.learning.slope import HALF_LIFE_SESSIONS, EarnedSlope


def sessions(slope, count=60, seed=0, noise=1.0):
    """Forecasts and outcomes of two symbols, by session."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        f = 0.2 * rng.standard_normal((2, 50))
        yield f, slope * f + noise * rng.standard_normal((2, 50))


def earned(parts, **options):
    slope = EarnedSlope(("A", "B"), **{"min_sessions": 20, **options})
    for f, y in parts:
        slope.end_session((f * y).sum(axis=1), (f * f).sum(axis=1))
    return slope


def test_pooled_slope_is_a_weighted_regression_clustered_by_session():
    """Point and lower bound equal statsmodels' WLS through the origin with clustered errors."""
    parts = list(sessions(0.6))
    pooled = earned(parts).pooled
    count = len(parts)
    f = np.concatenate([f.ravel() for f, _ in parts])
    y = np.concatenate([y.ravel() for _, y in parts])
    age = np.repeat(np.arange(count)[::-1], 100)
    fit = sm.WLS(y, f, weights=0.5 ** (age / HALF_LIFE_SESSIONS)).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.repeat(np.arange(count), 100), "use_correction": False},
    )
    error = float(fit.bse[0]) * np.sqrt(count / (count - 1))

    assert pooled.point == pytest.approx(float(fit.params[0]), rel=1e-9)
    assert pooled.lower == pytest.approx(pooled.point - 1.2815515655446004 * error, rel=1e-9)


def test_nothing_is_earned_before_the_sessions_asked_for():
    """Before min_shadow_sessions the factor is 0, however good the forecasts."""
    assert earned(sessions(1.0, 19, noise=0.1)).value.tolist() == [0.0, 0.0]
    assert (earned(sessions(1.0, 20, noise=0.1)).value > 0.9).all()


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_noise_and_wrong_forecasts_earn_nothing(slope):
    """No skill, and the wrong sign, stay flat; more than 1 is never earned."""
    assert earned(sessions(slope, 200, seed=3)).value.tolist() == [0.0, 0.0]
    assert earned(sessions(3.0, 100)).value.max() == 1.0


def test_a_learner_that_loses_its_edge_stops():
    """Eighty good sessions are forgotten after eighty bad ones."""
    slope = earned(sessions(0.8, 80))
    assert slope.value.min() > 0.3
    for f, y in sessions(-0.5, 80, seed=9):
        slope.end_session((f * y).sum(axis=1), (f * f).sum(axis=1))

    assert slope.value.tolist() == [0.0, 0.0]


def test_it_resumes_from_a_checkpoint():
    """A restored slope goes on to the same bits."""
    parts = list(sessions(0.5, 40))
    whole, half = earned(parts), earned(parts[:25])
    resumed = EarnedSlope(("A", "B"), min_sessions=20)
    resumed.restore(half.checkpoint())
    for f, y in parts[25:]:
        resumed.end_session((f * y).sum(axis=1), (f * f).sum(axis=1))

    assert resumed.checkpoint().tobytes() == whole.checkpoint().tobytes()
