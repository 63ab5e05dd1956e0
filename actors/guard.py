"""The guard: runs every breaker at a frame's end; one that cannot be run counts as tripped.

KEY INPUT: Readings, the [risk] limits, what stands tripped.
KEY OUTPUT: BreakerTripped and BreakerRearmed events.
"""

from functools import partial

from actors.restart import Crash, attempt
from engine.config import Risk
from engine.events import BreakerRearmed, BreakerTripped
from engine.trading.breakers import BREAKERS, Breaker, Readings
from engine.trading.risk_state import RiskState

NEW_SESSION, BY_HAND = "a new session", "by hand"
"""Why a breaker is re-armed that no minute's end re-arms."""
Found = list[tuple[Breaker, str]]


def watch(
    state: RiskState, readings: Readings, risk: Risk, ts_ns: int
) -> list[BreakerTripped | BreakerRearmed]:
    """Return what trips and what re-arms now; moves the re-arming of what still has its cause."""
    found = attempt(partial(_exceeded, readings, risk))
    if isinstance(found, Crash):
        found = _one_by_one(readings, risk)
    if not found and not state.tripped:
        return []
    events: list[BreakerTripped | BreakerRearmed] = []
    reasons = {breaker.gate: why for breaker, why in found}
    for breaker in BREAKERS:
        gate, minutes = breaker.gate, breaker.minutes(risk)
        rearm = None if minutes is None else readings.minute + minutes
        trip = state.tripped.get(gate)
        if gate in reasons:
            if trip is None:
                events.append(
                    BreakerTripped(
                        ts_ns=ts_ns,
                        breaker=gate,
                        reason=reasons[gate],
                        rearms=breaker.rearms(risk),
                        rearm_minute=rearm,
                    )
                )
            elif rearm is not None:
                state.extend(gate, rearm)
        elif trip and trip.rearm_minute is not None and readings.minute >= trip.rearm_minute:
            events.append(BreakerRearmed(ts_ns=ts_ns, breaker=gate, reason=breaker.rearms(risk)))
    return events


def at_session(state: RiskState, risk: Risk, ts_ns: int) -> list[BreakerRearmed]:
    """Return what a new session re-arms; faults are measured anew at once."""
    return [
        BreakerRearmed(ts_ns=ts_ns, breaker=breaker.gate, reason=NEW_SESSION)
        for breaker in BREAKERS
        if breaker.gate in state.tripped and breaker.by_session(risk)
    ]


def by_hand(state: RiskState, risk: Risk, ts_ns: int) -> list[BreakerRearmed]:
    """Return what Resume re-arms: what neither time nor a session does."""
    return [
        BreakerRearmed(ts_ns=ts_ns, breaker=breaker.gate, reason=BY_HAND)
        for breaker in BREAKERS
        if breaker.gate in state.tripped
        and breaker.minutes(risk) is None
        and not breaker.by_session(risk)
    ]


def _exceeded(readings: Readings, risk: Risk) -> Found:
    found = []
    for breaker in BREAKERS:
        why = breaker.exceeded(readings, risk)
        if why is not None:
            found.append((breaker, why))
    return found


def _one_by_one(readings: Readings, risk: Risk) -> Found:
    found = []
    for breaker in BREAKERS:
        why = attempt(partial(breaker.exceeded, readings, risk))
        if isinstance(why, Crash):
            why = f"its check could not run ({why.error})"
        if why is not None:
            found.append((breaker, why))
    return found
