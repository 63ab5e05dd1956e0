"""Events as rows of events.jsonl: one function per kind.

KEY INPUT: an event.
KEY OUTPUT: its bytes, without seq and timestamp.
"""

from collections.abc import Callable

import orjson

from engine.cards import Signal
from engine.events import (
    MICRO,
    BreakerRearmed,
    BreakerTripped,
    Calibrated,
    CardClosed,
    CardOffered,
    CardRefused,
    CommandGiven,
    ConfigChanged,
    Event,
    ExitRefused,
    NotFlat,
    OcoOrder,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    PredictorRestarted,
    RoundTripClosed,
    SessionClosed,
    SessionOpened,
    ShadowClosed,
    StopMoved,
    StreamLost,
    StreamRestored,
    SymbolQuarantined,
)
from engine.records.command_rows import command_row
from engine.records.hand_rows import BY_OTHERS

Json = dict[str, object]


def event_tail(event: Event) -> bytes:
    """Return an events.jsonl row without its seq and timestamp: `"type":…}`."""
    if isinstance(event, StopMoved):  # by far the most frequent
        return b'"type":"stop_moved","order_id":"%b","symbol":"%b","stop":%b}' % (
            event.order_id.encode(), event.symbol.encode(), orjson.dumps(event.stop_micro / MICRO),
        )  # fmt: skip
    return orjson.dumps(_EVENTS[type(event)](event))[1:]


def _signal(signal: Signal) -> Json:
    row = signal._asdict()
    if signal.pays_bps is None:
        del row["pays_bps"]
    return row


def _round_trip(event: RoundTripClosed) -> Json:
    trip = event.trip
    row: Json = {
        "type": "round_trip",
        "trip": event.number,
        "symbol": trip.symbol,
        "direction": _word(trip.direction),
        "entry_ms": _ms(trip.entry_ts_ns),
        "exit_ms": _ms(trip.exit_ts_ns),
        "shares": trip.shares,
        "entry_price": round(trip.entry_price, 6),
        "exit_price": round(trip.exit_price, 6),
        "entry_value": trip.entry_micro / MICRO,
        "exit_value": trip.exit_micro / MICRO,
        "pnl": trip.pnl_micro / MICRO,
        "return": round(trip.pnl_micro / trip.entry_micro, 9),
        "fees": trip.fee_micro / MICRO,
        "slippage": trip.slippage_micro / MICRO,
        "bars_held": trip.bars_held,
        "mae": event.mae,
        "mfe": event.mfe,
        "decision": int(trip.decision),
        "entry_reason": trip.entry_reason,
        "exit_reason": trip.exit_reason,
    }
    if trip.forced:
        row["forced"] = True
    if trip.orphan:
        row["orphan"] = True
    if trip.by_hand:
        row["by_hand"] = True
    if trip.signal is not None:
        row["signal"] = _signal(trip.signal)
    return row


def _shadow(event: ShadowClosed) -> Json:
    return {
        "type": "shadow",
        "symbol": event.symbol,
        "direction": _word(event.direction),
        "opened_ms": _ms(event.opened_ns),
        "entry_ms": _ms(event.entry_ns),
        "exit_ms": _ms(event.exit_ns),
        "entry_price": event.entry_price,
        "exit_price": event.exit_price,
        "exit": event.how,
        "return": event.net_return,
        "gate": event.gate.name.lower(),
        "signal": _signal(event.signal),
    }


def _offered(event: CardOffered) -> Json:
    card = event.card
    row: Json = {
        "type": "card_offered",
        "card": card.id,
        "version": card.version,
        "symbol": card.symbol,
        "direction": _word(card.direction),
        "shares": card.shares,
        "binding": card.binding,
        "limit": card.limit_micro / MICRO,
        "stop": card.stop_micro / MICRO,
        "target": card.target_micro / MICRO,
        "risk": card.risk_micro / MICRO,
        "reward_to_risk": round(card.reward_to_risk, 6),
        "confidence": card.confidence,
        "evidence": card.evidence,
        "heat_after": card.heat_micro / MICRO,
        "heat_limit": card.heat_limit_micro / MICRO,
        "expires_ms": _ms(card.expires_ns),
    }
    if card.rotates_out:
        row["rotates_out"] = card.rotates_out
    return row | {"signal": _signal(card.signal)}


def _card_closed(event: CardClosed) -> Json:
    row: Json = {
        "type": "card_closed",
        "card": event.card,
        "version": event.version,
        "symbol": event.symbol,
        "status": event.status,
        "reason": event.reason,
        "actor": event.actor,
    }
    if event.hidden_minutes:
        row["hidden_minutes"] = event.hidden_minutes
    return row


def _calibrated(event: Calibrated) -> Json:
    row: Json = {
        "type": "calibrated",
        "version": event.version,
        "outcomes": event.outcomes,
        "brier": None if event.brier is None else round(event.brier, 9),
        "log_loss": None if event.log_loss is None else round(event.log_loss, 9),
    }
    if event.rolled_back:
        row["rolled_back"] = event.rolled_back
    row["cells"] = [
        {
            "symbol": symbol, "direction": _word(direction), "bucket": bucket, "n": n, "won": won,
            "win_rate": rate, "verdict": verdict, "return": mean, "return_low": low,
        }
        for symbol, direction, bucket, n, won, rate, verdict, mean, low in event.cells
    ]  # fmt: skip
    return row


def _submitted(event: OrderSubmitted) -> Json:
    order = event.order
    row: Json = {
        "type": "order_submitted",
        "order_id": order.order_id,
        "symbol": order.symbol,
        "side": str(order.side),
        "shares": order.shares,
    }
    if isinstance(order, OcoOrder):
        legs: Json = {
            "class": "oco",
            "stop": order.stop_micro / MICRO,
            "target": order.target_micro / MICRO,
            "trail": order.trail,
        }
        if order.replaces:
            legs["replaces"] = order.replaces
        return row | legs
    row |= {"entry": order.entry, "decision": int(order.decision)}
    if order.after:
        row["after"] = list(order.after)
    if order.limit_micro:
        row["limit"] = order.limit_micro / MICRO
    if order.protection is not None:
        guard = order.protection
        row["protection"] = {"stop": guard.stop, "target": guard.target, "trail": guard.trail}
    if order.replaces:
        row["replaces"] = order.replaces
    if order.signal is not None:
        row["signal"] = _signal(order.signal)
    return row


def _filled(event: OrderFilled) -> Json:
    row: Json = {
        "type": "order_filled",
        "order_id": event.order_id,
        "symbol": event.symbol,
        "side": str(event.side),
        "shares": event.shares,
        "price": event.price_micro / MICRO,
        "fee": event.fee_micro / MICRO,
        "slippage": event.slippage_micro / MICRO,
        "final": event.final,
    }
    if event.leg is not None:
        row["leg"] = str(event.leg)
    if event.ambiguous:
        row["ambiguous"] = True
    if event.forced:
        row["forced"] = True
    return row


def _command(event: CommandGiven) -> Json:
    row = command_row(event.command)
    return {"type": "command", "verb": row.pop("verb"), "actor": event.actor, **row}


def _tripped(event: BreakerTripped) -> Json:
    return {
        "type": "breaker_tripped",
        "breaker": event.breaker.name.lower(),
        "reason": event.reason,
        "rearms": event.rearms,
    }


def _closed(event: SessionClosed) -> Json:
    row: Json = {} if not event.carried else {"carried": list(event.carried)}
    return row | {
        "type": "session_closed",
        "date": event.date,
        "equity": event.equity_micro / MICRO,
        "trading": event.trading,
        "pooled_slope": round(event.pooled_slope, 9),
    }


_EVENTS: dict[type, Callable[..., Json]] = BY_OTHERS | {
    SessionOpened: lambda e: {
        "type": "session_opened", "date": e.date, "minutes": e.minutes, "trading": e.trading,
    },
    OrderSubmitted: _submitted,
    OrderReleased: lambda e: {"type": "order_released", "order_id": e.order_id},
    OrderFilled: _filled,
    OrderCanceled: lambda e: {
        "type": "order_canceled", "order_id": e.order_id, "symbol": e.symbol, "reason": e.reason,
    },
    OrderRejected: lambda e: {
        "type": "order_rejected", "order_id": e.order_id, "symbol": e.symbol, "reason": e.reason,
        "kind": e.kind,
    },
    ExitRefused: lambda e: {
        "type": "exit_refused", "order_id": e.order_id, "symbol": e.symbol, "reason": e.reason,
        "kind": e.kind, "tries": e.tries,
    },
    StreamLost: lambda e: {"type": "stream_lost", "reason": e.reason},
    StreamRestored: lambda _: {"type": "stream_restored"},
    NotFlat: lambda e: {"type": "not_flat", "reason": e.reason},
    BreakerTripped: _tripped,
    BreakerRearmed: lambda e: {
        "type": "breaker_rearmed", "breaker": e.breaker.name.lower(), "reason": e.reason,
    },
    CommandGiven: _command,
    ConfigChanged: lambda e: {
        "type": "config_changed", "actor": e.actor,
        "changes": [{"key": key, "old": old, "new": new} for key, old, new in e.changes],
    },
    PredictorRestarted: lambda e: {
        "type": "predictor_restarted", "symbol": e.symbol, "error": e.error,
        "restarts": e.restarts,
    },
    SymbolQuarantined: lambda e: {
        "type": "symbol_quarantined", "symbol": e.symbol, "error": e.error,
    },
    CardOffered: _offered,
    CardClosed: _card_closed,
    CardRefused: lambda e: {
        "type": "card_refused", "card": e.card, "reason": e.reason, "actor": e.actor,
    },
    RoundTripClosed: _round_trip,
    ShadowClosed: _shadow,
    Calibrated: _calibrated,
    SessionClosed: _closed,
}  # fmt: skip


def _ms(ts_ns: int) -> int:
    return ts_ns // 1_000_000


def _word(direction: int) -> str:
    return "LONG" if direction > 0 else "SHORT"
