"""The tape against NumPy and TA-Lib, whatever the blocks were cut to."""

import math

import numpy as np
import pytest
import talib

from engine.market.frames import CLOSE, HIGH, LOW, VOLUME
from engine.trading.tape import Tape
from tests.bars import block_of, flat, walk

T = 200


@pytest.fixture(scope="module")
def block():
    return block_of(np.stack([walk(390, seed=s) for s in (1, 2, 3)], axis=1))


@pytest.fixture(params=[1, 7, 390], scope="module")
def tape(request, block):
    """A tape that has seen frames up to T, in blocks of a size; and the frame within its block."""
    tape = Tape()
    for part in block.slice(0, T + 1).split(request.param):
        tape.open_block(part)
    return tape, len(part) - 1


def test_volumes_are_medians(tape, block):
    """Of the last 15 minutes."""
    expected = np.median(block.bars[T - 14 : T + 1, 1, VOLUME])

    assert tape[0].recent_volume(tape[1], 1) == expected


def test_atr_is_the_mean_true_range(tape, block):
    """TA-Lib's true range over the last 30 minutes."""
    bars = block.bars[T - 30 : T + 1, 2]
    ranges = talib.TRANGE(*(bars[:, f].copy() for f in (HIGH, LOW, CLOSE)))[1:]

    assert tape[0].atr(tape[1], 2) == pytest.approx(ranges.mean(), rel=1e-12)


def test_volatility_and_correlation(tape, block):
    """NumPy's, over the last hour's minute returns."""
    returns = np.diff(np.log(block.bars[T - 60 : T + 1, :, CLOSE]), axis=0)
    day = np.std(returns[:, 0], ddof=1) * math.sqrt(390)

    assert tape[0].daily_volatility(tape[1], 0) == pytest.approx(day, rel=1e-12)
    expected = np.corrcoef(returns.T)[0, 2]
    assert tape[0].correlation(tape[1], 0, 2) == pytest.approx(expected, rel=1e-9)


def test_closing_volume_is_of_the_last_sessions(block):
    """The median of the last two minutes of up to five sessions; none before the first."""
    tape = Tape()
    assert tape.closing_volume(0) is None
    for k in range(7):
        rows = np.stack([flat(390, volume=1000.0 * (k + 1))] * 2, axis=1)
        rows[389, 0, 4] = 0
        tape.open_block(block_of(rows))
        tape.close_session()

    last = [v for k in range(2, 7) for v in (1000.0 * (k + 1), 0.0)]
    assert tape.closing_volume(0) == np.median(last)
    assert tape.closing_volume(1) == 5000.0


def test_thin_symbols_cannot_be_measured():
    """Too few bars, or no variation: None, and never a guess."""
    rows = np.stack([flat(60), walk(60, seed=1), walk(60, seed=2)], axis=1)
    rows[5:58, 1] = np.nan
    tape = Tape()
    tape.open_block(block_of(rows))

    assert tape.atr(59, 1) is None
    assert tape.daily_volatility(59, 1) is None
    assert tape.correlation(59, 1, 2) is None
    assert tape.correlation(59, 0, 2) is None
    assert tape.recent_volume(59, 1) == 0.0
