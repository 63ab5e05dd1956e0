"""No position without its stop: legs for what is held and has neither legs nor an exit at work.

KEY INPUT: the state after the broker's reports; the entries that they opened.
KEY OUTPUT: the events that protect: legs, or an exit where the broker refused the legs.
"""

from collections.abc import Mapping

from engine.config import Config
from engine.events import (
    MICRO,
    Approved,
    Decided,
    Decision,
    Event,
    OcoOrder,
    Order,
    OrderFilled,
    OrderSubmitted,
)
from engine.trading.approval import approve_exit
from engine.trading.exits import exit_order
from engine.trading.ledger import side_of
from engine.trading.legs import above, below
from engine.trading.state import State

NO_STOP = "the broker took no stop"
"""How the reason of an exit begins that stands for legs."""
MOST_TRIES = 4
"""Legs and exits a minute: a broker that refuses everything is asked again in the next one."""
Opened = Mapping[int, tuple[Order, OrderFilled]]
"""Column → the entry that opened a position, and its first fill."""


def protect(state: State, opened: Opened, ts_ns: int, config: Config) -> list[Event]:
    """Return what protects every position that nothing protects, those just opened first."""
    if not state.ledger.positions:
        return []
    leaving = {w.column for w in state.working.values() if not w.order.entry}
    minute = state.minute(ts_ns)
    bare = [
        column
        for column in (*opened, *sorted(state.legs.keys() - opened.keys()))
        if state.symbols[column] in state.ledger.positions
        and column not in leaving
        and (column not in state.legs or not state.legs[column].resting)
        and state.tried(column, minute) < MOST_TRIES
    ]
    events: list[Event] = []
    sent = 0
    for column in bare:
        if column in opened and column not in state.legs:
            approved = legs_of(state, opened[column], config, sent)
        elif state.legs[column].refused:
            events.append(_refused(state, column, ts_ns))
            exit_ = exit_order(state, state.symbols[column], Decision.RISK_EXIT, sent)
            events.append(OrderSubmitted(ts_ns=ts_ns, approved=exit_))
            sent += 1
            continue
        else:
            approved = legs_again(state, column, sent)
        events.append(OrderSubmitted(ts_ns=ts_ns, approved=approved))
        sent += 1
    return events


def legs_of(
    state: State, opened: tuple[Order, OrderFilled], config: Config, offset: int
) -> Approved[OcoOrder]:
    """Return the stop and target that the first fill of an entry sends, at its fill price."""
    entry, fill = opened
    protection = entry.protection
    assert protection is not None
    direction, price = entry.side.sign, fill.price_micro / MICRO
    tick = config.costs.tick_usd
    low, high = (
        (protection.stop, protection.target)
        if direction > 0
        else (protection.target, protection.stop)
    )
    lower, upper = below(price * (1 - low), price, tick), above(price * (1 + high), price, tick)
    held = state.ledger.positions[fill.symbol].shares
    side = side_of(direction, entry=False)
    order = OcoOrder(
        order_id=state.next_order_id(fill.symbol, side, offset),
        symbol=fill.symbol,
        side=side,
        shares=held,
        stop_micro=lower if direction > 0 else upper,
        target_micro=upper if direction > 0 else lower,
        trail=protection.trail,
    )
    return approve_exit(order, held)


def legs_again(state: State, column: int, offset: int) -> Approved[OcoOrder]:
    """Return legs at the levels of those that are gone, for what is held now."""
    legs, symbol = state.legs[column], state.symbols[column]
    held = state.ledger.positions[symbol].shares
    order = legs.order._replace(
        order_id=state.next_order_id(symbol, legs.order.side, offset),
        shares=held,
        stop_micro=legs.stop_micro,
    )
    return approve_exit(order, held)


def _refused(state: State, column: int, ts_ns: int) -> Decided:
    why = state.legs[column].refused
    return Decided(
        ts_ns=ts_ns,
        symbol=state.symbols[column],
        decision=Decision.RISK_EXIT,
        reason=f"{NO_STOP}: {why}",
        rank=0,
        strength=0.0,
    )
