"""Following a run: its folder is read into the database, from where it was read last.

KEY INPUT: a run folder (manifest.json, events.jsonl, at the end summary.json).
KEY OUTPUT: the run's rows, and how far the journal was read, in one transaction.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from engine.errors import BadInputError, DamagedError
from engine.events import MICRO
from engine.records.manifest import NAME, read_manifest
from engine.records.reading import sound_journal, sound_summary
from engine.records.store.aggregates import refresh
from engine.records.store.database import Store
from engine.records.store.tables import BacktestResult, Run
from engine.records.store.taking import here, reached, read_on
from engine.records.store.url import without_password

Json = dict[str, Any]
_RUNS: Any = Run.__table__  # type: ignore[attr-defined]
_RESULTS: Any = BacktestResult.__table__  # type: ignore[attr-defined]


def register(store: Store, folder: Path) -> None:
    """Enter a run that begins; what the database knew of another run in this folder goes."""
    row = _run_row(read_manifest(folder), folder)
    with store.write() as connection:
        _enter(connection, row, keep_pin=False)


def reopen(store: Store, folder: Path) -> None:
    """Go on following a run that is taken up again; one that is not known is entered."""
    row = _run_row(read_manifest(folder), folder)
    with store.write() as connection:
        known = connection.execute(select(_RUNS.c.started_at).where(here(folder))).scalar()
        if known == row["started_at"]:
            state = {"state": "running", "ended_at": None, "journal_sha256": None}
            connection.execute(update(_RUNS).where(here(folder)).values(state))
        else:
            _enter(connection, row, keep_pin=False)


def move(store: Store, folder: Path, to: Path) -> None:
    """Note that a run's records lie elsewhere now."""
    with store.write() as connection:
        _forget(connection, to)
        connection.execute(update(_RUNS).where(here(folder)).values(folder=str(to.resolve())))


def catch_up(store: Store, folder: Path) -> int:
    """Read on in a run's journal; return how many rows were taken.

    Raises DamagedError, and takes nothing of that reading, for what is not as it was written.
    """
    taken = 0
    while True:
        with store.write() as connection:
            more = read_on(connection, folder)
        if more is None:
            return taken
        taken += more


def finish(store: Store, folder: Path) -> None:
    """Read a run to its end, enter its result, and renew what is summed over runs.

    If another run lies in the folder by now, it is read from its first row.
    """
    manifest = read_manifest(folder)
    with store.read() as connection:
        known = connection.execute(select(_RUNS.c.started_at).where(here(folder))).scalar()
    if known is not None and known != dt.datetime.fromisoformat(manifest["started"]):
        register(store, folder)
    catch_up(store, folder)
    with store.write() as connection:
        _conclude(connection, folder, manifest)


def _conclude(connection: Connection, folder: Path, manifest: Json) -> None:
    ended = _ended(folder, manifest)
    run, _ = reached(connection, folder)
    if ended is not None:
        state, result = ended
        connection.execute(update(_RUNS).where(_RUNS.c.id == run).values(state))
        connection.execute(delete(_RESULTS).where(_RESULTS.c.run == run))
        if result is not None:
            connection.execute(insert(_RESULTS).values(result | {"run": run}))
    refresh(connection, manifest["strategy"])


def forget(store: Store, folder: Path) -> None:
    """Remove a run's rows; its folder stays."""
    with store.write() as connection:
        _forget(connection, folder)


def rebuild(store: Store, folder: Path) -> None:
    """Read a run anew from its first row; whether it is pinned stays.

    A run whose folder was moved takes the place of the row whose folder is gone. Raises
    DamagedError, and leaves what is known of it, if its records are not as they were written, or
    if more of its journal was read before than is there now.
    """
    manifest = read_manifest(folder)
    sound_journal(folder, manifest)
    sound_summary(folder, manifest)
    row = _run_row(manifest, folder)
    with store.write() as connection:
        _check_length(connection, folder, row)
        _enter(connection, row, keep_pin=True)
        while read_on(connection, folder) is not None:
            pass
        _conclude(connection, folder, manifest)


def _check_length(connection: Connection, folder: Path, row: Json) -> None:
    same = select(_RUNS.c.read_bytes).where(here(folder), _RUNS.c.started_at == row["started_at"])
    read = connection.execute(same).scalar() or 0
    path = folder / "events.jsonl"
    there = path.stat().st_size if path.exists() else 0
    if there < read:
        raise DamagedError(
            f"{path}: has {there:,} bytes, of which {read:,} were read before: records are "
            "missing; what the database knows of it stays"
        )


def use(store: Store, folder: Path) -> None:
    """Make a backtest the one that counts for its strategy."""
    with store.write() as connection:
        found = connection.execute(
            select(_RUNS.c.strategy, _RUNS.c.level).where(here(folder), _RUNS.c.kind == "replay")
        ).one_or_none()
        if found is None:
            raise BadInputError(f"{folder}: the database knows no backtest there; rotor runs list")
        strategy, level = found
        if level == "none":
            raise BadInputError(f"{folder}: its trades were not recorded (journal none)")
        mine = _RUNS.c.strategy == strategy
        connection.execute(update(_RUNS).where(mine).values(pinned=False))
        connection.execute(update(_RUNS).where(here(folder)).values(pinned=True))
        refresh(connection, strategy)


def settle(store: Store) -> list[str]:
    """Read on in the journals of all runs that are not known to have ended.

    Returns what cannot be read, in sentences; what was read of such a run before stands.
    """
    with store.read() as connection:
        open_ = connection.execute(select(_RUNS.c.folder).where(_RUNS.c.state == "running"))
        folders = [Path(folder) for folder in open_.scalars()]
    told = []
    for folder in folders:
        try:
            if (folder / NAME).exists():
                finish(store, folder)
            else:
                told.append(f"{folder}: the run's folder is gone; rotor runs delete {folder}")
        except BadInputError as error:
            told.append(f"{error} (what was read of it before stands)")
    return told


def _enter(connection: Connection, row: Json, *, keep_pin: bool) -> None:
    left = _left(connection, row) if keep_pin else []
    if keep_pin:
        places = _RUNS.c.folder.in_([row["folder"], *left])
        row["pinned"] = any(connection.execute(select(_RUNS.c.pinned).where(places)).scalars())
    for place in (row["folder"], *left):
        _forget(connection, Path(place))
    connection.execute(insert(_RUNS).values(row))


def _left(connection: Connection, row: Json) -> list[str]:
    """Return where the database has this very run, but there is none any more."""
    same = select(_RUNS.c.folder).where(
        _RUNS.c.run_id == row["run_id"],
        _RUNS.c.started_at == row["started_at"],
        _RUNS.c.folder != row["folder"],
    )
    found = connection.execute(same).scalars().all()
    return [folder for folder in found if not Path(folder, "manifest.json").exists()]


def _forget(connection: Connection, folder: Path) -> None:
    known = here(folder)
    strategy: str | None = connection.execute(select(_RUNS.c.strategy).where(known)).scalar()
    if strategy is not None:
        connection.execute(delete(_RUNS).where(known))
        refresh(connection, strategy)


def _run_row(manifest: Json, folder: Path) -> Json:
    return {
        "run_id": manifest["run_id"],
        "folder": str(folder.resolve()),
        "kind": manifest["command"],
        "strategy": manifest["strategy"],
        "symbols": ",".join(manifest["symbols"]),
        "first_date": dt.date.fromisoformat(manifest["from"]),
        "last_date": dt.date.fromisoformat(manifest["to"]),
        "epoch": manifest["epoch"],
        "level": manifest["level"],
        "state": "running",
        "started_at": dt.datetime.fromisoformat(manifest["started"]),
        "starting_micro": round(manifest["config"]["simulation"]["starting_capital"] * MICRO),
        "config_sha256": manifest["config_sha256"],
        "config_json": orjson.dumps(_shown(manifest["config"])).decode(),
        "read_bytes": 0,
        "pinned": False,
    }


def _shown(config: Json) -> Json:
    database = config.get("database", {})
    if "url" not in database:
        return config
    return config | {"database": database | {"url": without_password(database["url"])}}


def _ended(folder: Path, manifest: Json) -> tuple[Json, Json | None] | None:
    """Return how a run ended and what a replay came to; None for a run that has not ended."""
    path = folder / "summary.json"
    if not manifest.get("ended") or not path.exists():
        return None
    try:
        state = {
            "state": "interrupted" if manifest["interrupted"] else "finished",
            "ended_at": dt.datetime.fromisoformat(manifest["ended"]),
            "journal_sha256": manifest["journal_sha256"],
        }
        replay = manifest["command"] == "replay"
        return state, _result(manifest, orjson.loads(path.read_bytes())) if replay else None
    except (KeyError, TypeError, ValueError) as error:
        why = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BadInputError(f"{path}: does not tell how the run ended ({why})") from None


def _result(manifest: Json, summary: Json) -> Json:
    def micro(key: str) -> int | None:
        return None if summary[key] is None else round(summary[key] * MICRO)

    same = ("total_pnl_pct", "win_rate", "profit_factor", "sharpe_ratio", "sharpe_basis",
            "max_drawdown", "mrd", "mrd_low", "mrd_high")  # fmt: skip
    kept = {key: summary[key] for key in same}
    return {
        "strategy_name": manifest["strategy"],
        "symbols": ",".join(manifest["symbols"]),
        "start_date": dt.date.fromisoformat(manifest["from"]),
        "end_date": dt.date.fromisoformat(manifest["to"]),
        "initial_capital_micro": micro("starting_capital"),
        "final_capital_micro": micro("final_equity"),
        "total_return_micro": micro("total_pnl"),
        "total_return": kept.pop("total_pnl_pct"),
        "total_trades": summary["round_trips"],
        "winning_trades": summary["wins"],
        "losing_trades": summary["losses"],
        "average_win_micro": micro("average_win"),
        "average_loss_micro": micro("average_loss"),
        "costs_micro": micro("costs_paid"),
        "created_at": dt.datetime.fromisoformat(manifest["ended"]),
        "summary_json": orjson.dumps(_figures(summary) | {"scores": manifest["scores"]}).decode(),
        **kept,
    }


def _figures(summary: Json) -> Json:
    """Return a summary without what depends on the machine."""
    times = ("startup_seconds", "wall_seconds", "cpu_seconds", "symbol_bars_per_second", "run_dir")
    return {key: value for key, value in summary.items() if key not in times}
