"""Stops, targets and trailing stops as the trader sees them: on a floor of one symbol."""

import numpy as np
import pytest

from engine.events import MICRO, Decided, Decision, OcoOrder, OrderSubmitted, StopMoved
from tests.actors.floor import Floor, bar, quiet, wish
from tests.bars import config

SYMBOLS = ("AAA",)
SETS = ("rotation.min_hold_minutes=0", "rotation.max_positions=1", "rotation.min_edge_bps=-100")


def bought(*sets, price=50.0):
    """A floor that holds AAA since its last frame, with the limits out of the way."""
    floor = Floor(config(*SETS, *sets), SYMBOLS)
    floor.frame([bar(price)], wish(SYMBOLS, "AAA"))
    floor.frame([bar(price)], wish(SYMBOLS, "AAA"))
    assert floor.state.ledger.positions
    return floor


def legs(floor):
    (order,) = [e.order for _, e in floor.events(OrderSubmitted) if isinstance(e.order, OcoOrder)]
    return order


def decided(events):
    return [e.decision for e in events if isinstance(e, Decided)]


def test_legs_are_sent_at_the_fill_on_the_tick():
    """1.5% below and 3% above the fill price, rounded to the cent towards it."""
    floor = bought()
    fill = floor.fills()[0].price_micro / MICRO
    order = legs(floor)

    assert order.stop_micro == round(np.ceil(fill * 0.985 * 100)) * 10_000
    assert order.target_micro == round(np.floor(fill * 1.03 * 100)) * 10_000
    assert order.shares == floor.state.ledger.positions["AAA"].shares


def test_each_leg_is_told_by_its_decision():
    """5 at the target, 6 at the stop, 8 at a stop that has trailed; reasons in words."""
    target = bought().frame([bar(51, high=52)], wish(SYMBOLS, "AAA"))
    stop = bought("risk.trailing_stop_pct=0").frame([bar(50, low=49)], wish(SYMBOLS, "AAA"))
    trailing = bought().frame([bar(50, low=49.45)], wish(SYMBOLS, "AAA"))

    assert decided(target)[0] is Decision.PROFIT_TARGET
    assert decided(stop)[0] is Decision.STOP_LOSS
    assert decided(trailing)[0] is Decision.TRAILING_STOP
    reasons = [next(e.reason for e in events if isinstance(e, Decided)) for events in
               (target, stop, trailing)]  # fmt: skip
    assert [words.split(" touched")[0].rsplit(" ", 1)[0] for words in reasons] == [
        "target", "stop", "trailing stop",
    ]  # fmt: skip


def test_the_trailing_stop_moves_after_its_bar_was_tested():
    """A bar that makes a high and falls back below what that high allows does not stop out (B6)."""
    floor = bought()
    floor.frame([bar(50, high=51, low=50, close=50.2)], wish(SYMBOLS, "AAA"))

    assert floor.state.ledger.positions
    assert floor.state.legs[0].stop_micro == 50_490_000

    (fill,) = [e for e in floor.frame([bar(50.2)], wish(SYMBOLS, "AAA")) if hasattr(e, "fill")]
    assert fill.decision is Decision.TRAILING_STOP


def test_the_trailing_stop_is_a_ratchet():
    """It follows the best price up and never comes down; each move is an event."""
    floor = bought("risk.take_profit_pct=100")
    highs = [50.4, 50.6, 50.5, 50.3, 50.9]
    for high in highs:
        floor.frame([bar(50.3, high=high)], wish(SYMBOLS, "AAA"))
    stops = [event.stop_micro for _, event in floor.events(StopMoved)]

    assert stops == sorted(set(stops))
    assert floor.state.legs[0].stop_micro == round(np.ceil(50.9 * 99) * 10_000)
    assert floor.account._resting[legs(floor).order_id].stop_micro <= stops[-1]


def test_a_minute_without_a_bar_neither_tests_nor_moves():
    """Carried prices are no trades."""
    floor = bought()
    before = floor.state.legs[0].stop_micro
    floor.frame([[np.nan] * 5], wish(SYMBOLS, "AAA"))

    assert floor.state.legs[0].stop_micro == before


def test_a_rule_replaces_the_legs_in_one_order():
    """A reversal sells by an exit that cancels the legs; nothing rests afterwards."""
    floor = bought()
    floor.frame([bar(50)], wish(SYMBOLS, "AAA", probability=0.2, bps=-80))
    floor.frame([bar(50)], quiet(SYMBOLS))

    assert not floor.state.ledger.positions
    assert not floor.account._resting
    assert floor.state.columns.stop_micro.tolist() == [0]


@pytest.mark.parametrize("pct", [1.5, 4.0])
def test_what_was_said_to_be_at_risk_is_lost_at_most(pct):
    """A stop that holds loses the sizing's risk, and what it costs to trade."""
    floor = bought(f"risk.stop_loss_pct={pct}", "risk.trailing_stop_pct=0")
    entry = next(e.order for _, e in floor.events(OrderSubmitted))
    said = entry.value_micro / MICRO * entry.protection.stop
    floor.frame([bar(50, low=40)], quiet(SYMBOLS))
    (trip,) = floor.desk.stats.round_trips

    assert -trip.pnl_micro / MICRO <= said + (trip.fee_micro + trip.slippage_micro) / MICRO


def test_the_exit_of_a_leg_starts_the_cooldown():
    """A symbol that was stopped out is not bought back at once."""
    floor = bought()
    floor.frame([bar(50, low=49)], wish(SYMBOLS, "AAA"))
    events = floor.frame([bar(49)], wish(SYMBOLS, "AAA"))

    assert not [e for e in events if isinstance(e, OrderSubmitted)]
