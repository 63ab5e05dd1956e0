"""The whole learner against closed forms, with labels computed independently of it."""

import math

import numpy as np
import padasip
import pytest
from statsmodels.regression.recursive_ls import RecursiveLS

from engine.learning.ewrls import Ewrls
from engine.learning.features import FEATURES
from engine.learning.judge import Judge
from engine.learning.layout import CARRIED, ring_size, rings_offset, row_size
from engine.learning.signals import STALE, Context
from engine.market.frames import OPEN, PRESENT
from tests.bars import DAY, block_of, session, walk
from tests.bars import Gridder as _Gridder

N = len(FEATURES)


def learner(horizons=(15, 30, 60), **options):
    return Ewrls(Context("A", 0, ("A", "B"), 1.0, horizons, options))


def sessions(count, missing):
    """Sessions of two symbols, the first with missing minutes."""
    import datetime as dt

    days = [session(DAY + dt.timedelta(days=i)) for i in range(2)]
    gridder = _Gridder(("A", "B"), (1.0, -1.0))
    return [
        gridder.block(
            days[i % 2],
            0,
            np.stack([walk(390, seed=i, missing=missing), walk(390, seed=50 + i)], 1),
        )
        for i in range(count)
    ]


def rows_of(model, block):
    """Feed a session minute by minute; return {minute: (x, σ)} of the learnable rows."""
    horizons = [int(h) for h in model._horizons]
    size, ring = row_size(N, len(horizons)), ring_size(horizons[-1])
    rows = {}
    for minute, frame in enumerate(block.split(1)):
        model.process(frame)
        stored = model._state[rings_offset(N, len(horizons)) :].reshape(ring, size)[minute % ring]
        if stored[-1]:
            rows[minute] = (stored[:N].copy(), stored[3 * N + len(horizons)])
    return rows


def label(opens, minute, horizon, sigma):
    """Return ln(B/A) / (σ√h) by the definition, None if a bar is more than 3 minutes late."""

    def first(at):
        return next((m for m in range(at, min(at + 4, 390)) if m in opens), None)

    a, b = first(minute + 1), first(minute + 1 + horizon)
    if a is None or b is None or b <= a:
        return None
    y = math.log(opens[b] / opens[a]) / (sigma * math.sqrt(horizon))
    return max(-4.0, min(4.0, y))


def closed_form(model, blocks, forgetting, ridge):
    """Return each horizon's weights by solving the exponentially weighted ridge with its rows.

    A missing label leaves the weights as they are: its row counts with the forecast as its target.
    """
    horizons = [int(h) for h in model._horizons]
    c = ridge * (1 - forgetting**N)
    a = ridge * np.eye(N)
    b = np.zeros((len(horizons), N))
    w = np.zeros((len(horizons), N))
    axis = 0
    for block in blocks:
        rows = rows_of(model, block)
        bars = block.bars[:, 0]
        opens = {m: bars[m, OPEN] for m in range(390) if bars[m, PRESENT]}
        for minute, (x, sigma) in rows.items():
            a = forgetting * a + np.outer(x, x)
            a[axis, axis] += c
            for k, horizon in enumerate(horizons):
                y = label(opens, minute, horizon, sigma)
                b[k] = forgetting * b[k]
                if y is None:
                    b[k] = a @ w[k]
                else:
                    b[k] += x * y
                    w[k] = np.linalg.solve(a, b[k])
            axis = (axis + 1) % N if c > 0 else 0
    return w


@pytest.mark.parametrize("forgetting", [0.9999, 0.999, 0.99])
@pytest.mark.parametrize(("horizons", "missing"), [((15, 30, 60), 0.0), ((5, 20), 0.35)])
def test_weights_are_the_exponentially_weighted_ridge(forgetting, horizons, missing):
    """All horizons' weights equal the closed form to 1e-9, missing minutes and labels included."""
    model = learner(horizons, forgetting=forgetting, ridge=5.0)
    expected = closed_form(model, sessions(2, missing), forgetting, 5.0)

    np.testing.assert_allclose(model.weights(), expected, rtol=1e-9, atol=1e-9)


def all_rows(model, blocks, horizon):
    """Return X and y of a session run without gaps."""
    x, y = [], []
    for block in blocks:
        rows = rows_of(model, block)
        opens = dict(enumerate(block.bars[:, 0, OPEN]))
        for minute, (features, sigma) in rows.items():
            x.append(features)
            y.append(label(opens, minute, horizon, sigma))
    return np.array(x), np.array(y)


def test_weights_equal_padasip_without_forgetting():
    """At λ = 1 the learner's weights equal padasip's on the same rows."""
    model = learner((15,), forgetting=1.0, ridge=3.0)
    x, y = all_rows(model, sessions(3, 0.0), 15)
    theirs = padasip.filters.FilterRLS(N, mu=1.0, eps=3.0, w="zeros")
    theirs.run(y, x)

    np.testing.assert_allclose(model.weights()[0], theirs.w, rtol=1e-9, atol=1e-9)


def test_weights_equal_statsmodels_recursive_ls():
    """At λ = 1 and P0 = 1e8 the weights equal statsmodels' RecursiveLS to 1e-5."""
    model = learner((30,), forgetting=1.0, ridge=1e-8, d_cap=1e12)
    x, y = all_rows(model, sessions(4, 0.0), 30)
    theirs = RecursiveLS(y, x)
    theirs.ssm.initialize_known(np.zeros(N), 1e8 * np.eye(N))
    theirs.ssm.tolerance = 0

    np.testing.assert_allclose(model.weights()[0], theirs.fit().params, rtol=1e-5, atol=1e-5)


def test_nothing_is_learned_before_its_bar():
    """A weight first moves in the minute whose bar is the label's second price."""
    model = learner((15,), ridge=1.0)
    moved = None
    for minute, frame in enumerate(block_of(np.stack([walk(390)] * 2, 1)).split(1)):
        model.process(frame)
        if moved is None and model.weights().any():
            moved = minute

    assert moved == 16  # row 0: from the open of minute 1 to the open of minute 16


def test_labels_that_would_cross_the_close_never_mature():
    """Rows whose longest label ends behind the session never enter: 329 rows a session (B9)."""
    model = learner((15, 30, 60), warm_rows=0.0)
    judge = Judge((0,), (15, 30, 60))
    block = block_of(np.stack([walk(390)] * 2, 1))
    judge.take(block, [model.process(block)])

    assert model.rows_learned == 329
    assert [score.n for score in judge.scores(0)] == [329, 329, 329]


def test_labels_do_not_depend_on_the_forecasts_sign():
    """A rising market teaches a rise whatever was forecast before (B2)."""
    up = walk(390, step=1e-4)
    up[:, :4] *= np.exp(np.linspace(0, 0.2, 390))[:, None]
    model = learner((15,), ridge=1.0)
    at = rings_offset(N, 1) - CARRIED - 1
    model._state[at - N : at] = -1.0  # forecasts a fall
    model.process(block_of(np.stack([up] * 2, 1)))

    assert model.process(block_of(np.stack([up] * 2, 1))).values[200, 0] > 0.5


def test_no_forecast_survives_the_night():
    """A symbol without a bar this morning carries nothing of yesterday's forecast."""
    blocks = sessions(1, 0.0)
    model = learner(ridge=1.0, warm_rows=0.0)
    model.process(blocks[0])
    empty = np.stack([np.full((5, 5), np.nan), walk(5)], 1)

    values = model.process(block_of(empty, symbols=("A", "B"))).values

    assert values[:, 0].tolist() == [0.5] * 5
    assert (values[:, STALE] > 900).all()
