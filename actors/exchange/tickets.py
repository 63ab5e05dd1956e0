"""From the JSON of a request to an order with its legs; what cannot be understood is refused.

KEY INPUT: the body of POST /v2/orders or PATCH /v2/orders/{id}.
KEY OUTPUT: a Ticket; Refusal with Alpaca's status and code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.exchange.order import Force, Kind
from actors.exchange.refusal import DUPLICATE, Refusal, invalid
from actors.exchange.wire import micro_of
from engine.events import MICRO, Side

_MOST_ID = 128
_SHAPES = ("simple", "bracket", "oto", "oco")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An order as asked for, checked by itself."""

    symbol: str
    side: Side
    kind: Kind
    force: Force
    shares: int
    client_id: str | None
    order_class: str
    limit_micro: int | None
    stop_micro: int | None
    extended_hours: bool
    target_micro: int | None = None
    """Of a complex order: its take-profit."""
    loss_micro: int | None = None
    """Of a complex order: its stop-loss."""
    loss_limit_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a replacement changes; None leaves a thing as it is."""

    shares: int | None
    force: Force | None
    limit_micro: int | None
    stop_micro: int | None
    client_id: str | None


def read_ticket(body: Any) -> Ticket:
    """Read an order; raises Refusal."""
    asked = _object(body)
    if asked.get("notional") is not None:
        raise invalid("notional orders are not offered here: give qty")
    shape = str(asked.get("order_class") or "simple")
    if shape not in _SHAPES:
        raise invalid(f"invalid order_class: {shape}")
    kind = _kind(asked.get("type"))
    profit, loss = _legs(asked)
    limit = read_price(asked, "limit_price")
    if shape == "oco" and limit is None:
        limit = profit
    ticket = Ticket(
        symbol=_text(asked, "symbol").upper(),
        side=_side(asked.get("side")),
        kind=kind,
        force=_force(asked.get("time_in_force")),
        shares=_shares(asked.get("qty")),
        client_id=_client_id(asked),
        order_class=shape,
        limit_micro=limit,
        stop_micro=read_price(asked, "stop_price"),
        extended_hours=bool(asked.get("extended_hours")),
        target_micro=profit,
        loss_micro=loss[0],
        loss_limit_micro=loss[1],
    )
    _check(ticket)
    return ticket


def read_change(body: Any) -> Change:
    """Read a replacement; raises Refusal."""
    asked = _object(body)
    if asked.get("trail") is not None:
        raise invalid("trailing stops are not offered here")
    force, qty = asked.get("time_in_force"), asked.get("qty")
    return Change(
        shares=None if qty is None else _shares(qty),
        force=None if force is None else _force(force),
        limit_micro=read_price(asked, "limit_price"),
        stop_micro=read_price(asked, "stop_price"),
        client_id=_client_id(asked),
    )


def read_price(asked: Mapping[str, Any], name: str) -> int | None:
    """Return a price in micro-dollars; from a dollar on whole cents (SEC Rule 612)."""
    value = asked.get(name)
    if value is None:
        return None
    try:
        micro = micro_of(value)
    except ValueError:
        raise invalid(f"invalid {name}: {value!r}") from None
    if micro <= 0:
        raise invalid(f"{name} must be > 0")
    if micro % (MICRO // 100 if micro >= MICRO else MICRO // 10_000):
        raise invalid(
            f"invalid {name} {value}. sub-penny increment does not fulfill minimum pricing criteria"
        )
    return micro


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Refusal(400, DUPLICATE, "request body format is invalid")
    return body


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} is required")
    return value


def _kind(value: Any) -> Kind:
    if value == "trailing_stop":
        raise invalid("trailing stops are not offered here: replace the stop instead")
    try:
        return Kind(value)
    except ValueError:
        raise invalid(f"invalid order type: {value}") from None


def _side(value: Any) -> Side:
    if value not in ("buy", "sell"):
        raise invalid(f"invalid side: {value}")
    return Side.BUY if value == "buy" else Side.SELL


def _force(value: Any) -> Force:
    if value in ("opg", "cls"):
        raise invalid(f"{value} orders are not offered here")
    try:
        return Force(value)
    except ValueError:
        raise invalid(f"invalid time_in_force: {value}") from None


def _shares(value: Any) -> int:
    try:
        micro = micro_of(value)
    except ValueError:
        raise invalid(f"invalid qty: {value!r}") from None
    if micro <= 0:
        raise invalid("qty must be > 0")
    if micro % MICRO:
        raise invalid("fractional shares are not offered here")
    return micro // MICRO


def _client_id(asked: Mapping[str, Any]) -> str | None:
    value = asked.get("client_order_id")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MOST_ID:
        raise Refusal(422, DUPLICATE, f"client_order_id must be no more than {_MOST_ID} characters")
    return value


def _legs(asked: Mapping[str, Any]) -> tuple[int | None, tuple[int | None, int | None]]:
    profit, loss = asked.get("take_profit"), asked.get("stop_loss")
    profit = profit if isinstance(profit, dict) else {}
    loss = loss if isinstance(loss, dict) else {}
    return (
        read_price(profit, "limit_price"),
        (read_price(loss, "stop_price"), read_price(loss, "limit_price")),
    )


def _check(ticket: Ticket) -> None:
    kind, shape = ticket.kind, ticket.order_class
    wants_limit, wants_stop = kind in (Kind.LIMIT, Kind.STOP_LIMIT), kind in _STOPS
    if wants_limit and ticket.limit_micro is None:
        raise invalid(f"{kind} orders require a limit price")
    if wants_stop and ticket.stop_micro is None:
        raise invalid(f"{kind} orders require a stop price")
    if not wants_limit and ticket.limit_micro is not None:
        raise invalid(f"{kind} orders must not have a limit price")
    if not wants_stop and ticket.stop_micro is not None:
        raise invalid(f"{kind} orders must not have a stop price")
    if ticket.extended_hours and (kind is not Kind.LIMIT or ticket.force.immediate):
        raise invalid("extended hours order must be DAY or GTC limit orders")
    if shape == "simple":
        if ticket.target_micro is not None or ticket.loss_micro is not None:
            raise invalid("simple orders have no legs: give an order_class")
        return
    if ticket.force.immediate:
        raise invalid("complex orders must be DAY or GTC")
    _check_legs(ticket)


_STOPS = (Kind.STOP, Kind.STOP_LIMIT)


def _check_legs(ticket: Ticket) -> None:
    shape, target, loss = ticket.order_class, ticket.target_micro, ticket.loss_micro
    if shape == "oto":
        if (target is None) == (loss is None):
            raise invalid("oto orders require either take_profit or stop_loss")
        return
    if target is None:
        raise invalid(f"{shape} orders require take_profit.limit_price")
    if loss is None:
        raise invalid(f"{shape} orders require stop_loss.stop_price")
    if shape == "oco" and ticket.kind is not Kind.LIMIT:
        raise invalid("oco orders must be limit orders")
    # the legs close: of a bracket they are on the other side
    closing = ticket.side.sign if shape == "oco" else -ticket.side.sign
    if closing * (loss - target) < MICRO // 100:
        where = "greater" if closing < 0 else "less"
        raise invalid(f"take_profit.limit_price must be {where} than stop_loss.stop_price")
