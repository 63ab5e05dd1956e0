"""Small markets for tests: blocks and bar files made on the spot."""

import datetime as dt
import math
from pathlib import Path

import numpy as np

from engine.config import Config, load_config
from engine.events import Approved
from engine.market.calendar import session_on, sessions_between
from engine.market.grid import Gridder
from engine.market.synth import generate

REAL = Path(__file__).parents[2] / "shared" / "data" / "equities"
DAY = dt.date(2025, 6, 25)
UNGUARDED = (
    "risk.risk_per_trade_pct=100", "risk.max_position_pct=100", "risk.max_heat_pct=100",
    "risk.max_underlying_exposure_pct=600", "risk.entry_limit_pct=10", "risk.stop_loss_pct=100",
    "risk.take_profit_pct=100", "risk.trailing_stop_pct=0", "risk.daily_loss_pct=100",
    "risk.drawdown_pct=100", "risk.max_consecutive_losses=1000000", "risk.max_jump_pct=1000",
    "risk.max_orders_per_minute=1000", "risk.stale_data_minutes=390",
)  # fmt: skip
"""Settings under which no risk check acts: for tests of the rotation alone."""
SIX = ("SDS", "SQQQ", "SSO", "SVIX", "TQQQ", "UVXY")


def config(*sets):
    """Return the defaults with `sets`, what signals must have earned off unless set."""
    return load_config(sets=("quality.earned_slope=off", "quality.min_win_rate=0", *sets))[0]


def approved(order):
    """Return an order as if risk had approved it."""
    return Approved(order, Approved._key)


def session(day=DAY):
    """Return a session of 390 minutes."""
    found = session_on(day)
    assert found is not None
    return found


def synth_blocks(
    sessions=3, *, symbols=SIX, seed=1, signal=0.0, first=DAY, universe=None, max_jump_pct=math.inf,
    spoil=lambda bars: bars,
):  # fmt: skip
    """Return one generated block per session; `spoil` may change a session's bars before."""
    days = sessions_between(first, first + dt.timedelta(days=2 * sessions + 10))[:sessions]
    signs = [(universe or Config().universe).sign(symbol) for symbol in symbols]
    gridder = Gridder(symbols, signs, max_jump_pct)
    parts = generate(days, symbols=symbols, seed=seed, signal=signal)
    return [gridder.block(day, 0, spoil(bars)) for day, bars in parts]


def block_of(ohlcv, *, day=DAY, first=0, symbols=None):
    """Return the block of a (T, S, 5) array, or of (T, 5) for one symbol."""
    ohlcv = np.asarray(ohlcv, float)
    if ohlcv.ndim == 2:
        ohlcv = ohlcv[:, None]
    names = symbols or tuple(f"S{i:03d}" for i in range(ohlcv.shape[1]))
    return Gridder(names, [1.0] * len(names)).block(session(day), first, ohlcv)


def walk(minutes, *, seed=0, missing=0.0, price=50.0, step=1e-3):
    """Return (minutes, 5) bars of a random walk, some of them missing."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(step * rng.standard_normal(minutes)))
    open_ = close * np.exp(step / 2 * rng.standard_normal(minutes))
    high = np.maximum(open_, close) * (1 + step * rng.random(minutes))
    low = np.minimum(open_, close) * (1 - step * rng.random(minutes))
    bars = np.column_stack([open_, high, low, close, np.round(rng.uniform(100, 9000, minutes))])
    bars[rng.random(minutes) < missing] = np.nan
    return bars


def flat(minutes, price=50.0, volume=1e6):
    """Return (minutes, 5) bars at one price."""
    bars = np.full((minutes, 5), price)
    bars[:, 4] = volume
    return bars


def changed(value, **changes):
    """Return an immutable value with some fields changed."""
    return value._replace(**changes)
