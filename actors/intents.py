"""What became of each order that was meant: one intent, however many broker orders carry it.

KEY INPUT: our orders; the broker's events and snapshots, late, twice, out of order or not at all.
KEY OUTPUT: fills, each once; whether the order is over.

A broker order's fills are counted by what it says in all: an event that brings it above that is a
duplicate, a snapshot that is above what events brought stands for those that never came.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import trio

from actors.transitions import may_follow
from actors.venue import BrokerOrder, Status, Update
from engine.events import Approved, Decision, Leg, OcoOrder, Order

FLATTENING = (Decision.EOD_EXIT, Decision.MANUAL_EXIT)
"""Exits that go down the ladder."""


class Executed(NamedTuple):
    """A fill that was not known before."""

    shares: int
    price_micro: int
    leg: Leg | None
    at_ns: int


@dataclass(slots=True)
class Carrier:
    """One broker order of an intent."""

    broker_id: str
    leg: Leg | None
    """Of an OCO; None for an order of its own."""
    seen: int = 0
    value_micro: int = 0
    told: int = 0
    """The most that the broker ever said was filled."""
    status: Status = Status.PENDING
    ignored: int = 0
    """What was told of it that would have led back: late, or out of order."""

    def turn(self, status: Status) -> None:
        """Go to a status, if it may follow; what may not is counted."""
        if may_follow(self.status, status):
            self.status = status
        elif status is not self.status:
            self.ignored += 1

    @property
    def over(self) -> bool:
        """Return whether nothing more will come of it."""
        return self.status.final and self.seen >= self.told


@dataclass(slots=True, eq=False)
class Intent:
    """One order of ours and what carries it."""

    approved: Approved[Order | OcoOrder]
    carriers: dict[str, Carrier] = field(default_factory=dict)
    """By broker id."""
    executions: set[str] = field(default_factory=set)
    filled: int = 0
    reference: float | None = None
    """The middle of the quote when it was sent, USD."""
    limit_micro: int = 0
    """Of an exit that flattens: at what it is tried before it goes at the market; 0: at once."""
    rest_follows: bool = False
    """True until the market order of the ladder is at the broker."""
    refused: bool = False
    """True if the ladder's limit was refused."""
    sent_id: str = ""
    """The client id that was sent last, if it is not the order's own."""
    known_ids: set[str] = field(default_factory=set)
    """Client ids that the broker has shown."""
    silent: bool = False
    """True once we cancel it ourselves to make room: its end is not told."""
    ended: bool = False
    """True once its end was told."""
    restored: bool = False
    """True after a restart, until a snapshot has shown whether the broker has it."""
    stale: bool = False
    """After a restart: an entry whose minute is over."""
    wanted_stop_micro: int = 0
    """Where the trader has moved the stop to; 0: nowhere yet."""
    shown_stop_micro: int = 0
    """Where the broker says that the stop is."""
    known_filled: int = 0
    """After a restart: the fills known from the log, until a snapshot says whose they were."""
    known_value_micro: int = 0
    done: trio.Event = field(default_factory=trio.Event)

    @property
    def order(self) -> Order | OcoOrder:
        """Return the order that was meant."""
        return self.approved.order

    @property
    def entry(self) -> bool:
        """Return whether it opens a position."""
        return isinstance(self.order, Order) and self.order.entry

    @property
    def resting(self) -> bool:
        """Return whether it is a pair of legs."""
        return isinstance(self.order, OcoOrder)

    @property
    def flattens(self) -> bool:
        """Return whether it is an exit that goes down the ladder."""
        order = self.order
        return isinstance(order, Order) and not order.entry and order.decision in FLATTENING

    @property
    def next_id(self) -> str:
        """Return the client id of the ladder's market order."""
        return f"{self.order.order_id.rpartition('-')[0]}-1"

    @property
    def asked_id(self) -> str:
        """Return the client id to ask for: the last that was sent."""
        return self.sent_id or self.order.order_id

    @property
    def spent(self) -> bool:
        """Return whether nothing more will come of what is at the broker."""
        if not self.carriers:
            return self.refused
        return all(carrier.over for carrier in self.carriers.values())

    @property
    def ignored(self) -> int:
        """Return how often something was told that may not follow what was known."""
        return sum(carrier.ignored for carrier in self.carriers.values())

    @property
    def over(self) -> bool:
        """Return whether every broker order of it is over, and none is to follow."""
        return bool(self.carriers) and self.spent and not self.rest_follows

    @property
    def live(self) -> bool:
        """Return whether the broker may have something of it that can still be filled."""
        return not self.done.is_set() and not self.over

    @property
    def stop_id(self) -> str | None:
        """Return the broker id of the stop that rests."""
        for carrier in self.carriers.values():
            if carrier.leg is Leg.STOP and not carrier.status.final:
                return carrier.broker_id
        return None

    @property
    def root_id(self) -> str | None:
        """Return the broker id by which the whole is cancelled."""
        for carrier in self.carriers.values():
            if carrier.leg is not Leg.STOP:
                return carrier.broker_id
        return None

    def carried_by(self, order: BrokerOrder) -> None:
        """Note a broker order and its legs as carriers."""
        self.known_ids.add(order.client_id)
        if order.kind == "market":
            self.rest_follows = False
        leg = None
        if self.resting:
            # the root of an OCO is its target; a moved stop stands beside it
            leg = Leg.TARGET if order.client_id == self.order.order_id else Leg.STOP
        if order.broker_id not in self.carriers:
            self.carriers[order.broker_id] = Carrier(order.broker_id, leg)
        for child in order.legs:
            self.carriers.setdefault(child.broker_id, Carrier(child.broker_id, Leg.STOP))

    def heard(self, update: Update) -> Executed | None:
        """Take an event of the stream; return its fill if it is new."""
        carrier = self.carriers[update.order.broker_id]
        self._stands(carrier, update.order)
        if not update.shares or update.execution_id in self.executions:
            return None
        if carrier.seen + update.shares > carrier.told:
            return None  # a snapshot has brought it already
        if update.execution_id:
            self.executions.add(update.execution_id)
        return self._book(carrier, update.shares, update.price_micro, update.at_ns)

    def shown(self, order: BrokerOrder) -> list[Executed]:
        """Take a snapshot; return the fills that no event has brought."""
        self.carried_by(order)
        if self.resting and order.client_id == self.order.order_id and order.legs:
            # a stop that the whole no longer shows was replaced, whether or not that was told
            there = {leg.broker_id for leg in order.legs}
            for carrier in self.carriers.values():
                gone = carrier.leg is Leg.STOP and carrier.broker_id not in there
                if gone and not carrier.status.final:
                    carrier.turn(Status.REPLACED)
        found = []
        for part in (order, *order.legs):
            carrier = self.carriers[part.broker_id]
            self._stands(carrier, part)
            if carrier.leg is Leg.STOP and part.stop_micro and not part.status.final:
                self.shown_stop_micro = part.stop_micro
            self._attribute(carrier)
            missing = carrier.told - carrier.seen
            if missing > 0 and part.filled_price_micro is not None:
                value = part.filled_price_micro * carrier.told - carrier.value_micro
                price = max(1, round(value / missing))
                found.append(self._book(carrier, missing, price, part.updated_ns))
        return found

    @property
    def owing(self) -> bool:
        """Return whether the broker has told of fills whose events did not come."""
        return any(c.told > c.seen for c in self.carriers.values())

    def _stands(self, carrier: Carrier, order: BrokerOrder) -> None:
        carrier.told = max(carrier.told, order.filled)
        carrier.turn(order.status)

    def _attribute(self, carrier: Carrier) -> None:
        # after a restart: what the log knows was filled, the target first, as it comes first
        shares = min(self.known_filled, carrier.told - carrier.seen)
        if shares > 0:
            value = self.known_value_micro * shares // self.known_filled
            self.known_filled -= shares
            self.known_value_micro -= value
            carrier.seen += shares
            carrier.value_micro += value

    def _book(self, carrier: Carrier, shares: int, price_micro: int, at_ns: int) -> Executed:
        carrier.seen += shares
        carrier.value_micro += shares * price_micro
        self.filled += shares
        return Executed(shares, price_micro, carrier.leg, at_ns)
