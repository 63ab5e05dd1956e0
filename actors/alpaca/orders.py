"""Approved orders as alpaca-py's requests.

KEY INPUT: Approved[Order | OcoOrder].
KEY OUTPUT: one request, always with our client order id.

What has a limit is immediate or cancel: an entry, and the first try of an exit that flattens. Any
other exit is at the market, for the day; a position's legs are one OCO order for the day.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
from alpaca.trading.requests import (
    LimitOrderRequest,
    MarketOrderRequest,
    OrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)

from engine.events import MICRO, Approved, OcoOrder, Order, Side

_SIDES = {Side.BUY: OrderSide.BUY, Side.SELL: OrderSide.SELL}
_CENT, _FINE = 10_000, 100
"""Ticks in micro-dollars: from one dollar on, and below."""


def request_of(approved: Approved[Order | OcoOrder]) -> OrderRequest:
    """Return the request that sends an approved order."""
    order = approved.order
    if isinstance(order, OcoOrder):
        return _legs(order)
    if order.limit_micro:
        return LimitOrderRequest(
            symbol=order.symbol,
            qty=order.shares,
            side=_SIDES[order.side],
            time_in_force=TimeInForce.IOC,
            limit_price=dollars(order.limit_micro, up=order.side is Side.SELL),
            client_order_id=order.order_id,
        )
    return MarketOrderRequest(
        symbol=order.symbol,
        qty=order.shares,
        side=_SIDES[order.side],
        time_in_force=TimeInForce.DAY,
        client_order_id=order.order_id,
    )


def stop_request(side: Side, stop_micro: int, client_id: str) -> ReplaceOrderRequest:
    """Return the request that moves a stop of a side; it is rounded towards the price."""
    return ReplaceOrderRequest(
        stop_price=dollars(stop_micro, up=side is Side.SELL), client_order_id=client_id
    )


def dollars(micro: int, *, up: bool) -> float:
    """Return a price that Alpaca takes: cents from one dollar on, hundredths of a cent below."""
    tick = _CENT if micro >= MICRO else _FINE
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    ticks = (Decimal(micro) / tick).to_integral_value(rounding)
    return float(max(ticks, Decimal(1)) * tick / MICRO)


def _legs(order: OcoOrder) -> LimitOrderRequest:
    closes_long = order.side is Side.SELL
    return LimitOrderRequest(
        symbol=order.symbol,
        qty=order.shares,
        side=_SIDES[order.side],
        time_in_force=TimeInForce.DAY,
        order_class=OrderClass.OCO,
        take_profit=TakeProfitRequest(limit_price=dollars(order.target_micro, up=not closes_long)),
        stop_loss=StopLossRequest(stop_price=dollars(order.stop_micro, up=closes_long)),
        client_order_id=order.order_id,
    )
