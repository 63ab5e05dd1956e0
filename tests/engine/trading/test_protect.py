"""No position without its stop, whatever the broker says to it."""

from engine.events import Decided, Decision, OcoOrder, OrderCanceled, OrderRejected, OrderSubmitted
from engine.market.frames import MINUTE_NS
from engine.trading.protect import MOST_TRIES, protect
from tests.bars import config
from tests.engine.trading.test_cycle import hold, new_state

MINUTE = 200


def holding():
    state = new_state(config())
    hold(state, "AAA", 600)
    return state, state.legs[state.column["AAA"]].order


def at(state, minute=MINUTE):
    return state.open_ns + minute * MINUTE_NS


def gone(state, order_id, kind=OrderRejected, minute=MINUTE):
    state.apply(kind(ts_ns=at(state, minute), order_id=order_id, symbol="AAA", reason="why"))


def protected(state, minute=MINUTE):
    """Protect, and fold what that says; the orders."""
    events = protect(state, {}, at(state, minute), config())
    for event in events:
        state.apply(event)
    return events


def test_what_is_protected_is_left_alone():
    """Legs that rest, or an exit at work."""
    state, _ = holding()
    assert protected(state) == []


def test_legs_that_vanish_are_sent_again_where_they_were():
    """The moved stop, the same target, the shares that are held, another id."""
    state, legs = holding()
    state.legs[state.column["AAA"]].stop_micro = 49_900_000
    gone(state, legs.order_id, OrderCanceled)
    (event,) = protected(state)

    again = event.order
    assert isinstance(again, OcoOrder)
    assert (again.stop_micro, again.target_micro) == (49_900_000, legs.target_micro)
    assert again.shares == 600
    assert again.order_id != legs.order_id
    assert protected(state) == []


def test_a_position_whose_stop_is_refused_is_sold():
    """With the broker's words."""
    state, legs = holding()
    gone(state, legs.order_id)
    decided, submitted = protected(state)

    assert isinstance(decided, Decided)
    assert (decided.decision, decided.reason) == (
        Decision.RISK_EXIT, "the broker took no stop: why",
    )  # fmt: skip
    assert isinstance(submitted, OrderSubmitted)
    assert submitted.order.shares == 600
    assert protected(state) == []


def test_a_broker_that_refuses_everything_is_not_asked_without_end():
    """A few times a minute, and in the next minute again."""
    state, legs = holding()
    gone(state, legs.order_id)
    sent = 0
    while events := protected(state):
        sent += 1
        gone(state, events[-1].order.order_id)
        assert sent <= MOST_TRIES
    assert sent == MOST_TRIES

    assert protected(state, MINUTE + 1)
