import datetime as dt
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Costs
from engine.events import MICRO, Side
from engine.trading.costs import DayFees, fee_rates, fill_price, half_spread, impact

COSTS = Costs()


@pytest.mark.parametrize(
    ("day", "sec", "taf"),
    [
        ("2025-05-13", "27.80", "0.000166"),
        ("2025-05-14", "0", "0.000166"),
        ("2026-01-02", "0", "0.000195"),
        ("2026-04-04", "20.60", "0.000195"),
        ("2020-01-02", "27.80", "0.000166"),
    ],
)
def test_fees_are_those_of_the_day(day, sec, taf):
    """SEC and TAF change on their dates; before the first date the first rate holds."""
    rates = fee_rates(dt.date.fromisoformat(day))

    assert rates.sec_per_usd == Fraction(sec) / 1_000_000
    assert rates.taf_per_share == Fraction(taf)


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Side)), st.integers(1, 10**6), st.integers(1, 10**9)),
        max_size=30,
    ),
    st.sampled_from([dt.date(2025, 4, 1), dt.date(2025, 8, 1), dt.date(2026, 6, 1)]),
)
def test_each_kinds_running_total_is_rounded_up_to_the_cent(fills, day):
    """What a day was charged equals exact totals per kind, each rounded up; no step is negative."""
    fees, rates = DayFees(day), fee_rates(day)
    sec = taf = cat = Fraction(0)
    charged = 0
    for side, shares, price in fills:
        added = fees.charge(side, shares, shares * price)
        charged += added
        cat += shares * rates.cat_per_share
        if side is Side.SELL:
            sec += Fraction(shares * price, MICRO) * rates.sec_per_usd
            taf += min(shares * rates.taf_per_share, rates.taf_cap)

        assert added >= 0
        assert added % 10_000 == 0
        assert charged == 10_000 * sum(math.ceil(100 * kind) for kind in (sec, taf, cat))


def test_no_fees_when_switched_off():
    """`costs.fees = false` charges nothing."""
    assert DayFees(dt.date(2025, 4, 1), charged=False).charge(Side.SELL, 10**6, 10**15) == 0


def test_spread_and_impact():
    """Half spread is the larger of ½ tick and 1 bp; impact is 5 bp × √participation."""
    assert half_spread(20.0, COSTS) == 0.005
    assert half_spread(100.0, COSTS) == pytest.approx(0.01)
    assert impact(100.0, 100, 400.0, COSTS) == pytest.approx(100 * 5e-4 * 0.5)
    assert impact(100.0, 100, 0.0, COSTS) == pytest.approx(100 * 5e-4)
    assert fill_price(100.0, 1, 100, 400.0, COSTS) == pytest.approx(100 + 0.01 + 0.025)
    assert fill_price(100.0, -1, 100, 400.0, COSTS) == pytest.approx(100 - 0.01 - 0.025)
