"""Approved orders for the tests of the adapter."""

from engine.events import Approved, Decision, OcoOrder, Order, Protection, Side


def entry(*, side=Side.BUY, shares=10, limit=80.12, symbol="TQQQ", order_id="R-1"):
    """Return an approved entry."""
    order = Order(
        order_id=order_id,
        symbol=symbol,
        side=side,
        shares=shares,
        entry=True,
        decision=Decision.ENTER_LONG,
        limit_micro=round(limit * 1_000_000),
        value_micro=round(limit * shares * 1_000_000),
        protection=Protection(0.015, 0.03, 0.0),
    )
    return Approved(order, Approved._key)


def leave(*, shares=10, symbol="TQQQ", order_id="R-2"):
    """Return an approved exit."""
    order = Order(
        order_id=order_id,
        symbol=symbol,
        side=Side.SELL,
        shares=shares,
        entry=False,
        decision=Decision.EXIT,
    )
    return Approved(order, Approved._key)


def legs(*, side=Side.SELL, stop=78.9, target=82.5, shares=10, symbol="TQQQ", order_id="R-3"):
    """Return the approved legs of a position."""
    order = OcoOrder(
        order_id=order_id,
        symbol=symbol,
        side=side,
        shares=shares,
        stop_micro=round(stop * 1_000_000),
        target_micro=round(target * 1_000_000),
        trail=0.0,
    )
    return Approved(order, Approved._key)
