"""Orders that are not ours: what they fill was traded by hand, and is told at once, each fill once.

KEY INPUT: the broker's events and snapshots of orders without our id; a log's reports.
KEY OUTPUT: TradedByHand.

An event alone does not say whose an order is: the id of a leg is the broker's own. So what is not
known waits until a nested snapshot was asked for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from actors.carriers import Carrier, Executed
from actors.holdings import Holdings
from actors.venue import BrokerOrder, Update
from engine.events import Report, Side, TradedByHand
from engine.trading.costs import DayFees


class Hands:
    """Every order of others that the session has heard of."""

    def __init__(self, fees: DayFees, holdings: Holdings, *, leaves: bool) -> None:
        """`leaves`: what others open is not sold, unless it is adopted."""
        self.count = 0
        """How many fills there were."""
        self._fees = fees
        self._holdings = holdings
        self._leaves = leaves
        self._carriers: dict[str, Carrier] = {}
        self._waiting: dict[str, list[Update]] = defaultdict(list)
        self._fills: dict[str, tuple[int, int, int]] = {}
        """By execution: shares, price, fee."""
        self._suspects: dict[str, str] = {}
        """By broker id: the symbol of an order of which a fill may be undone."""

    @property
    def waiting(self) -> bool:
        """Return whether a fill waits until it is known whose order it is of, or may be undone."""
        fills = any(u.shares for updates in self._waiting.values() for u in updates)
        return fills or bool(self._suspects)

    @property
    def suspects(self) -> set[str]:
        """Return the symbols in which a fill may be undone, which the next snapshot tells."""
        return set(self._suspects.values())

    def known(self, broker_id: str) -> bool:
        """Return whether an order is known to be another's."""
        return broker_id in self._carriers

    def claim(self, broker_id: str) -> Sequence[Update]:
        """Return what was heard of an order that turns out to be ours."""
        return self._waiting.pop(broker_id, ())

    def learn(self, reports: Iterable[Report], before: Mapping[str, int]) -> None:
        """Take what a log tells of a session that goes on; its fees are charged again.

        `before`: what was filled of orders as the session began, which nobody told.
        """
        for broker_id, filled in before.items():
            self._carrier(broker_id).known(filled, 0)
        sides: dict[str, Side] = {}
        for report in reports:
            if isinstance(report, TradedByHand) and report.order_id:
                side = sides.setdefault(
                    report.order_id, Side.BUY if report.shares > 0 else Side.SELL
                )
                shares = side.sign * report.shares  # negative where a fill was undone
                self._fees.charge(side, shares, shares * report.price_micro)
                self._carrier(report.order_id).known(shares, shares * report.price_micro)
                self.count += 1

    def begin(self, orders: Iterable[BrokerOrder]) -> dict[str, int]:
        """Take what was filled before the session began; return it, by broker id."""
        filled = {order.broker_id: order.filled for order in _parts(orders) if order.filled}
        for order in _parts(orders):
            self._carrier(order.broker_id).shown(order)
        return filled

    def take(self, update: Update) -> list[TradedByHand]:
        """Take an event of an order that is not known to be ours; return what it tells."""
        broker_id = update.order.broker_id
        if broker_id not in self._carriers:
            self._waiting[broker_id].append(update)
            return []
        carrier = self._carriers[broker_id]
        if update.event == "trade_bust" or update.event == "trade_correct":
            return self._mend(carrier, update)
        executed = carrier.heard(update)
        return [] if executed is None else [self._told(update.order, executed, update.position)]

    def show(self, orders: Sequence[BrokerOrder], ours: Collection[str]) -> list[TradedByHand]:
        """Take others' orders of a snapshot; `ours` are the broker ids of our own legs."""
        told = []
        for order in _parts(orders):
            if order.broker_id in ours:
                continue
            carrier = self._carrier(order.broker_id)
            told += self._heard(order.broker_id)
            executed, undone = carrier.shown(order), carrier.undone_in(order)
            told += [] if executed is None else [self._told(order, executed, None)]
            told += [] if undone is None else [self._undone(order, undone)]
            self._suspects.pop(order.broker_id, None)
            if carrier.suspect:
                self._suspects[order.broker_id] = order.symbol
        return told

    def judge(self) -> list[TradedByHand]:
        """Take all that waits for others': no snapshot shows that it is ours."""
        self._suspects.clear()
        told = []
        for broker_id in list(self._waiting):
            self._carrier(broker_id)
            told += self._heard(broker_id)
        return told

    def _carrier(self, broker_id: str) -> Carrier:
        return self._carriers.setdefault(broker_id, Carrier(broker_id))

    def _heard(self, broker_id: str) -> list[TradedByHand]:
        waited = self._waiting.pop(broker_id, ())
        return [report for update in waited for report in self.take(update)]

    def _told(self, order: BrokerOrder, done: Executed, position: int | None) -> TradedByHand:
        fee = self._fees.charge(order.side, done.shares, done.shares * done.price_micro)
        if done.execution_id:
            self._fills[done.execution_id] = done.shares, done.price_micro, fee
        self.count += 1
        return self._report(order, done.shares, done.price_micro, fee, done.at_ns, position)

    def _mend(self, carrier: Carrier, update: Update) -> list[TradedByHand]:
        """Undo a fill of another's order, and book it anew as it was corrected."""
        before = update.previous_id or update.execution_id
        if before in carrier.undone or before not in self._fills:
            return []
        carrier.undone.add(before)
        shares, price, fee = self._fills[before]
        order = update.order
        carrier.undo(shares, price, update)
        self._fees.charge(order.side, -shares, -shares * price)
        told = [self._report(order, -shares, price, -fee, update.at_ns, None)]
        if update.event == "trade_correct" and update.price_micro:
            executed = carrier.again(update, update.shares or shares)
            told.append(self._told(order, executed, update.position))
        return told

    def _undone(self, order: BrokerOrder, done: Executed) -> TradedByHand:
        back = self._fees.charge(order.side, -done.shares, -done.shares * done.price_micro)
        return self._report(order, -done.shares, done.price_micro, back, done.at_ns, None)

    def _report(
        self, order: BrokerOrder, shares: int, price: int, fee: int, at_ns: int,
        position: int | None,
    ) -> TradedByHand:  # fmt: skip
        signed = order.side.sign * shares
        self._holdings.filled(order.symbol, signed, position, at_ns)
        return TradedByHand(
            ts_ns=at_ns,
            order_id=order.broker_id,
            symbol=order.symbol,
            shares=signed,
            price_micro=price,
            fee_micro=fee,
            unpriced=False,
            left=self._leaves,
        )


def _parts(orders: Iterable[BrokerOrder]) -> Iterator[BrokerOrder]:
    for order in orders:
        yield order
        yield from order.legs
