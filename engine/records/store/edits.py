"""The history of settings in the database: `risk_parameters` follows the histories of overrides.

KEY INPUT: the folder of overrides.paper.toml and its like.
KEY OUTPUT: a row per changed key, with who, when and why; written only, never read back.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, insert, select

from engine.records.overrides import OLD_HISTORY, histories
from engine.records.store.database import Store
from engine.records.store.tables import RiskParameter

_TABLE: Any = RiskParameter.__table__  # type: ignore[attr-defined]


def follow_edits(store: Store, folder: Path) -> int:
    """Enter the changes that the table does not have yet; return how many there were."""
    return sum(_follow(store, path, known) for path, known in histories(folder).items() if known)


def _follow(store: Store, path: Path, known: list[dict[str, Any]]) -> int:
    # the history of earlier versions is named by its folder, as its rows are
    name = str((path.parent if path.name == OLD_HISTORY else path).resolve())
    with store.write() as connection:
        last = connection.execute(
            select(func.max(_TABLE.c.line)).where(_TABLE.c.folder == name)
        ).scalar()
        new = [_row(name, line, row) for line, row in enumerate(known, start=1)][last or 0 :]
        if new:
            connection.execute(insert(_TABLE), new)
    return len(new)


def _row(folder: str, line: int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "folder": folder,
        "line": line,
        "key": row["key"],
        "old": orjson.dumps(row["old"]).decode(),
        "new": orjson.dumps(row["new"]).decode(),
        "actor": row["who"],
        "reason": row["why"],
        "changed_at": dt.datetime.fromisoformat(row["when"]),
    }
