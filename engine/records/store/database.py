"""Opening the database: SQLite by default, PostgreSQL by URL; migrated to what the code knows.

KEY INPUT: a URL, such as sqlite:///runs/rotor.db or postgresql://…
KEY OUTPUT: Store, whose `read()` and `write()` give connections in a transaction.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from engine.errors import BadInputError, RotorError, StoreError
from engine.records.store.url import without_password

HEAD = "0002"
"""The migration that the code knows; a test holds it to be the last one."""
BUSY_MS = 5_000
"""How long a writer waits for another on SQLite."""
_MIGRATING = 0x526F746F72
"""PostgreSQL's advisory lock for those who migrate: "Rotor"."""


class Store:
    """An open database."""

    def __init__(self, url: str, *, busy_ms: int = BUSY_MS, migrate: bool = True) -> None:
        """Open and, unless it is only looked at, migrate.

        Raises BadInputError for a URL that cannot be one or a database that a newer Rotor made;
        StoreError if it cannot be reached.
        """
        self.url = parsed_url(url)
        _make_folder(self.url)
        self.name = without_password(self.url.render_as_string(hide_password=True))
        self.engine = _engine(self.url, busy_ms)
        self._file: tuple[int, int] | None = None
        if not migrate:
            return
        try:
            with self._told():
                self._migrate()
        except RotorError:
            self.close()
            raise
        self._file = self._found()

    @property
    def in_place(self) -> bool:
        """Return whether the file that was opened is still where it was; of a server, True."""
        return self._found() == self._file

    def _found(self) -> tuple[int, int] | None:
        if not self._is_sqlite or not self.url.database:
            return None
        try:
            there = Path(self.url.database).stat()
        except OSError:
            return None
        return there.st_dev, there.st_ino

    def revision(self) -> str | None:
        """Return the migration that it is at, None for a database that is not ours yet."""
        with self._told(), self.engine.connect() as connection:
            return _revision(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._told(), self.engine.connect() as connection:
            if not self._is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are all made at the end, or none of them."""
        with self._told(), self.engine.connect() as plain:
            connection = plain.execution_options(rotor_write=True)
            with connection.begin():
                yield connection

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            said = str(getattr(error, "orig", None) or error).splitlines()
            what = said[0] if said else type(error).__name__
            raise StoreError(f"{self.name}: {what}; {_advice(what)}") from None

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            found = _revision(connection)
        if found == HEAD:
            return
        if found is not None and found not in known_revisions():
            raise BadInputError(
                f"{self.name}: made by a newer Rotor (revision {found}; this one knows {HEAD}); "
                "update rotor, or name another [database] url"
            )
        if found is not None:
            self._back_up(found)
        from engine.records.store.migrations import upgrade

        with self.engine.connect() as plain:
            connection = plain.execution_options(rotor_write=True)
            with connection.begin():
                if not self._is_sqlite:  # there BEGIN IMMEDIATE lets one process in at a time
                    connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
                if _revision(connection) != HEAD:
                    upgrade(connection)

    def _back_up(self, revision: str) -> None:
        if not self._is_sqlite or not self.url.database:
            return
        copy = Path(f"{self.url.database}.before-{revision}")
        with (
            closing(sqlite3.connect(self.url.database)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)


def parsed_url(url: str) -> URL:
    """Return a URL; raises BadInputError for one that cannot be one, or of no database we know."""
    try:
        parsed = make_url(url)
        texts = (url, *map(str, parsed.translate_connect_args().values()))
        sane = not any("\0" in text for text in texts)  # no system takes one in a name
    except (ArgumentError, ValueError):
        sane = False
    if not sane:
        # a mistyped URL may hold a password anywhere
        shown = "(not shown: it may hold a password)" if {"@", "="} & set(url) else repr(url)
        raise BadInputError(
            f"[database] url = {shown}: write sqlite:///runs/rotor.db or postgresql://HOST/NAME"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise BadInputError(f"[database] url: {backend} is not supported: sqlite or postgresql")
    return parsed


def _make_folder(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{url.database}: its folder cannot be made ({error})") from None


def _engine(url: URL, busy_ms: int) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, connect_args={"connect_timeout": 10})
    engine = create_engine(url, connect_args={"timeout": busy_ms / 1000})

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("rotor_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def known_revisions() -> set[str]:
    """Return the migrations that the code knows."""
    from engine.records.store.migrations import revisions

    return revisions()


def _advice(what: str) -> str:
    if "locked" in what or "busy" in what:
        return "another process holds it; try again, nothing is lost"
    if "malformed" in what or "not a database" in what:
        return "move the file away, then: rotor rebuild"
    return "check [database] url, and that the server runs"
