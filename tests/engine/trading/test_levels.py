"""Where legs go, how a trailing stop follows, and what becomes of them with their position."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import (
    MICRO,
    Decision,
    Leg,
    Order,
    OrderCanceled,
    OrderFilled,
    OrderSubmitted,
    Protection,
    Side,
    StopMoved,
)
from engine.trading.exits import exit_order, leg_touched, leg_words
from engine.trading.exposure import limit_micro
from engine.trading.ledger import side_of
from engine.trading.legs import (
    below,
    rounded_down,
    rounded_up,
    stop_touched,
    target_touched,
    tick_micro,
    trailed,
)
from engine.trading.protect import legs_of
from engine.trading.watch import observe
from tests.bars import approved, block_of, config, flat
from tests.bars import changed as replace
from tests.engine.trading.test_cycle import SYMBOLS, hold, new_state

STOP, TARGET = 49_250_000, 51_500_000
"""Of a long at 50, by the defaults."""


def leg_fill(state, leg, shares, price_micro, minute=151, symbol="AAA", **more):
    """The fill of a resting leg, or of what is left of a triggered stop."""
    column = state.column[symbol]
    legs = state.legs[column]
    working = state.working.get(legs.order.order_id)
    left = working.remaining if working else legs.remaining
    return OrderFilled(
        ts_ns=state.open_ns + minute * 60_000_000_000, order_id=legs.order.order_id,
        symbol=symbol, side=legs.order.side, shares=shares, price_micro=price_micro,
        fee_micro=0, slippage_micro=0, final=shares == left, leg=leg, **more,
    )  # fmt: skip


def holding(shares=600, direction=1, **keywords):
    state = new_state(config("rotation.allow_short=true"))
    hold(state, "AAA", shares, direction=direction, **keywords)
    return state


def entered(price, direction=1, stop=0.015, target=0.03, trail=0.01, shares=100):
    """Return the legs that an entry sends when it fills at `price`."""
    cfg = config("rotation.allow_short=true")
    state = new_state(cfg)
    side = side_of(direction, entry=True)
    order = Order(
        order_id="in", symbol="AAA", side=side, shares=shares, entry=True,
        decision=Decision.ENTER_LONG, protection=Protection(stop=stop, target=target, trail=trail),
    )  # fmt: skip
    state.apply(OrderSubmitted(ts_ns=state.open_ns, approved=approved(order)))
    fill = OrderFilled(
        ts_ns=state.open_ns, order_id="in", symbol="AAA", side=side, shares=shares,
        price_micro=round(price * MICRO), fee_micro=0, slippage_micro=0, final=True,
    )  # fmt: skip
    state.apply(fill)
    return legs_of(state, (order, fill), cfg, 0).order


def follow(bars, direction=1, stop_micro=None, trail=0.01, tick_usd=0.01):
    """Return the stop after each bar that `observe` has seen, for one held symbol."""
    block = block_of(bars)
    stop = np.array([stop_micro or (STOP if direction > 0 else 50_750_000)])
    said, nothing = [], np.empty(len(block))
    for t in range(len(block)):
        moves = observe(
            block.bars, t, np.array([100 * direction]), stop, np.array([trail]), tick_usd,
            0.0, nothing, nothing,
        )  # fmt: skip
        for _, _, moved in moves:
            stop[0] = moved
        said.append(int(stop[0]))
    return said


def bar(open_, high, low, close, volume=1e6):
    return [open_, high, low, close, volume]


def test_legs_stand_where_the_fill_price_puts_them():
    """Below and above a long's fill, above and below a short's, for as many shares as filled."""
    long, short = entered(50.0), entered(50.0, direction=-1, shares=70)

    assert (long.side, long.shares) == (Side.SELL, 100)
    assert (long.stop_micro, long.target_micro, long.trail) == (STOP, TARGET, 0.01)
    assert (short.side, short.shares) == (Side.BUY, 70)
    assert (short.stop_micro, short.target_micro) == (50_750_000, 48_500_000)


@given(st.floats(2, 2000), st.floats(0.006, 0.3), st.floats(0.006, 0.3), st.sampled_from([1, -1]))
def test_levels_are_on_the_tick_and_lose_no_more_than_was_said(price, stop, target, direction):
    """Rounded towards the price: the stop is at most its distance away, by less than a tick."""
    price = round(price * MICRO) / MICRO
    legs = entered(price, direction, stop, target)
    lost = -direction * (legs.stop_micro / MICRO - price)
    gained = direction * (legs.target_micro / MICRO - price)

    assert legs.stop_micro % 10_000 == legs.target_micro % 10_000 == 0
    assert price * stop - 0.01 - 1e-6 <= lost <= price * stop + 1e-6
    assert price * target - 0.01 - 1e-6 <= gained <= price * target + 1e-6


@pytest.mark.parametrize(
    ("price", "tick", "expected"),
    [(1.0, 0.01, 10_000), (0.9999, 0.01, 100), (50, 0.05, 50_000), (0.5, 1e-5, 10)],
)
def test_the_tick_is_finer_below_a_dollar(price, tick, expected):
    """A cent from a dollar on, a hundredth of it below (SEC Rule 612)."""
    assert tick_micro(price, tick) == expected


@given(st.integers(1, 10**5), st.sampled_from([0.01, 0.05]))
def test_a_level_on_the_tick_stays_there(ticks, tick):
    """Rounding moves nothing that is on the tick, and less than a tick whatever is not."""
    price, micro = 1.0 + ticks * tick, round((1.0 + ticks * tick) * MICRO)
    step = round(tick * MICRO)
    if micro % step:
        return

    assert rounded_up(price, tick) == rounded_down(price, tick) == micro
    assert rounded_up(price + 0.4 * tick, tick) == micro + step
    assert rounded_down(price + 0.4 * tick, tick) == micro


def test_a_level_is_never_nothing():
    """At least one tick: a stop at 100% below is not at zero."""
    assert rounded_up(0.0, 0.01) == rounded_down(0.0, 0.01) == below(0.0, 50.0, 0.01) == 100
    assert entered(50.0, stop=1.0).stop_micro == 100


@pytest.mark.parametrize("what", ["target", "limit", "trailing stop"])
def test_a_level_above_a_dollar_is_a_whole_cent_though_the_price_is_below(what):
    """SEC Rule 612 asks for the tick of the level itself."""
    level = {
        "target": entered(0.99).target_micro,
        "limit": limit_micro(0.999, 1, config()),
        "trailing stop": trailed(-1, 1.0, 0.995, 2_000_000, 0.01, 0.01),
    }[what]

    assert level >= MICRO
    assert level % 10_000 == 0


@pytest.mark.parametrize("direction", [1, -1])
def test_a_stop_nearer_than_a_tick_stays_on_its_side(direction):
    """As stop_atr_multiple makes it for a quiet symbol: 0.08% of $5 is less than a cent."""
    price = 5.005
    legs = entered(price, direction, stop=0.0008)

    assert direction * legs.stop_micro < direction * price * MICRO


TOUCHES = [
    (1, 50.0, 49.26, False, False), (1, 50.0, 49.25, True, False), (1, 50.0, 49.24, True, False),
    (1, 51.49, 50.0, False, False), (1, 51.5, 50.0, False, True), (1, 51.51, 49.0, True, True),
    (-1, 49.24, 49.0, False, True), (-1, 49.25, 49.0, True, True), (-1, 52.0, 51.51, True, False),
    (-1, 49.0, 48.0, False, True),
]  # fmt: skip


@pytest.mark.parametrize(("direction", "high", "low", "stopped", "reached"), TOUCHES)
def test_a_bar_touches_a_level_that_it_reaches(direction, high, low, stopped, reached):
    """At the level is touched, a cent before it is not; a short's levels are mirrored."""
    stop, target = (STOP, TARGET) if direction > 0 else (STOP, 51_500_000)

    assert stop_touched(direction, high, low, stop) == stopped
    assert target_touched(direction, high, low, target) == reached


def test_a_minute_without_a_bar_touches_nothing():
    """A carried price is no trade."""
    state = holding()
    below_stop = block_of(np.array([bar(49, 49, 49, 49), [np.nan] * 5]))

    assert leg_touched(below_stop.bars, 0, 0, state.legs[0])
    assert not leg_touched(below_stop.bars, 1, 0, state.legs[0])


@pytest.mark.parametrize("direction", [1, -1])
def test_the_trailing_stop_moves_towards_the_price_and_never_back(direction):
    """It follows the best price at its fraction, stays in a fall, and follows again."""
    highs = [50.2, 51.0, 50.0, 51.0, 52.0]
    if direction > 0:
        bars = [bar(h - 0.1, h, h - 0.2, h - 0.1) for h in highs]
        expected = [49_700_000, 50_490_000, 50_490_000, 50_490_000, 51_480_000]
    else:
        lows = [100 - h for h in highs]
        bars = [bar(x + 0.1, x + 0.2, x, x + 0.1) for x in lows]
        expected = [50_290_000, 49_490_000, 49_490_000, 49_490_000, 48_480_000]

    assert follow(bars, direction) == expected


def test_a_stop_without_trail_stays_and_so_does_one_without_a_bar():
    """trail 0 never moves it, nor does a minute without a bar."""
    up = [bar(50, 60, 50, 60)] * 2

    assert follow(up, trail=0.0) == [STOP, STOP]
    assert follow([up[0], [np.nan] * 5])[1] == follow(up[:1])[0]


def test_a_bar_that_raises_the_stop_is_not_tested_against_it():
    """High 55 and low 54 in one bar: the new stop of 54.45 is for the next bar (B6)."""
    state = holding()
    both = block_of(np.array([bar(54.5, 55.0, 54.0, 54.2)] * 2))
    state.legs[0].order = replace(state.legs[0].order, target_micro=10**12)

    assert not leg_touched(both.bars, 0, 0, state.legs[0])
    (moved,) = follow([bar(54.5, 55.0, 54.0, 54.2)])
    assert moved == 54_450_000
    order_id = state.legs[0].order.order_id
    state.apply(StopMoved(ts_ns=0, order_id=order_id, symbol="AAA", stop_micro=moved))
    assert leg_touched(both.bars, 1, 0, state.legs[0])
    assert state.columns.stop_micro[0] == moved


@given(
    st.sampled_from([1, -1]), st.floats(2, 500), st.floats(0, 0.1), st.integers(200, 50_000),
    st.floats(0, 0.2),
)  # fmt: skip
def test_the_ratchet(direction, low, width, stop_cents, trail):
    """Nearer to the price or where it was; what moved is on the tick, at most its trail away."""
    high, stop = low * (1 + width), stop_cents * 10_000
    found = trailed(direction, high, low, stop, trail, 0.01)

    assert direction * found >= direction * stop
    if found != stop:
        best = high if direction > 0 else low
        assert found % 10_000 == 0
        distance = direction * (best - found / MICRO)
        assert trail * best - 0.01 - 1e-6 <= distance <= max(trail * best, 0.01) + 1e-6


ENDS = {
    Decision.STOP_LOSS: (Leg.STOP, STOP),
    Decision.TRAILING_STOP: (Leg.STOP, 49_900_000),
    Decision.PROFIT_TARGET: (Leg.TARGET, TARGET),
}


def test_a_symbol_may_be_stopped_as_often_as_it_is_bought():
    """Three round trips by each leg: each ends with its own name, and nothing is left (A2, A3)."""
    state = new_state(config())
    minute = 10
    for _ in range(3):
        for decision, (leg, level) in ENDS.items():
            hold(state, "AAA", 600, minute=minute)
            legs = state.legs[0]
            assert (legs.stop_micro, legs.moved, legs.resting) == (STOP, False, True)
            if decision is Decision.TRAILING_STOP:
                name = legs.order.order_id
                state.apply(StopMoved(ts_ns=0, order_id=name, symbol="AAA", stop_micro=level))
            fill = leg_fill(state, leg, 600, level, minute=minute + 5)
            assert state.leg_decision(fill) is decision
            booking = state.apply(fill)

            assert booking.closed.decision is decision
            assert booking.closed.pnl_micro == 600 * (level - 50 * MICRO)
            assert (state.legs, state.ledger.positions, state.working) == ({}, {}, {})
            assert state.columns.stop_micro[0] == state.columns.target_micro[0] == 0
            assert state.columns.quantity[0] == 0
            minute += 20


def test_each_symbol_has_its_own_legs():
    """The fill of one position's stop leaves the other's where it was (A2, A5)."""
    state = holding()
    hold(state, "BBB", 100)
    state.apply(leg_fill(state, Leg.STOP, 600, STOP))

    assert list(state.legs) == [SYMBOLS.index("BBB")]
    assert list(state.ledger.positions) == ["BBB"]


def test_a_target_filled_in_part_keeps_both_legs_for_the_rest():
    """Shares, legs and cash are those of what was filled, not of what was asked (A15)."""
    state = holding()
    booking = state.apply(leg_fill(state, Leg.TARGET, 200, TARGET))

    assert booking.closed is None
    assert state.ledger.positions["AAA"].shares == state.columns.quantity[0] == 400
    assert (state.legs[0].remaining, state.legs[0].resting) == (400, True)
    assert state.columns.stop_micro[0] == STOP
    assert state.working == {}
    assert state.cash == pytest.approx(100_000 - 600 * 50 + 200 * 51.5)


def test_what_is_left_of_a_triggered_stop_works_like_any_exit():
    """No leg rests any more, no second exit can be made of it, and its risk is still told."""
    state = holding()
    name = state.legs[0].order.order_id
    state.apply(leg_fill(state, Leg.STOP, 200, STOP))

    assert state.working[name].remaining == state.working[name].order.shares == 400
    assert not state.working[name].order.entry
    assert (state.legs[0].resting, state.columns.stop_micro[0]) == (False, 0)
    state.apply(leg_fill(state, Leg.STOP, 150, STOP - MICRO, minute=152))
    booking = state.apply(leg_fill(state, Leg.STOP, 250, STOP - 2 * MICRO, minute=153))
    assert booking.closed.decision is Decision.STOP_LOSS
    assert (state.working, state.legs, state.ledger.positions) == ({}, {}, {})


def test_the_stop_after_a_part_of_the_target_sells_the_rest():
    """200 at the target, 400 at the stop: one round trip, nothing over (A15)."""
    state = holding()
    state.apply(leg_fill(state, Leg.TARGET, 200, TARGET))
    booking = state.apply(leg_fill(state, Leg.STOP, 400, STOP, minute=155))

    assert booking.closed.shares == 600
    assert booking.closed.pnl_micro == 200 * 1_500_000 - 400 * 750_000


def test_an_exit_takes_over_the_shares_of_the_legs():
    """It sells all that is held and names the legs it replaces; they rest no more (A5, A10)."""
    state = holding()
    name = state.legs[0].order.order_id
    out = exit_order(state, state.symbols[0], Decision.EXIT, 0)

    assert (out.order.replaces, out.order.shares, out.order.side) == (name, 600, Side.SELL)
    state.apply(OrderSubmitted(ts_ns=state.open_ns, approved=out))
    assert not state.legs[0].resting
    assert state.columns.stop_micro[0] == state.columns.target_micro[0] == 0
    assert state.legs[0].stop_micro == STOP, "its risk is told until it is out"


def test_an_exit_after_a_part_of_the_target_sells_what_is_left():
    """The shares held, not those once bought (A10, A15)."""
    state = holding()
    state.apply(leg_fill(state, Leg.TARGET, 200, TARGET))

    assert exit_order(state, state.symbols[0], Decision.EXIT, 0).order.shares == 400


def test_legs_that_are_canceled_protect_no_more():
    """Then the whole position counts as risk, and the next exit replaces nothing."""
    state = holding()
    name = state.legs[0].order.order_id
    state.apply(OrderCanceled(ts_ns=0, order_id=name, symbol="AAA", reason="by the broker"))

    assert not state.legs[0].resting
    assert exit_order(state, state.symbols[0], Decision.EXIT, 0).order.replaces == ""


@pytest.mark.parametrize("direction", [1, -1])
def test_the_words_of_a_leg_name_its_level(direction):
    """What was touched, how far from the entry, and that the bar left it open which came first."""
    state = holding(direction=direction)
    away = -1.5 * direction
    level = state.legs[0].stop_micro / MICRO
    fill = leg_fill(state, Leg.STOP, 600, state.legs[0].stop_micro, ambiguous=True)

    words = leg_words(state, fill, state.legs[0], Decision.STOP_LOSS)
    assert words == (
        f"stop {level:g} touched ({away:+.2f}%); "
        "the bar touched both, stop first by [simulation] both_touched"
    )
    plain = leg_fill(state, Leg.TARGET, 600, state.legs[0].order.target_micro)
    assert leg_words(state, plain, state.legs[0], Decision.PROFIT_TARGET) == (
        f"target {state.legs[0].order.target_micro / MICRO:g} touched ({2 * -away:+.2f}%)"
    )


def test_observe_values_the_book_at_the_close():
    """Cash plus quantity × close, and the sum of the absolute values, shorts included (B7)."""
    block = block_of(np.stack([flat(2, 50.0), flat(2, 20.0)], axis=1))
    equity, exposure = np.full(2, math.nan), np.full(2, math.nan)
    moves = observe(
        block.bars, 1, np.array([100, -200]), np.zeros(2, np.int64), np.zeros(2), 0.01,
        10_000.0, equity, exposure,
    )  # fmt: skip

    assert moves == []
    assert (equity[1], exposure[1]) == (10_000 + 5_000 - 4_000, 9_000)
    assert math.isnan(equity[0])
