"""Calibration against known truth: it covers, it is monotone, it takes its time, it goes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.stats import beta
from statsmodels.stats.proportion import proportion_confint

from engine.learning.calibration import (
    BUCKETS,
    PRIOR_STRENGTH,
    Calibration,
    Evidence,
    Matured,
    Returns,
    Verdict,
    bucket_of,
    fit,
    interval,
)


def evidence_of(wins, n):
    wins, n = np.asarray(wins, float), np.asarray(n, float)
    return Evidence(wins, n - wins, n.astype(int), wins.astype(int), Returns.none(n.shape))


def one_cell(won, n, *, symbols=6, bucket=9):
    wins = np.zeros((symbols, 2, BUCKETS))
    seen = np.zeros_like(wins)
    wins[0, 0, bucket], seen[0, 0, bucket] = won, n
    return evidence_of(wins, seen)


def outcomes(rate, n, rng, *, column=0, bucket=9, expected=0.5):
    return [Matured(column, 0, bucket, bool(rng.random() < rate), expected) for _ in range(n)]


def test_three_of_three_wins_prove_nothing():
    """B18: with the default rules a short lucky streak is unproven, and so is an unlucky one."""
    for won in (3, 0):
        verdicts = fit(one_cell(won, 3)).verdicts(0.55, 1)

        assert verdicts[0, 0, 9] == Verdict.UNPROVEN


@pytest.mark.parametrize(
    ("won", "n", "verdict"),
    [(70, 80, Verdict.PASS), (20, 80, Verdict.REJECT), (45, 80, Verdict.UNPROVEN)],
)
def test_enough_evidence_is_believed(won, n, verdict):
    """Far above the least rate passes, far below is rejected, near to it stays unproven."""
    assert fit(one_cell(won, n)).verdicts(0.55, 10)[0, 0, 9] == verdict


def test_others_say_nothing_for_sure():
    """A cell without outcomes of its own is unproven, however well or badly the others did."""
    n = np.full((6, 2, BUCKETS), 200.0)
    n[2, 1, 5] = 0
    for rate in (0.1, 0.9):
        verdicts = fit(evidence_of(rate * n, n)).verdicts(0.55, 10)

        assert verdicts[2, 1, 5] == Verdict.UNPROVEN
        assert (np.delete(verdicts.ravel(), 2 * 20 + 15) != Verdict.UNPROVEN).all()


def test_a_cell_is_no_part_of_its_own_prior():
    """All other evidence absent, the prior is one half whatever the cell did."""
    posterior = fit(one_cell(30, 40))

    assert posterior.alpha[0, 0, 9] == 30 + PRIOR_STRENGTH / 2
    assert posterior.beta[0, 0, 9] == 10 + PRIOR_STRENGTH / 2


counts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=BUCKETS,
                  max_size=BUCKETS)  # fmt: skip


@given(counts)
def test_rates_rise_with_confidence(pairs):
    """Whatever came, the calibrated rate never falls as confidence rises."""
    won, lost = (np.array(x, float) for x in zip(*pairs, strict=True))
    wins, n = np.zeros((2, 2, BUCKETS)), np.zeros((2, 2, BUCKETS))
    wins[0, 0], n[0, 0] = won, won + lost
    rate = fit(evidence_of(wins, n)).rate

    assert (np.diff(rate, axis=2) >= -1e-12).all()


def test_pooling_is_isotonic_regression():
    """With one prior for all, neighbours pool as in SciPy's weighted isotonic regression."""
    rng = np.random.default_rng(3)
    n = rng.integers(5, 80, BUCKETS).astype(float)
    wins = np.round(n * rng.random(BUCKETS))
    k, prior = PRIOR_STRENGTH, np.full((1, 1, BUCKETS), 0.5)
    from engine.learning.calibration import _monotone

    alpha, beta_ = np.empty_like(prior), np.empty_like(prior)
    _monotone(wins[None, None], n[None, None], prior, k, alpha, beta_)
    first = (wins + k / 2) / (n + k)
    pools = np.round(isotonic_regression(first, weights=n + k).x, 9)

    ours = np.round((alpha / (alpha + beta_))[0, 0], 9)
    assert [a == b for a, b in zip(ours[1:], ours[:-1], strict=True)].count(True) >= 1
    # a pool has one prior instead of one a cell: the same neighbours pool, unless that parts them
    single = [b for b in range(BUCKETS) if list(pools).count(pools[b]) == 1]
    assert np.allclose(ours[single], first[single])


def test_posterior_intervals_cover():
    """Where the truth comes from the prior that others set, 95% intervals hold 95% of it."""
    rng = np.random.default_rng(11)
    held = total = 0
    for _ in range(300):
        base = rng.uniform(0.35, 0.65)
        # one bucket is used: others tell the mean, cells scatter about it as the prior says
        truth = rng.beta(PRIOR_STRENGTH * base, PRIOR_STRENGTH * (1 - base), size=(20, 2))
        n = rng.integers(5, 150, size=(20, 2))
        won = rng.binomial(n, truth)
        wins, seen = np.zeros((20, 2, BUCKETS)), np.zeros((20, 2, BUCKETS))
        wins[:, :, 9], seen[:, :, 9] = won, n
        low, high = fit(evidence_of(wins, seen)).interval(0.95)
        held += ((low[:, :, 9] <= truth) & (truth <= high[:, :, 9])).sum()
        total += truth.size

    assert 0.93 <= held / total <= 0.97


@pytest.mark.parametrize("rate", [0.2, 0.45, 0.62, 0.85])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_raw_intervals_cover(rate, n):
    """The interval beside a raw win rate holds a fixed truth at its nominal rate or nearly so."""
    rng = np.random.default_rng(5)
    won = rng.binomial(n, rate, size=4000)
    ranges = {k: interval(int(k), n) for k in np.unique(won)}
    held = np.mean([ranges[k][0] <= rate <= ranges[k][1] for k in won])

    assert 0.90 <= held <= 0.985


@pytest.mark.parametrize(("won", "n"), [(0, 7), (3, 3), (5, 9), (62, 100)])
def test_raw_intervals_are_jeffreys(won, n):
    """As statsmodels and SciPy have it, with the ends that Brown, Cai and DasGupta set."""
    low, high = interval(won, n)
    theirs = proportion_confint(won, n, method="jeffreys")
    exact = beta.ppf([0.025, 0.975], won + 0.5, n - won + 0.5)

    assert np.allclose(theirs, exact)
    assert low == (0.0 if won == 0 else pytest.approx(theirs[0]))
    assert high == (1.0 if won == n else pytest.approx(theirs[1]))


def test_old_outcomes_fade():
    """After a half-life an outcome counts half; a rejected cell can earn its way back."""
    rng = np.random.default_rng(2)
    calibration = Calibration(1, half_life_sessions=10)
    calibration.end_session(outcomes(0.0, 60, rng))
    assert calibration.fit.verdicts(0.55, 10)[0, 0, 9] == Verdict.REJECT
    for _ in range(10):
        calibration.end_session([])
    assert calibration.evidence.losses[0, 0, 9] == pytest.approx(30)
    assert calibration.evidence.seen[0, 0, 9] == 60

    for _ in range(40):
        calibration.end_session(outcomes(0.8, 5, rng))
    assert calibration.fit.verdicts(0.55, 10)[0, 0, 9] == Verdict.PASS


def test_it_learns_what_is_true():
    """With many outcomes the calibrated rates are the true ones."""
    rng = np.random.default_rng(8)
    truth = np.linspace(0.3, 0.7, BUCKETS)
    n = np.full((4, 2, BUCKETS), 5000.0)
    posterior = fit(evidence_of(rng.binomial(5000, np.broadcast_to(truth, n.shape)), n))

    assert np.abs(posterior.rate - truth).max() < 0.03


def test_drift_goes_back_to_the_version_that_fits():
    """Sixty sessions at 70%, then 30%: it notices, says why, and forgets what no longer holds."""
    rng = np.random.default_rng(4)
    calibration = Calibration(2, half_life_sessions=1000)
    said = []
    for session in range(90):
        rate = 0.7 if session < 60 else 0.3
        now = [
            outcome._replace(expected=calibration.fit.rate.item(outcome.column, 0, 9))
            for column in (0, 1)
            for outcome in outcomes(rate, 8, rng, column=column)
        ]
        version = calibration.end_session(now)
        if version.rolled_back:
            said.append((session, version.rolled_back))

    # the first sessions may tell that 70% is not the prior's 50%
    late = [(session, words) for session, words in said if session >= 60]
    assert late
    assert late[0][0] < 75
    assert "drift: over" in late[0][1]
    assert "back to" in late[0][1]
    assert calibration.fit.rate[0, 0, 9] < 0.5


def test_no_drift_is_seldom_seen():
    """Where what is expected is true, two thousand sessions of six equal symbols alarm rarely."""
    rng = np.random.default_rng(6)
    from engine.learning.drift import Drift

    drift, alarms = Drift(), 0
    for _ in range(2000):
        together = rng.random() < 0.5  # the worst: all symbols win or lose as one
        alarms += drift.end_session([Matured(c, 0, 9, together, 0.5) for c in range(6)]) is not None

    assert alarms <= 12


def test_scores_are_brier_and_log_loss():
    """Of the session's outcomes, against what was expected of them."""
    calibration = Calibration(1, half_life_sessions=10)
    version = calibration.end_session([Matured(0, 0, 1, True, 0.8), Matured(0, 0, 1, False, 0.4)])

    assert version.brier == pytest.approx((0.2**2 + 0.4**2) / 2)
    assert version.log_loss == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert calibration.end_session([]).brier is None


@pytest.mark.parametrize(
    ("confidence", "bucket"), [(0.0, 0), (0.0999, 0), (0.1, 1), (0.3, 3), (0.95, 9), (1.0, 9)]
)
def test_buckets(confidence, bucket):
    """Tenths, the last one closed (the original put more than 100% into the lowest)."""
    assert bucket_of(confidence) == bucket


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_sessions_without_outcomes_hide_nothing_from_a_roll_back(gap):
    """Drift counts sessions with outcomes; what these brought is kept, whatever lies between."""
    rng = np.random.default_rng(0)
    calibration = Calibration(1, half_life_sessions=1000)
    version, bad = None, 0
    for session in range(60):
        rate = 0.7 if session < 15 else 0.3
        expected = calibration.fit.rate.item(0, 0, 9)
        now = [x._replace(expected=expected) for x in outcomes(rate, 30, rng)]
        version = calibration.end_session(now)
        bad += session >= 15
        if bad and version.rolled_back:
            break
        for _ in range(gap):
            calibration.end_session([])

    assert f"over {bad} sessions" in version.rolled_back
    assert calibration.evidence.seen.sum() >= 30 * bad
