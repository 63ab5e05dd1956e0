import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import MICRO
from engine.records.stats import RunStats


@given(st.lists(st.floats(50, 150), min_size=1, max_size=60), st.integers(1, 60))
def test_drawdown_is_that_of_the_whole_series_however_it_is_cut(equity, size):
    """Largest and longest drawdown and the sums equal a naive pass; cuts change no byte."""
    values = np.array([100.0, *equity])
    peaks = np.maximum.accumulate(values)
    below, longest = 0, 0
    for value, peak in zip(values, peaks, strict=True):
        below = 0 if value >= peak else below + 1
        longest = max(longest, below)

    whole, cut = RunStats(100 * MICRO), RunStats(100 * MICRO)
    series = np.array(equity)
    whole.mark(series, 2 * series)
    for a in range(0, len(series), size):
        cut.mark(series[a : a + size], 2 * series[a : a + size])

    assert whole.max_drawdown == pytest.approx(np.max(1 - values / peaks), abs=1e-15)
    assert whole.longest_drawdown_minutes == longest
    assert whole._running.tobytes() == cut._running.tobytes()
    assert whole.exposure == pytest.approx(2.0)
    assert whole.minute_equity == cut.minute_equity


def test_no_frames_change_nothing():
    """Marking an empty block is allowed and leaves everything as it was."""
    stats = RunStats(100 * MICRO)
    stats.mark(np.array([90.0]), np.array([10.0]))
    before = stats._running.tobytes()
    stats.mark(np.empty(0), np.empty(0))

    assert stats._running.tobytes() == before
    assert stats.last_equity == 90.0
