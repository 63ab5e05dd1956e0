"""One batch: rows of a journal made into rows of tables, inserted and updated together.

KEY INPUT: decoded rows of events.jsonl, in order; what was open when the last batch ended.
KEY OUTPUT: inserts and updates in one transaction, each table in one statement.

Orders, positions, cards and breakers that are open are held in memory while a batch is read, so
that a stop that moves a hundred times costs one update.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import SQLModel

from engine.events import MICRO, Decision
from engine.records.store.columns import WithSignal
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

Json = dict[str, Any]
_ENDED = {
    Decision.PROFIT_TARGET: "target_hit",
    Decision.STOP_LOSS: "stopped_out",
    Decision.TRAILING_STOP: "stopped_out",
    Decision.MANUAL_EXIT: "manual_close",
}
_OPEN: tuple[tuple[type[SQLModel], str, Any, str], ...] = (
    (OrderRow, "status", "working", "order_id"),
    (ActiveRiskPosition, "status", "active", "symbol"),
    (InboxItem, "status", "open", "symbol"),
    (BreakerTrip, "rearmed_at", None, "breaker"),
    (SessionRow, "closing_equity_micro", None, "date"),
)
"""Tables whose rows change: how an open one is told, and its name while it is open."""


class Batch:
    """Rows on their way into the database."""

    def __init__(self, connection: Connection, run: int) -> None:
        self._connection = connection
        self._run = run
        self._new: dict[type[SQLModel], list[Json]] = {}
        self._open: dict[type[SQLModel], dict[Any, Json]] = {}
        self._changed: dict[type[SQLModel], dict[int, Json]] = {}
        for table, column, value, name in _OPEN:
            columns = _table(table)
            is_open = columns.c[column].is_not_distinct_from(value)
            asked = select(columns).where(columns.c.run == run, is_open).order_by(columns.c.id)
            found = connection.execute(asked)
            self._open[table] = {row[name]: dict(row) for row in found.mappings()}

    def take(self, row: Json) -> None:
        """Take a row, if it is of a kind that is kept; raises as a dict does if it is no such row.

        A batch that raised must not be written.
        """
        handler = HANDLERS.get(row["type"])
        if handler is not None:
            handler(self, row, _at(row["timestamp_ms"]))

    def write(self) -> None:
        """Update and insert: what closed makes room for what was opened after it."""
        for table, changed in self._changed.items():
            columns = _table(table)
            names = [c.name for c in columns.columns if c.name not in ("id", "run", "seq")]
            statement = (
                update(columns)
                .where(columns.c.id == bindparam("_id"))
                .values({name: bindparam(f"_{name}") for name in names})
            )
            self._connection.execute(
                statement,
                [{f"_{n}": row[n] for n in names} | {"_id": i} for i, row in changed.items()],
            )
        for table, rows in self._new.items():
            self._connection.execute(insert(_table(table)), rows)

    def add(self, table: type[SQLModel], row: Json, **values: Any) -> Json:
        """Insert a row of the table, made at a journal's row."""
        made = {"run": self._run, "seq": row["seq"], **values}
        self._new.setdefault(table, []).append(made)
        return made

    def open(self, table: type[SQLModel], name: Any, row: Json, **values: Any) -> Json:
        """Insert a row that will change."""
        made = self._open[table][name] = self.add(table, row, **values)
        return made

    def opened(self, table: type[SQLModel], name: Any) -> Json | None:
        """Return an open row, to be changed."""
        row = self._open[table].get(name)
        if row is not None and row.get("id") is not None:
            self._changed.setdefault(table, {})[row["id"]] = row
        return row

    def close(self, table: type[SQLModel], name: Any, **values: Any) -> None:
        """Change an open row for the last time."""
        row = self.opened(table, name)
        if row is not None:
            row |= values
            del self._open[table][name]


def _session_opened(batch: Batch, row: Json, _at: dt.datetime) -> None:
    day = dt.date.fromisoformat(row["date"])
    made = batch.open(
        SessionRow, day, row, date=day, minutes=row["minutes"], trading=row["trading"],
        closing_equity_micro=None, pooled_slope=None,
    )  # fmt: skip
    del made["seq"]


def _session_closed(batch: Batch, row: Json, _at: dt.datetime) -> None:
    batch.close(
        SessionRow, dt.date.fromisoformat(row["date"]),
        closing_equity_micro=_micro(row["equity"]), pooled_slope=row["pooled_slope"],
    )  # fmt: skip


def _submitted(batch: Batch, row: Json, at: dt.datetime) -> None:
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
            OrderRow, replaced, status="canceled", closed_at=at, reason="replaced by an exit"
        )
    batch.open(
        OrderRow, row["order_id"], row, order_id=row["order_id"], symbol=row["symbol"],
        side=row["side"], kind="oco" if legs else "entry" if row["entry"] else "exit",
        shares=row["shares"], decision=row.get("decision"),
        limit_micro=_micro(row.get("limit")), stop_micro=_micro(row.get("stop")),
        target_micro=_micro(row.get("target")), status="working", filled_shares=0, reason="",
        submitted_at=at, closed_at=None, **_signal(row),
    )  # fmt: skip


def _filled(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.add(
        FillRow, row, order_id=row["order_id"], at=at, symbol=row["symbol"], side=row["side"],
        shares=row["shares"], price_micro=_micro(row["price"]), fee_micro=_micro(row["fee"]),
        slippage_micro=_micro(row["slippage"]), leg=row.get("leg"),
        forced=row.get("forced", False), ambiguous=row.get("ambiguous", False),
    )  # fmt: skip
    order = batch.opened(OrderRow, row["order_id"])
    kind = "exit" if order is None else order["kind"]
    if order is not None:
        order["filled_shares"] += row["shares"]
        if row["final"]:
            batch.close(OrderRow, row["order_id"], status="filled", closed_at=at)
    _hold(batch, row, at, entry=kind == "entry")


def _hold(batch: Batch, row: Json, at: dt.datetime, *, entry: bool) -> None:
    shares, symbol = row["shares"], row["symbol"]
    value = shares * _some(row["price"])
    position = batch.opened(ActiveRiskPosition, symbol)
    if position is None and entry:
        batch.open(
            ActiveRiskPosition, symbol, row, symbol=symbol,
            direction=1 if row["side"] == "BUY" else -1, shares=shares, entry_micro=value,
            opened_shares=shares, entry_at=at, stop_micro=None, target_micro=None, trailing=None,
            status="active", closed_at=None,
        )  # fmt: skip
    elif position is not None and entry:
        position["shares"] += shares
        position["opened_shares"] += shares
        position["entry_micro"] += value
    elif position is not None:
        position["shares"] -= shares


def _gone(batch: Batch, row: Json, at: dt.datetime) -> None:
    status = "rejected" if row["type"] == "order_rejected" else "canceled"
    batch.close(OrderRow, row["order_id"], status=status, reason=row["reason"], closed_at=at)


def _stop_moved(batch: Batch, row: Json, _at: dt.datetime) -> None:
    order = batch.opened(OrderRow, row["order_id"])
    position = batch.opened(ActiveRiskPosition, row["symbol"])
    for kept in (order, position):
        if kept is not None:
            kept["stop_micro"] = _micro(row["stop"])


def _round_trip(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.add(
        RoundTripRow, row, number=row["trip"], symbol=row["symbol"], direction=_sign(row),
        entry_at=_at(row["entry_ms"]), exit_at=_at(row["exit_ms"]), shares=row["shares"],
        entry_micro=_micro(row["entry_value"]), exit_micro=_micro(row["exit_value"]),
        pnl_micro=_micro(row["pnl"]), fee_micro=_micro(row["fees"]),
        slippage_micro=_micro(row["slippage"]), bars_held=row["bars_held"], mae=row["mae"],
        mfe=row["mfe"], decision=row["decision"], entry_reason=row["entry_reason"],
        exit_reason=row["exit_reason"], forced=row.get("forced", False), **_signal(row),
    )  # fmt: skip
    status = _ENDED.get(Decision(row["decision"]), "closed")
    batch.close(ActiveRiskPosition, row["symbol"], status=status, closed_at=at)


def _shadow(batch: Batch, row: Json, _now: dt.datetime) -> None:
    batch.add(
        OutcomeRow, row, symbol=row["symbol"], direction=_sign(row),
        opened_at=_at(row["opened_ms"]), entry_at=_at(row["entry_ms"]), exit_at=_at(row["exit_ms"]),
        entry_price=row["entry_price"], exit_price=row["exit_price"], exit=row["exit"],
        net_return=row["return"], **_signal(row),
    )  # fmt: skip


def _calibrated(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.add(
        CalibrationRow, row, version=row["version"], at=at, outcomes=row["outcomes"],
        brier=row["brier"], log_loss=row["log_loss"], rolled_back=row.get("rolled_back", ""),
        cells=orjson.dumps(row["cells"]).decode(),
    )  # fmt: skip


def _offered(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.close(InboxItem, row["symbol"], status="renewed", closed_at=at)
    batch.open(
        InboxItem, row["symbol"], row, card=row["card"], version=row["version"],
        symbol=row["symbol"], direction=_sign(row), shares=row["shares"], binding=row["binding"],
        limit_micro=_micro(row["limit"]), stop_micro=_micro(row["stop"]),
        target_micro=_micro(row["target"]), risk_micro=_micro(row["risk"]),
        heat_micro=_micro(row["heat_after"]), reward_to_risk=row["reward_to_risk"],
        evidence=row["evidence"], offered_at=at, expires_at=_at(row["expires_ms"]), status="open",
        reason="", actor="", closed_at=None, **_signal(row),
    )  # fmt: skip


def _card_closed(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.close(
        InboxItem, row["symbol"], status=row["status"], reason=row["reason"], actor=row["actor"],
        closed_at=at,
    )  # fmt: skip


def _tripped(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.open(
        BreakerTrip, row["breaker"], row, breaker=row["breaker"], reason=row["reason"],
        rearms=row["rearms"], tripped_at=at, rearmed_at=None,
    )  # fmt: skip


def _rearmed(batch: Batch, row: Json, at: dt.datetime) -> None:
    batch.close(BreakerTrip, row["breaker"], rearmed_at=at)


def _audit(batch: Batch, row: Json, at: dt.datetime) -> None:
    told = {
        k: v for k, v in row.items() if k not in ("seq", "timestamp_ms", "type", "chain", "verb")
    }
    batch.add(
        AuditRow, row, at=at, actor=told.pop("actor", "rotor"), verb=row.get("verb", row["type"]),
        detail=orjson.dumps(told).decode(),
    )  # fmt: skip


HANDLERS: dict[str, Callable[[Batch, Json, dt.datetime], None]] = {
    "session_opened": _session_opened,
    "session_closed": _session_closed,
    "order_submitted": _submitted,
    "order_filled": _filled,
    "order_canceled": _gone,
    "order_rejected": _gone,
    "stop_moved": _stop_moved,
    "round_trip": _round_trip,
    "shadow": _shadow,
    "calibrated": _calibrated,
    "card_offered": _offered,
    "card_closed": _card_closed,
    "breaker_tripped": _tripped,
    "breaker_rearmed": _rearmed,
    "command": _audit,
    "card_refused": _audit,
    "config_changed": _audit,
    "predictor_restarted": _audit,
    "symbol_quarantined": _audit,
}
"""What is kept of a journal, by the type of its rows."""


def _table(model: type[SQLModel]) -> Any:
    return model.__table__  # type: ignore[attr-defined]


def _at(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * MICRO)


def _some(usd: float) -> int:
    return round(usd * MICRO)


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
