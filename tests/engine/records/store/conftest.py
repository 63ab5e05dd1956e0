"""Stores for tests: on SQLite, or on SQLite and PostgreSQL where a test says `@on_both`.

Both run what the databases do differently: the schema and its migrations, the types of columns,
locks, sums, views, and following a journal in pieces. All else is the same SQL by SQLAlchemy and
runs on SQLite alone.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from engine.records.store.database import Store
from tests.engine.records.store.folders import write_run


@pytest.fixture(scope="session")
def postgres():
    """A cluster of this test process's own, on loopback; skipped where there is no PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    home = Path(tempfile.mkdtemp(prefix="rotor-pg-", dir="/tmp"))
    home.chmod(0o755)
    data, log = home / "data", home / "log"
    data.mkdir()
    port = _free_port()
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {home} -c fsync=off"
    # initdb refuses root
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    if user is not None:
        for path in (home, data):
            os.chown(path, user.pw_uid, user.pw_gid)

    def server(*words):
        subprocess.run(
            [str(found[-1].parent / words[0]), *words[1:]], check=True, capture_output=True,
            timeout=60, cwd=home, user=user and user.pw_uid, group=user and user.pw_gid,
            extra_groups=[] if user else None,
        )  # fmt: skip

    try:
        server("initdb", "-D", data, "-U", "rotor", "-A", "trust", "-N", "-E", "UTF8",
               "--locale=C.UTF-8")  # fmt: skip
        server("pg_ctl", "-w", "-D", data, "-o", options, "-l", log, "start")
    except subprocess.CalledProcessError as error:
        shutil.rmtree(home)
        pytest.skip(f"PostgreSQL cannot be started here: {error.stderr.decode()[-200:]}")
    yield f"postgresql://rotor@127.0.0.1:{port}"
    server("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """The file of a database that holds nothing yet, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "rotor.db"
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def url(request, tmp_path):
    """Yield the URL of an empty database: SQLite's unless the test says `@on_both`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copy(request.getfixturevalue("empty"), tmp_path / "rotor.db")
        yield f"sqlite:///{tmp_path}/rotor.db"
        return
    import psycopg

    cluster = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{cluster}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(url):
    """Yield an open store."""
    with Store(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished replay of two sessions: stops, targets, commands. To be copied, not changed."""
    return write_run(tmp_path_factory.mktemp("runs") / "one", sessions=2)


@pytest.fixture(scope="session")
def approving(tmp_path_factory):
    """A replay with an inbox."""
    return write_run(tmp_path_factory.mktemp("runs") / "two", "inbox.mode=approve", sessions=2)


@pytest.fixture(scope="session")
def thin(tmp_path_factory):
    """A replay in which orders fill in part, legs are replaced and entries wait for exits."""
    return write_run(
        tmp_path_factory.mktemp("runs") / "three", "simulation.participation_pct=0.02",
        "risk.stop_loss_pct=1.5", "risk.take_profit_pct=0.6", "risk.trailing_stop_pct=1.5",
        "rotation.max_hold_minutes=45", "rotation.min_hold_minutes=40",
        sessions=2,
    )  # fmt: skip


@pytest.fixture(scope="session")
def patient(tmp_path_factory):
    """A replay that holds until the session ends."""
    return write_run(
        tmp_path_factory.mktemp("runs") / "four", "risk.stop_loss_pct=20",
        "risk.take_profit_pct=20", "risk.trailing_stop_pct=20", "rotation.max_hold_minutes=390",
        "rotation.min_hold_minutes=385", sessions=2,
    )  # fmt: skip


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
