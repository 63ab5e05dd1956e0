"""The database itself: opened, migrated, backed up, refused."""

import datetime as dt
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlmodel import SQLModel

from engine.errors import BadInputError, StoreError
from engine.records.store import database, tables
from engine.records.store.database import HEAD, Store
from engine.records.store.migrations import revisions
from tests.engine.records.store.folders import moment

ROOT = Path(__file__).parents[4]


def write(store, table, *rows):
    with store.write() as connection:
        for row in rows:
            connection.execute(insert(table).values(row))


def test_the_schema_is_what_the_models_say(store):
    """Alembic finds nothing to change: migrations and models agree, and HEAD is the last one."""
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert max(revisions()) == HEAD


def test_an_open_database_is_not_migrated_again(store, url, monkeypatch):
    """The second start needs no Alembic."""
    monkeypatch.setattr(Store, "_back_up", lambda *_: pytest.fail("backed up"))
    Store(url).close()
    code = (
        "import sys; from engine.records.store.database import Store; "
        f"Store({url!r}).close(); print('alembic.command' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_newer_database_is_refused(store, url):
    """It says which revision, and what to do; nothing is touched."""
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadInputError, match=r"made by a newer Rotor \(revision 9999"):
        Store(url)


def test_an_older_file_is_backed_up_before_it_is_changed(tmp_path, monkeypatch):
    """The copy holds what was there; only then is the schema changed."""
    path = tmp_path / "rotor.db"
    Store(f"sqlite:///{path}").close()
    before = database.HEAD
    monkeypatch.setattr(database, "HEAD", "9999")
    monkeypatch.setattr(database, "known_revisions", lambda: {before, "9999"})
    Store(f"sqlite:///{path}").close()

    with closing(sqlite3.connect(f"{path}.before-{before}")) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (before,)
        assert copy.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_money_and_moments_are_exact(store):
    """Beyond 2^53 micro-dollars, to the microsecond, in UTC on both sides."""
    amount = 9_007_199_254_740_993
    there = dt.datetime(2025, 7, 3, 9, 30, 0, 123456, dt.timezone(dt.timedelta(hours=-4)))
    row = {
        "run_id": "r", "folder": "f", "kind": "replay", "strategy": "s", "symbols": "A",
        "first_date": dt.date(2025, 7, 3), "last_date": dt.date(2025, 7, 3), "epoch": "0",
        "level": "full", "state": "running", "started_at": there, "starting_micro": amount,
        "config_sha256": "", "config_json": "{}", "read_bytes": 2**40, "pinned": False,
    }  # fmt: skip
    runs = tables.Run.__table__
    with store.write() as connection:
        connection.execute(insert(runs).values(row))
    with store.read() as connection:
        found = connection.execute(select(runs)).mappings().one()

    assert found["starting_micro"] == amount
    assert found["started_at"] == there
    assert found["started_at"].tzinfo == dt.UTC
    naive = row | {"folder": "g", "started_at": dt.datetime(2025, 7, 3)}  # noqa: DTZ001
    with pytest.raises(StoreError, match="without a time zone"):
        write(store, runs, naive)


def test_a_failed_write_leaves_nothing(store):
    """All of a transaction or none of it."""
    runs = tables.RiskParameter.__table__
    row = {"folder": "f", "line": 1, "key": "risk.x", "old": "1", "new": "2", "actor": "a",
           "reason": "", "changed_at": moment("2025-08-01T00:00")}  # fmt: skip
    with pytest.raises(StoreError):
        write(store, runs, row, row)
    with store.read() as connection:
        assert connection.execute(select(runs)).all() == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "write sqlite:///runs/rotor.db or postgresql"),
        ("mysql://host/x", "mysql is not supported"),
    ],
)
def test_what_is_no_database_is_refused(url, words):
    """Named, with what would be right."""
    with pytest.raises(BadInputError, match=words):
        Store(url)


def test_an_unreachable_server_is_told_without_its_password():
    """Nobody listens there: a StoreError, and no secret in it."""
    with pytest.raises(StoreError) as error:
        Store("postgresql://ann:secret@127.0.0.1:1/rotor")
    assert "secret" not in str(error.value)
    assert "check [database] url" in str(error.value)


def test_a_damaged_file_is_told(tmp_path):
    """With what to do about it."""
    path = tmp_path / "rotor.db"
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError, match="move the file away, then: rotor rebuild"):
        Store(f"sqlite:///{path}")


def test_a_locked_file_is_told_after_the_wait(tmp_path):
    """Another writer holds it: a StoreError, and later everything works."""
    path = tmp_path / "rotor.db"
    store = Store(f"sqlite:///{path}", busy_ms=50)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds it"):
            write(store, None)
        other.execute("ROLLBACK")
    with store.write() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    store.close()
