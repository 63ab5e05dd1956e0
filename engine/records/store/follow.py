"""Following a run: its folder is read into the database, from where it was read last.

KEY INPUT: a run folder (manifest.json, events.jsonl, at the end summary.json).
KEY OUTPUT: the run's rows, and how far the journal was read, in one transaction.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from engine.errors import BadInputError
from engine.events import MICRO
from engine.records.store.aggregates import refresh
from engine.records.store.batch import Batch
from engine.records.store.database import Store
from engine.records.store.handlers import HANDLERS
from engine.records.store.tables import BacktestResult, Run
from engine.records.store.url import without_password

Json = dict[str, Any]
CHUNK = 16_000_000
"""Bytes of a journal read in one transaction, at most; a frame is never cut."""
_RUNS: Any = Run.__table__  # type: ignore[attr-defined]
_RESULTS: Any = BacktestResult.__table__  # type: ignore[attr-defined]
_TYPE = b'"type":"'
_CHAINED = b'"}\n'


def register(store: Store, folder: Path) -> None:
    """Enter a run that begins; what the database knew of another run in this folder goes."""
    _enter(store, folder, keep_pin=False)


def catch_up(store: Store, folder: Path) -> int:
    """Read on in a run's journal; return how many rows were taken."""
    taken = 0
    while True:
        with store.write() as connection:
            run, start = _reached(connection, folder)
            lines, reached = _frames(folder / "events.jsonl", start)
            if reached == start:
                return taken
            batch = Batch(connection, run)
            taken += _take(batch, lines, folder, start)
            batch.write()
            known = _RUNS.c.id == run
            connection.execute(update(_RUNS).where(known).values(read_bytes=reached))
            live = select(_RUNS.c.strategy).where(known, _RUNS.c.kind == "live")
            strategy = connection.execute(live).scalar()
            if strategy is not None:
                refresh(connection, strategy)


def finish(store: Store, folder: Path) -> None:
    """Read a run to its end, enter its result, and renew what is summed over runs.

    If another run lies in the folder by now, it is read from its first row.
    """
    manifest = _manifest(folder)
    with store.read() as connection:
        known = connection.execute(select(_RUNS.c.started_at).where(_here(folder))).scalar()
    if known is not None and known != dt.datetime.fromisoformat(manifest["started"]):
        _enter(store, folder, keep_pin=False)
    catch_up(store, folder)
    ended = _ended(folder, manifest)
    with store.write() as connection:
        run, _ = _reached(connection, folder)
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

    A run whose folder was moved takes the place of the row whose folder is gone.
    """
    _enter(store, folder, keep_pin=True)
    finish(store, folder)


def use(store: Store, folder: Path) -> None:
    """Make a backtest the one that counts for its strategy."""
    with store.write() as connection:
        found = connection.execute(
            select(_RUNS.c.strategy, _RUNS.c.level).where(_here(folder), _RUNS.c.kind == "replay")
        ).one_or_none()
        if found is None:
            raise BadInputError(f"{folder}: the database knows no backtest there; rotor runs list")
        strategy, level = found
        if level == "none":
            raise BadInputError(f"{folder}: its trades were not recorded (journal none)")
        mine = _RUNS.c.strategy == strategy
        connection.execute(update(_RUNS).where(mine).values(pinned=False))
        connection.execute(update(_RUNS).where(_here(folder)).values(pinned=True))
        refresh(connection, strategy)


def settle(store: Store) -> None:
    """Read on in the journals of all runs that are not known to have ended."""
    with store.read() as connection:
        open_ = connection.execute(select(_RUNS.c.folder).where(_RUNS.c.state == "running"))
        folders = [Path(folder) for folder in open_.scalars()]
    for folder in folders:
        if (folder / "manifest.json").exists():
            finish(store, folder)


def _enter(store: Store, folder: Path, *, keep_pin: bool) -> None:
    row = _run_row(_manifest(folder), folder)
    with store.write() as connection:
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
    known = _here(folder)
    strategy: str | None = connection.execute(select(_RUNS.c.strategy).where(known)).scalar()
    if strategy is not None:
        connection.execute(delete(_RUNS).where(known))
        refresh(connection, strategy)


def _here(folder: Path) -> Any:
    return _RUNS.c.folder == str(folder.resolve())


def _reached(connection: Connection, folder: Path) -> tuple[int, int]:
    row = connection.execute(
        select(_RUNS.c.id, _RUNS.c.read_bytes).where(_here(folder)).with_for_update()
    ).one_or_none()
    if row is None:
        raise BadInputError(
            f"{folder}: the database does not know this run; rotor rebuild {folder}"
        )
    return row[0], row[1]


def _frames(path: Path, start: int) -> tuple[bytes, int]:
    """Return the bytes of whole frames from `start` on, and where they end."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            found = file.read(CHUNK)
            end = _last_frame(found)
            while end == 0 and (more := file.read(CHUNK)):
                found += more
                end = _last_frame(found)
    except FileNotFoundError:
        return b"", start
    return found[:end], start + end


def _last_frame(found: bytes) -> int:
    # the last line of a frame ends with its checksum
    at = len(found)
    while (at := found.rfind(_CHAINED, 0, at)) >= 0:
        if found[at - 74 : at - 64] == b',"chain":"':
            return at + len(_CHAINED)
    return 0


def _take(batch: Batch, lines: bytes, folder: Path, start: int) -> int:
    kinds = {kind.encode() for kind in HANDLERS}
    taken = 0
    for line in lines.splitlines(keepends=True):
        at = line.find(_TYPE, 0, 80)
        kind = line[at + len(_TYPE) : line.find(b'"', at + len(_TYPE))]
        if at < 0 or kind in kinds:
            try:
                batch.take(orjson.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                why = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise BadInputError(
                    f"{folder}/events.jsonl, byte {start}: {line[:60]!r}: {why}; "
                    f"rotor verify {folder}"
                ) from None
            taken += 1
        start += len(line)
    return taken


def _manifest(folder: Path) -> Json:
    path = folder / "manifest.json"
    try:
        manifest: Json = orjson.loads(path.read_bytes())
        _run_row(manifest, folder)
    except FileNotFoundError:
        raise BadInputError(f"{folder}: holds no run (no manifest.json)") from None
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{path}: is no manifest of a run ({error})") from None
    return manifest


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
