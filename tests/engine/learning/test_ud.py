import numpy as np
import padasip
import pytest

from engine.learning.ud import p_matrix, ud_quadratic, ud_unit_update, ud_update

N = 12


def fresh(p0=1.0, n=N):
    return np.eye(n), np.full(n, p0), np.zeros(n)


def test_updates_equal_the_textbook_covariance():
    """Gain, xᵀPx and P equal P⁺ = (P − Pxxᵀ P/(λ + xᵀPx))/λ, pseudo-rows included."""
    rng = np.random.default_rng(0)
    ut, d, gain = fresh()
    p = np.eye(N)
    for step in range(200):
        x = rng.standard_normal(N)
        assert ud_quadratic(ut, d, x) == pytest.approx(x @ p @ x, rel=1e-9)
        k = p @ x / (0.99 + x @ p @ x)
        p = (p - np.outer(k, x @ p)) / 0.99
        ud_update(ut, d, x, 0.99, 1e12, gain)
        np.testing.assert_allclose(gain, k, rtol=1e-8, atol=1e-12)

        axis = step % N
        k = p[:, axis] / (1 / 0.3 + p[axis, axis])
        p = p - np.outer(k, p[axis])
        ud_unit_update(ut, d, axis, 0.3, gain)
        np.testing.assert_allclose(gain, k, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(p_matrix(ut, d), p, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("forgetting", [0.98, 0.999, 1.0])
def test_weights_equal_padasip(forgetting):
    """Recursive least squares with these gains equals padasip's FilterRLS to 1e-9."""
    rng = np.random.default_rng(1)
    x, noise = rng.standard_normal((400, N)), rng.standard_normal(400)
    y = x @ rng.standard_normal(N) + 0.1 * noise
    theirs = padasip.filters.FilterRLS(N, mu=forgetting, eps=0.1, w="zeros")
    theirs.run(y, x)

    ut, d, gain = fresh(1 / 0.1)
    w = np.zeros(N)
    for row, target in zip(x, y, strict=True):
        error = target - w @ row
        ud_update(ut, d, row, forgetting, 1e12, gain)
        w += gain * error

    np.testing.assert_allclose(w, theirs.w, rtol=1e-9, atol=1e-9)


ORDEALS = {
    "constant": lambda rng, n: np.ones(n),
    "zeros": lambda rng, n: np.zeros(n),
    "random": lambda rng, n: rng.standard_normal(n),
    "a dead feature": lambda rng, n: np.append(rng.standard_normal(n - 1), 0.0),
    "two equal features": lambda rng, n: np.repeat(rng.standard_normal(n // 2), 2),
    "extreme scales": lambda rng, n: rng.standard_normal(n) * 10.0 ** rng.uniform(-8, 8, n),
}


@pytest.mark.parametrize("ordeal", ORDEALS)
def test_p_stays_positive_bounded_and_adaptive(ordeal):
    """After 40,000 steps of anything P is positive and bounded, and new weights are learned."""
    rng = np.random.default_rng(2)
    ut, d, gain = fresh()
    axis = 0
    for _ in range(40_000):
        q = ud_update(ut, d, ORDEALS[ordeal](rng, N), 0.99, 1e6, gain)
        axis = (axis + 1) % N
        ud_unit_update(ut, d, axis, 0.01, gain)
        assert q >= 0.0
    assert np.isfinite(ut).all()
    assert (d > 0).all()
    assert (d <= 1e6).all()

    truth, w = rng.standard_normal(N), np.zeros(N)
    for _ in range(8_000):
        x = rng.standard_normal(N)
        error = truth @ x - w @ x
        ud_update(ut, d, x, 0.99, 1e6, gain)
        w += gain * error
    np.testing.assert_allclose(w, truth, atol=1e-2)
