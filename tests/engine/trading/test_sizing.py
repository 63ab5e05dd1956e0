"""Sizing: whole, never beyond any limit, honest about what it risks."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import load_config
from engine.events import Gate
from engine.trading.approval import refusal
from engine.trading.sizing import Exposure, Request, size


def risk(*sets):
    return load_config(sets=[f"risk.{item}" for item in sets])[0].risk


def ask(*sets, participation=10.0, account=(), **trade):
    request = Request(
        **({"symbol": "TQQQ", "direction": 1, "price": 50.0, "stop": 0.015, "target": 0.03} | trade)
    )
    figures = {"equity": 1e5, "cash": 1e5, "buying_power": 1e5, "free_slots": 1}
    return size(request, Exposure(**(figures | dict(account))), risk(*sets), participation)


def test_the_risk_told_is_the_risk_after_all_caps():
    """2% at a 5% stop would be 40%; the cap makes it 20%: 1% is at risk, and that is said (B15)."""
    found = ask("max_position_pct=20", stop=0.05)

    assert (found.shares, found.binding) == (400, "position_cap")
    assert found.risk_usd == pytest.approx(1000.0)


def test_a_symbol_may_have_a_cap_of_its_own():
    """`symbol_max_position_pct` replaces the general cap for its symbol."""
    sets = ["symbol_max_position_pct={ TQQQ = 5.0 }"]

    assert ask(*sets).shares == 100
    assert ask(*sets, symbol="SSO").shares == 680


@pytest.mark.parametrize(
    ("now", "leverage", "direction", "shares"),
    [
        (0.0, 3.0, 1, 1000),
        (60_000.0, 3.0, 1, 600),
        (60_000.0, -3.0, 1, 1400),
        (-60_000.0, 3.0, 1, 1400),
        (150_000.0, 3.0, 1, 0),
        (60_000.0, 3.0, -1, 1400),
    ],
)
def test_underlying_exposure_counts_leverage_and_sign(now, leverage, direction, shares):
    """TQQQ is +3 × Nasdaq, SQQQ −3 ×; a short of either turns round (B16)."""
    found = ask(
        "max_position_pct=100", "max_heat_pct=100", "risk_per_trade_pct=100",
        leverage=leverage, underlying="NDX", direction=direction,
        account={"underlying": {"NDX": now}, "buying_power": 1e6, "cash": 1e6},
    )  # fmt: skip
    allowed = {name: shares for name, _, shares in found.limits}["underlying_exposure"]

    assert max(0, math.floor(allowed)) == shares


def test_nothing_is_sold_short_below_2000_dollars():
    """FINRA Rule 4210(b): a margin account needs them."""
    account = {"equity": 1999.0, "cash": 1999.0, "buying_power": 1999.0}
    found = ask(direction=-1, price=5.0, account=account)

    assert (found.shares, found.gate) == (0, Gate.MARGIN)
    assert ask(price=5.0, account=account).shares > 0


@pytest.mark.parametrize(
    ("sets", "trade", "account"),
    [
        ((), {"price": math.nan}, {}),
        ((), {}, {"equity": math.nan}),
        ((), {}, {"heat": math.nan}),
        ((), {"stop": math.nan}, {}),
        ((), {"recent_volume": math.nan}, {}),
        (("volatility_target_pct=1",), {"daily_volatility": None}, {}),
        (("max_correlation=0.9",), {"correlation": None}, {}),
    ],
)
def test_what_cannot_be_measured_is_no_trade(sets, trade, account):
    """Fail closed: zero shares, and the check that could not run is named (A9)."""
    found = ask(*sets, account=account, **trade)

    assert (found.shares, found.gate) == (0, Gate.UNMEASURED)
    assert refusal(found).reason.endswith("cannot be measured")


def test_a_correlation_beyond_the_cap_refuses():
    """And one within it does not."""
    assert ask("max_correlation=0.9", correlation=0.91).gate is Gate.CORRELATION
    assert ask("max_correlation=0.9", correlation=0.9).shares == 680


def test_orders_beyond_the_rate_are_refused():
    """An entry that would be one too many in its minute."""
    assert ask(account={"orders_this_minute": 60}).gate is Gate.ORDER_RATE
    assert ask(account={"orders_this_minute": 59}).shares == 680


money = st.floats(0, 1e6)


@given(
    equity=st.floats(1, 1e6), cash=money, gross=money, heat=st.floats(0, 1e5),
    price=st.floats(0.5, 2000), stop=st.floats(0.001, 1), volume=st.floats(0, 1e6),
    slots=st.integers(1, 10),
)  # fmt: skip
def test_no_limit_is_exceeded(equity, cash, gross, heat, price, stop, volume, slots):
    """Whole shares, at least none, within each limit by arithmetic of its own."""
    account = {
        "equity": equity, "cash": cash, "buying_power": cash, "gross": gross, "net": gross,
        "heat": heat, "free_slots": slots,
    }  # fmt: skip
    found = ask(account=account, price=price, stop=stop, recent_volume=volume)
    value = found.shares * price
    slack = 1 + 1e-9

    assert isinstance(found.shares, int)
    assert found.shares >= 0
    if found.shares:
        assert value * stop <= 0.02 * equity * slack
        assert value <= 0.34 * equity * slack
        assert value <= cash * slack
        assert (gross + value) <= equity * slack
        assert heat + value * stop <= 0.10 * equity * slack
        assert found.shares <= 0.1 * volume * slack
        assert value * slots <= (equity - gross) * slack
