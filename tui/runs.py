"""`rotor runs` and `rotor rebuild`: what the database knows of runs, side by side, gone, anew.

KEY INPUT: run ids or folders.
KEY OUTPUT: tables; changed rows.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from engine.errors import BadInputError
from engine.events import MICRO
from engine.records.store.follow import forget, rebuild, use
from engine.records.store.queries import find_run, rows, runs, runs_that_count
from engine.records.store.tables import BacktestResult
from tui.archive import Archive, open_archive
from tui.options import Database
from tui.output import (
    Column,
    Form,
    dollars,
    fine,
    moment,
    number,
    percent,
    print_csv,
    print_json,
    print_rows,
    usd,
    whole,
)
from tui.output import table as as_table
from tui.run_folder import FILES

Json = dict[str, Any]
COLUMNS = (
    Column("run_id", "Run", left=True),
    Column("dates", "Dates", left=True),
    Column("round_trips", "Trips", whole),
    Column("total_pnl", "P&L", dollars),
    Column("mrd", "MRD", fine),
    Column("standing", "Counts", left=True),
)
COMPARED = (
    "from", "to", "symbols", "round_trips", "win_rate", "profit_factor", "total_pnl",
    "total_pnl_pct", "mrd", "mrd_low", "mrd_high", "sharpe_ratio", "max_drawdown", "costs_paid",
    "journal_sha256",
)  # fmt: skip


def list_runs(database: Database, form: Form) -> int:
    """Print all runs."""
    with open_archive(database.config, database.sets) as archive:
        described = [_described(archive, run) for run in runs(archive.store)]
    if form == "table" and not described:
        print_rows([{"run_id": "no run yet: rotor replay"}], COLUMNS[:1], form)
    else:
        shown = [{**run, **_short(run)} for run in described] if form == "table" else described
        print_rows(shown, COLUMNS, form)
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
    from rich.console import Console

    columns = [Column("figure", "", left=True)]
    columns += [Column(str(i), run["run_id"], left=True) for i, run in enumerate(described)]
    Console().print(as_table(lines, columns))
    return 0


def delete_run(name: str, database: Database, *, files: bool, yes: bool) -> int:
    """Forget a run; with `files` its folder goes too. One that cannot be read may go, too."""
    with open_archive(database.config, database.sets, settled=False) as archive:
        run = find_run(archive.store, name)
        folder = Path(run["folder"])
        if files and not yes:
            raise BadInputError(f"this deletes the records in {folder}; say so with --yes")
        forget(archive.store, folder)
    if files:
        _delete_files(folder)
    print(f"{run['run_id']}: gone from the database{', files too' if files else ''}")  # noqa: T201
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


def rebuild_runs(names: tuple[str, ...], database: Database, *, json: bool) -> int:
    """Read runs anew from their journals; without names all that the database knows."""
    done, kept = [], []
    with open_archive(database.config, database.sets, settled=False) as archive:
        folders = [_folder(archive, name) for name in names]
        folders = folders or [Path(run["folder"]) for run in runs(archive.store)]
        for i, folder in enumerate(folders, start=1):
            if sys.stderr.isatty():
                print(f"\rrebuild {i}/{len(folders)}", end="", file=sys.stderr)  # noqa: T201
            why = _cannot(folder)
            if why and names:
                raise BadInputError(f"{folder}: {why}")
            if why:
                kept.append({"folder": str(folder), "reason": why})
            else:
                rebuild(archive.store, folder)
                done.append(str(folder))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)  # noqa: T201
    if json:
        print_json({"rebuilt": done, "kept": kept})
        return 0
    print(f"{len(done)} runs rebuilt from their journals")  # noqa: T201
    for run in kept:
        print(f"kept as it was: {run['folder']}: {run['reason']}")  # noqa: T201
    return 0


def _cannot(folder: Path) -> str:
    if not (folder / "manifest.json").exists():
        return "its folder is gone"
    if not (folder / "events.jsonl").exists():
        return "its journal was not kept (journal none)"
    return ""


def _folder(archive: Archive, name: str) -> Path:
    if (Path(name) / "manifest.json").exists():
        return Path(name)
    return Path(find_run(archive.store, name)["folder"])


def _described(archive: Archive, run: Json) -> Json:
    result = next(iter(rows(archive.store, BacktestResult, run=run["id"])), {})
    counts = runs_that_count(archive.store, run["strategy"])
    mine = [evidence for evidence, keys in counts.items() if run["id"] in keys]
    return {
        "run_id": run["run_id"],
        "kind": run["kind"],
        "state": run["state"],
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
        "started": moment(run["started_at"]),
        "journal": run["level"],
        "journal_sha256": run["journal_sha256"],
        "folder": run["folder"],
    }


def _short(run: Json) -> Json:
    standing = run["counts"] if run["state"] == "finished" else run["state"]
    if run["kind"] != "replay":
        standing = f"{run['kind']} {standing}"
    return {"dates": f"{run['from']}..{run['to'][5:]}", "standing": standing}


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
