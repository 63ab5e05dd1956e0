"""`rotor runs`: what the database knows of runs, side by side, or gone.

KEY INPUT: run ids or folders.
KEY OUTPUT: tables; changed rows.
"""

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from engine.errors import BadInputError
from engine.events import MICRO
from engine.records.store.follow import forget, use
from engine.records.store.queries import find_run, rows, runs, runs_that_count
from engine.records.store.tables import BacktestResult
from tui.archive import Archive, no_run, open_archive
from tui.claim import is_claimed
from tui.find_run import state_of, warn_at_a_glance
from tui.options import Database
from tui.output import (
    Column,
    Form,
    dollars,
    fine,
    number,
    percent,
    print_csv,
    print_json,
    print_rows,
    show,
    usd,
    whole,
)
from tui.run_folder import FILES

Json = dict[str, Any]
COLUMNS = (
    Column("name", "Run", left=True, folds=True),
    Column("dates", "Dates", left=True, drops=3),
    Column("round_trips", "Trips", whole, drops=1),
    Column("total_pnl", "P&L", dollars),
    Column("mrd", "MRD", fine, drops=2),
    Column("standing", "Counts", left=True),
)
LISTED = (
    "run_id", "kind", "state", "strategy", "symbols", "from", "to", "round_trips", "win_rate",
    "profit_factor", "total_pnl", "total_pnl_pct", "mrd", "mrd_low", "mrd_high", "sharpe_ratio",
    "max_drawdown", "costs_paid", "counts", "started", "journal", "journal_sha256", "folder",
)  # fmt: skip
"""The keys of a run."""
COMPARED = (
    "from", "to", "symbols", "round_trips", "win_rate", "profit_factor", "total_pnl",
    "total_pnl_pct", "mrd", "mrd_low", "mrd_high", "sharpe_ratio", "max_drawdown", "costs_paid",
    "journal_sha256",
)  # fmt: skip


def list_runs(database: Database, form: Form) -> int:
    """Print all runs."""
    with open_archive(database.config, database.sets) as archive:
        warn_at_a_glance(runs(archive.store))
        described = [_described(archive, run) for run in runs(archive.store)]
        words = no_run(archive)
    if form == "table" and not described:
        Console().print(words, highlight=False)
        return 0
    ids = Counter(run["run_id"] for run in described)
    shown = [{**run, **_short(run, alone=ids[run["run_id"]] == 1)} for run in described]
    print_rows(shown if form == "table" else described, COLUMNS, form, LISTED)
    return 0


def compare_runs(names: tuple[str, ...], database: Database, form: Form) -> int:
    """Print runs side by side, and which settings differ."""
    if len(names) < 2:
        raise BadInputError("rotor runs compare: name two runs or more; rotor runs list")
    with open_archive(database.config, database.sets) as archive:
        found = [find_run(archive.store, name) for name in names]
        described = [_described(archive, run) for run in found]
    settings = _differences([orjson.loads(run["config_json"]) for run in found])
    if form == "json":
        print_json({"runs": described, "settings": settings})
        return 0
    lines = [_line(key, [run.get(key) for run in described]) for key in COMPARED]
    lines += [_line(key, values) for key, values in settings.items()]
    if form == "csv":
        print_csv(lines)
        return 0
    columns = [Column("figure", "", left=True)]
    columns += [
        Column(str(i), run["run_id"], left=True, folds=True) for i, run in enumerate(described)
    ]
    show(Console(), lines, columns)
    return 0


def delete_run(name: str, database: Database, *, files: bool, yes: bool) -> int:
    """Forget a run; with `files` its folder goes too. One that cannot be read may go, too."""
    with open_archive(database.config, database.sets, settled=False) as archive:
        run = find_run(archive.store, name)
        folder = Path(run["folder"])
        if files and not yes:
            raise BadInputError(f"this deletes the records in {folder}; say so with --yes")
        if files and is_claimed(folder):
            raise BadInputError(f"{folder}: the run still writes there; nothing was deleted")
        forget(archive.store, folder)
    if files:
        _delete_files(folder)
    rest = "its records are deleted" if files else f"its folder stays; rotor rebuild {folder}"
    print(f"{run['run_id']} in {folder}: gone from the database; {rest}")  # noqa: T201
    return 0


def use_run(name: str, database: Database) -> int:
    """Make a backtest the one that counts for its strategy."""
    with open_archive(database.config, database.sets) as archive:
        run = find_run(archive.store, name)
        if run["kind"] != "replay":
            raise BadInputError(f"{run['run_id']}: is no backtest; live runs count anyway")
        use(archive.store, Path(run["folder"]))
    print(f"{run['run_id']}: the backtest that counts for {run['strategy']}")  # noqa: T201
    return 0


def _described(archive: Archive, run: Json) -> Json:
    result = next(iter(rows(archive.store, BacktestResult, run=run["id"])), {})
    counts = runs_that_count(archive.store, run["strategy"])
    mine = [evidence for evidence, keys in counts.items() if run["id"] in keys]
    return {
        "run_id": run["run_id"],
        "kind": run["kind"],
        "state": state_of(run),
        "strategy": run["strategy"],
        "symbols": run["symbols"],
        "from": str(run["first_date"]),
        "to": str(run["last_date"]),
        "round_trips": result.get("total_trades"),
        "win_rate": result.get("win_rate"),
        "profit_factor": result.get("profit_factor"),
        "total_pnl": _usd(result.get("total_return_micro")),
        "total_pnl_pct": result.get("total_return"),
        "mrd": result.get("mrd"),
        "mrd_low": result.get("mrd_low"),
        "mrd_high": result.get("mrd_high"),
        "sharpe_ratio": result.get("sharpe_ratio"),
        "max_drawdown": result.get("max_drawdown"),
        "costs_paid": _usd(result.get("costs_micro")),
        "counts": f"{mine[0]}{', pinned' if run['pinned'] else ''}" if mine else "",
        "started": run["started_at"].astimezone(dt.UTC).isoformat(),
        "journal": run["level"],
        "journal_sha256": run["journal_sha256"],
        "folder": run["folder"],
    }


def _short(run: Json, *, alone: bool) -> Json:
    """Return what people see of a run; its folder too, if it is not alone with its id."""
    standing = run["counts"] if run["state"] == "finished" else run["state"]
    if run["kind"] != "replay":
        standing = f"{run['kind']} {standing}"
    name = run["run_id"] if alone else f"{run['run_id']} in {run['folder']}"
    return {"name": name, "dates": f"{run['from']}..{run['to'][5:]}", "standing": standing}


def _differences(configs: list[Json]) -> dict[str, list[Any]]:
    found = {}
    for section, keys in configs[0].items():
        for key in keys:
            values = [config.get(section, {}).get(key) for config in configs]
            if any(value != values[0] for value in values):
                found[f"{section}.{key}"] = values
    return found


_SHOWN: dict[str, Callable[[Any], str]] = {
    "total_pnl": usd, "costs_paid": usd, "mrd": fine, "mrd_low": fine, "mrd_high": fine,
    "total_pnl_pct": fine, "win_rate": percent, "max_drawdown": percent,
    "profit_factor": number, "sharpe_ratio": number, "journal_sha256": lambda x: str(x)[:12],
}  # fmt: skip


def _line(key: str, values: list[Any]) -> Json:
    shown = _SHOWN.get(key, str)
    told = {str(i): None if value is None else shown(value) for i, value in enumerate(values)}
    return {"figure": key, **told}


def _usd(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO


def _delete_files(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        shutil.rmtree(folder)
