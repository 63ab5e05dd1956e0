"""What becomes of each kind of a journal's rows.

KEY INPUT: a batch, a decoded row of events.jsonl, its moment (UTC ms).
KEY OUTPUT: rows that the batch is to insert or change.
"""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from engine.events import MICRO, Decision
from engine.records.store.columns import WithSignal
from engine.records.store.positions import adopt, correct, divide, end, hold, reopen, undo
from engine.records.store.tables import (
    ActiveRiskPosition,
    AuditRow,
    BreakerTrip,
    CalibrationRow,
    FillRow,
    InboxItem,
    OrderRow,
    OutcomeRow,
    RoundTripRow,
    SessionRow,
)

if TYPE_CHECKING:
    from engine.records.store.batch import Batch

Json = dict[str, Any]
_ENDED = {
    Decision.PROFIT_TARGET: "target_hit",
    Decision.STOP_LOSS: "stopped_out",
    Decision.TRAILING_STOP: "stopped_out",
    Decision.MANUAL_EXIT: "manual_close",
}


def _session_opened(batch: "Batch", row: Json, _at: int) -> None:
    day = dt.date.fromisoformat(row["date"])
    made = batch.open(
        SessionRow, day, row, date=day, minutes=row["minutes"], trading=row["trading"],
        closing_equity_micro=None, pooled_slope=None,
    )  # fmt: skip
    del made["seq"]


def _session_closed(batch: "Batch", row: Json, _at: int) -> None:
    batch.close(
        SessionRow, dt.date.fromisoformat(row["date"]),
        closing_equity_micro=_micro(row["equity"]), pooled_slope=row["pooled_slope"],
    )  # fmt: skip


def _submitted(batch: "Batch", row: Json, at: int) -> None:
    legs = row.get("class") == "oco"
    if legs:
        position = batch.opened(ActiveRiskPosition, row["symbol"])
        if position is not None:
            position["stop_micro"] = _micro(row["stop"])
            position["target_micro"] = _micro(row["target"])
            position["trailing"] = row["trail"] or None
    replaced = row.get("replaces")
    if replaced:
        batch.close(
            OrderRow, replaced, status="canceled", closed_ms=at, reason="replaced by an exit"
        )
    batch.open(
        OrderRow, row["order_id"], row, order_id=row["order_id"], symbol=row["symbol"],
        side=row["side"], kind="oco" if legs else "entry" if row["entry"] else "exit",
        shares=row["shares"], decision=row.get("decision"),
        limit_micro=_micro(row.get("limit")), stop_micro=_micro(row.get("stop")),
        target_micro=_micro(row.get("target")), status="working", filled_shares=0, reason="",
        submitted_ms=at, closed_ms=None, **_signal(row),
    )  # fmt: skip


def _filled(batch: "Batch", row: Json, at: int) -> None:
    batch.add(
        FillRow, row, order_id=row["order_id"], at_ms=at, symbol=row["symbol"], side=row["side"],
        shares=row["shares"], price_micro=_micro(row["price"]), fee_micro=_micro(row["fee"]),
        slippage_micro=_micro(row["slippage"]), leg=row.get("leg"),
        forced=row.get("forced", False), ambiguous=row.get("ambiguous", False),
    )  # fmt: skip
    order = batch.opened(OrderRow, row["order_id"])
    if order is None:  # reported canceled, and filled after all
        order = batch.closed(OrderRow, order_id=row["order_id"])
    kind = "exit" if order is None else order["kind"]
    if order is not None:
        order["filled_shares"] += row["shares"]
        if row["final"]:
            order |= {"status": "filled", "closed_ms": at}
            batch.close(OrderRow, row["order_id"])
    hold(batch, row, at, entry=kind == "entry")


def _gone(batch: "Batch", row: Json, at: int) -> None:
    status = "rejected" if row["type"] == "order_rejected" else "canceled"
    batch.close(OrderRow, row["order_id"], status=status, reason=row["reason"], closed_ms=at)


def _stop_moved(batch: "Batch", row: Json, _at: int) -> None:
    order = batch.opened(OrderRow, row["order_id"])
    position = batch.opened(ActiveRiskPosition, row["symbol"])
    for kept in (order, position):
        if kept is not None:
            kept["stop_micro"] = _micro(row["stop"])


def _round_trip(batch: "Batch", row: Json, at: int) -> None:
    batch.add(
        RoundTripRow, row, number=row["trip"], symbol=row["symbol"], direction=_sign(row),
        entry_ms=row["entry_ms"], exit_ms=row["exit_ms"], shares=row["shares"],
        entry_micro=_micro(row["entry_value"]), exit_micro=_micro(row["exit_value"]),
        pnl_micro=_micro(row["pnl"]), fee_micro=_micro(row["fees"]),
        slippage_micro=_micro(row["slippage"]), bars_held=row["bars_held"], mae=row["mae"],
        mfe=row["mfe"], decision=row["decision"], entry_reason=row["entry_reason"],
        exit_reason=row["exit_reason"], forced=row.get("forced", False),
        by_hand=row.get("by_hand", False), **_signal(row),
    )  # fmt: skip
    end(batch, row, at, _ENDED.get(Decision(row["decision"]), "closed"))


def _voided(batch: "Batch", row: Json, _at: int) -> None:
    reopen(batch, row, batch.find(RoundTripRow, number=row["trip"]))
    batch.remove(RoundTripRow, number=row["trip"])


def _busted(batch: "Batch", row: Json, at: int) -> None:
    order = batch.opened(OrderRow, row["order_id"])
    if order is not None:
        order["filled_shares"] -= row["shares"]
    undo(batch, row, at)
    _audit(batch, row, at)


def _corrected(batch: "Batch", row: Json, at: int) -> None:
    correct(batch, row)
    _audit(batch, row, at)


def _split(batch: "Batch", row: Json, at: int) -> None:
    divide(batch, row)
    _audit(batch, row, at)


def _orphan(batch: "Batch", row: Json, at: int) -> None:
    adopt(batch, row, at)
    _audit(batch, row, at)


def _by_hand(batch: "Batch", row: Json, at: int) -> None:
    batch.add(
        FillRow, row, order_id=row["order_id"] or "by hand", at_ms=at, symbol=row["symbol"],
        side=row["side"], shares=row["shares"], price_micro=_micro(row["price"]),
        fee_micro=_micro(row["fee"]), slippage_micro=0, leg=None, forced=False, ambiguous=False,
    )  # fmt: skip
    if not row.get("orphan"):  # one position of a symbol is shown: ours
        hold(batch, row, at, entry=row["entry"])
    elif row["entry"] and batch.opened(ActiveRiskPosition, row["symbol"]) is None:
        hold(batch, row, at, entry=True)


def _shadow(batch: "Batch", row: Json, _now: int) -> None:
    batch.add(
        OutcomeRow, row, symbol=row["symbol"], direction=_sign(row),
        opened_ms=row["opened_ms"], entry_ms=row["entry_ms"], exit_ms=row["exit_ms"],
        entry_price=row["entry_price"], exit_price=row["exit_price"], exit=row["exit"],
        net_return=row["return"], **_signal(row),
    )  # fmt: skip


def _calibrated(batch: "Batch", row: Json, at: int) -> None:
    batch.add(
        CalibrationRow, row, version=row["version"], at_ms=at, outcomes=row["outcomes"],
        brier=row["brier"], log_loss=row["log_loss"], rolled_back=row.get("rolled_back", ""),
        cells=orjson.dumps(row["cells"]).decode(),
    )  # fmt: skip


def _offered(batch: "Batch", row: Json, at: int) -> None:
    batch.close(InboxItem, row["symbol"], status="renewed", closed_ms=at)
    batch.open(
        InboxItem, row["symbol"], row, card=row["card"], version=row["version"],
        symbol=row["symbol"], direction=_sign(row), shares=row["shares"], binding=row["binding"],
        limit_micro=_micro(row["limit"]), stop_micro=_micro(row["stop"]),
        target_micro=_micro(row["target"]), risk_micro=_micro(row["risk"]),
        heat_micro=_micro(row["heat_after"]), reward_to_risk=row["reward_to_risk"],
        evidence=row["evidence"], offered_ms=at, expires_ms=row["expires_ms"], status="open",
        reason="", actor="", closed_ms=None, **_signal(row),
    )  # fmt: skip


def _card_closed(batch: "Batch", row: Json, at: int) -> None:
    batch.close(
        InboxItem, row["symbol"], status=row["status"], reason=row["reason"], actor=row["actor"],
        closed_ms=at,
    )  # fmt: skip


def _tripped(batch: "Batch", row: Json, at: int) -> None:
    batch.open(
        BreakerTrip, row["breaker"], row, breaker=row["breaker"], reason=row["reason"],
        rearms=row["rearms"], tripped_ms=at, rearmed_ms=None,
    )  # fmt: skip


def _rearmed(batch: "Batch", row: Json, at: int) -> None:
    batch.close(BreakerTrip, row["breaker"], rearmed_ms=at)


def _audit(batch: "Batch", row: Json, at: int) -> None:
    told = {
        k: v for k, v in row.items() if k not in ("seq", "timestamp_ms", "type", "chain", "verb")
    }
    batch.add(
        AuditRow, row, at_ms=at, actor=told.pop("actor", "rotor"),
        verb=row.get("verb", row["type"]), detail=orjson.dumps(told).decode(),
    )  # fmt: skip


HANDLERS: dict[str, Callable[["Batch", Json, int], None]] = {
    "session_opened": _session_opened,
    "session_closed": _session_closed,
    "order_submitted": _submitted,
    "order_filled": _filled,
    "order_canceled": _gone,
    "order_rejected": _gone,
    "stop_moved": _stop_moved,
    "round_trip": _round_trip,
    "round_trip_voided": _voided,
    "traded_by_hand": _by_hand,
    "fill_busted": _busted,
    "fill_corrected": _corrected,
    "cash_moved": _audit,
    "shares_split": _split,
    "shadow": _shadow,
    "calibrated": _calibrated,
    "card_offered": _offered,
    "card_closed": _card_closed,
    "breaker_tripped": _tripped,
    "breaker_rearmed": _rearmed,
    "orphan_found": _orphan,
    "not_flat": _audit,
    "command": _audit,
    "card_refused": _audit,
    "config_changed": _audit,
    "predictor_restarted": _audit,
    "symbol_quarantined": _audit,
}
"""What is kept of a journal, by the type of its rows."""


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * MICRO)


def _sign(row: Json) -> int:
    return 1 if row["direction"] == "LONG" else -1


_NO_SIGNAL = dict.fromkeys(WithSignal.model_fields)


def _signal(row: Json) -> Json:
    signal = row.get("signal")
    if signal is None:
        return _NO_SIGNAL
    told = dict(signal)
    told["signal_id"] = told.pop("id")
    return told
