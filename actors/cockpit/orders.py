"""The session's orders as a screen shows them; an OCO order is two rows.

KEY INPUT: the session's events, in order; what carries an order at the broker.
KEY OUTPUT: OrderViews, the working ones first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from actors.cockpit.labels import PURPOSES, usd
from actors.cockpit.views import OrderView
from engine.events import (
    Event,
    Leg,
    OcoOrder,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    StopMoved,
)
from engine.records.page import Trade

Carried = Literal["no", "yes", "over"]
"""Whether the broker has an order: not yet known, so; nothing more will come of it."""
Carrying = Callable[[str], Carried]
KEPT_DONE = 50


@dataclass(slots=True)
class Row:
    """An order, or a leg of one."""

    id: str
    order_id: str
    sent_ns: int
    symbol: str
    side: str
    type: str
    shares: int
    purpose: str
    entry: bool = False
    leg: Leg | None = None
    trail: float = 0.0
    price_micro: int | None = None
    filled: int = 0
    value_micro: int = 0
    slippage_micro: int = 0
    state: str = "sent"
    replaced: bool = False
    """A leg that makes way for an exit."""

    @property
    def done(self) -> bool:
        """Return whether nothing more will come of it."""
        return self.state in ("filled", "canceled", "rejected")

    @property
    def settled(self) -> bool:
        """Return whether the broker has confirmed that it is done."""
        return self.done and not self.replaced

    def fill(self, fill: OrderFilled) -> None:
        """Take a fill of it."""
        self.filled += fill.shares
        self.value_micro += fill.shares * fill.price_micro
        self.slippage_micro += fill.slippage_micro
        if fill.final:
            self.state = "filled"

    def view(self, carrying: Carrying) -> OrderView:
        """Return it as it is shown."""
        state, purpose, cost = self.state, self.purpose, self.price_micro
        carried = carrying(self.order_id) if state in ("sent", "canceled") else "yes"
        if state == "sent" and carried != "no":
            state = "working"
        if self.replaced and state == "canceled" and carried == "yes":
            state = "working"  # its cancellation is not confirmed yet
        if self.filled:
            cost = round(self.value_micro / self.filled)
            if self.leg is not Leg.TARGET:
                slipped = 1e4 * self.slippage_micro / self.value_micro
                purpose = f"{purpose}, {slipped:+.1f} bp"
        return OrderView(
            id=self.id,
            sent_ns=self.sent_ns,
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            shares=self.shares,
            filled=self.filled,
            price_usd=None if cost is None else usd(cost),
            state=state,
            purpose=purpose,
        )


class OrderBook:
    """All orders of the session."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def take(self, at_ns: int, event: Event | Trade) -> None:
        """Take what happened; `at_ns` is when."""
        match event:
            case OrderSubmitted():
                self._submitted(at_ns, event)
            case OrderReleased():
                self.rows[event.order_id].state = "sent"
            case StopMoved():
                row = self.rows[f"{event.order_id}/stop"]
                row.price_micro = event.stop_micro
                row.purpose = f"stop, trailing {100 * row.trail:.1f}%"
            case Trade():
                self._filled(event.fill)
                if event.booking.closed is not None and not event.booking.orphan:
                    for row in self.legs_of(event.fill.symbol):
                        row.state = "canceled"
            case OrderCanceled() | OrderRejected():
                for row in self.of(event.order_id):
                    rejected = isinstance(event, OrderRejected)
                    if not row.done:
                        row.state = "rejected" if rejected else "canceled"

    def of(self, order_id: str) -> list[Row]:
        """Return the rows of an order."""
        found = (self.rows.get(name) for name in (f"{order_id}/stop", order_id))
        return [row for row in found if row is not None]

    def legs_of(self, symbol: str | None) -> list[Row]:
        """Return the legs that rest for a symbol, or for all."""
        return [
            row
            for row in self.rows.values()
            if row.leg is not None and not row.done and symbol in (None, row.symbol)
        ]

    @property
    def unsettled(self) -> bool:
        """Return whether the broker is to be asked again what has become of a row."""
        return any(row.state == "sent" or row.replaced for row in self.rows.values())

    def views(self, slots: Mapping[str, int], carrying: Carrying) -> tuple[OrderView, ...]:
        """Return the working ones by slot, then the newest that are done."""
        working = []
        for row in self.rows.values():
            if row.settled:
                continue
            view = row.view(carrying)
            row.replaced &= view.state != "canceled"
            if not row.settled:
                working.append((slots.get(row.symbol, 1_000), row.sent_ns, view))
        done = [row for row in self.rows.values() if row.settled][-KEPT_DONE:]
        shown = [view for *_, view in sorted(working, key=lambda one: one[:2])]
        return (*shown, *(row.view(carrying) for row in reversed(done)))

    def _submitted(self, at_ns: int, event: OrderSubmitted) -> None:
        order = event.order
        if isinstance(order, OcoOrder):
            self._legs(at_ns, order)
            return
        for leg in self.of(order.replaces) if order.replaces else ():
            leg.state, leg.replaced = "canceled", True
        self.rows[order.order_id] = Row(
            order.order_id,
            order.order_id,
            at_ns,
            order.symbol,
            str(order.side),
            "limit" if order.limit_micro else "market",
            order.shares,
            PURPOSES[order.decision],
            entry=order.entry,
            price_micro=order.limit_micro or None,
            state="held" if order.after else "sent",
        )

    def _legs(self, at_ns: int, order: OcoOrder) -> None:
        for old in self.legs_of(order.symbol):
            old.state = "canceled"
        given = (order.symbol, str(order.side))
        stop, target = f"{order.order_id}/stop", order.order_id
        self.rows[stop] = Row(
            stop, order.order_id, at_ns, *given, "stop", order.shares, "stop",
            leg=Leg.STOP, trail=order.trail, price_micro=order.stop_micro,
        )  # fmt: skip
        self.rows[target] = Row(
            target, order.order_id, at_ns, *given, "limit", order.shares, "target, OCO",
            leg=Leg.TARGET, price_micro=order.target_micro,
        )  # fmt: skip

    def _filled(self, fill: OrderFilled) -> None:
        rows = self.of(fill.order_id)
        for row in rows:
            if len(rows) == 1 or row.leg is (fill.leg or Leg.STOP):
                row.fill(fill)
            elif fill.final:
                row.state = "canceled"
            else:
                row.shares -= fill.shares  # the other leg is for what is left
