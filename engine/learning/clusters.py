"""The mean of outcomes that come in clusters, and how sure it is.

KEY INPUT: per cluster the sum a of its outcomes and their number b, weighted by g.
KEY OUTPUT: the mean m = Σ g·a / Σ g·b, its standard error, how many of these a bound lies away.

SE² = G/(G−1) · Σ g²(a − m·b)² / (Σ g·b)² over G clusters (Liang and Zeger, "Longitudinal data
analysis using generalized linear models", Biometrika 73, 1986). With few clusters SE is itself
uncertain: bounds are of Student's t with G − 1 degrees of freedom (Cameron and Miller, "A
practitioner's guide to cluster-robust inference", Journal of Human Resources 50, 2015).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.market.frames import Floats, Ints


class Interval(NamedTuple):
    """A mean and its bounds."""

    mean: float
    low: float
    high: float


def error(
    mean: Floats, squares: tuple[Floats, Floats, Floats], weight: Floats, clusters: Ints
) -> Floats:
    """Return the standard error; `squares` are Σ g²a², Σ g²ab, Σ g²b², `weight` Σ g·b.

    NaN below two clusters.
    """
    aa, ab, bb = squares
    several = clusters >= 2
    g = np.where(several, clusters, 2).astype(float)
    spread = np.maximum(0.0, aa - 2 * mean * ab + mean * mean * bb)
    b = np.where(several & (weight > 0.0), weight, 1.0)
    return np.where(several, np.sqrt(g / (g - 1.0) * spread) / b, np.nan)


def errors_to(share: float, clusters: Ints) -> Floats:
    """Return how many standard errors below the mean a bound lies that holds with `share`."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.maximum(1, clusters - 1), share))


def interval(clusters: Sequence[Sequence[float]], share: float = 0.95) -> Interval | None:
    """Return the mean of all outcomes with its two-sided interval; None below two clusters."""
    if len(clusters) < 2:
        return None
    a = np.array([sum(cluster) for cluster in clusters])
    b = np.array([float(len(cluster)) for cluster in clusters])
    mean, count = a.sum() / b.sum(), np.array(len(clusters))
    squares = ((a * a).sum(), (a * b).sum(), (b * b).sum())
    away = errors_to((1 + share) / 2, count) * error(mean, squares, b.sum(), count)
    return Interval(float(mean), float(mean - away), float(mean + away))
