"""The vocabulary of the trader: what is decided, ordered, reported, and what has happened.

Commands are imperative, events past tense; all are immutable values, the frequent ones named tuples
(made in half the time of a frozen dataclass). Money is int64 micro-dollars.
Every event carries `ts_ns`, the UTC start of the bar (frame) in which it belongs.
"""

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar, Generic, NamedTuple, TypeVar

from engine.cards import Card, Signal
from engine.errors import InvariantViolation

MICRO = 1_000_000
"""Micro-dollars in a dollar."""


class Decision(IntEnum):
    """What was decided for a symbol; the numbers are those of decisions.jsonl."""

    HOLD = 0
    EXIT = 1
    ENTER_LONG = 2
    ENTER_SHORT = 3
    ROTATE_OUT = 4
    PROFIT_TARGET = 5
    STOP_LOSS = 6
    EOD_EXIT = 7
    TRAILING_STOP = 8
    TIME_EXIT = 9
    MANUAL_EXIT = 10
    RISK_EXIT = 11
    REFUSED = 12


class Gate(IntEnum):
    """Why a candidate does not enter: the first check that refuses it.

    The ranking's come first, up to EARNED_SLOPE and then QUALITY and UNPROVEN; then what the book
    says, risk, and last the inbox.
    """

    NONE = 0
    """Not a candidate: neutral, a direction that is not traded, or already held."""
    PASS = 1
    COLD = 2
    STALE = 3
    WINDOW = 4
    STRENGTH = 5
    RANK = 6
    EDGE = 7
    EARNED_SLOPE = 8
    QUARANTINE = 9
    COOLDOWN = 10
    TWIN = 11
    SLOTS = 12
    SIZE = 13
    """What the account, the slot or the risk budget allows does not buy one share."""
    HALTED = 14
    REDUCE_ONLY = 15
    """Everything was liquidated by hand: no entries until Resume."""
    DAILY_LOSS = 16
    DRAWDOWN = 17
    CONSECUTIVE_LOSSES = 18
    STALE_DATA = 19
    LOST_STREAM = 20
    REJECTS = 21
    PRICES = 22
    ORDER_RATE = 23
    LIQUIDITY = 24
    HEAT = 25
    GROSS_EXPOSURE = 26
    NET_EXPOSURE = 27
    UNDERLYING = 28
    CORRELATION = 29
    MARGIN = 30
    UNMEASURED = 31
    """A figure that a check needs cannot be had."""
    QUALITY = 32
    """Such signals have won too seldom: their verdict is reject."""
    UNPROVEN = 33
    """Too little is known of such signals, and `[quality] unproven` hides them."""
    INBOX = 34
    """It waits in the inbox for approval."""
    DISMISSED = 35
    """An operator dismissed or snoozed it."""
    ORPHAN = 36
    """A position that Rotor did not open is not acknowledged, or has the same underlying."""


class Side(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    sign: int
    """+1 for BUY, −1 for SELL."""

    def __init__(self, value: str) -> None:
        self.sign = 1 if value == "BUY" else -1


class Mode(StrEnum):
    """What the trader may do."""

    ACTIVE = "ACTIVE"
    REDUCE_ONLY = "REDUCE_ONLY"
    """Exits only."""
    FLATTENING = "FLATTENING"
    """Everything is being sold."""


class Leg(StrEnum):
    """Which leg of an OCO order filled."""

    STOP = "stop"
    TARGET = "target"


class Protection(NamedTuple):
    """Where the legs of a position go: fractions of its fill price, direction aside."""

    stop: float
    target: float
    trail: float
    """0: the stop does not trail."""


class Order(NamedTuple):
    """An order of whole shares: an entry at no worse than its limit, an exit at the market."""

    order_id: str
    symbol: str
    side: Side
    shares: int
    entry: bool
    """True if it opens a position: its rest is cancelled after its first bar."""
    decision: Decision
    after: tuple[str, ...] = ()
    """Ids of exits whose final fill releases it; it lapses if they do not fill within a minute."""
    limit_micro: int = 0
    """The worst price per share, immediate or cancel; 0: at the market. Of an entry always."""
    value_micro: int = 0
    """On entries: the notional that it was sized to."""
    protection: Protection | None = None
    """On entries: the legs that its first fill sends."""
    replaces: str = ""
    """On exits: id of the OCO order that is cancelled first, since it holds the shares."""
    signal: Signal | None = None
    """On entries: the signal behind it."""


class OcoOrder(NamedTuple):
    """A stop and a target that rest at the broker for one position; one cancels the other."""

    order_id: str
    symbol: str
    side: Side
    """The side that closes."""
    shares: int
    stop_micro: int
    """Touched, it becomes a market order."""
    target_micro: int
    """A limit."""
    trail: float
    """The stop follows the best price at this fraction; 0: it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidate:
    """Sell one symbol, or everything; entries stop first."""

    symbol: str | None = None
    """None: everything, and no entries until Resume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """No entries until Resume; exits go on."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Lift a halt and REDUCE_ONLY, and re-arm what is re-armed by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Entries go on beside a position that Rotor did not open."""

    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Execute a card of the inbox as it stands."""

    card: str
    """Its id, or its symbol."""
    version: int | None = None
    """None: whatever stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    """Take a card away; its symbol is not offered again for the cooldown."""

    card: str
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Take a card away for some minutes."""

    card: str
    version: int | None = None
    minutes: int = 5


CardCommand = Approve | Dismiss | Snooze
Command = Liquidate | Halt | Resume | Acknowledge | CardCommand
"""What an operator says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """A session began."""

    ts_ns: int
    date: dt.date
    minutes: int
    trading: bool
    """False for a warm-up session: learners learn, nothing is traded."""


class Decided(NamedTuple):
    """A decision for one symbol, with its reason in words."""

    ts_ns: int
    symbol: str
    decision: Decision
    reason: str
    rank: int
    strength: float
    gate: Gate = Gate.PASS
    drivers: tuple[tuple[str, float], ...] = ()
    """On entries: the strongest contributions to the expected return, (feature, bps)."""
    numbers: tuple[tuple[str, float], ...] = ()
    """Where a risk check refuses: the shares that each limit allows."""
    advice: str = ""
    """Where a risk check refuses: what to do about it."""


T_co = TypeVar("T_co", bound=Order | OcoOrder, covariant=True)


class Approved(Generic[T_co]):
    """An order that risk has passed: the only thing that a broker takes.

    Made in engine.trading.approval and nowhere else, by whoever holds its key.
    """

    __slots__ = ("order",)
    _key: ClassVar[object] = object()

    def __init__(self, order: T_co, key: object) -> None:
        if key is not Approved._key:
            raise InvariantViolation(f"{order.order_id}: no check has approved it")
        self.order = order

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Approved) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order.order_id)

    def __repr__(self) -> str:
        return f"Approved({self.order!r})"


class OrderSubmitted(NamedTuple):
    """An order was handed to the broker, or is held back until its `after` exits fill."""

    ts_ns: int
    approved: Approved[Order | OcoOrder]

    @property
    def order(self) -> Order | OcoOrder:
        """Return the order itself."""
        return self.approved.order


class StopMoved(NamedTuple):
    """A trailing stop was replaced by one nearer to the price."""

    ts_ns: int
    order_id: str
    symbol: str
    stop_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReleased:
    """A held-back entry was sent, since the exits it waited for are filled."""

    ts_ns: int
    order_id: str


class OrderFilled(NamedTuple):
    """The broker filled some or all of an order."""

    ts_ns: int
    order_id: str
    symbol: str
    side: Side
    shares: int
    price_micro: int
    """Per share, spread and impact inside."""
    fee_micro: int
    """What this fill adds to the day's fees."""
    slippage_micro: int
    """Spread and impact paid: shares × |price − reference price|."""
    final: bool
    """True if nothing of the order is left."""
    forced: bool = False
    """True for the simulated close of what was still held in the session's last minute."""
    leg: Leg | None = None
    """Of an OCO order: which leg it was."""
    ambiguous: bool = False
    """True if the bar touched stop and target, so that the configured policy chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled:
    """An order, or its rest, will not be filled."""

    ts_ns: int
    order_id: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    """The broker refused an order."""

    ts_ns: int
    order_id: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLost:
    """The broker's order stream broke: what our orders do is not known."""

    ts_ns: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRestored:
    """The order stream is back and reconciled."""

    ts_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanFound:
    """The broker holds a position that Rotor did not open; the book takes it up as it stands."""

    ts_ns: int
    symbol: str
    """One of the session's, or any other."""
    shares: int
    """Signed."""
    price_micro: int
    """Average entry price, as the broker has it."""
    fee_micro: int
    """Of its purchase, if that was paid in this session."""
    paid: bool
    """True: out of the session's cash. False: it was there before, and adds to the account."""

    @property
    def value_micro(self) -> int:
        """Return what its shares have cost, negative for a short."""
        return self.shares * self.price_micro

    @property
    def deposit_micro(self) -> int:
        """Return what it adds to the account."""
        return 0 if self.paid else self.value_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFlat:
    """The close is near, and the broker still holds what was to be sold."""

    ts_ns: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTripped:
    """A breaker stops entries."""

    ts_ns: int
    breaker: Gate
    reason: str
    """What it measured, against what."""
    rearms: str
    """How it re-arms, in words."""
    rearm_minute: int | None
    """The session minute from which it re-arms by itself; None: next session, or by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRearmed:
    """A breaker allows entries again."""

    ts_ns: int
    breaker: Gate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGiven:
    """An operator's command took effect."""

    ts_ns: int
    command: Command
    actor: str
    """Who: script, cli:NAME, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOffered:
    """An entry waits for approval, or its terms changed."""

    ts_ns: int
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class CardClosed:
    """A card is gone."""

    ts_ns: int
    card: str
    version: int
    symbol: str
    status: str
    """approved, dismissed, snoozed, expired or refused."""
    reason: str
    actor: str = ""
    """Who did it; empty for the clock."""
    hidden_minutes: int = 0
    """How long nothing of the symbol is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRefused:
    """A command on a card was not obeyed: it is stale, expired or gone."""

    ts_ns: int
    card: str
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChanged:
    """Settings changed at this frame's border."""

    ts_ns: int
    actor: str
    changes: tuple[tuple[str, object, object], ...]
    """(section.key, old, new)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorRestarted:
    """A predictor crashed and was rebuilt from its last checkpoint."""

    ts_ns: int
    symbol: str
    error: str
    restarts: int
    """Crashes within the last 60 session minutes, this one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolQuarantined:
    """A predictor crashed too often: no entries in its symbol for the rest of the run."""

    ts_ns: int
    symbol: str
    error: str


class ShadowClosed(NamedTuple):
    """What a signal would have brought, had it been traded alone at the next open."""

    ts_ns: int
    symbol: str
    direction: int
    opened_ns: int
    """UTC start of the bar of the signal."""
    entry_ns: int
    exit_ns: int
    entry_price: float
    exit_price: float
    how: str
    """horizon, stop, target or close."""
    net_return: float
    """After a round trip's cost, a fraction."""
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """One position from its first share to its last."""

    symbol: str
    direction: int
    """+1 long, −1 short."""
    entry_ts_ns: int
    exit_ts_ns: int
    shares: int
    """All shares that were opened."""
    entry_price: float
    """Average, USD per share."""
    exit_price: float
    pnl_micro: int
    """Net: fees, spread and impact are paid."""
    fee_micro: int
    slippage_micro: int
    bars_held: int
    """Minutes from the first entry fill to the last exit fill."""
    decision: Decision
    """The decision of its last exit."""
    forced: bool
    entry_micro: int = 0
    """Value of all entry fills."""
    exit_micro: int = 0
    entry_reason: str = ""
    exit_reason: str = ""
    """The words of the last exit."""
    signal: Signal | None = None
    """The signal behind the entry."""
    orphan: bool = False
    """True for a position that Rotor did not open."""

    @property
    def gross_micro(self) -> int:
        """Return the profit before fees, spread and impact."""
        return self.pnl_micro + self.fee_micro + self.slippage_micro

    @property
    def value_micro(self) -> int:
        """Return the notional of the entry."""
        return round(self.entry_price * self.shares * MICRO)


class RoundTripClosed(NamedTuple):
    """A position came back to zero."""

    ts_ns: int
    number: int
    """1, 2, … in the run."""
    trip: RoundTrip
    mae: float
    """Maximum adverse excursion, a fraction of the entry price, ≤ 0."""
    mfe: float
    """Maximum favourable excursion, a fraction of the entry price, ≥ 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A session's outcomes made a new version of the calibration."""

    ts_ns: int
    version: int
    outcomes: int
    """Of the session."""
    brier: float | None
    """Of what was expected of them, out of sample; None without outcomes."""
    log_loss: float | None
    rolled_back: str
    """Why it went back to an older version; empty if it did not."""
    cells: tuple[tuple[str, int, int, int, int, float, str], ...]
    """(symbol, direction, confidence bucket, outcomes, won, calibrated win rate, verdict)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    """A session ended; a traded one ends flat."""

    ts_ns: int
    date: dt.date
    equity_micro: int
    trading: bool
    pooled_slope: float
    """The earned slope's pooled lower bound from here on (1.0 when it is off)."""
    carried: tuple[str, ...] | None = None
    """Live: what could not be sold and stays overnight; None where that cannot be."""


Report = (
    OrderFilled
    | OrderCanceled
    | OrderRejected
    | StreamLost
    | StreamRestored
    | OrphanFound
    | NotFlat
)
"""What a broker says."""

Event = (
    SessionOpened
    | Decided
    | OrderSubmitted
    | OrderReleased
    | StopMoved
    | Report
    | BreakerTripped
    | BreakerRearmed
    | CommandGiven
    | ConfigChanged
    | PredictorRestarted
    | SymbolQuarantined
    | CardOffered
    | CardClosed
    | CardRefused
    | RoundTripClosed
    | ShadowClosed
    | Calibrated
    | SessionClosed
)
