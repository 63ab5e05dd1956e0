"""Questions to the store: runs, round trips, shadows, quality. Nothing here changes a row.

KEY INPUT: a store, a run or a strategy, New York dates.
KEY OUTPUT: plain values.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK
from engine.records.outcomes import Shadow, Trip
from engine.records.store.aggregates import counted
from engine.records.store.database import Store
from engine.records.store.decode import read_shadow, read_trip
from engine.records.store.tables import OutcomeRow, RoundTripRow, Run

Json = dict[str, Any]
Dates = tuple[dt.date | None, dt.date | None]
"""First and last New York session date, both included; None for no end."""
ALL: Dates = (None, None)
_RUNS: Any = Run.__table__  # type: ignore[attr-defined]


def runs(store: Store) -> list[Json]:
    """Return all runs, oldest first."""
    with store.read() as connection:
        found = connection.execute(select(_RUNS).order_by(_RUNS.c.started_at, _RUNS.c.id))
        return [dict(row) for row in found.mappings()]


def find_run(store: Store, name: str) -> Json:
    """Return the run in this folder, else the one with this id.

    Raises BadInputError for a folder that the database does not know, for an id that several
    folders have, which are listed, and where there is no such run.
    """
    mine = named(store, name)
    if len(mine) > 1:
        raise ambiguous(name, [run["folder"] for run in mine])
    if mine:
        return mine[0]
    if (Path(name) / "manifest.json").exists():
        raise BadInputError(f"{name}: the database does not know this run; rotor rebuild {name}")
    there = ", ".join(run["run_id"] for run in runs(store)[-5:]) or "none"
    raise BadInputError(f"{name}: the database knows no such run; the last ones are: {there}")


def named(store: Store, name: str) -> list[Json]:
    """Return the run in this folder; if no folder here is meant, all runs with this id."""
    known = runs(store)
    folder = str(Path(name).resolve())
    here = [run for run in known if run["folder"] == folder]
    if here or (Path(name) / "manifest.json").exists():
        return here
    return [run for run in known if run["run_id"] == name]


def ambiguous(name: str, folders: Sequence[str]) -> BadInputError:
    """Return the error of an id that several folders have."""
    return BadInputError(
        f"{name}: {len(folders)} folders hold a run of this id; name the one that is meant:\n  "
        + "\n  ".join(folders)
    )


def runs_that_count(store: Store, strategy: str) -> dict[str, list[int]]:
    """Return the runs that sums count, by evidence: backtest (at most one) and live."""
    with store.read() as connection:
        return counted(connection, strategy)


def trips(store: Store, keys: Sequence[int], dates: Dates = ALL) -> list[Trip]:
    """Return the round trips of some runs that closed on these dates, in order."""
    return [read_trip(row) for row in _closed(store, RoundTripRow, keys, dates)]


def shadows(store: Store, keys: Sequence[int], dates: Dates = ALL) -> list[Shadow]:
    """Return the shadows of some runs that closed on these dates, in order."""
    return [read_shadow(row) for row in _closed(store, OutcomeRow, keys, dates)]


def rows(store: Store, table: type[SQLModel], **where: Any) -> list[Json]:
    """Return the rows of a table whose columns have these values, in order of entry."""
    columns: Any = table.__table__  # type: ignore[attr-defined]
    asked = select(columns).order_by(columns.c.id)
    for name, value in where.items():
        asked = asked.where(columns.c[name] == value)
    with store.read() as connection:
        return [dict(row) for row in connection.execute(asked).mappings()]


def _closed(store: Store, table: type[SQLModel], keys: Sequence[int], dates: Dates) -> list[Any]:
    columns: Any = table.__table__  # type: ignore[attr-defined]
    asked = select(columns).where(columns.c.run.in_(keys))
    first, last = dates
    if first is not None:
        asked = asked.where(columns.c.exit_ms >= _midnight(first))
    if last is not None:
        asked = asked.where(columns.c.exit_ms < _midnight(last + dt.timedelta(days=1)))
    with store.read() as connection:
        return list(connection.execute(asked.order_by(columns.c.id)).mappings())


def _midnight(day: dt.date) -> int:
    return round(dt.datetime.combine(day, dt.time(), NEW_YORK).timestamp() * 1000)
