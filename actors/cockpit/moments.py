"""When something happened, by the clock on the wall.

KEY INPUT: an event, whose `ts_ns` is the start of the minute that it belongs to.
KEY OUTPUT: UTC. What comes within a minute (fills, commands, the broker's words) keeps that start;
what is decided of a minute's bar happens at its end. An order goes with the decision before it.
"""

from actors.guard import BY_HAND, NEW_SESSION
from engine.events import (
    BreakerRearmed,
    BreakerTripped,
    CardClosed,
    CardOffered,
    Decided,
    Decision,
    Event,
    PredictorRestarted,
    SessionClosed,
    StopMoved,
    SymbolQuarantined,
)
from engine.market.frames import MINUTE_NS
from engine.records.page import Trade
from engine.trading.protect import WITHOUT_LEGS

WITHIN = (
    Decision.PROFIT_TARGET, Decision.STOP_LOSS, Decision.TRAILING_STOP, Decision.MANUAL_EXIT,
)  # fmt: skip
"""Decisions that stand for a fill or a command."""
ALWAYS = (
    BreakerTripped, CardOffered, PredictorRestarted, SessionClosed, StopMoved, SymbolQuarantined,
)  # fmt: skip
"""Events that only a minute's end brings."""


def happened_ns(event: Event | Trade) -> int:
    """Return when it happened, to the minute."""
    if isinstance(event, Trade):
        return event.fill.ts_ns
    return ended_ns(event.ts_ns) if _at_the_end(event) else event.ts_ns


def ended_ns(ts_ns: int) -> int:
    """Return when the minute that starts then is over."""
    return ts_ns + MINUTE_NS


def _at_the_end(event: Event) -> bool:
    match event:
        case Decided(decision=decision, reason=reason):
            return decision not in WITHIN and not reason.startswith(WITHOUT_LEGS)
        case CardClosed(status=status):
            return status not in ("dismissed", "snoozed")
        case BreakerRearmed(reason=reason):
            return reason not in (BY_HAND, NEW_SESSION)
    return isinstance(event, ALWAYS)
