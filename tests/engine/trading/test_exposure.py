"""The account as an entry would find it, by hand."""

import math
from types import SimpleNamespace

import pytest

from engine.config import load_config
from engine.events import MICRO, Decision, Gate, Order, Protection, Side
from engine.trading.approval import Refused
from engine.trading.exposure import measure, request
from engine.trading.sizing import margin_rate

PRICES = (50.0, 20.0, 10.0)
UNIVERSE = SimpleNamespace(
    leverage={"AAA": 3.0, "BBB": -2.0}, underlying={"AAA": "NDX", "BBB": "NDX", "CCC": "SPX"}
)


def held(symbol, quantity, entry_price=0.0, *, orphan=False):
    return SimpleNamespace(
        symbol=symbol, quantity=quantity, shares=abs(quantity), entry_price=entry_price,
        orphan=orphan,
    )  # fmt: skip


def account():
    """100 AAA at 50, 200 BBB sold short at 20, an orphan of a symbol without bars."""
    positions = {p.symbol: p for p in (held("AAA", 100), held("BBB", -200))}
    positions["ZZZ"] = held("ZZZ", 10, 30.0, orphan=True)
    return SimpleNamespace(
        fixed=90_000.0,
        column={"AAA": 0, "BBB": 1, "CCC": 2},
        legs={0: SimpleNamespace(stop_micro=45 * MICRO), 1: SimpleNamespace(stop_micro=22 * MICRO)},
        ledger=SimpleNamespace(
            positions=positions, beside={}, quantity=lambda symbol: positions[symbol].quantity
        ),
        risk=SimpleNamespace(orders_in=lambda _minute: 5),
    )


def frame(**more):
    return SimpleNamespace(minute=7, t=7, price=lambda column: PRICES[column], **more)


def test_what_is_held_pending_and_bought_by_others_counts():
    """Each figure by hand: a pending entry at what sized it, an orphan wholly at risk."""
    state = account()
    entry = Order(
        "in", "CCC", Side.BUY, 100, entry=True, decision=Decision.ENTER_LONG,
        limit_micro=10 * MICRO, value_micro=1000 * MICRO, protection=Protection(0.02, 0.04, 0.0),
    )  # fmt: skip
    bound = [(column, state.ledger.positions[s]) for s, column in (("AAA", 0), ("BBB", 1))]
    found = measure(state, frame(), bound, {2: entry}, UNIVERSE, free_slots=1, sent=2)

    assert found.gross == 5000 + 4000 + 1000 + 300
    assert found.net == 5000 - 4000 + 1000 + 300
    assert found.heat == pytest.approx(500 + 400 + 20 + 300)
    assert found.margin == pytest.approx(0.75 * 5000 + 0.6 * 4000 + 0.25 * (1000 + 300))
    assert found.underlying == {"NDX": 3 * 5000 + 2 * 4000, "SPX": 1000.0}
    assert found.equity == 90_000 + 5000 - 4000
    assert found.cash == found.buying_power == 91_000 - 10_300
    assert (found.free_slots, found.orders_this_minute) == (1, 7)


def test_what_leaves_binds_nothing():
    """A position that is not bound is still part of equity."""
    found = measure(account(), frame(), [], {}, UNIVERSE, free_slots=2, sent=0)
    assert (found.gross, found.net, found.equity) == (300.0, 300.0, 91_000.0)


@pytest.mark.parametrize(
    ("leverage", "direction", "rate"),
    [(1, 1, 0.25), (3, 1, 0.75), (-3, 1, 0.75), (2, -1, 0.6), (-4, -1, 1.0), (0.5, 1, 0.25)],
)
def test_the_maintenance_requirement_grows_with_leverage(leverage, direction, rate):
    """FINRA Notice 09-53: times the leverage, at most all of it."""
    assert margin_rate(leverage, direction) == pytest.approx(rate)


def asked(*sets, correlation=None, atr=0.5, others=None, directions=(1, 1, 1)):
    tape = SimpleNamespace(
        atr=lambda *_: atr, recent_volume=lambda *_: 1e6, closing_volume=lambda *_: 1e6,
        daily_volatility=lambda *_: 0.02,
        correlation=lambda _t, _one, other: (correlation or {})[other],
    )  # fmt: skip
    seen = frame(
        block=SimpleNamespace(symbols=("AAA", "BBB", "CCC")), direction=lambda s: directions[s]
    )
    config = load_config(sets=[f"risk.{item}" for item in sets])[0]
    return request(seen, tape, 0, others or {}, config)


def test_a_stop_in_atrs_is_a_fraction_of_the_price():
    """At most all of it; without an ATR there is no stop, and no trade."""
    assert asked("stop_atr_multiple=2").stop == pytest.approx(2 * 0.5 / 50)
    assert asked("stop_atr_multiple=2", atr=100.0).stop == 1.0
    refused = asked("stop_atr_multiple=2", atr=None)
    assert isinstance(refused, Refused)
    assert refused.check is Gate.UNMEASURED


@pytest.mark.parametrize(
    ("directions", "held_directions", "found"),
    [
        ((1, 1, 1), {1: 1, 2: 1}, 0.8),
        ((-1, 1, 1), {1: 1, 2: 1}, 0.4),
        ((1, 1, 1), {1: -1, 2: -1}, 0.4),
        ((1, 1, 1), {}, -1.0),
    ],
)
def test_the_highest_correlation_has_the_sign_of_both_sides(directions, held_directions, found):
    """Two that move together hedge each other on opposite sides."""
    told = asked(
        "max_correlation=0.9", correlation={1: 0.8, 2: -0.4}, others=held_directions,
        directions=directions,
    )  # fmt: skip
    assert told.correlation == pytest.approx(found)


def test_a_correlation_that_cannot_be_measured_is_none():
    """NaN, or no history."""
    for unknown in (None, math.nan):
        told = asked("max_correlation=0.9", correlation={1: unknown}, others={1: 1})
        assert told.correlation is None
