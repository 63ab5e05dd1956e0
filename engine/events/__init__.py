"""The vocabulary of the trader: what is decided, ordered, reported, and what has happened.

Commands are imperative, events past tense; all are immutable values, the frequent ones named tuples
(made in half the time of a frozen dataclass). Money is int64 micro-dollars.
Every event carries `ts_ns`, the UTC start of the bar (frame) in which it belongs.
"""

from engine.events.commands import (
    Acknowledge,
    Approve,
    CardCommand,
    Command,
    Dismiss,
    Halt,
    Keep,
    Liquidate,
    Resume,
    Snooze,
)
from engine.events.happened import (
    BreakerRearmed,
    BreakerTripped,
    Calibrated,
    CardClosed,
    CardOffered,
    CardRefused,
    CommandGiven,
    ConfigChanged,
    Decided,
    OrderReleased,
    OrderSubmitted,
    PredictorRestarted,
    SessionClosed,
    SessionOpened,
    SharesSplit,
    StopMoved,
    SymbolQuarantined,
)
from engine.events.orders import (
    Approved,
    OcoOrder,
    Order,
    Protection,
)
from engine.events.reports import (
    CashMoved,
    ExitRefused,
    FillBusted,
    FillCorrected,
    NotFlat,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrphanFound,
    Report,
    StreamLost,
    StreamRestored,
    TradedByHand,
)
from engine.events.trips import (
    RoundTrip,
    RoundTripClosed,
    RoundTripVoided,
    ShadowClosed,
)
from engine.events.words import (
    MICRO,
    Decision,
    Gate,
    Leg,
    Mode,
    RefusalKind,
    Side,
)

Event = (
    SessionOpened
    | Decided
    | OrderSubmitted
    | OrderReleased
    | StopMoved
    | SharesSplit
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
    | RoundTripVoided
    | ShadowClosed
    | Calibrated
    | SessionClosed
)
"""What has happened."""

__all__ = [
    "MICRO",
    "Acknowledge",
    "Approve",
    "Approved",
    "BreakerRearmed",
    "BreakerTripped",
    "Calibrated",
    "CardClosed",
    "CardCommand",
    "CardOffered",
    "CardRefused",
    "CashMoved",
    "Command",
    "CommandGiven",
    "ConfigChanged",
    "Decided",
    "Decision",
    "Dismiss",
    "Event",
    "ExitRefused",
    "FillBusted",
    "FillCorrected",
    "Gate",
    "Halt",
    "Keep",
    "Leg",
    "Liquidate",
    "Mode",
    "NotFlat",
    "OcoOrder",
    "Order",
    "OrderCanceled",
    "OrderFilled",
    "OrderRejected",
    "OrderReleased",
    "OrderSubmitted",
    "OrphanFound",
    "PredictorRestarted",
    "Protection",
    "RefusalKind",
    "Report",
    "Resume",
    "RoundTrip",
    "RoundTripClosed",
    "RoundTripVoided",
    "SessionClosed",
    "SessionOpened",
    "ShadowClosed",
    "SharesSplit",
    "Side",
    "Snooze",
    "StopMoved",
    "StreamLost",
    "StreamRestored",
    "SymbolQuarantined",
    "TradedByHand",
]
