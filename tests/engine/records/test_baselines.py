import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import Decision, RoundTrip
from engine.market.calendar import sessions_between
from engine.records.baselines import baselines
from engine.trading.costs import fee_rates, fill_price
from engine.trading.exits import flatten_minute
from tests.bars import DAY, block_of, config, flat
from tests.budget import examples

NAME = "random rotation, equal turnover"
FREE = ("costs.fees=false", "costs.min_half_spread_bps=0", "costs.impact_bps=0")
HALF_DAY = DAY.replace(month=7, day=3)


def trip(*, shares=100, price=50.0, held=30, direction=1):
    return RoundTrip(
        symbol="S000", direction=direction, entry_ts_ns=0, exit_ts_ns=held, shares=shares,
        entry_price=price, exit_price=price, pnl_micro=0, fee_micro=0, slippage_micro=0,
        bars_held=held, decision=Decision.EXIT, forced=False,
    )  # fmt: skip


def ramp(slope, minutes=390, price=1000.0):
    """Return bars whose price rises by `slope` USD a minute."""
    bars = flat(minutes)
    bars[:, :4] = (price + slope * np.arange(minutes))[:, None]
    return bars


def random_row(blocks, cfg, trips):
    return {row["name"]: row for row in baselines(iter(blocks), cfg, trips, 0.0)}[NAME]


TRIPS = st.builds(
    trip, shares=st.integers(1, 900), held=st.integers(1, 380), direction=st.sampled_from([-1, 1])
)


@given(st.lists(TRIPS, min_size=1, max_size=6))
@examples(0.6)
def test_in_a_flat_market_random_trades_lose_exactly_their_costs(trips):
    """Spread, impact and fees of both fills, as the fill model and the fee table give them."""
    block, cfg, expected = block_of(flat(390, volume=20_000)), config(), 0.0
    rates = fee_rates(DAY)
    for each in trips:
        shares = each.shares
        spread = fill_price(50.0, 1, shares, 20_000, cfg.costs) - 50.0
        fees = shares * 50.0 * float(rates.sec_per_usd) + 2 * shares * float(rates.cat_per_share)
        fees += min(shares * float(rates.taf_per_share), float(rates.taf_cap))
        expected -= 2 * shares * spread + fees
    row = random_row([block], cfg, trips)

    assert row["total_pnl"] == pytest.approx(expected, rel=1e-9)
    assert row["gross_mrd"] == 0.0


@pytest.mark.parametrize("direction", [1, -1])
def test_random_trades_keep_their_size_direction_and_holding_time(direction):
    """On a ramp of one cent a minute each earns shares × minutes, of either direction its own."""
    trips = [trip(shares=10, price=1005.0, held=held, direction=direction) for held in (1, 60, 240)]
    cfg = config(*FREE, "costs.tick_usd=1e-9")

    row = random_row([block_of(ramp(0.01))], cfg, trips)
    assert row["total_pnl"] == pytest.approx(direction * 10 * 0.01 * (1 + 60 + 240), rel=1e-6)


@given(st.integers(1, 390))
@examples(0.5)
def test_random_trades_stay_inside_the_session_on_a_half_day_too(held):
    """A hold is cut to the flatten, and no trade lies outside of minutes 1 to the flatten fill."""
    cfg = config(*FREE, "costs.tick_usd=1e-9")
    out = flatten_minute(210, cfg) + 1
    bars = ramp(0.01, 210)
    bars[0, :4] = bars[out + 1 :, :4] = 1.0  # whoever touches them would see it

    trips = [trip(shares=10, price=1005.0, held=held)]
    row = random_row([block_of(bars, day=HALF_DAY)], cfg, trips)
    assert row["total_pnl"] == pytest.approx(10 * 0.01 * min(held, out - 1), rel=1e-6)


def test_random_trades_wait_for_a_bar_that_is_there():
    """Opens are 50 and carried closes 60: only a fill in a minute without a bar could gain."""
    bars = flat(390)
    bars[:, 1], bars[:, 3] = 60.0, 60.0
    bars[np.random.default_rng(0).random(390) < 0.6] = np.nan
    bars[386:] = [50.0, 60.0, 50.0, 60.0, 1e6]

    row = random_row([block_of(bars)], config(*FREE), [trip(held=h) for h in range(1, 200)])
    assert row["gross_mrd"] == 0.0
    assert row["total_pnl"] < 0.0  # they traded: half a tick was paid


def test_a_symbol_without_bars_is_never_traded():
    """A draw that falls on it makes nothing and costs nothing."""
    row = random_row([block_of(np.full((390, 5), np.nan))], config(), [trip()])

    assert row["total_pnl"] == 0.0


@pytest.mark.parametrize("moving", range(4))
def test_every_session_is_equally_likely(moving):
    """Of four sessions one moves: it takes a quarter of the random trades, first or last."""
    days = [s.date for s in sessions_between(DAY.replace(day=9), DAY.replace(day=12))]
    blocks = [block_of(ramp(0.01 * (i == moving)), day=day) for i, day in enumerate(days)]
    trips = [trip(shares=10, price=1005.0, held=60)] * 100
    cfg = config(*FREE, "costs.tick_usd=1e-9")

    row = random_row(blocks, cfg, trips)
    assert len(days) == 4
    assert row["total_pnl"] / (100 * 10 * 0.01 * 60) == pytest.approx(0.25, abs=0.05)


def test_equal_turnover_is_of_money_not_of_shares():
    """A trade of $5,000 is one of $5,000 in a dearer symbol too."""
    cfg = config(*FREE, "costs.tick_usd=1e-9")

    row = random_row([block_of(ramp(0.01, price=2400.0))], cfg, [trip(held=60)])
    assert row["total_pnl"] == pytest.approx(2 * 0.01 * 60, rel=1e-6)


def test_equal_weight_compounds_and_is_out_at_the_flatten():
    """Each session: whole shares at the first open, sold at the open of the flatten fill."""
    days = [s.date for s in sessions_between(DAY.replace(day=9), DAY.replace(day=10))]
    blocks = [block_of(ramp(0.05), day=day) for day in days]
    cfg = config("costs.fees=false")
    out, equity = flatten_minute(390, cfg) + 1, 100_000.0
    for _ in days:
        shares = int(equity / 1000.0)
        bought = fill_price(1000.0, 1, shares, 1e6, cfg.costs)
        sold = fill_price(1000.0 + 0.05 * out, -1, shares, 1e6, cfg.costs)
        equity += shares * (sold - bought)

    rows = {row["name"]: row for row in baselines(iter(blocks), cfg, [], 0.0)}
    equal = rows["equal weight, open to flatten"]
    assert equal["total_pnl"] == pytest.approx(equity - 100_000, rel=1e-9)
    assert NAME not in rows


def test_no_sessions_no_baselines():
    """An interrupted run without a whole session has nothing to stand beside."""
    assert baselines(iter(()), config(), [trip()], 0.0) == []


@pytest.mark.parametrize("minutes", [2, 3, 60, 380, 390])
def test_a_session_that_still_runs_is_sold_at_its_last_minute(minutes):
    """Whatever was traded later is not known; trades that were longer are held until then."""
    cfg = config()
    block = block_of(ramp(0.5, minutes))
    trips = [trip(shares=5, held=held, direction=1) for held in (1, 30, 389)]
    rows = {row["name"]: row for row in baselines([block], cfg, trips, 0.0)}
    shares = int(100_000 / 1000)
    most = 5 * len(trips) * 0.5 * minutes

    hold = rows["buy and hold, equal weight"]
    assert hold["gross_mrd"] * 100_000 == pytest.approx(shares * 0.5 * (minutes - 1))
    assert 0.0 <= rows[NAME]["gross_mrd"] * 100_000 <= most
    assert rows[NAME]["total_pnl"] <= rows[NAME]["gross_mrd"] * 100_000
