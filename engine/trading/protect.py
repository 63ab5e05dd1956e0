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

NO_STOP, BEYOND = "the broker took no stop", "beyond what was held"
WITHOUT_LEGS = (NO_STOP, BEYOND)
"""How the reason of an exit begins that stands for legs."""
MOST_TRIES = 4
"""Legs and exits a minute: a broker that refuses everything is asked again in the next one."""
Opened = Mapping[int, tuple[Order, OrderFilled]]
"""Column → the entry that opened a position, and its first fill."""


def protect(state: State, opened: Opened, ts_ns: int, config: Config) -> list[Event]:
    """Return what protects every position of ours that nothing protects, those just opened first.

    Legs are for exactly the shares that are held. What no decision opened is closed at once.
    """
    events: list[Event] = []
    for sent, (column, symbol) in enumerate(_bare(state, opened, ts_ns)):
        words = _no_legs(state, column, symbol, opened)
        order: Approved[Order] | Approved[OcoOrder]
        if words:
            events.append(_decided(symbol, words, ts_ns))
            order = exit_order(state, symbol, Decision.RISK_EXIT, sent)
        elif column in opened and column not in state.legs:
            order = legs_of(state, opened[column], config, sent)
        else:
            order = legs_again(state, column, sent)
        events.append(OrderSubmitted(ts_ns=ts_ns, approved=order))
    return events


def _bare(state: State, opened: Opened, ts_ns: int) -> list[tuple[int, str]]:
    """Return what is held and neither leaves nor has legs for its shares: (column, symbol)."""
    if not state.ledger.positions:
        return []
    leaving = {w.order.symbol for w in state.working.values() if not w.order.entry}
    minute = state.minute(ts_ns)
    bare = [
        (column, symbol)
        for symbol, position in state.ledger.positions.items()
        if not position.orphan and symbol not in leaving
        for column in (state.column_of(symbol),)
        if not _rest(state, column, position.shares) and state.tried(column, minute) < MOST_TRIES
    ]
    place = {column: i for i, column in enumerate(opened)}
    return sorted(bare, key=lambda one: (place.get(one[0], len(place)), *one))


def _rest(state: State, column: int, shares: int) -> bool:
    legs = state.legs.get(column)
    return legs is not None and legs.resting and legs.remaining == shares


def _no_legs(state: State, column: int, symbol: str, opened: Opened) -> str:
    """Return why a position is sold where it should get legs; empty if it gets them."""
    position = state.ledger.positions[symbol]
    if position.stray:
        word = "bought" if position.direction > 0 else "sold"
        return f"{BEYOND}: {position.shares:,} shares were {word} that were not there"
    legs = state.legs.get(column)
    if legs is not None and legs.refused:
        return f"{NO_STOP}: {legs.refused}"
    return f"{NO_STOP}: none is known" if legs is None and column not in opened else ""


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
    """Return legs at the levels of those before, which they replace, for what is held now."""
    legs, symbol = state.legs[column], state.symbols[column]
    held = state.ledger.positions[symbol].shares
    order = legs.order._replace(
        order_id=state.next_order_id(symbol, legs.order.side, offset),
        shares=held,
        stop_micro=legs.stop_micro,
        replaces=legs.order.order_id if legs.resting else "",
    )
    return approve_exit(order, held)


def _decided(symbol: str, reason: str, ts_ns: int) -> Decided:
    return Decided(
        ts_ns=ts_ns,
        symbol=symbol,
        decision=Decision.RISK_EXIT,
        reason=reason,
        rank=0,
        strength=0.0,
    )
