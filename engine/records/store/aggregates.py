"""What is summed over runs: live runs, and one designated backtest per strategy; never all replays.

KEY INPUT: a strategy whose runs changed.
KEY OUTPUT: its rows of strategy_performance and signal_quality, made anew in the same transaction.

The designated backtest is the pinned one (`rotor runs use RUN`), else the newest that finished;
never one whose trades were not recorded (journal none).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from engine.events import MICRO
from engine.records.metrics import trade_figures
from engine.records.store.decode import read_trip
from engine.records.store.tables import (
    OutcomeRow,
    RoundTripRow,
    Run,
    SignalQuality,
    StrategyPerformance,
)

Json = dict[str, Any]
Rows = Sequence[Any]
"""Mappings by column."""
_RUNS: Any = Run.__table__  # type: ignore[attr-defined]
_TRIPS: Any = RoundTripRow.__table__  # type: ignore[attr-defined]
_OUTCOMES: Any = OutcomeRow.__table__  # type: ignore[attr-defined]
_PERFORMANCE: Any = StrategyPerformance.__table__  # type: ignore[attr-defined]
_QUALITY: Any = SignalQuality.__table__  # type: ignore[attr-defined]


def counted(connection: Connection, strategy: str) -> dict[str, list[int]]:
    """Return the runs that count, by evidence: backtest (at most one) and live."""
    of = connection.execute(
        select(_RUNS.c.id)
        .where(_RUNS.c.strategy == strategy, _RUNS.c.kind == "live")
        .order_by(_RUNS.c.started_at)
    )
    live = list(of.scalars())
    backtest = designated(connection, strategy)
    return {"backtest": [] if backtest is None else [backtest], "live": live}


def designated(connection: Connection, strategy: str) -> int | None:
    """Return the backtest that counts for a strategy."""
    found: int | None = connection.execute(
        select(_RUNS.c.id)
        .where(_RUNS.c.strategy == strategy, _RUNS.c.kind == "replay", _RUNS.c.level != "none")
        .where((_RUNS.c.state == "finished") | _RUNS.c.pinned)
        .order_by(_RUNS.c.pinned.desc(), _RUNS.c.ended_at.desc(), _RUNS.c.id.desc())
        .limit(1)
    ).scalar()
    return found


def refresh(connection: Connection, strategy: str) -> None:
    """Sum a strategy's runs anew."""
    for table in (_PERFORMANCE, _QUALITY):
        connection.execute(delete(table).where(table.c.strategy_name == strategy))
    performance: list[Json] = []
    quality: list[Json] = []
    for evidence, runs in counted(connection, strategy).items():
        if not runs:
            continue
        trips = _of(connection, _TRIPS, runs)
        outcomes = _of(connection, _OUTCOMES, runs)
        performance += _performance(strategy, evidence, trips, outcomes)
        ruled = [trip for trip in trips if not trip["by_hand"]]
        quality += _quality(strategy, evidence, ruled, _traded_return)
        quality += _quality(strategy, f"shadow-{evidence}", outcomes, lambda x: x["net_return"])
    for table, rows in ((_PERFORMANCE, performance), (_QUALITY, quality)):
        if rows:
            connection.execute(insert(table), rows)


def confidence_range(confidence: float) -> str:
    """Return the bucket of a confidence, such as 0.7-0.8."""
    bucket = min(9, int(confidence * 10))
    return f"{bucket / 10:.1f}-{(bucket + 1) / 10:.1f}"


def _of(connection: Connection, table: Any, runs: Sequence[int]) -> Rows:
    found = connection.execute(select(table).where(table.c.run.in_(runs)).order_by(table.c.id))
    return found.mappings().all()


def _performance(strategy: str, evidence: str, trips: Rows, outcomes: Rows) -> list[Json]:
    signals: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        signals[outcome["symbol"]] += 1
    by_symbol: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for trip in trips:
        by_symbol[trip["symbol"]].append(trip)
    rows = []
    for symbol in sorted(signals.keys() | by_symbol.keys()):
        mine = by_symbol[symbol]
        figures = trade_figures([read_trip(trip) for trip in mine])
        rows.append(
            {
                "strategy_name": strategy,
                "symbol": symbol,
                "evidence": evidence,
                "total_signals": signals[symbol],
                "signals_taken": len(mine),
                "winning_trades": figures.wins,
                "losing_trades": figures.losses,
                "total_profit_loss_micro": sum(t["pnl_micro"] for t in mine),
                "win_rate": figures.win_rate,
                "average_win_micro": _micro(figures.average_win),
                "average_loss_micro": _micro(figures.average_loss),
                "profit_factor": figures.profit_factor,
                "last_updated": _moment(max((t["exit_ms"] for t in mine), default=None)),
            }
        )
    return rows


def _quality(strategy: str, evidence: str, rows: Rows, returned: Any) -> list[Json]:
    cells: dict[tuple[str, int, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["confidence"] is not None:
            key = (row["symbol"], row["direction"], confidence_range(row["confidence"]))
            cells[key].append(row)
    made = []
    for (symbol, direction, bucket), mine in sorted(cells.items()):
        returns = [returned(row) for row in mine]
        wins = sum(r > 0 for r in returns)
        expected = sum(row["win_rate"] for row in mine) / len(mine)
        made.append(
            {
                "strategy_name": strategy,
                "symbol": symbol,
                "signal_type": "LONG" if direction > 0 else "SHORT",
                "confidence_range": bucket,
                "evidence": evidence,
                "total": len(mine),
                "wins": wins,
                "losses": sum(r < 0 for r in returns),
                "actual_win_rate": wins / len(mine),
                "expected_win_rate": expected,
                "calibration_error": expected - wins / len(mine),
                "average_return": sum(returns) / len(mine),
                "last_updated": _moment(max(row["exit_ms"] for row in mine)),
            }
        )
    return made


def _moment(ms: int | None) -> dt.datetime | None:
    return None if ms is None else dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * MICRO)


def _traded_return(row: Mapping[str, Any]) -> float:
    return float(row["pnl_micro"] / row["entry_micro"])
