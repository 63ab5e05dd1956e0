"""The orders of a session and what is heard of them: each fill once, each end once.

KEY INPUT: what was ordered; the broker's events and snapshots, as they come.
KEY OUTPUT: reports, told in the order in which they became known.

What bears our id is ours however late it fills; what does not is another's (actors/hands.py).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from actors.carriers import Executed
from actors.fills import Fills
from actors.hands import Hands
from actors.holdings import Holdings
from actors.intents import Intent
from actors.revived import order_id_of, revived
from actors.venue import BrokerOrder, Status, Update
from engine.events import (
    Approved,
    ExitRefused,
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

    def __init__(
        self,
        epoch: str,
        tell: Tell,
        fees: DayFees,
        hands: Hands,
        holdings: Holdings,
        chase: Callable[[Intent], None],
        judge: Callable[[], None],
    ) -> None:
        """`epoch`: with it our order ids begin.

        `chase` is called with what the broker has told fills of whose events did not come, `judge`
        when a fill came of an order that may or may not be ours.
        """
        self.fills = Fills(fees)
        self.hands = hands
        self._ours = f"{epoch}-" if epoch else ""
        self._tell = tell
        self._holdings = holdings
        self._chase = chase
        self._judge = judge
        self._intents: dict[str, Intent] = {}
        self._by_broker: dict[str, Intent] = {}
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

    def counted(self) -> int:
        """Return how many fills there were, ours and others'."""
        return self.fills.count + self.hands.count

    def pending(self) -> set[str]:
        """Return the symbols in which an entry or exit is not over, or a fill may be undone."""
        ours = {i.order.symbol for i in self if i.suspect or (not i.ended and not i.resting)}
        return ours | self.hands.suspects

    def find(self, order: BrokerOrder) -> Intent | None:
        """Return the intent that an order carries.

        By its id, by that of the stop it moved, or by that of the limit whose rest it takes. One
        that bears our id and is not known was sent before a restart, and was over then.
        """
        known = self._by_broker.get(order.broker_id) or self._by_broker.get(order.replaces)
        if known is not None:
            return known
        stem = order.client_id.rpartition("-")[0]
        ids = (order.client_id, stem, f"{stem}-0")
        found = next((self._intents[i] for i in ids if i in self._intents), None)
        if found is None and self._ours and order.client_id.startswith(self._ours):
            found = self._revive(order)
        return found

    def take(self, update: Update) -> None:
        """Take an event; one of an order that is not known yet waits until it is."""
        intent = self.find(update.order)
        if intent is None:
            self._tell_all(self.hands.take(update))
            if self.hands.waiting:
                self._judge()
            return
        broker_id = update.order.broker_id
        if broker_id not in intent.carriers:
            intent.carried_by(update.order)
            self._know(intent)
        if update.event in ("trade_bust", "trade_correct"):
            self._mend(intent, update)
            return
        executed = intent.heard(update)
        if executed is None and update.shares:
            self.fills.name(intent.order, update)
        self._report(intent, [executed] if executed else [], update.order, update.position)
        if intent.owing:
            self._chase(intent)

    def show(self, intent: Intent, order: BrokerOrder) -> None:
        """Take a snapshot of an order."""
        executed = intent.shown(order)
        self._know(intent)
        for undone in intent.undone_in(order):
            self._undo(intent, self.fills.undone(intent.order, undone), undone.at_ns, None)
        if intent.suspect:
            self._chase(intent)
        self._report(intent, executed, order, None)

    def show_others(self, orders: Sequence[BrokerOrder]) -> None:
        """Take the orders of a snapshot that are not ours."""
        self._tell_all(self.hands.show(orders, self._by_broker))
        if self.hands.waiting:
            self._judge()

    def judge(self) -> None:
        """Take what no snapshot shows to be ours for another's."""
        self._tell_all(self.hands.judge())

    def close(self, intent: Intent, broker_id: str, status: Status, said: str) -> None:
        """Take it that what carries an intent is over, though no order of the broker's says so."""
        intent.end_at_broker(broker_id, status)
        if intent.over or not intent.carriers:
            self._over(intent, status, said)

    def end(self, intent: Intent, reason: str) -> None:
        """Tell that an order is over that the broker never had, or has no more."""
        if not intent.ended:
            fills: list[Report] = list(self._buffers.pop(intent.order.order_id, ()))
            self._close(intent, reason)
            self._tell([*fills, self._canceled(intent, reason)])

    def refused(self, intent: Intent, reason: str, kind: RefusalKind, tries: int) -> None:
        """Tell that the broker refused an exit, which is tried again."""
        order = intent.order
        intent.tries, intent.end_words = tries, reason
        told = ExitRefused(
            ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason, kind=kind,
            tries=tries,
        )  # fmt: skip
        self._tell([told])

    def reject(self, intent: Intent, reason: str, kind: RefusalKind = RefusalKind.UNKNOWN) -> None:
        """Tell that the broker refused an order."""
        if not intent.ended:
            self._close(intent, reason)
            order = intent.order
            rejected = OrderRejected(
                ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason, kind=kind
            )
            self._tell([rejected])

    def _tell_all(self, reports: Sequence[Report]) -> None:
        if reports:
            self._tell(reports)

    def _revive(self, order: BrokerOrder) -> Intent:
        order_id = order_id_of(order.client_id)
        intent = self._intents.get(order_id)
        if intent is None:
            intent = self._intents[order_id] = revived(order_id, order)
            self.recall(intent)
            self._close(intent, "it was over before the restart")
        return intent

    def recall(self, intent: Intent) -> None:
        """Give an order of before a restart the fills that the log knows of it."""
        order_id = intent.order.order_id
        shares, value = self.fills.logged(order_id)
        intent.filled = intent.known_filled = self.fills.standing(order_id)
        intent.known_undone = shares - intent.filled
        intent.known_value_micro = value * intent.filled // shares if shares else 0

    def _know(self, intent: Intent) -> None:
        for broker_id in intent.carriers:
            self._by_broker[broker_id] = intent
            for update in self.hands.claim(broker_id):
                self.take(update)

    def _report(
        self,
        intent: Intent,
        executed: Sequence[Executed],
        order: BrokerOrder,
        position: int | None,
    ) -> None:
        fills = [self.fills.make(intent, one) for one in executed]
        for fill in fills:
            signed = fill.side.sign * fill.shares
            self._holdings.filled(fill.symbol, signed, position, fill.ts_ns)
        if intent.ended:
            self._tell_all(fills)  # it was told to be over, and was filled after all
            return
        if intent.entry:
            # an entry is told when it is over, so that its legs are for all of its shares
            self._buffers[intent.order.order_id] += fills
            fills = []
        self._tell_all(fills)
        if intent.over or intent.filled >= intent.order.shares:
            self._over(intent, order.status, order.said)

    def _mend(self, intent: Intent, update: Update) -> None:
        """Undo a fill, or change its price; a changed number of shares is a new fill."""
        carrier = intent.carriers[update.order.broker_id]
        before = update.previous_id or update.execution_id or f"{update.event} {update.at_ns}"
        fill = self.fills.find(intent.order, update, carrier.seen)
        if before in carrier.undone:
            return
        carrier.undone.add(before)
        if fill is None:
            carrier.undo_unheard(update)
            return
        buffer = self._buffers.get(intent.order.order_id, [])
        corrects = update.event == "trade_correct" and update.price_micro > 0
        if corrects and update.shares in (0, fill.shares):
            report, changed = self.fills.correct(fill, update)
            carrier.value_micro += fill.shares * (update.price_micro - fill.price_micro)
            if fill in buffer:
                buffer[buffer.index(fill)] = changed
            else:
                self._tell([report])
            return
        intent.undo(carrier, fill.shares, fill.price_micro, update)
        self._undo(intent, fill, update.at_ns, update.position)
        if corrects:
            again = intent.again(carrier, update)
            self._report(intent, [again], update.order, update.position)

    def _undo(self, intent: Intent, fill: OrderFilled, at_ns: int, position: int | None) -> None:
        """Tell that a fill is undone; one that was not told yet is forgotten."""
        buffer = self._buffers.get(intent.order.order_id, [])
        busted = self.fills.bust(fill, at_ns)
        self._holdings.filled(fill.symbol, -fill.side.sign * fill.shares, position, at_ns)
        if fill in buffer:
            buffer.remove(fill)
        else:
            self._tell([busted])

    def _over(self, intent: Intent, status: Status, said: str) -> None:
        if intent.ended:
            return
        fills: list[Report] = list(self._buffers.pop(intent.order.order_id, ()))
        short = intent.filled < intent.order.shares
        if status is Status.REJECTED and not intent.filled:
            self.reject(intent, said)
            return
        words = REST_CANCELED if intent.entry and intent.filled else said
        if intent.most is not None and intent.filled >= intent.asked:
            words = f"the broker holds {intent.asked:,} of {intent.order.shares:,} shares"
        if short and not intent.silent:
            fills.append(self._canceled(intent, words))
        self._close(intent, words if short else "")
        self._tell_all(fills)

    def _close(self, intent: Intent, words: str) -> None:
        intent.ended = True
        intent.end_words = words
        intent.done.set()

    def _canceled(self, intent: Intent, reason: str) -> OrderCanceled:
        order = intent.order
        return OrderCanceled(ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason)
