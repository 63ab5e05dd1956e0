"""The fills that were told of our orders, and what becomes of them when an exchange undoes one.

KEY INPUT: what was executed; the broker's trade_bust and trade_correct events; a log's reports.
KEY OUTPUT: OrderFilled, FillBusted, FillCorrected, with the fees of the day.
"""

from collections import defaultdict
from collections.abc import Iterable

from actors.carriers import Executed
from actors.intents import Intent
from actors.venue import Update
from engine.events import (
    MICRO,
    FillBusted,
    FillCorrected,
    Leg,
    OcoOrder,
    Order,
    OrderFilled,
    Report,
)
from engine.trading.costs import DayFees


class Fills:
    """Every fill of our orders in a session, by its order and its execution."""

    def __init__(self, fees: DayFees) -> None:
        self.count = 0
        """How many there were."""
        self._fees = fees
        self._by_execution: dict[str, OrderFilled] = {}
        self._by_order: dict[str, list[OrderFilled]] = defaultdict(list)
        self._logged: dict[str, tuple[int, int]] = {}

    def learn(self, reports: Iterable[Report]) -> None:
        """Take what a log tells of a session that goes on; its fees are charged again."""
        for report in reports:
            match report:
                case OrderFilled():
                    value = report.shares * report.price_micro
                    self._fees.charge(report.side, report.shares, value)
                    self._add(report)
                    self._log(report.order_id, report.shares, value)
                case FillBusted():
                    value = report.shares * report.price_micro
                    self._fees.charge(report.side, -report.shares, -value)
                    self._drop(report.order_id, report.shares, report.price_micro)
                case FillCorrected():
                    found = self._drop(report.order_id, report.shares, report.price_micro)
                    if found is not None:
                        part = found._replace(shares=report.shares)
                        self._add(self._changed(part, report.new_price_micro)[1])

    def logged(self, order_id: str) -> tuple[int, int]:
        """Return what the log knows as filled of an order, busted or not: shares, their value."""
        return self._logged.get(order_id, (0, 0))

    def standing(self, order_id: str) -> int:
        """Return the shares of an order that are filled and were not undone."""
        return sum(fill.shares for fill in self._by_order.get(order_id, ()))

    def make(self, intent: Intent, executed: Executed) -> OrderFilled:
        """Return the report of what was executed."""
        order = intent.order
        value = executed.shares * executed.price_micro
        reference = executed.price_micro / MICRO if intent.reference is None else intent.reference
        if isinstance(order, OcoOrder):
            # a target pays no spread; a stop is measured from where it was wanted, a gap included:
            # the broker may have moved it without our having heard of it
            stop = (intent.wanted_stop_micro or order.stop_micro) / MICRO
            reference = stop if executed.leg is Leg.STOP else executed.price_micro / MICRO
        fill = OrderFilled(
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
        self._add(fill)
        if executed.execution_id:
            self._by_execution[executed.execution_id] = fill
        return fill

    def name(self, order: Order | OcoOrder, update: Update) -> None:
        """Note which execution an event tells of that a snapshot had brought already."""
        if update.execution_id:
            self._by_execution.setdefault(update.execution_id, _heard(order, update))

    def find(self, order: Order | OcoOrder, update: Update, seen: int) -> OrderFilled | None:
        """Return the fill that a bust or a correction is about; None if it was not told.

        `seen`: how many shares of the broker's order were. One that came in a snapshot, perhaps
        with others, is known by what the event says of it.
        """
        fill = self._by_execution.get(update.previous_id or update.execution_id)
        if fill is not None:
            return fill
        alike = [f for f in self._by_order.get(order.order_id, ()) if f.shares == update.shares]
        if update.event == "trade_bust":
            counted = update.shares > 0 and seen >= update.order.filled + update.shares
            exact = [f for f in alike if f.price_micro == update.price_micro]
            return exact[0] if exact else _heard(order, update) if counted else None
        return alike[0] if len(alike) == 1 else None

    def undone(self, order: Order | OcoOrder, done: Executed) -> OrderFilled:
        """Return the fill that snapshots show to be undone, or what of the order's is as much."""
        alike = [f for f in self._by_order.get(order.order_id, ()) if f.shares == done.shares]
        exact = [f for f in alike if f.price_micro == done.price_micro]
        if exact or len(alike) == 1:
            return (exact or alike)[0]
        return _part(order, done.shares, done.price_micro, done.at_ns)

    def bust(self, fill: OrderFilled, at_ns: int) -> FillBusted:
        """Undo a fill; its fee comes back."""
        self._drop(fill.order_id, fill.shares, fill.price_micro)
        back = self._fees.charge(fill.side, -fill.shares, -fill.shares * fill.price_micro)
        return FillBusted(
            ts_ns=at_ns,
            order_id=fill.order_id,
            symbol=fill.symbol,
            side=fill.side,
            shares=fill.shares,
            price_micro=fill.price_micro,
            fee_micro=-back,
        )

    def correct(self, fill: OrderFilled, update: Update) -> tuple[FillCorrected, OrderFilled]:
        """Change a fill's price; return the report, and the fill as it is now."""
        self._drop(fill.order_id, fill.shares, fill.price_micro)
        more, changed = self._changed(fill, update.price_micro)
        self._add(changed)
        if update.execution_id:
            self._by_execution[update.execution_id] = changed
        return FillCorrected(
            ts_ns=update.at_ns,
            order_id=fill.order_id,
            symbol=fill.symbol,
            side=fill.side,
            shares=fill.shares,
            price_micro=fill.price_micro,
            fee_micro=fill.fee_micro,
            new_price_micro=update.price_micro,
            new_fee_micro=fill.fee_micro + more,
        ), changed

    def _changed(self, fill: OrderFilled, price_micro: int) -> tuple[int, OrderFilled]:
        value = fill.shares * (price_micro - fill.price_micro)
        more = self._fees.charge(fill.side, 0, value)
        changed = fill._replace(price_micro=price_micro, fee_micro=fill.fee_micro + more)
        return more, changed

    def _add(self, fill: OrderFilled) -> None:
        self.count += 1
        self._by_order[fill.order_id].append(fill)

    def _drop(self, order_id: str, shares: int, price_micro: int) -> OrderFilled | None:
        """Take a fill out, or its shares out of a larger one."""
        told = self._by_order.get(order_id, [])
        held = [f for f in told if f.shares >= shares]
        held.sort(key=lambda f: ((f.shares, f.price_micro) != (shares, price_micro), f.shares))
        if not held:
            return None
        found = held[0]
        told.remove(found)
        if found.shares > shares:
            told.append(found._replace(shares=found.shares - shares))
        return found

    def _log(self, order_id: str, shares: int, value_micro: int) -> None:
        before = self._logged.get(order_id, (0, 0))
        self._logged[order_id] = before[0] + shares, before[1] + value_micro


def _heard(order: Order | OcoOrder, update: Update) -> OrderFilled:
    """Return a fill as an event tells it."""
    return _part(order, update.shares, update.price_micro, update.at_ns)


def _part(order: Order | OcoOrder, shares: int, price_micro: int, at_ns: int) -> OrderFilled:
    """Return a fill that a snapshot brought, perhaps with others, which bear its fee too."""
    return OrderFilled(
        ts_ns=at_ns,
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        shares=shares,
        price_micro=price_micro,
        fee_micro=0,
        slippage_micro=0,
        final=False,
    )
