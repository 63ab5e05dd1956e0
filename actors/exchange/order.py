"""An order as the exchange keeps it.

KEY INPUT: what a client asked for (see tickets.py).
KEY OUTPUT: its state, moved by account.py and matching.py only.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from engine.events import Side


class Kind(StrEnum):
    """What sets its price."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class Force(StrEnum):
    """How long it is in force."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"

    @property
    def immediate(self) -> bool:
        """Return whether what is not filled at once is cancelled."""
        return self in (Force.IOC, Force.FOK)


class Status(StrEnum):
    """Alpaca's words for how an order stands."""

    ACCEPTED = "accepted"
    NEW = "new"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"


FINAL = frozenset(
    (Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REPLACED, Status.REJECTED)
)


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """One order or one leg of a complex one."""

    order_id: str
    client_id: str
    sequence: int
    """Of its account: the order of arrival."""
    symbol: str
    side: Side
    kind: Kind
    force: Force
    shares: int
    limit_micro: int | None = None
    stop_micro: int | None = None
    order_class: str = "simple"
    extended_hours: bool = False
    status: Status = Status.NEW
    submitted_ns: int = 0
    updated_ns: int = 0
    ended_ns: int = 0
    filled: int = 0
    value_micro: int = 0
    """Σ shares × price of its fills."""
    triggered: bool = False
    """True once its stop was touched: what is left is a market order, or a limit."""
    opens: bool = False
    """True if it opens or adds to a position: it is filled only as far as the account covers."""
    parent: "Order | None" = None
    legs: "list[Order]" = field(default_factory=list)
    twin: "Order | None" = None
    """Of an OCO pair the other one: they share their shares, and one ends the other."""
    replaces: str = ""
    replaced_by: str = ""
    by_hand: bool = False
    """True if a fault placed it, in the place of somebody else."""
    late: bool = False
    """True if it was filled after it was reported canceled."""

    @property
    def remaining(self) -> int:
        """Return the shares that may still be filled."""
        return self.shares - self.filled

    @property
    def live(self) -> bool:
        """Return whether something may still happen to it."""
        return self.status not in FINAL

    @property
    def dormant(self) -> bool:
        """Return whether it is a leg that waits for its entry."""
        return self.parent is not None and self.parent.live and self.parent.twin is not self

    @property
    def at_market(self) -> bool:
        """Return whether it takes whatever price there is."""
        return self.kind is Kind.MARKET or (self.kind is Kind.STOP and self.triggered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill."""

    execution_id: str
    order: Order
    shares: int
    price_micro: int
    fee_micro: int
    ts_ns: int
    position: int
    """Signed shares held after it."""
    cumulative: int
    """Of the order, this fill included."""
    corrects: str = ""
    """The execution in whose place it stands."""


class Move(NamedTuple):
    """Cash or shares that came or went without a trade."""

    ts_ns: int
    why: str
    """The activity's type: CSD, CSW, JNLC, JNLS; reset: no activity tells it."""
    amount_micro: int = 0
    symbol: str = ""
    shares: int = 0
    price_micro: int = 0
    """What a share cost that was not held before."""


class Amendment(NamedTuple):
    """A fill that was undone, or has another in its place."""

    ts_ns: int
    undone: Execution
    instead: Execution | None
    """None: it was busted."""
    execution_id: str
    """Of the event."""
    position: int


class Refused(NamedTuple):
    """An order, cancellation or replacement that a fault has refused."""

    ts_ns: int
    until_ns: int
    """When the fault ends."""
    why: str
    method: str
    symbol: str
    client_id: str
