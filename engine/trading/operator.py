"""What an operator's command does: entries stop first, then what is held is sold.

KEY INPUT: the state, a command, who gave it.
KEY OUTPUT: the events in order, and the ids of entries that the broker is to cancel.
"""

from collections.abc import Iterable

from engine.events import (
    Acknowledge,
    CardCommand,
    CardRefused,
    Command,
    CommandGiven,
    Decided,
    Decision,
    Event,
    Liquidate,
    OrderCanceled,
    OrderSubmitted,
    Resume,
)
from engine.trading.exits import exit_order
from engine.trading.state import State


def obey(state: State, command: Command, actor: str, ts_ns: int) -> tuple[list[Event], list[str]]:
    """Return the events of a command and the working entries to cancel at the broker."""
    events: list[Event] = [CommandGiven(ts_ns=ts_ns, command=command, actor=actor)]
    if isinstance(command, Resume | Acknowledge):
        return events, []
    if isinstance(command, CardCommand):
        return events + _on_card(state, command, actor, ts_ns), []
    symbol = command.symbol if isinstance(command, Liquidate) else None
    canceled, cancels = cancel_entries(state, symbol, f"canceled by {actor}", ts_ns)
    events += canceled
    if isinstance(command, Liquidate):
        names = [held for held in state.leaves if symbol in (None, held)]
        events += sell(state, names, Decision.MANUAL_EXIT, f"liquidated by {actor}", ts_ns)
    return events, cancels


def _on_card(state: State, command: CardCommand, actor: str, ts_ns: int) -> list[Event]:
    refusal = state.inbox.refusal(command, ts_ns)
    if refusal:
        return [CardRefused(ts_ns=ts_ns, card=command.card, reason=refusal, actor=actor)]
    return state.inbox.obey(command, actor, ts_ns, state.cooldown_minutes)


def cancel_entries(
    state: State, symbol: str | None, reason: str, ts_ns: int
) -> tuple[list[Event], list[str]]:
    """Cancel the entries of a symbol, or all: those still waiting here, and those at the broker."""
    here: list[Event] = []
    sent = []
    for order_id, working in state.working.items():
        order = working.order
        if not order.entry or symbol not in (None, order.symbol):
            continue
        if working.released:
            sent.append(order_id)
        else:
            here.append(
                OrderCanceled(ts_ns=ts_ns, order_id=order_id, symbol=order.symbol, reason=reason)
            )
    return here, sent


def sell(
    state: State, symbols: Iterable[str], decision: Decision, reason: str, ts_ns: int
) -> list[Event]:
    """Return what sells these positions, but for those that are being sold."""
    leaving = {w.order.symbol for w in state.working.values() if not w.order.entry}
    events: list[Event] = []
    for offset, symbol in enumerate(sorted(set(symbols) - leaving)):
        events.append(
            Decided(
                ts_ns=ts_ns,
                symbol=symbol,
                decision=decision,
                reason=reason,
                rank=0,
                strength=0.0,
            )
        )
        approved = exit_order(state, symbol, decision, offset)
        events.append(OrderSubmitted(ts_ns=ts_ns, approved=approved))
    return events
