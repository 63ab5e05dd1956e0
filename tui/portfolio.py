"""`rotor portfolio`: what is held now, or was last, and what it is worth.

KEY INPUT: a running session, or a run of the database.
KEY OUTPUT: equity, cash and positions.
"""

from pathlib import Path
from typing import Any

from rich.console import Console

from actors.presence import living
from engine.errors import BadInputError, RotorError
from engine.events import MICRO
from engine.records.store.queries import find_run, rows, runs
from engine.records.store.tables import (
    ActiveRiskPosition,
    BacktestResult,
    RoundTripRow,
    SessionRow,
)
from tui.archive import Archive, no_run, open_archive
from tui.find_run import state_of, warn_of
from tui.options import Database
from tui.output import Column, Form, number, percent, print_csv, print_json, show, usd, whole
from tui.session import ask

Json = dict[str, Any]
COLUMNS = (
    Column("symbol", "Symbol", left=True),
    Column("direction", "Side", left=True),
    Column("shares", "Shares", whole),
    Column("entry_price", "Entry", number, drops=4),
    Column("price", "Last", number),
    Column("value", "Value", number, drops=5),
    Column("pnl", "P&L", usd),
    Column("pnl_pct", "P&L %", percent, drops=3),
    Column("stop", "Stop", number, drops=2),
    Column("target", "Target", number, drops=1),
)

HEADER = tuple(column.key for column in COLUMNS)
"""Of the CSV, where nothing is held."""


def show_portfolio(name: str | None, database: Database, form: Form) -> int:
    """Print the positions of the running session, or of the newest run."""
    found = _live(name) or _recorded(name, database)
    if form == "json":
        print_json(found)
    elif form == "csv":
        print_csv(found["positions"] or [], HEADER)
    else:
        _print(found)
    return 0


def _live(name: str | None) -> Json | None:
    sessions = living()
    if name is not None:
        here = str(Path(name).resolve())
        sessions = {p: s for p, s in sessions.items() if here == s.run_dir or name == s.session}
    if len(sessions) != 1:
        return None
    try:
        view = ask(next(iter(sessions)), {"verb": "positions"})
    except RotorError:
        return None  # it ended meanwhile
    if view["state"] != "trading":
        return None
    positions = [
        {**position, "value": position["shares"] * position["price"]}
        for position in view["positions"]
    ]
    return _summed(view["session"], "running", view["equity"], view["cash"], positions) | {
        "day_pnl": view["day_pnl"]
    }


def _recorded(name: str | None, database: Database) -> Json:
    with open_archive(database.config, database.sets) as archive:
        known = runs(archive.store)
        if name is None and not known:
            raise BadInputError(no_run(archive))
        run = find_run(archive.store, name) if name else known[-1]
        state = state_of(run)
        warn_of(run)
        if run["level"] == "none":
            return _unrecorded(archive, run, state)
        equity, cash = _equity(archive, run)
        held = rows(archive.store, ActiveRiskPosition, run=run["id"], status="active")
    # of a run that is not running the last prices are in its journal alone: what was paid is shown
    return _summed(run["run_id"], state, equity, cash, [_held(row) for row in held])


def _unrecorded(archive: Archive, run: Json, state: str) -> Json:
    """Return what is known of a run without a journal: what it came to, if it ended."""
    found = next(iter(rows(archive.store, BacktestResult, run=run["id"])), None)
    equity = None if found is None else found["final_capital_micro"] / MICRO
    unknown = ("cash", "total_positions", "total_cost", "total_value", "total_pnl", "positions")
    return {"run_id": run["run_id"], "state": state, "equity": equity, **dict.fromkeys(unknown)}


def _equity(archive: Archive, run: Json) -> tuple[float, float | None]:
    closed = [
        row["closing_equity_micro"]
        for row in rows(archive.store, SessionRow, run=run["id"])
        if row["closing_equity_micro"] is not None
    ]
    if closed and run["state"] == "finished":
        return closed[-1] / MICRO, closed[-1] / MICRO
    earned = sum(row["pnl_micro"] for row in rows(archive.store, RoundTripRow, run=run["id"]))
    return (run["starting_micro"] + earned) / MICRO, None


def _held(row: Json) -> Json:
    price = row["entry_micro"] / row["opened_shares"] / MICRO
    return {
        "symbol": row["symbol"],
        "direction": "LONG" if row["direction"] > 0 else "SHORT",
        "shares": row["shares"],
        "entry_price": price,
        "price": None,
        "value": row["shares"] * price,
        "pnl": None,
        "pnl_pct": None,
        "stop": None if row["stop_micro"] is None else row["stop_micro"] / MICRO,
        "target": None if row["target_micro"] is None else row["target_micro"] / MICRO,
    }


def _summed(run: str, state: str, equity: float, cash: float | None, positions: list[Json]) -> Json:
    cost = sum(position["shares"] * position["entry_price"] for position in positions)
    known = all(position["pnl"] is not None for position in positions)
    return {
        "run_id": run,
        "state": state,
        "equity": equity,
        "cash": cash,
        "total_positions": len(positions),
        "total_cost": cost,
        "total_value": sum(position["value"] for position in positions),
        "total_pnl": sum(position["pnl"] for position in positions) if known else None,
        "positions": positions,
    }


def _print(found: Json) -> None:
    console = Console()
    equity = "not recorded" if found["equity"] is None else f"${found['equity']:,.2f}"
    cash = "" if found["cash"] is None else f", cash ${found['cash']:,.2f}"
    line = f"{found['run_id']} ({found['state']}): equity {equity}{cash}"
    console.print(line, highlight=False)
    if found["positions"] is None:
        console.print("positions: not recorded (journal none)", highlight=False)
    elif found["positions"]:
        show(console, found["positions"], COLUMNS)
    else:
        console.print("no positions")
