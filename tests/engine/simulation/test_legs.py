"""Stop and target at the simulated broker: touches, gaps, what cannot be known, partial fills."""

import numpy as np
import pytest

from engine.events import MICRO, Decision, Leg, OcoOrder, Order, OrderCanceled, Side
from engine.simulation.broker import SimulatedBroker
from engine.trading.costs import fill_price
from tests.bars import approved, block_of, config

SYMBOLS = ("A",)


def legs(side=Side.SELL, shares=100, stop=49.0, target=52.0):
    return approved(
        OcoOrder(
            order_id="legs", symbol="A", side=side, shares=shares,
            stop_micro=round(stop * MICRO), target_micro=round(target * MICRO), trail=0.0,
        )
    )  # fmt: skip


def entry(shares=100, side=Side.BUY, limit=0.0):
    return approved(
        Order(
            order_id="in", symbol="A", side=side, shares=shares, entry=True,
            decision=Decision.ENTER_LONG, limit_micro=round(limit * MICRO),
        )
    )  # fmt: skip


def minutes(*bars):
    """(open, high, low, close[, volume]) by minute."""
    rows = np.array([[*bar, 1e6][:5] for bar in bars], float)
    return block_of(rows, symbols=SYMBOLS)


def after_entry(*bars, sets=(), shares=100, side=Side.BUY, resting=None):
    """Buy at the first bar's open with legs, play the bars; return the reports of the legs."""
    block = minutes(*bars)
    account = SimulatedBroker(config(*sets), SYMBOLS)
    account.submit([entry(shares, side)])
    account.match(block, 0)
    account.submit([resting or legs(shares=shares)])
    reports = []
    for t in range(len(block)):
        if t:
            reports += account.match(block, t)
        reports += account.close_bar(block, t)
    return reports


def test_a_touched_stop_is_a_market_order_at_its_level():
    """It fills at the stop less half spread and impact, in the bar that touched it."""
    (fill,) = after_entry((50, 50.5, 49.5, 50), (50, 50, 48.9, 49.5))

    expected = fill_price(49.0, -1, 100, 1e6, config().costs)
    assert (fill.leg, fill.ambiguous, fill.final) == (Leg.STOP, False, True)
    assert fill.price_micro == round(expected * MICRO) < 49 * MICRO


def test_a_touched_target_is_a_limit():
    """It fills at the target itself."""
    (fill,) = after_entry((50, 50.5, 49.5, 50), (50, 52, 50, 51))

    assert (fill.leg, fill.price_micro, fill.slippage_micro) == (Leg.TARGET, 52 * MICRO, 0)


def test_a_gap_through_the_stop_fills_at_the_open():
    """Not at the level, which was never traded (B6)."""
    (fill,) = after_entry((50, 50, 50, 50), (47, 48, 46, 47))

    assert fill.leg is Leg.STOP
    assert fill.price_micro == round(fill_price(47.0, -1, 100, 1e6, config().costs) * MICRO)


def test_a_gap_through_the_target_fills_at_the_better_open():
    """A limit is filled at the open if that is better."""
    (fill,) = after_entry((50, 50, 50, 50), (53, 54, 53, 53.5))

    assert (fill.leg, fill.price_micro) == (Leg.TARGET, 53 * MICRO)


@pytest.mark.parametrize("policy", ["stop", "target"])
def test_a_bar_that_touches_both_follows_the_policy_and_says_so(policy):
    """Which came first is not known: the configuration chooses, and the bar is counted (B6)."""
    sets = [f"simulation.both_touched={policy}"]
    (fill,) = after_entry((50, 50, 50, 50), (50, 53, 48, 50), sets=sets)

    assert (str(fill.leg), fill.ambiguous) == (policy, True)


@pytest.mark.parametrize(("open_", "leg"), [(48.5, Leg.STOP), (52.5, Leg.TARGET)])
@pytest.mark.parametrize("policy", ["stop", "target"])
def test_a_gap_settles_which_came_first(open_, leg, policy):
    """The open lies beyond one of them: that one was first, whatever the policy."""
    bars = (50, 50, 50, 50), (open_, 53, 48, 50)
    (fill,) = after_entry(*bars, sets=[f"simulation.both_touched={policy}"])

    assert (fill.leg, fill.ambiguous) == (leg, False)


def test_legs_are_active_in_the_bar_of_their_entry():
    """A stop touched after the open of the entry's own bar fills in it."""
    (fill,) = after_entry((50, 50.2, 48.5, 49.8), (50, 50, 50, 50))

    assert (fill.leg, fill.ts_ns) == (Leg.STOP, minutes((1, 1, 1, 1)).ts_ns(0))


def test_a_short_has_its_stop_above():
    """The mirror image: stop above, target below, a gap up fills at the open."""
    short = legs(Side.BUY, stop=51.0, target=48.0)
    (stopped,) = after_entry((50, 50, 50, 50), (52, 53, 52, 52), side=Side.SELL, resting=short)
    (taken,) = after_entry((50, 50, 50, 50), (50, 50, 47, 48), side=Side.SELL, resting=short)

    assert stopped.price_micro == round(fill_price(52.0, 1, 100, 1e6, config().costs) * MICRO)
    assert (taken.leg, taken.price_micro) == (Leg.TARGET, 48 * MICRO)


def test_the_rest_of_a_triggered_stop_works_at_the_next_opens():
    """Only a share of the bar's volume is filled; what is left is a market order by then."""
    bars = [(50, 50, 50, 50), (50, 50, 48, 49, 400), (49.5, 60, 40, 49, 400), (49, 49, 49, 49)]
    fills = after_entry(*bars)

    assert [fill.shares for fill in fills] == [40, 40, 20]
    assert [fill.leg for fill in fills] == [Leg.STOP] * 3
    assert [fill.final for fill in fills] == [False, False, True]
    assert fills[1].price_micro == round(fill_price(49.5, -1, 40, 400, config().costs) * MICRO)


def test_a_bar_without_volume_still_triggers_the_stop():
    """Whoever touched it traded one share at least."""
    fills = after_entry((50, 50, 50, 50), (50, 50, 48, 49, 3), (49, 49, 49, 49))

    assert [fill.shares for fill in fills] == [1, 99]


def test_a_target_filled_in_part_keeps_resting():
    """Its rest is still protected by the stop."""
    fills = after_entry((50, 50, 50, 50), (50, 52, 50, 51, 400), (51, 51, 48, 48))

    assert [(fill.leg, fill.shares) for fill in fills] == [(Leg.TARGET, 40), (Leg.STOP, 60)]


def test_an_exit_replaces_the_legs():
    """Once it is sent they fill no more."""
    block = minutes((50, 50, 50, 50), (50, 53, 47, 50))
    account = SimulatedBroker(config(), SYMBOLS)
    account.submit([entry()])
    account.match(block, 0)
    account.submit([legs()])
    out = Order(
        order_id="out", symbol="A", side=Side.SELL, shares=100, entry=False,
        decision=Decision.EXIT, replaces="legs",
    )  # fmt: skip
    account.submit([approved(out)])
    (fill,) = account.match(block, 1)

    assert (fill.order_id, fill.final) == ("out", True)
    assert account.close_bar(block, 1) == []


def test_a_moved_stop_counts_from_the_next_bar():
    """`replace` moves the stop leg; one that is gone stays gone."""
    block = minutes((50, 50, 50, 50), (50, 50, 49.4, 50))
    account = SimulatedBroker(config(), SYMBOLS)
    account.submit([entry()])
    account.match(block, 0)
    account.submit([legs()])
    account.close_bar(block, 0)
    account.replace([("legs", 49_500_000), ("gone", 1)])
    account.match(block, 1)
    (fill,) = account.close_bar(block, 1)

    assert fill.price_micro == round(fill_price(49.5, -1, 100, 1e6, config().costs) * MICRO)


@pytest.mark.parametrize(("side", "open_"), [(Side.BUY, 50.3), (Side.SELL, 49.7)])
def test_an_entry_does_not_chase_beyond_its_limit(side, open_):
    """It opened further away than what sized it: cancelled, not filled."""
    block = minutes((open_, open_, open_, open_))
    account = SimulatedBroker(config(), SYMBOLS)
    account.submit([entry(side=side, limit=50 + 0.25 * side.sign)])
    (report,) = account.match(block, 0)

    assert isinstance(report, OrderCanceled)
    assert "beyond its limit" in report.reason


def test_a_canceled_entry_is_reported_and_not_filled():
    """Cancelled before the open: nothing is bought."""
    block = minutes((50, 50, 50, 50))
    account = SimulatedBroker(config(), SYMBOLS)
    account.submit([entry()])
    account.cancel(["in", "unknown"])
    (report,) = account.match(block, 0)

    assert isinstance(report, OrderCanceled)


def test_legs_in_the_last_minute_are_closed_by_force():
    """Nothing is carried overnight, not even behind a stop."""
    rows = np.tile([50, 50, 50, 50, 1e6], (390, 1))
    block = block_of(rows, symbols=SYMBOLS)
    account = SimulatedBroker(config(), SYMBOLS)
    account.submit([entry()])
    account.match(block, 388)
    account.submit([legs()])
    account.match(block, 389)
    (fill,) = account.close_bar(block, 389)

    assert (fill.forced, fill.final) == (True, True)
