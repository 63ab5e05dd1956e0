import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from engine.market.frames import AGE, CLOSE, PRESENT, SURPRISE, VOLUME
from engine.market.grid import NEVER, Gridder
from tests.bars import DAY, session, walk

NEXT = dt.date(2025, 6, 26)


def days(missing=0.2):
    """Two sessions of two symbols with gaps."""
    return [
        (session(day), np.stack([walk(390, seed=i, missing=missing), walk(390, seed=9 + i)], 1))
        for i, day in enumerate((DAY, NEXT))
    ]


@pytest.mark.parametrize("size", [1, 7, 390])
def test_block_size_does_not_matter(size):
    """Sessions cut into blocks of any size give the same bytes, and the same state at the end."""
    whole, cut = Gridder("AB", [1.0, -1.0]), Gridder("AB", [1.0, -1.0])
    for day, ohlcv in days():
        block = whole.block(day, 0, ohlcv)
        parts = [cut.block(day, a, ohlcv[a : a + size]) for a in range(0, 390, size)]

        assert block.bars.tobytes() == b"".join(part.bars.tobytes() for part in parts)
        assert block.universe.tobytes() == b"".join(part.universe.tobytes() for part in parts)
    assert whole.checkpoint() == cut.checkpoint()


def test_missing_minutes_are_masked_and_carried():
    """A minute without a bar carries the last close, has no volume, and ages (B12)."""
    ohlcv = walk(5)[:, None]
    ohlcv[2:4] = np.nan
    bars = Gridder("A", [1.0]).block(session(), 0, ohlcv).bars[:, 0]

    assert bars[:, PRESENT].tolist() == [1, 1, 0, 0, 1]
    assert bars[:, AGE].tolist() == [0, 0, 1, 2, 0]
    assert bars[2:4, CLOSE].tolist() == [ohlcv[1, 0, 3]] * 2
    assert bars[2:4, VOLUME].tolist() == [0, 0]


def test_a_symbol_that_never_traded_has_no_price():
    """Before its first bar a symbol's prices are NaN and its age is NEVER."""
    ohlcv = walk(3)[:, None]
    ohlcv[:2] = np.nan
    bars = Gridder("A", [1.0]).block(session(), 0, ohlcv).bars[:, 0]

    assert np.isnan(bars[:2, CLOSE]).all()
    assert bars[:2, AGE].tolist() == [NEVER, NEVER]


def test_surprise_is_the_return_in_units_of_the_volatility_before_it():
    """SURPRISE equals a pandas computation, session by session, gaps included."""
    gridder = Gridder("AB", [1.0, -1.0])
    blocks = [gridder.block(day, 0, ohlcv) for day, ohlcv in days()]
    variance = 1e-6
    rate = 1 - 2 ** (-1 / 30)
    for (_, ohlcv), block in zip(days(), blocks, strict=True):
        frame = pd.DataFrame(ohlcv[:, 0], columns=list("ohlcv")).dropna()
        base = frame["c"].shift().fillna(frame["o"].iloc[0])
        for minute, change in np.log(frame["c"] / base).items():
            z = max(-4, min(4, change / math.sqrt(max(variance, 1e-10))))
            variance += rate * (change * change - variance)

            assert block.bars[minute, 0, SURPRISE] == pytest.approx(z, abs=1e-9)


def test_universe_is_the_signed_sum_of_those_present():
    """The universe row is Σ sign × SURPRISE over present symbols, and their number."""
    block = Gridder("AB", [1.0, -1.0]).block(*days()[0][:1], 0, days()[0][1])
    z, present = block.bars[:, :, SURPRISE], block.bars[:, :, PRESENT]

    np.testing.assert_allclose(block.universe[:, 0], z[:, 0] - z[:, 1], atol=1e-12)
    assert block.universe[:, 1].tolist() == present.sum(axis=1).tolist()


def test_blocks_cannot_be_written_to():
    """A block is shared by actors: its arrays are read-only."""
    block = Gridder("A", [1.0]).block(session(), 0, walk(5)[:, None])

    with pytest.raises(ValueError, match="read-only"):
        block.bars[0, 0, 0] = 1.0
