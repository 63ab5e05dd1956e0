"""The vocabulary of the trader: what is decided, ordered, reported, and what has happened.

Commands are imperative, events past tense; all are frozen values. Money is int64 micro-dollars.
Every event carries `ts_ns`, the UTC start of the bar (frame) in which it belongs.
"""

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum, StrEnum

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
    """Why a candidate does not enter: the first check, in this order, that refuses it."""

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


class Side(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """Return +1 for BUY, −1 for SELL."""
        return 1 if self is Side.BUY else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A market order of whole shares."""

    order_id: str
    symbol: str
    side: Side
    shares: int
    entry: bool
    """True if it opens a position: its rest is cancelled after its first bar."""
    decision: Decision
    after: tuple[str, ...] = ()
    """Ids of exits whose final fill releases it; it lapses if they do not fill within a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """A session began."""

    ts_ns: int
    date: dt.date
    minutes: int
    trading: bool
    """False for a warm-up session: learners learn, nothing is traded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted:
    """An order was handed to the broker, or is held back until its `after` exits fill."""

    ts_ns: int
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReleased:
    """A held-back entry was sent, since the exits it waited for are filled."""

    ts_ns: int
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled:
    """An order, or its rest, will not be filled."""

    ts_ns: int
    order_id: str
    symbol: str
    reason: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    """A session ended; a traded one ends flat."""

    ts_ns: int
    date: dt.date
    equity_micro: int
    trading: bool
    pooled_slope: float
    """The earned slope's pooled lower bound from here on (1.0 when it is off)."""


Report = OrderFilled | OrderCanceled
"""What a broker says."""

Event = (
    SessionOpened
    | Decided
    | OrderSubmitted
    | OrderReleased
    | OrderFilled
    | OrderCanceled
    | PredictorRestarted
    | SymbolQuarantined
    | SessionClosed
)
