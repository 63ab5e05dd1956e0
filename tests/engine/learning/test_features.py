"""Each feature against pandas or TA-Lib, on sessions with gaps and missing minutes."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import talib

from engine.learning.ewrls import Ewrls
from engine.learning.features import FEATURES
from engine.learning.layout import ring_size, rings_offset, row_size
from engine.learning.signals import Context
from engine.market.frames import SURPRISE
from engine.market.grid import Gridder
from tests.bars import DAY, session, walk

N = len(FEATURES)
CLIP = 4.0


@pytest.fixture(scope="module")
def run():
    """Two sessions with an overnight gap; return the features seen and the bars as a table."""
    gridder = Gridder(("A", "B", "C"), (1.0, -1.0, 1.0))
    model = Ewrls(Context("A", 0, ("A", "B", "C"), 1.0, (15, 30, 60), {}))
    size, ring = row_size(N, 3), ring_size(60)
    rows, tables, universes = [], [], []
    for i, day in enumerate((DAY, dt.date(2025, 6, 26))):
        price = 50.0 if i == 0 else 47.0
        bars = np.stack(
            [
                walk(390, seed=i, missing=0.15, price=price),
                walk(390, seed=7 + i),
                walk(390, seed=3),
            ],
            axis=1,
        )
        block = gridder.block(session(day), 0, bars)
        for minute, frame in enumerate(block.split(1)):
            model.process(frame)
            stored = model._state[rings_offset(N, 3) :].reshape(ring, size)[minute % ring]
            if not np.isnan(bars[minute, 0, 3]):
                rows.append(stored[:N].copy())
        table = pd.DataFrame(bars[:, 0], columns=["open", "high", "low", "close", "volume"])
        table["minute"], table["day"] = np.arange(390), i
        z = block.bars[:, :, SURPRISE]
        universes.append(pd.Series((-z[:, 1] + z[:, 2]) / 2))
        tables.append(table)
    features = pd.DataFrame(rows, columns=list(FEATURES))
    return features, tables, universes


def adjusted(tables):
    """Return the bars that exist with the overnight gaps taken out, on the last day's scale."""
    days = [table.dropna().copy() for table in tables]
    factor = days[1]["open"].iloc[0] / days[0]["close"].iloc[-1]
    days[0][["open", "high", "low", "close"]] *= factor
    return pd.concat(days, ignore_index=True)


def previous(bars):
    """Return the close before each bar; a session's first bar stands on its own open."""
    return bars.groupby("day")["close"].shift().fillna(bars["open"])


def variance(bars, rate):
    """Return the exponentially weighted variance of minute returns, seeded with 1e-6."""
    gap = bars.groupby("day")["minute"].diff().fillna(1.0)
    square = np.log(bars["close"] / previous(bars)) ** 2 / gap
    out, value = [], 1e-6
    for s in square:
        value += rate * (s - value)
        out.append(value)
    return pd.Series(out)


def sigma(bars):
    return np.sqrt(variance(bars, 1 - 2 ** (-1 / 30)))


def same(actual, expected, skip=0):
    np.testing.assert_allclose(
        actual.to_numpy()[skip:], np.clip(expected, -CLIP, CLIP)[skip:], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("k", [1, 2, 5, 10, 15, 30, 60])
def test_returns(run, k):
    """Returns go over k minutes of the clock, not k rows, and never across the night (B9)."""
    features, tables, _ = run
    bars, expected = adjusted(tables), []
    vol = sigma(bars)
    for day, table in enumerate(tables):
        closes = table["close"].ffill()
        first = table["close"].first_valid_index()
        for m in table.dropna()["minute"]:
            start = m - k
            base = closes[start] if start >= first else table["open"][first]
            span = k if start >= first else m - first + 1
            expected.append(np.log(closes[m] / base) / np.sqrt(span))
        assert day in (0, 1)
    same(features[f"return_{k}"], np.array(expected) / vol)


@pytest.mark.parametrize(("n", "unit"), [(10, 3), (20, 4), (50, 7)])
def test_distance_from_moving_averages(run, n, unit):
    """EMA(n) is pandas' ewm(span=n, adjust=False) over the bars that exist."""
    features, tables, _ = run
    bars = adjusted(tables)
    ema = bars["close"].ewm(span=n, adjust=False).mean()
    same(features[f"ema_{n}"], (bars["close"] / ema - 1) / sigma(bars) / unit)


def test_vwap_and_return_since_open_start_anew_each_session(run):
    """VWAP and the return since the open know nothing of yesterday (B7)."""
    features, tables, _ = run
    bars = adjusted(tables)
    typical = (bars["high"] + bars["low"] + bars["close"]) / 3
    sums = (typical * bars["volume"]).groupby(bars["day"]).cumsum()
    vwap = sums / bars["volume"].groupby(bars["day"]).cumsum()
    since = np.sqrt(bars["minute"] - bars.groupby("day")["minute"].transform("first") + 1)
    opened = bars.groupby("day")["open"].transform("first")
    same(features["vwap"], (bars["close"] / vwap - 1) / sigma(bars) / since)
    same(features["since_open"], np.log(bars["close"] / opened) / sigma(bars) / since)


def test_percent_b_equals_talib(run):
    """%B is that of TA-Lib's Bollinger bands (20, 2) (B1)."""
    features, tables, _ = run
    bars = adjusted(tables)
    upper, _, lower = talib.BBANDS(bars["close"].to_numpy(), 20, 2, 2)
    expected = 2 * ((bars["close"] - lower) / (upper - lower) - 0.5)
    same(features["percent_b"], expected, skip=20)


def test_rsi_equals_wilders_over_the_same_changes(run):
    """RSI is Wilder's smoothing (1/14) of gains and losses within sessions."""
    features, tables, _ = run
    bars = adjusted(tables)
    change = bars["close"] - previous(bars)
    gain = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-change).clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    same(features["rsi_14"], 2 * gain / (gain + loss) - 1)


def test_range_position_equals_talib_willr(run):
    """The place in the 20-bar range is TA-Lib's Williams %R, moved to −1…1."""
    features, tables, _ = run
    bars = adjusted(tables)
    willr = talib.WILLR(*(bars[c].to_numpy() for c in ("high", "low", "close")), 20)
    same(features["range_20"], 1 + willr / 50, skip=20)


def test_atr_ratio(run):
    """The ATR ratio is ln(ATR14/ATR60) of Wilder's true ranges."""
    features, tables, _ = run
    bars = adjusted(tables)
    before = previous(bars)
    true = np.maximum(bars["high"], before) - np.minimum(bars["low"], before)
    ratio = (
        true.ewm(alpha=1 / 14, adjust=False).mean() / true.ewm(alpha=1 / 60, adjust=False).mean()
    )
    same(features["atr_ratio"], 2 * np.log(ratio))


def test_candle_volume_gap_time_and_volatility(run):
    """The bar's own shape, its volume against the past, the gap, the clock, the regime."""
    features, tables, _ = run
    bars = adjusted(tables)
    size = bars["high"] - bars["low"]
    top, bottom = bars[["open", "close"]].max(axis=1), bars[["open", "close"]].min(axis=1)
    same(features["body"], (bars["close"] - bars["open"]) / size)
    same(features["upper_wick"], (bars["high"] - top) / size)
    same(features["lower_wick"], (bottom - bars["low"]) / size)
    rate, mean, surprise = 1 - 2 ** (-1 / 30), None, []
    for volume in bars["volume"]:
        surprise.append(0.0 if mean is None else np.log((volume + 1) / (mean + 1)))
        mean = volume if mean is None else mean + rate * (volume - mean)
    same(features["volume"], np.array(surprise))
    gap = np.log(tables[1].dropna()["open"].iloc[0] / tables[0].dropna()["close"].iloc[-1])
    same(features["gap"], np.where(bars["day"] == 1, gap, 0.0) / sigma(bars) / 20)
    time = 2 * bars["minute"] / 389 - 1
    same(features["time"], time)
    same(features["time_squared"], 1.5 * time**2 - 0.5)
    slow = variance(bars, 1 - 2 ** (-1 / 1950))
    same(features["volatility"], 0.5 * np.log(sigma(bars) ** 2 / slow))


def test_rest_of_the_universe_leaves_the_symbol_itself_out(run):
    """What the others did, now and averaged over minutes, own surprise not in it."""
    features, tables, universes = run
    for name, span in (("rest_now", 1), ("rest_5", 5), ("rest_15", 15), ("rest_60", 60)):
        expected = []
        for table, rest in zip(tables, universes, strict=True):
            mean, means = 0.0, []
            for value in rest:
                mean += (value - mean) * 2 / (span + 1)
                means.append(mean)
            expected += list(np.array(means)[table.dropna()["minute"]])
        unit = {1: 1, 5: 2, 15: 3, 60: 5}[span]
        same(features[name], unit * np.array(expected))


def test_features_are_dimensionless(run):
    """Ten times the price gives the same features (B7); all of them are bounded."""
    features, _, _ = run

    assert features.abs().to_numpy().max() <= 2 * CLIP
    both = []
    for scale in (1.0, 10.0):
        bars = walk(390, seed=5)
        bars[:, :4] *= scale
        gridder = Gridder(("A",), (1.0,))
        model = Ewrls(Context("A", 0, ("A",), 1.0, (15, 30, 60), {"ridge": 1.0}))
        both.append(model.process(gridder.block(session(), 0, bars[:, None])).values)
    np.testing.assert_allclose(both[0], both[1], rtol=1e-6, atol=1e-9)
