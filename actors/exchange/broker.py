"""What an account may do: submit, cancel, replace, close; each checked as Alpaca checks it.

KEY INPUT: tickets and changes of one account.
KEY OUTPUT: orders in its books, matched; Refusal with Alpaca's status and code.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from actors.exchange.account import Account
from actors.exchange.admission import Admission
from actors.exchange.clock import SessionClock
from actors.exchange.matching import LAST_NS, Matching, cancel_all
from actors.exchange.order import Force, Kind, Order, Status
from actors.exchange.refusal import invalid, not_found
from actors.exchange.tickets import Change, Ticket
from actors.exchange.wire import stable_id
from engine.events import Side
from engine.market.frames import MINUTE_NS


class Broker:
    """The desk in front of the matching."""

    def __init__(self, matching: Matching, clock: SessionClock) -> None:
        self.matching = matching
        self.market = matching.market
        self.admission = Admission(matching.market)
        self.cancel_ns: Callable[[], int] = lambda: 0
        """How long a cancellation takes; the faults' to set."""
        self._clock = clock

    def submit(self, account: Account, ticket: Ticket, *, by_hand: bool = False) -> Order:
        """Take an order and match it; raises Refusal."""
        opens = self.admission.admit(account, ticket)
        order = self._order(account, ticket, opens=opens)
        order.by_hand = by_hand
        now = self._now()
        account.take(order)
        account.tell("new" if order.status is Status.NEW else "accepted", order, now)
        self.matching.arrive(account, order, now)
        return order

    def submit_to_reject(self, account: Account, ticket: Ticket) -> Order:
        """Take an order only to reject it a moment later: a fault."""
        opens = self.admission.admit(account, ticket)
        order = self._order(account, ticket, opens=opens)
        account.take(order)
        for one in (*order.legs, order):
            account.end(one, Status.REJECTED, self._now())
        return order

    def cancel(self, account: Account, order: Order) -> None:
        """Cancel an order, its legs and its twin; raises Refusal if it is over."""
        if not order.live:
            raise invalid(f'order is already in "{order.status}" state')
        if order.status is Status.PENDING_CANCEL:
            return
        before, order.status = order.status, Status.PENDING_CANCEL
        account.tell("pending_cancel", order, self._now())
        wait_ns = self.cancel_ns()
        if wait_ns:
            done = partial(self._finish_cancel, account, order)
            self._clock.call_at(self._clock.now_ns + wait_ns, done)
            return
        order.status = before
        self._finish_cancel(account, order)

    def cancel_now(self, account: Account, order: Order) -> None:
        """Cancel a live order, its legs and its twin, whatever delays cancellations."""
        account.tell("pending_cancel", order, self._now())
        self._finish_cancel(account, order)

    def replace(self, account: Account, order: Order, change: Change) -> Order:
        """Put another order in the place of a live one; raises Refusal."""
        self.admission.check_change(account, order, change)
        now = self._now()
        made = self._successor(account, order, change)
        order.replaced_by = made.order_id
        account.end(order, Status.REPLACED, now)
        if made.twin is not None:
            made.twin.shares = made.twin.filled + made.remaining
        account.take(made)
        account.tell("accepted" if made.status is Status.ACCEPTED else "new", made, now)
        self.matching.arrive(account, made, now)
        return made

    def close(self, account: Account, symbol: str, shares: int | None = None) -> Order:
        """Close a position, or some of it, at the market; raises Refusal."""
        held = account.shares(symbol)
        if not held:
            raise not_found("position does not exist")
        ticket = Ticket(
            symbol=symbol,
            side=Side.SELL if held > 0 else Side.BUY,
            kind=Kind.MARKET,
            force=Force.DAY,
            shares=abs(held) if shares is None else shares,
            client_id=None,
            order_class="simple",
            limit_micro=None,
            stop_micro=None,
            extended_hours=False,
        )
        return self.submit(account, ticket)

    def _finish_cancel(self, account: Account, order: Order) -> None:
        now = self._now()
        cancel_all(account, [order], now)
        self.matching.settle(account, order, now)

    def _now(self) -> int:
        # while a minute's end is being dealt with, the clock may be a little behind or ahead
        now, market = self._clock.now_ns, self.market
        if not market.open:
            return now
        start = market.start_ns(market.minute)
        return min(max(now, start), start + MINUTE_NS - LAST_NS)

    def _order(self, account: Account, ticket: Ticket, *, opens: bool) -> Order:
        order = self._make(
            account,
            client_id=ticket.client_id,
            symbol=ticket.symbol,
            side=ticket.side,
            kind=ticket.kind,
            force=ticket.force,
            shares=ticket.shares,
            limit_micro=ticket.limit_micro,
            stop_micro=ticket.stop_micro,
            order_class=ticket.order_class,
            extended_hours=ticket.extended_hours,
            opens=opens,
        )
        order.legs = self._legs(account, ticket, order)
        if ticket.order_class == "oco":
            order.limit_micro = ticket.target_micro
            order.twin, order.legs[0].twin = order.legs[0], order
        elif len(order.legs) == 2:
            order.legs[0].twin, order.legs[1].twin = order.legs[1], order.legs[0]
        return order

    def _legs(self, account: Account, ticket: Ticket, parent: Order) -> list[Order]:
        shape = ticket.order_class
        side = ticket.side if shape == "oco" else _opposite(ticket.side)
        legs: list[tuple[Kind, int | None, int | None]] = []
        if ticket.target_micro is not None and shape != "oco":
            legs.append((Kind.LIMIT, ticket.target_micro, None))
        if ticket.loss_micro is not None:
            limit = ticket.loss_limit_micro
            kind = Kind.STOP if limit is None else Kind.STOP_LIMIT
            legs.append((kind, limit, ticket.loss_micro))
        return [
            self._make(
                account,
                client_id=None,
                symbol=ticket.symbol,
                side=side,
                kind=kind,
                force=ticket.force,
                shares=ticket.shares,
                limit_micro=limit,
                stop_micro=stop,
                order_class=shape,
                status=Status.HELD,
                parent=parent,
            )
            for kind, limit, stop in legs
        ]

    def _successor(self, account: Account, order: Order, change: Change) -> Order:
        made = self._make(
            account,
            client_id=change.client_id,
            symbol=order.symbol,
            side=order.side,
            kind=order.kind,
            force=change.force or order.force,
            shares=(change.shares or order.shares) - order.filled,
            limit_micro=change.limit_micro or order.limit_micro,
            stop_micro=change.stop_micro or order.stop_micro,
            order_class=order.order_class,
            extended_hours=order.extended_hours,
            opens=order.opens,
            status=order.status if order.status is Status.HELD else None,
            parent=order.parent,
        )
        made.replaces, made.legs, made.twin = order.order_id, order.legs, order.twin
        made.triggered = order.triggered
        if order.twin is not None:
            order.twin.twin = made
        for leg in made.legs:
            leg.parent = made
        if order.parent is not None:
            order.parent.legs = [made if leg is order else leg for leg in order.parent.legs]
        order.legs, order.twin = [], None
        return made

    def _make(
        self,
        account: Account,
        *,
        client_id: str | None,
        status: Status | None = None,
        **fields: Any,
    ) -> Order:
        sequence = account.next_sequence()
        now = self._now()
        return Order(
            order_id=stable_id("order", account.name, sequence),
            client_id=client_id or stable_id("client", account.name, sequence),
            sequence=sequence,
            submitted_ns=now,
            updated_ns=now,
            status=status or (Status.NEW if self.market.open else Status.ACCEPTED),
            **fields,
        )


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY
