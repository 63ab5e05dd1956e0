"""The seam between the trader and a broker: what any venue offers, in the trader's own terms.

KEY INPUT: approved orders, ids, symbols.
KEY OUTPUT: what the broker answered, and what it tells by itself.

Adapters (actors/alpaca) speak to a real venue; a test may put a simulated one in their place.
Money is int64 micro-dollars; times are UTC ns. An answer that did not come is `Unknown`, never an
exception: it is settled by asking for its id. What protects or closes may be sent again, by the
same id, once the broker says that it has no such order: a venue takes each client id once.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import trio

from engine.events import Approved, OcoOrder, Order, RefusalKind, Side


class Status(StrEnum):
    """How an order stands, whatever word the broker has for it."""

    PENDING = "pending"
    """Taken, not yet at the market (pending_new, accepted, held)."""
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Return whether nothing more will happen to the order."""
        return self not in (Status.PENDING, Status.WORKING, Status.PARTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """An order as the broker shows it."""

    client_id: str
    """Ours; of an OCO's stop leg the broker's own."""
    broker_id: str
    symbol: str
    side: Side
    kind: str
    """market, limit, stop, …"""
    shares: int
    filled: int
    filled_price_micro: int | None
    """Average, None before the first fill."""
    status: Status
    said: str
    """The broker's own word for the status; empty where it gave none."""
    stop_micro: int | None
    limit_micro: int | None
    updated_ns: int
    replaces: str
    """Broker id of the order it took the place of; empty for none."""
    legs: tuple["BrokerOrder", ...] = ()
    """Of an OCO: its stop; of a bracket: both."""
    extended_hours: bool = False
    counted: bool = True
    """False if it does not say how much of it was filled: 0 is then no answer."""
    doubtful: bool = False
    """True if neither its word nor a moment says how it stands: it is taken for working."""


class Update(NamedTuple):
    """One event of the order stream."""

    event: str
    """The broker's word: new, fill, partial_fill, canceled, trade_bust, trade_correct, …"""
    at_ns: int
    execution_id: str
    """Empty where the broker gives none."""
    shares: int
    """Of this fill, or of one that is undone, or as it should have been; 0 for other events."""
    price_micro: int
    """Of this fill."""
    order: BrokerOrder
    """The order after it."""
    position: int | None
    """Signed shares held after it, if told."""
    previous_id: str = ""
    """The execution that a trade_bust undoes, or a trade_correct changes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker has the order."""

    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class Rejected:
    """The broker definitely refused."""

    reason: str
    code: int = 0
    """The broker's code (40310000, …), or the HTTP status."""
    kind: RefusalKind = RefusalKind.UNKNOWN
    ended: Status | None = None
    """How the order in question is over already, where that is why."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether the broker took it is not known: time-out, 5xx, a broken connection, a duplicate."""

    reason: str


Answer = Accepted | Rejected | Unknown


class Holding(NamedTuple):
    """A position as the broker shows it."""

    symbol: str
    shares: int
    """Signed."""
    entry_price_micro: int | None
    """None where the broker tells none, or one that rounds to nothing."""
    available: int
    """Not held by working orders."""
    fraction: bool = False
    """True if a part of a share is held beside the whole ones."""
    market_micro: int | None = None
    """Its price now, where the broker tells it."""


class Activity(NamedTuple):
    """What moved an account's cash and is no fill: a deposit, a fee, a dividend."""

    activity_id: str
    kind: str
    """The broker's word: CSD, CSW, FEE, DIV, …"""
    date: str
    """2026-07-10, in New York."""
    amount_micro: int
    """Signed."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account as the broker shows it."""

    number: str
    cash_micro: int
    equity_micro: int
    buying_power_micro: int
    blocked: str
    """Why it may not trade, in words; empty if it may."""
    shorting: bool
    multiplier: float


class Quote(NamedTuple):
    """The best bid and ask of a moment."""

    symbol: str
    bid: float
    ask: float
    at_ns: int
    streamed: bool = False
    """True if a stream told it, False if it was asked for."""


class Bar(NamedTuple):
    """One minute of one symbol, labelled by its start."""

    symbol: str
    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    updated: bool = False
    """True for a revision of a bar that was sent before."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A stream stands and is subscribed."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A stream broke; it connects again by itself unless `fatal`."""

    reason: str
    fatal: bool = False


class Unreachable(Exception):  # noqa: N818 - it is an answer that did not come
    """A question was not answered: time-out, 5xx, broken connection, rate limit."""


class Denied(Unreachable):
    """A question was refused for good: keys, permission, a bad field. Asking again is no use."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code
        """The broker's code, or the HTTP status."""


class Venue(Protocol):
    """Orders and questions. Questions raise Unreachable, or Denied."""

    @property
    def fees_at_once(self) -> bool:
        """Return whether a fill's fees leave the cash with it; else they are posted later."""
        ...

    async def submit(self, approved: Approved[Order | OcoOrder]) -> Answer:
        """Send an order once; entries are marketable limits, immediate or cancel."""
        ...

    async def cancel(self, broker_id: str) -> Answer | None:
        """Ask for a cancellation; None if it is under way, Rejected if there is nothing to."""
        ...

    async def move_stop(self, broker_id: str, stop_micro: int, client_id: str) -> Answer:
        """Replace a resting stop by one at another level."""
        ...

    async def order(self, client_id: str) -> BrokerOrder | None:
        """Return the order of this client id, with its legs; None if there is none."""
        ...

    async def orders(self, *, since_ns: int | None = None) -> list[BrokerOrder]:
        """Return open orders, or all submitted since a moment, oldest first, legs nested."""
        ...

    async def holdings(self) -> list[Holding]:
        """Return all positions of the account."""
        ...

    async def account(self) -> Account:
        """Return the account."""
        ...

    async def activities(self, since: dt.date) -> list[Activity]:
        """Return what moved the account's cash since a day, oldest first, fills left out."""
        ...

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes, streamed or asked for; a symbol without one is missing."""
        ...

    async def bars(self, symbols: Sequence[str], start_ns: int, end_ns: int) -> list[Bar]:
        """Return the minute bars that start in [start, end), by symbol and time, all pages."""
        ...

    async def order_stream(self, out: trio.MemorySendChannel[Update | Connected | Lost]) -> None:
        """Send what happens to the account's orders, for ever, connecting again as needed."""
        ...

    def drop_orders(self, reason: str) -> None:
        """Break the order stream's connection, so that a new one is made: it is mute."""
        ...

    async def bar_stream(
        self, symbols: Sequence[str], out: trio.MemorySendChannel[Bar | Connected | Lost]
    ) -> None:
        """Send bars as they come, for ever, connecting again as needed."""
        ...
