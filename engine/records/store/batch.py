"""One batch: rows of a journal made into rows of tables, inserted and updated together.

KEY INPUT: decoded rows of events.jsonl, in order; what was open when the last batch ended.
KEY OUTPUT: inserts and updates in one transaction, each table in one statement.

Orders, positions, cards and breakers that are open are held in memory while a batch is read, so
that a stop that moves a hundred times costs one update.
"""

from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlmodel import SQLModel

from engine.records.store.handlers import HANDLERS
from engine.records.store.tables import (
    ActiveRiskPosition,
    BreakerTrip,
    InboxItem,
    OrderRow,
    SessionRow,
)

Json = dict[str, Any]
_OPEN: tuple[tuple[type[SQLModel], str, Any, str], ...] = (
    (OrderRow, "status", "working", "order_id"),
    (ActiveRiskPosition, "status", "active", "symbol"),
    (InboxItem, "status", "open", "symbol"),
    (BreakerTrip, "rearmed_ms", None, "breaker"),
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
        self._removed: list[tuple[type[SQLModel], Json]] = []
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
        handler, at = HANDLERS.get(row["type"]), row["timestamp_ms"]
        if not isinstance(at, int):
            raise TypeError(f"timestamp_ms is {at!r}")
        if handler is not None:
            handler(self, row, at)

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
        for table, known_by in self._removed:
            columns = _table(table)
            mine = [columns.c[name] == value for name, value in known_by.items()]
            self._connection.execute(delete(columns).where(columns.c.run == self._run, *mine))
        for table, rows in self._new.items():
            if rows:
                self._insert(table, rows)

    def _insert(self, table: type[SQLModel], rows: list[Json]) -> None:
        if table is SessionRow:  # dates go through their column type
            self._connection.execute(insert(_table(table)), rows)
            return
        # plain numbers and texts go to the driver as they are: a third of the time
        dialect, names = self._connection.dialect, list(rows[0])
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        columns = ", ".join(dialect.identifier_preparer.quote(name) for name in names)
        marks = ", ".join([mark] * len(names))
        self._connection.exec_driver_sql(
            f"INSERT INTO {_table(table).name} ({columns}) VALUES ({marks})",  # noqa: S608 - ours
            list(map(itemgetter(*names), rows)),
        )

    def add(self, table: type[SQLModel], row: Json, **values: Any) -> Json:
        """Insert a row of the table, made at a journal's row."""
        made = {"run": self._run, "seq": row["seq"], **values}
        self._new.setdefault(table, []).append(made)
        return made

    def find(self, table: type[SQLModel], **names: Any) -> Json | None:
        """Return a row of the run, open or closed, as it is by now."""
        for row in (*self._new.get(table, []), *self._changed.get(table, {}).values()):
            if all(row[name] == value for name, value in names.items()):
                return row
        columns = _table(table)
        mine = [columns.c[name] == value for name, value in names.items()]
        asked = select(columns).where(columns.c.run == self._run, *mine)
        found = self._connection.execute(asked).mappings().first()
        return None if found is None else dict(found)

    def closed(self, table: type[SQLModel], **names: Any) -> Json | None:
        """Return a row that was closed, to be changed all the same."""
        row = self.find(table, **names)
        if row is not None and row.get("id") is not None:
            self._changed.setdefault(table, {})[row["id"]] = row
        return row

    def remove(self, table: type[SQLModel], **names: Any) -> None:
        """Take back a row of the run, whether it was inserted in this batch or before."""
        rows = self._new.get(table, [])
        kept = [row for row in rows if any(row[name] != value for name, value in names.items())]
        if len(kept) < len(rows):
            self._new[table] = kept
        else:
            self._removed.append((table, names))

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


def _table(model: type[SQLModel]) -> Any:
    return model.__table__  # type: ignore[attr-defined]
