"""The orders of a session and what is heard of them: each fill once, each end once.

KEY INPUT: what was ordered; the broker's events and snapshots, as they come.
KEY OUTPUT: reports, told in the order in which they became known.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from actors.intents import Executed, Intent
from actors.venue import BrokerOrder, Status, Update
from engine.events import (
    MICRO,
    Approved,
    ExitRefused,
    Leg,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RefusalKind,
    Report,
)
from engine.trading.costs import DayFees

REST_CANCELED = "the rest of an entry after its first bar"

Tell = Callable[[Sequence[Report]], None]


class Orders:
    """Every order of the session; nothing of it waits."""

    def __init__(self, tell: Tell, fees: DayFees, chase: Callable[[Intent], None]) -> None:
        """`chase` is called with what the broker has told fills of whose events did not come."""
        self._tell = tell
        self._fees = fees
        self._chase = chase
        self._intents: dict[str, Intent] = {}
        self._by_broker: dict[str, Intent] = {}
        self._strangers: dict[str, list[Update]] = defaultdict(list)
        self._buffers: dict[str, list[OrderFilled]] = defaultdict(list)

    def __getitem__(self, order_id: str) -> Intent:
        return self._intents[order_id]

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._intents

    def get(self, order_id: str) -> Intent | None:
        """Return an order's intent; None if it is not known."""
        return self._intents.get(order_id)

    def __iter__(self) -> Iterator[Intent]:
        return iter(list(self._intents.values()))

    def add(self, approved: Approved[Order | OcoOrder], *, restored: bool = False) -> Intent:
        """Note an order that is to be sent, or was before a restart."""
        intent = self._intents[approved.order.order_id] = Intent(approved, restored=restored)
        return intent

    @property
    def pending(self) -> bool:
        """Return whether an entry or exit is not over."""
        return any(not intent.ended and not intent.resting for intent in self)

    def find(self, order: BrokerOrder) -> Intent | None:
        """Return the intent that an order carries.

        By its id, by that of the stop it moved, or by that of the limit whose rest it takes.
        """
        known = self._by_broker.get(order.broker_id) or self._by_broker.get(order.replaces)
        stem = order.client_id.rpartition("-")[0]
        ids = (order.client_id, stem, f"{stem}-0")
        return known or next((self._intents[i] for i in ids if i in self._intents), None)

    def take(self, update: Update) -> None:
        """Take an event; one of an order that is not known yet waits until it is."""
        broker_id = update.order.broker_id
        intent = self.find(update.order)
        if intent is None:
            self._strangers[broker_id].append(update)
            return
        if broker_id not in intent.carriers:
            intent.carried_by(update.order)
            self._know(intent)
        executed = intent.heard(update)
        self._report(intent, [executed] if executed else [], update.order)
        if intent.owing:
            self._chase(intent)

    def show(self, intent: Intent, order: BrokerOrder) -> None:
        """Take a snapshot of an order."""
        executed = intent.shown(order)
        self._know(intent)
        self._report(intent, executed, order)

    def end(self, intent: Intent, reason: str) -> None:
        """Tell that an order is over that the broker never had."""
        if not intent.ended:
            self._close(intent)
            self._tell([self._canceled(intent, reason)])

    def refused(self, intent: Intent, reason: str, kind: RefusalKind, tries: int) -> None:
        """Tell that the broker refused an exit, which is tried again."""
        order = intent.order
        told = ExitRefused(
            ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason, kind=kind,
            tries=tries,
        )  # fmt: skip
        self._tell([told])

    def reject(self, intent: Intent, reason: str, kind: RefusalKind = RefusalKind.UNKNOWN) -> None:
        """Tell that the broker refused an order."""
        if not intent.ended:
            self._close(intent)
            order = intent.order
            rejected = OrderRejected(
                ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason, kind=kind
            )
            self._tell([rejected])

    def _know(self, intent: Intent) -> None:
        for broker_id in intent.carriers:
            self._by_broker[broker_id] = intent
            for update in self._strangers.pop(broker_id, ()):
                self.take(update)

    def _report(self, intent: Intent, executed: Sequence[Executed], order: BrokerOrder) -> None:
        fills = [self._fill(intent, one) for one in executed]
        if intent.entry:
            # an entry is told when it is over, so that its legs are for all of its shares
            self._buffers[intent.order.order_id] += fills
            fills = []
        if fills:
            self._tell(fills)
        if intent.over or intent.filled >= intent.order.shares:
            self._over(intent, order)

    def _fill(self, intent: Intent, executed: Executed) -> OrderFilled:
        order = intent.order
        value = executed.shares * executed.price_micro
        reference = executed.price_micro / MICRO if intent.reference is None else intent.reference
        if isinstance(order, OcoOrder):
            # a target pays no spread; a stop is measured from where it was wanted, a gap included:
            # the broker may have moved it without our having heard of it
            stop = (intent.wanted_stop_micro or order.stop_micro) / MICRO
            reference = stop if executed.leg is Leg.STOP else executed.price_micro / MICRO
        return OrderFilled(
            ts_ns=executed.at_ns,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            shares=executed.shares,
            price_micro=executed.price_micro,
            fee_micro=self._fees.charge(order.side, executed.shares, value),
            slippage_micro=order.side.sign * (value - executed.shares * round(reference * MICRO)),
            final=intent.filled >= order.shares,
            leg=executed.leg,
        )

    def _over(self, intent: Intent, order: BrokerOrder) -> None:
        if intent.ended:
            return
        fills: list[Report] = list(self._buffers.pop(intent.order.order_id, ()))
        short = intent.filled < intent.order.shares
        if order.status is Status.REJECTED and not intent.filled:
            self.reject(intent, order.said)
            return
        if short and not intent.silent:
            words = REST_CANCELED if intent.entry and intent.filled else order.said
            fills.append(self._canceled(intent, words))
        self._close(intent)
        if fills:
            self._tell(fills)

    def _close(self, intent: Intent) -> None:
        intent.ended = True
        intent.done.set()

    def _canceled(self, intent: Intent, reason: str) -> OrderCanceled:
        order = intent.order
        return OrderCanceled(ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason)
