"""One account: cash, positions, orders, executions, fees; exact integers.

KEY INPUT: orders that were taken, fills.
KEY OUTPUT: books, and a `Told` for everything that happens to an order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from actors.exchange.contact import Contact
from actors.exchange.order import Amendment, Execution, Kind, Move, Order, Refused, Status
from actors.exchange.wire import stable_id
from engine.config import Config
from engine.events import MICRO
from engine.market.frames import Session
from engine.trading.costs import DayFees


class Told(NamedTuple):
    """One event of an order."""

    account: "Account"
    event: str
    """Alpaca's word: new, fill, partial_fill, canceled, …"""
    order: Order
    ts_ns: int
    execution: Execution | None = None
    amendment: Amendment | None = None


@dataclass(slots=True)
class Holding:
    """A position: signed shares and what the open ones cost."""

    shares: int = 0
    cost_micro: int = 0
    """Value at entry of the open shares, positive for long and short."""


_WORDS = {
    Status.CANCELED: "canceled",
    Status.EXPIRED: "expired",
    Status.REPLACED: "replaced",
    Status.REJECTED: "rejected",
}


class Account:
    """The books of one key pair."""

    def __init__(
        self, key: str, name: str, session: Session, config: Config, tell: Callable[[Told], None]
    ) -> None:
        self.key = key
        """The key id."""
        self.name = name
        """Unlike for every pair; ids of its orders follow from it."""
        self.account_id = stable_id("account", name)
        self.number = f"RX{int(self.account_id[:8], 16) % 10**9:09d}"
        self.start_micro = round(config.simulation.starting_capital * MICRO)
        self.cash_micro = self.start_micro
        self.fees_micro = 0
        self.holdings: dict[str, Holding] = {}
        self.orders: dict[str, Order] = {}
        self.by_client_id: dict[str, Order] = {}
        self.executions: list[Execution] = []
        self.amendments: list[Amendment] = []
        self.moves: list[Move] = []
        self.refused: list[Refused] = []
        self.lost: list[Order] = []
        """Orders that the account no longer knows."""
        self.contact = Contact()
        self.used: dict[str, int] = {}
        """Shares filled in the running minute, by symbol: they share the bar's volume."""
        self._live: dict[str, Order] = {}
        self._fees = DayFees(session.date, charged=config.costs.fees)
        self._tell = tell
        self._sequence = 0

    def next_sequence(self) -> int:
        """Return the number of the next order."""
        self._sequence += 1
        return self._sequence

    def shares(self, symbol: str) -> int:
        """Return the signed shares held."""
        holding = self.holdings.get(symbol)
        return holding.shares if holding else 0

    def live(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that something may still happen to, in order of arrival."""
        self._live = {name: order for name, order in self._live.items() if order.live}
        return [order for order in self._live.values() if symbol in (None, order.symbol)]

    def held(self, symbol: str) -> int:
        """Return the shares that working exits hold; an OCO pair holds its shares once."""
        sign = 1 if self.shares(symbol) > 0 else -1
        return sum(
            order.remaining
            for order in self.live(symbol)
            if order.side.sign == -sign and not order.opens and not _second(order)
        )

    def take(self, order: Order) -> None:
        """Enter an order, and its legs, into the books."""
        for one in (order, *order.legs):
            self.orders[one.order_id] = self._live[one.order_id] = one
            self.by_client_id[one.client_id] = one

    def tell(self, event: str, order: Order, ts_ns: int) -> None:
        """Report what happened to an order that is no fill."""
        order.updated_ns = ts_ns
        self._tell(Told(self, event, order, ts_ns))

    def end(self, order: Order, status: Status, ts_ns: int) -> None:
        """Bring an order to its end, if it is not there, and report it."""
        if not order.live:
            return
        order.status, order.ended_ns = status, ts_ns
        self.tell(_WORDS[status], order, ts_ns)

    def book(self, order: Order, shares: int, price_micro: int, ts_ns: int) -> Execution:
        """Book one fill, fees and all, and report it."""
        value = shares * price_micro
        fee = self._fees.charge(order.side, shares, value)
        self.cash_micro -= order.side.sign * value + fee
        self.fees_micro += fee
        self.used[order.symbol] = self.used.get(order.symbol, 0) + shares
        self._hold(order.symbol, order.side.sign * shares, value)
        order.filled += shares
        order.value_micro += value
        execution = Execution(
            execution_id=stable_id("execution", self.name, len(self.executions)),
            order=order,
            shares=shares,
            price_micro=price_micro,
            fee_micro=fee,
            ts_ns=ts_ns,
            position=self.shares(order.symbol),
            cumulative=order.filled,
        )
        self.executions.append(execution)
        order.updated_ns = ts_ns
        if not order.remaining:
            order.status = Status.FILLED
        elif not order.late:
            order.status = Status.PARTIALLY_FILLED
        if not order.remaining:
            order.ended_ns = ts_ns
        event = "partial_fill" if order.remaining else "fill"
        self._tell(Told(self, event, order, ts_ns, execution))
        return execution

    def move(self, move: Move) -> None:
        """Book cash or shares that came or went without a trade; shares at what they cost."""
        self.moves.append(move)
        self.cash_micro += move.amount_micro
        held = self.holdings.get(move.symbol)
        if move.shares:
            each = abs(held.cost_micro // held.shares) if held else move.price_micro
            self._hold(move.symbol, move.shares, abs(move.shares) * each)

    def forget(self, order: Order, ts_ns: int) -> None:
        """Lose an order: it is over, no event tells it, and nobody can ask for it."""
        order.status, order.updated_ns, order.ended_ns = Status.CANCELED, ts_ns, ts_ns
        self.orders.pop(order.order_id, None)
        self.by_client_id.pop(order.client_id, None)
        self.lost.append(order)

    def undo(self, execution: Execution, instead: tuple[int, int] | None, ts_ns: int) -> None:
        """Undo a fill, or put another (shares, price) in its place; report it."""
        order = execution.order
        value = execution.shares * execution.price_micro
        back = -self._fees.charge(order.side, -execution.shares, -value)
        self._take_back(order, -execution.shares, -value, -back)
        event_id = stable_id("amendment", self.name, len(self.amendments))
        corrected = None
        if instead is not None:
            shares, price = instead
            fee = self._fees.charge(order.side, shares, shares * price)
            self._take_back(order, shares, shares * price, fee)
            corrected = replace(
                execution,
                execution_id=event_id,
                shares=shares,
                price_micro=price,
                fee_micro=fee,
                ts_ns=ts_ns,
                cumulative=order.filled,
                corrects=execution.execution_id,
            )
        self._mend_holding(execution, corrected)
        position = self.shares(order.symbol)
        amendment = Amendment(ts_ns, execution, corrected, event_id, position)
        self.amendments.append(amendment)
        order.updated_ns = ts_ns
        event = "trade_bust" if corrected is None else "trade_correct"
        self._tell(Told(self, event, order, ts_ns, None, amendment))

    def standing(self) -> list[Execution]:
        """Return the fills that hold: not undone, or in the place of one that was."""
        undone = {a.undone.execution_id for a in self.amendments}
        instead = [a.instead for a in self.amendments if a.instead is not None]
        return [e for e in (*self.executions, *instead) if e.execution_id not in undone]

    def _take_back(self, order: Order, shares: int, value_micro: int, fee_micro: int) -> None:
        """Book a fill, negative: undo one; the position apart."""
        self.cash_micro -= order.side.sign * value_micro + fee_micro
        self.fees_micro += fee_micro
        order.filled += shares
        order.value_micro += value_micro

    def _mend_holding(self, before: Execution, after: Execution | None) -> None:
        order, holding = before.order, self.holdings.get(before.order.symbol)
        moved = order.side.sign * ((after.shares if after else 0) - before.shares)
        each = abs(holding.cost_micro // holding.shares) if holding else before.price_micro
        self._hold(order.symbol, moved, abs(moved) * each)
        holding = self.holdings.get(order.symbol)
        if order.opens and holding is not None:
            # what opened it has cost another price than the average of what is held
            worth = after.shares * after.price_micro if after else 0
            value = worth - before.shares * before.price_micro
            holding.cost_micro += value - order.side.sign * moved * each

    def _hold(self, symbol: str, change: int, value_micro: int) -> None:
        if not change:
            return
        holding = self.holdings.setdefault(symbol, Holding())
        if holding.shares * change >= 0:
            holding.cost_micro += value_micro
        else:
            left = abs(holding.shares) - abs(change)
            holding.cost_micro = holding.cost_micro * left // abs(holding.shares)
        holding.shares += change
        if holding.shares == 0:
            del self.holdings[symbol]


def _second(order: Order) -> bool:
    """Return whether the order's shares are counted elsewhere: by its twin, or not yet at all."""
    if order.dormant:
        return True
    stop = order.kind in (Kind.STOP, Kind.STOP_LIMIT) and not order.triggered
    return stop and order.twin is not None and order.twin.live
