"""The judge against labels computed by their definition in plain Python."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.learning.judge import Judge
from engine.learning.signals import EXPECTED, SD, STALE, WARM, neutral
from engine.market.frames import CLOSE, OPEN, PRESENT
from tests.bars import SIX, synth_blocks

HORIZONS = (15, 30, 60)
COLUMNS = range(len(SIX))


def told(block, seed, *, scaled=False):
    """Forecasts of every symbol, drawn at random; a tenth of them cold."""
    rng = np.random.default_rng(seed)
    handed = []
    for _ in block.symbols:
        signals = neutral(len(block))
        signals.expected[:] = (1.0 if scaled else 1e-3) * rng.standard_normal((len(block), 3))
        signals.sd[:] = 2e-3
        signals.values[:, WARM] = rng.random(len(block)) > 0.1
        handed.append(replace(signals, scaled=scaled))
    return handed


def with_gaps(bars):
    """A fifth of the bars are missing, and the first minutes of the first symbol."""
    bars[np.random.default_rng(0).random(bars.shape[:2]) < 0.2] = np.nan
    bars[:7, 0] = np.nan
    return bars


def volatilities(blocks, column):
    """Return σ by session and minute: an EW standard deviation, half-life 30 bars."""
    variance, found = 1e-6, []
    for block in blocks:
        last, before, sigmas = None, -1, {}
        for minute, bar in enumerate(block.bars[:, column]):
            if not bar[PRESENT]:
                continue
            start, gap = (bar[OPEN], 1) if last is None else (last, minute - before)
            square = math.log(bar[CLOSE] / start) ** 2 / gap
            variance += (1 - 2 ** (-1 / 30)) * (square - variance)
            last, before = bar[CLOSE], minute
            sigmas[minute] = max(1e-5, math.sqrt(variance))
        found.append(sigmas)
    return found


def pairs_by_definition(block, signals, column, sigmas):
    """Return the (forecast, label) pairs of a session by horizon."""
    bars, minutes = block.bars[:, column], len(block)

    def opened(at):
        return next((m for m in range(at, min(at + 4, minutes)) if bars[m, PRESENT]), None)

    found = {h: [] for h in HORIZONS}
    for minute, sigma in sigmas.items():
        if not signals.values[minute, WARM] or minute + 1 + HORIZONS[-1] > minutes - 1:
            continue
        for k, h in enumerate(HORIZONS):
            a, b = opened(minute + 1), opened(minute + 1 + h)
            if a is None or b is None or b <= a:
                continue
            unit = sigma * math.sqrt(h)
            y = math.log(bars[b, OPEN] / bars[a, OPEN]) / unit
            f = signals.expected[minute, k] / (1.0 if signals.scaled else unit)
            found[h].append((f, max(-4.0, min(4.0, y))))
    return found


@pytest.mark.parametrize("scaled", [False, True])
def test_scores_are_those_of_the_definition(scaled):
    """n, IC, hit rate and the session's sums equal plain Python's, symbol by symbol."""
    blocks = synth_blocks(2, spoil=with_gaps)
    judge = Judge(COLUMNS, HORIZONS)
    handed = [told(block, seed, scaled=scaled) for seed, block in enumerate(blocks)]
    for block, signals in zip(blocks, handed, strict=True):
        judge.take(block, signals)
    fy, ff = judge.pairs()
    for column in COLUMNS:
        sigmas = volatilities(blocks, column)
        days = [
            pairs_by_definition(block, signals[column], column, sigma)
            for block, signals, sigma in zip(blocks, handed, sigmas, strict=True)
        ]
        last = np.array([pair for rows in days[-1].values() for pair in rows])
        assert fy[column] == pytest.approx((last[:, 0] * last[:, 1]).sum(), rel=1e-9)
        assert ff[column] == pytest.approx((last[:, 0] ** 2).sum(), rel=1e-9)
        for score in judge.scores(column):
            f, y = np.array([pair for day in days for pair in day[score.horizon_minutes]]).T
            assert score.n == len(f) > 200
            assert score.ic == pytest.approx(np.corrcoef(f, y)[0, 1], abs=1e-9)
            assert score.hit_rate == pytest.approx(np.mean((f * y > 0) + 0.5 * (y == 0)), abs=1e-12)


def test_blocks_of_any_size_are_judged_alike():
    """Whole sessions and minute by minute give the same bytes."""
    blocks = synth_blocks(2, signal=2.0)
    sizes = []
    for size in (1, 7, 390):
        judge, gathered = Judge(COLUMNS, HORIZONS), []
        for seed, block in enumerate(blocks):
            whole = told(block, seed)
            for a, piece in zip(range(0, len(block), size), block.split(size), strict=True):
                part = slice(a, a + len(piece))
                handed = [replace(s, values=s.values[part]) for s in whole]
                gathered.append(judge.take(piece, handed))
        sums = np.concatenate([*judge.pairs(), *[list(judge.forecasts(0).values())]])
        sizes.append((np.concatenate(gathered).tobytes(), sums.tobytes(), judge.scores(3)))

    assert sizes[0] == sizes[1] == sizes[2]


def test_what_is_scored_is_what_money_is_put_on():
    """The traded expectation is the mean of the scored ones; an age hides nothing from scoring."""
    block = synth_blocks(1)[0]
    fresh, aged = told(block, 1), told(block, 1)
    for signals in aged:
        signals.values[:, STALE] = 2.0
    ours, theirs = Judge(COLUMNS, HORIZONS), Judge(COLUMNS, HORIZONS)
    gathered = ours.take(block, fresh)
    theirs.take(block, aged)

    np.testing.assert_allclose(gathered[:, 2, EXPECTED], fresh[2].expected.mean(axis=1))
    np.testing.assert_allclose(gathered[:, 2, SD], 2e-3)
    assert ours.scores(2) == theirs.scores(2)
