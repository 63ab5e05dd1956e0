"""Verdicts by rule, and the mean net return by session behind the exception of `estimate`."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import t as student

from engine.config import Quality as Rules
from engine.learning.calibration import BUCKETS, Calibration, Evidence, Fit, Matured, Returns, fit
from engine.learning.calibration import Verdict as V
from engine.learning.clusters import interval
from engine.learning.verdicts import judge

SHAPE, CELL = (1, 2, BUCKETS), (0, 0, 4)


def fit_of(rate, own, returns=None):
    """A fit whose cell has this calibrated rate and so many decayed outcomes of its own."""
    n, rates = np.zeros(SHAPE), np.full(SHAPE, 0.5)
    n[CELL], rates[CELL] = own, rate
    return Fit(100 * rates, 100 * (1 - rates), n, returns or Returns.none(SHAPE))


def paying(sums, counts):
    """The returns of sessions without decay, all in the one cell."""
    returns = Returns.none(SHAPE)
    for a, b in zip(sums, counts, strict=True):
        returns = returns.then([Matured(*CELL, True, 0.5, a / b)] * b, 1.0)
    return returns


def verdict(fitted, rules=None, before=None):
    return judge(fitted, rules or Rules(), before).codes[CELL]


@pytest.mark.parametrize(
    ("rate", "own", "said"),
    [
        (0.549, 30.0, V.REJECT), (0.549, 29.9, V.UNPROVEN), (0.55, 30.0, V.PASS),
        (0.2, 5.0, V.UNPROVEN), (0.56, 29.9, V.UNPROVEN),
    ],
)  # fmt: skip
def test_the_estimate_is_compared_as_it_stands(rate, own, said):
    """Below 55% with 30 decayed outcomes is rejected; with fewer nothing is said."""
    assert verdict(fit_of(rate, own)) == said


def test_off_rejects_nothing_and_likely_is_the_posterior():
    """`off` tells what is unproven all the same; `likely` is the rule of the fit."""
    assert verdict(fit_of(0.2, 30), Rules(reject="off")) == V.PASS
    assert verdict(fit_of(0.2, 29), Rules(reject="off")) == V.UNPROVEN
    for rate in (0.45, 0.53, 0.57, 0.65):
        fitted = fit_of(rate, 80)
        assert verdict(fitted, Rules(reject="likely")) == fitted.verdicts(0.55, 30)[CELL]
    assert verdict(fit_of(0.53, 80), Rules(reject="likely")) == V.UNPROVEN


def test_what_was_rejected_returns_clearly_above_the_limit():
    """Held over sessions: 54.9% out, 55.5% still out, 56% in again, 55.5% still in."""
    before, said = None, []
    for rate in (0.555, 0.549, 0.555, 0.5599, 0.56, 0.555, 0.549):
        found = judge(fit_of(rate, 40), Rules(), before)
        before, said = found.below, [*said, V(found.codes[CELL]).name]

    assert said == ["PASS", "REJECT", "REJECT", "REJECT", "PASS", "PASS", "REJECT"]


def test_too_few_outcomes_for_a_while_do_not_take_a_rejection_back():
    """It is unproven meanwhile, and rejected again with enough of them."""
    below = judge(fit_of(0.549, 40), Rules()).below
    between = judge(fit_of(0.555, 29), Rules(), below)

    assert between.codes[CELL] == V.UNPROVEN
    assert verdict(fit_of(0.555, 31), before=between.below) == V.REJECT


def test_what_pays_is_kept_below_the_limit():
    """Eight sessions that each pay pass; one whose mean is of one lucky session does not."""
    steady = fit_of(0.46, 40, paying([0.004] * 7 + [0.005], [5] * 8))
    lucky = fit_of(0.46, 40, paying([-0.001] * 7 + [0.04], [5] * 8))

    assert lucky.mean_return[CELL] == pytest.approx(33e-3 / 40)
    found = judge(steady, Rules())
    assert (found.codes[CELL], found.pays[CELL], found.below[CELL]) == (V.PASS, True, True)
    assert verdict(lucky) == V.REJECT
    assert not judge(steady, Rules(reject="likely")).pays.any()
    assert not judge(fit_of(0.6, 40, paying([0.02] * 8, [5] * 8)), Rules()).pays.any()


def test_one_session_proves_no_return():
    """However many outcomes it has."""
    assert verdict(fit_of(0.46, 40, paying([0.4], [40]))) == V.REJECT


def test_returns_by_session_are_those_of_pandas_and_statsmodels():
    """Decayed mean, cluster-robust error, Student's bound: against a count of the outcomes."""
    rng = np.random.default_rng(7)
    calibration, rows = Calibration(3, half_life_sessions=6), []
    for session in range(25):
        shock, outcomes = rng.normal(0, 1e-3), []
        for _ in range(rng.integers(0, 12)):
            cell = (int(rng.integers(0, 3)), int(rng.integers(0, 2)), int(rng.integers(3, 6)))
            net = float(shock + rng.normal(2e-4, 2e-3))
            outcomes.append(Matured(*cell, net > 0, 0.5, net))
            rows.append((*cell, session, net))
        calibration.end_session(outcomes)
    low, mean = calibration.fit.return_low(), calibration.fit.mean_return
    table = pd.DataFrame(rows, columns=["column", "side", "bucket", "session", "net"])
    table["g"] = 0.5 ** ((24 - table["session"]) / 6)
    checked = 0
    for cell, mine in table.groupby(["column", "side", "bucket"]):
        assert mean[cell] == pytest.approx(np.average(mine["net"], weights=mine["g"]), abs=1e-15)
        sessions = mine["session"].nunique()
        if sessions < 2:
            assert np.isnan(low[cell])
            continue
        model = sm.WLS(mine["net"], np.ones(len(mine)), weights=mine["g"])
        found = model.fit(cov_type="cluster", cov_kwds={"groups": mine["session"]})
        bound = found.params.iloc[0] - student.ppf(0.9, sessions - 1) * found.bse.iloc[0]
        assert low[cell] == pytest.approx(bound, rel=1e-9)
        checked += 1
    assert checked >= 15


def test_the_interval_of_a_mean_is_that_of_statsmodels():
    """Two-sided, all outcomes alike, a session a cluster."""
    rng = np.random.default_rng(1)
    sessions = [list(rng.normal(1e-3, 1e-2, n)) for n in (3, 1, 7, 4, 2)]
    groups = [i for i, session in enumerate(sessions) for _ in session]
    flat = np.concatenate(sessions)
    theirs = sm.OLS(flat, np.ones(len(flat))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    away = student.ppf(0.975, 4) * theirs.bse[0]

    assert interval(sessions) == pytest.approx(
        (flat.mean(), flat.mean() - away, flat.mean() + away)
    )
    assert interval(sessions[:1]) is interval([]) is None


def test_a_roll_back_restores_returns_with_wins():
    """With a return of ±10 bp an outcome, sums and counts of both stay one, whatever happens."""
    rng = np.random.default_rng(4)
    calibration, back = Calibration(2, half_life_sessions=30), 0
    for session in range(120):
        rate = 0.7 if session % 80 < 50 else 0.3
        outcomes = []
        for column in (0, 1):
            expected = calibration.fit.rate.item(column, 0, 9)
            for won in rng.random(8) < rate:
                net = 1e-3 if won else -1e-3
                outcomes.append(Matured(column, 0, 9, bool(won), expected, net))
        back += bool(calibration.end_session(outcomes).rolled_back)
        evidence = calibration.evidence
        gone = np.abs(evidence.returns.total - 1e-3 * (evidence.wins - evidence.losses)).max()
        assert gone < 1e-12
        assert evidence.returns.sessions.max() * 8 == evidence.seen.max()
    assert back >= 2


def test_no_evidence_has_no_return():
    """Zero mean, no bound."""
    nothing = fit(Evidence.none(2))

    assert not nothing.mean_return.any()
    assert np.isnan(nothing.return_low()).all()
