"""A broker order and what was counted of it: each fill once, whatever tells of it, and how often.

KEY INPUT: the broker's events and snapshots, late, twice, out of order or not at all.
KEY OUTPUT: fills that were not known before; those that an exchange has undone.

Fills are counted by what the broker says in all: an event that brings it above that is a duplicate,
a snapshot that is above what events brought stands for those that never came.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from actors.transitions import may_follow
from actors.venue import BrokerOrder, Status, Update
from engine.events import Leg


class Executed(NamedTuple):
    """A fill that was not known before."""

    shares: int
    price_micro: int
    leg: Leg | None
    at_ns: int
    execution_id: str = ""
    """Empty where a snapshot brought it."""


@dataclass(slots=True)
class Carrier:
    """One broker order, ours or another's."""

    broker_id: str
    leg: Leg | None = None
    """Of an OCO of ours; None for an order of its own."""
    seen: int = 0
    value_micro: int = 0
    told: int = 0
    """The most that the broker ever said was filled."""
    status: Status = Status.PENDING
    said: str = ""
    """The broker's last word for it."""
    doubtful: bool = False
    """True while the broker's word for it is not understood."""
    ignored: int = 0
    """What was told of it that would have led back: late, or out of order."""
    executions: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    """Executions that were busted or changed."""
    cut: int = 0
    """Busted shares that the broker goes on counting as filled."""
    cut_before: int = 0
    """After a restart: shares that were busted, until it is seen whether the broker counts them."""
    updated_ns: int = 0
    """Of the newest that was told of it."""
    suspect: int = 0
    """Shares that a snapshot shows to be undone; believed once the next one says so too."""
    since_ns: int = 0
    """When the last bust was: what shows the order as it was before counts no fills."""

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

    @property
    def owing(self) -> bool:
        """Return whether the broker has told of fills whose events did not come."""
        return self.told > self.seen

    def stands(self, order: BrokerOrder) -> None:
        """Take how the order stands."""
        if self.cut_before and order.filled:
            self.cut = self.cut_before if order.filled >= self.told + self.cut_before else 0
            self.cut_before = 0
        if order.updated_ns >= self.since_ns:
            self.told = max(self.told, order.filled - self.cut)
        if order.updated_ns >= self.updated_ns:
            self.updated_ns = order.updated_ns
            self.said, self.doubtful = order.said, order.doubtful
        self.turn(order.status)

    def heard(self, update: Update) -> Executed | None:
        """Take an event of the stream; return its fill if it is new."""
        self.stands(update.order)
        done = update.execution_id in self.executions or update.execution_id in self.undone
        if not update.shares or (update.execution_id and done):
            return None
        if self.seen + update.shares > self.told:
            return None  # a snapshot has brought it already
        if update.execution_id:
            self.executions.add(update.execution_id)
        return self._count(update.shares, update.price_micro, update.at_ns, update.execution_id)

    def shown(self, order: BrokerOrder) -> Executed | None:
        """Take a snapshot; return the fill that no event has brought."""
        self.stands(order)
        return self.missing(order)

    def missing(self, order: BrokerOrder) -> Executed | None:
        """Return what a snapshot shows filled beyond what was counted, at its average price."""
        missing = self.told - self.seen
        if missing <= 0 or order.filled_price_micro is None:
            return None
        value = order.filled_price_micro * self.told - self.value_micro
        price = max(1, round(value / missing))
        return self._count(missing, price, order.updated_ns)

    def known(self, shares: int, value_micro: int) -> None:
        """Count what was told before: by the log of a session that goes on."""
        if shares < 0:
            self.told += shares
            self.cut_before -= shares
        self.seen += shares
        self.value_micro += value_micro
        self.told = max(self.told, self.seen)

    def undo(self, shares: int, price_micro: int, update: Update) -> None:
        """Take back a fill that was counted, and see whether the broker goes on counting it."""
        before = self.told + self.cut
        self.seen -= shares
        self.told -= shares
        self.value_micro -= shares * price_micro
        if update.order.filled >= before:
            self.cut += shares
        self.since_ns = update.order.updated_ns

    def undone_in(self, order: BrokerOrder) -> Executed | None:
        """Return what two snapshots in a row show to be undone of what was counted.

        The bust itself may never be heard of; what is older than the newest word tells nothing.
        """
        left = order.filled - self.cut
        shares = self.seen - left
        if shares <= 0 or not order.counted or order.updated_ns < self.updated_ns:
            self.suspect = 0
            return None
        if self.suspect != shares:
            self.suspect = shares
            return None
        value = self.value_micro - left * (order.filled_price_micro or 0)
        price = max(1, round(value / shares))
        self.suspect = 0
        self.seen = self.told = left
        self.value_micro -= shares * price
        self.since_ns = order.updated_ns
        return Executed(shares, price, self.leg, order.updated_ns)

    def undo_unheard(self, update: Update) -> None:
        """Take a bust of a fill that was not heard of: its event may still come."""
        if update.order.filled >= self.told + self.cut + update.shares:
            self.cut += update.shares
        self.since_ns = update.order.updated_ns

    def again(self, update: Update, shares: int) -> Executed:
        """Count a fill anew as it was corrected."""
        if update.execution_id:
            self.executions.add(update.execution_id)
        done = self._count(shares, update.price_micro, update.at_ns, update.execution_id)
        self.told = max(self.told, self.seen)
        return done

    def _count(self, shares: int, price_micro: int, at_ns: int, execution_id: str = "") -> Executed:
        self.seen += shares
        self.value_micro += shares * price_micro
        return Executed(shares, price_micro, self.leg, at_ns, execution_id)
