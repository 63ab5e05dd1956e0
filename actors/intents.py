"""What became of each order that was meant: one intent, however many broker orders carry it.

KEY INPUT: our orders; the broker's events and snapshots, late, twice, out of order or not at all.
KEY OUTPUT: fills, each once; whether the order is over.
"""

from dataclasses import dataclass, field

import trio

from actors.carriers import Carrier, Executed
from actors.venue import BrokerOrder, Status, Update
from engine.events import Approved, Decision, Leg, OcoOrder, Order

FLATTENING = (Decision.EOD_EXIT, Decision.MANUAL_EXIT)
"""Exits that go down the ladder."""


@dataclass(slots=True, eq=False)
class Intent:
    """One order of ours and what carries it."""

    approved: Approved[Order | OcoOrder]
    carriers: dict[str, Carrier] = field(default_factory=dict)
    """By broker id."""
    filled: int = 0
    reference: float | None = None
    """The middle of the quote when it was sent, USD."""
    limit_micro: int = 0
    """Of an exit that flattens: at what it is tried before it goes at the market; 0: at once."""
    rest_follows: bool = False
    """True until the market order of the ladder is at the broker."""
    refused: bool = False
    """True if the ladder's limit was refused."""
    most: int | None = None
    """How many shares may be asked for at most: so many are known to be held; None: all."""
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
    known_undone: int = 0
    """After a restart: shares that the log knows as busted, which the broker may still count."""
    tries: int = 0
    """How often the broker has refused it."""
    end_words: str = ""
    """Why it was refused last, or what its end was told with, if it was not filled."""
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
    def asked(self) -> int:
        """Return how many shares of the order are asked for."""
        return self.order.shares if self.most is None else min(self.most, self.order.shares)

    @property
    def doubtful(self) -> str | None:
        """Return the broker's word for it that is not understood; None if there is none."""
        live = (c for c in self.carriers.values() if not c.over)
        return next((carrier.said for carrier in live if carrier.doubtful), None)

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
        return self._counted(self.carriers[update.order.broker_id].heard(update))

    def shown(self, order: BrokerOrder) -> list[Executed]:
        """Take a snapshot; return the fills that no event has brought."""
        self.carried_by(order)
        if self.resting and order.client_id == self.order.order_id and order.legs:
            # a stop that the whole no longer shows was replaced, whether or not that was told;
            # unless what it shows is from before that stop
            there = {leg.broker_id for leg in order.legs}
            shown_ns = max(leg.updated_ns for leg in order.legs)
            for carrier in self.carriers.values():
                gone = carrier.leg is Leg.STOP and carrier.broker_id not in there
                if gone and not carrier.status.final and shown_ns >= carrier.updated_ns:
                    carrier.turn(Status.REPLACED)
        found = []
        for part in (order, *order.legs):
            carrier = self.carriers[part.broker_id]
            carrier.stands(part)
            if carrier.leg is Leg.STOP and part.stop_micro and not carrier.status.final:
                self.shown_stop_micro = part.stop_micro
            self._attribute(carrier)
            executed = self._counted(carrier.missing(part))
            found += [executed] if executed else []
        return found

    def undo(self, carrier: Carrier, shares: int, price_micro: int, update: Update) -> None:
        """Take back a fill that the exchange has busted."""
        carrier.undo(shares, price_micro, update)
        self.filled -= shares

    def undone_in(self, order: BrokerOrder) -> list[Executed]:
        """Return what snapshots show to be undone, though no event said so."""
        parts = ((self.carriers[part.broker_id], part) for part in (order, *order.legs))
        undone = [done for carrier, part in parts if (done := carrier.undone_in(part)) is not None]
        self.filled -= sum(done.shares for done in undone)
        return undone

    @property
    def suspect(self) -> bool:
        """Return whether a fill of it may be undone, which the next look tells."""
        return any(carrier.suspect for carrier in self.carriers.values())

    def again(self, carrier: Carrier, update: Update) -> Executed:
        """Count a fill anew, as it was corrected."""
        self.filled += update.shares
        return carrier.again(update, update.shares)

    def behind(self, order: BrokerOrder) -> bool:
        """Return whether a snapshot shows fills that were not counted yet."""
        parts = ((part, self.carriers.get(part.broker_id)) for part in (order, *order.legs))
        return any(p.filled > (0 if c is None else c.seen + c.cut) for p, c in parts)

    def end_at_broker(self, broker_id: str, status: Status) -> None:
        """Take it that a broker order is over, and so what else is left of a pair of legs."""
        for carrier in self.carriers.values():
            if not carrier.status.final:
                carrier.turn(status if carrier.broker_id == broker_id else Status.CANCELED)
            carrier.told = carrier.seen

    @property
    def owing(self) -> bool:
        """Return whether the broker has told of fills whose events did not come."""
        return any(carrier.owing for carrier in self.carriers.values())

    def _attribute(self, carrier: Carrier) -> None:
        # after a restart: what the log knows was filled, the target first, as it comes first
        if self.known_undone and carrier.told:
            if carrier.told >= self.known_filled + self.known_undone:
                carrier.cut += self.known_undone
                carrier.told -= self.known_undone
            self.known_undone = 0
        shares = min(self.known_filled, carrier.told - carrier.seen)
        if shares > 0:
            value = self.known_value_micro * shares // self.known_filled
            self.known_filled -= shares
            self.known_value_micro -= value
            carrier.known(shares, value)

    def _counted(self, executed: Executed | None) -> Executed | None:
        if executed is not None:
            self.filled += executed.shares
        return executed
