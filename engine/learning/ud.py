"""The covariance of recursive least squares as Bierman's UD factors: P = U·diag(d)·Uᵀ.

KEY INPUT: a feature row x, the forgetting factor λ.
KEY OUTPUT: the gain K = P⁺x of that row, and the updated factors.

The form stays symmetric and positive whatever the input, where the textbook P −= K(Px)ᵀ goes
indefinite within 90,000 ordinary steps. U is unit upper triangular and stored transposed
(`ut[j, i]` = U[i, j], i < j), so that the inner loops run along memory.

Source: G. J. Bierman, "Measurement updating using the U-D factorization", Automatica 12 (1976);
exponential forgetting as in Ljung, "System Identification", 2nd ed., §11.2.
"""

from numba import njit

from engine.market.frames import Floats


@njit(cache=True, nogil=True, error_model="numpy", inline="never")
def ud_update(
    ut: Floats, d: Floats, x: Floats, forgetting: float, cap: float, gain: Floats
) -> float:
    """Take row x (n,) into P: P⁺ = (P − Pxxᵀ P / (λ + xᵀPx)) / λ; fill `gain` with P⁺x.

    Returns xᵀPx before the update. Each d is kept at `cap` or below. `ut` is (n, n), `d` (n,).
    """
    n = len(x)
    alpha = forgetting
    scale = 1.0 / forgetting
    for j in range(n):
        f0 = x[j]
        f1 = 0.0
        f2 = 0.0
        f3 = 0.0
        whole = j - j % 4
        for i in range(0, whole, 4):
            f0 += ut[j, i] * x[i]
            f1 += ut[j, i + 1] * x[i + 1]
            f2 += ut[j, i + 2] * x[i + 2]
            f3 += ut[j, i + 3] * x[i + 3]
        for i in range(whole, j):
            f0 += ut[j, i] * x[i]
        f = (f0 + f1) + (f2 + f3)
        v = d[j] * f
        before = alpha
        alpha = before + f * v
        d[j] = min(cap, d[j] * (before / alpha) * scale)
        gain[j] = v
        p = -f / before
        for i in range(j):
            u = ut[j, i]
            ut[j, i] = u + gain[i] * p
            gain[i] += u * v
    total = 1.0 / alpha
    for j in range(n):
        gain[j] *= total
    return alpha - forgetting


@njit(cache=True, nogil=True, error_model="numpy", inline="never")
def ud_unit_update(ut: Floats, d: Floats, axis: int, weight: float, gain: Floats) -> None:
    """Take the pseudo-row √weight·e_axis into P without forgetting: a ridge on one coefficient.

    Fills `gain` with weight · P⁺e_axis: the step of the weights per unit of (0 − w[axis]).
    """
    n = len(d)
    for i in range(axis):
        gain[i] = 0.0
    alpha = 1.0 / weight
    for j in range(axis, n):
        f = 1.0 if j == axis else ut[j, axis]
        v = d[j] * f
        before = alpha
        alpha = before + f * v
        d[j] *= before / alpha
        gain[j] = v
        p = -f / before
        for i in range(j):
            u = ut[j, i]
            ut[j, i] = u + gain[i] * p
            gain[i] += u * v
    total = 1.0 / alpha
    for j in range(n):
        gain[j] *= total


@njit(cache=True, nogil=True, error_model="numpy", inline="never")
def ud_quadratic(ut: Floats, d: Floats, x: Floats) -> float:
    """Return xᵀPx without taking the row in."""
    total = 0.0
    for j in range(len(x)):
        f = x[j]
        for i in range(j):
            f += ut[j, i] * x[i]
        total += d[j] * f * f
    return total


def p_matrix(ut: Floats, d: Floats) -> Floats:
    """Return P itself, (n, n), for checks."""
    import numpy as np

    u = np.tril(ut, -1).T + np.eye(len(d))
    return np.asarray((u * d) @ u.T)
