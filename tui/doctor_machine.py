"""What the doctor asks of this machine: database, disk, locks and sockets, alerts, versions.

KEY INPUT: a configuration.
KEY OUTPUT: Findings. Nothing is changed: no database is made or migrated, no alert sent; only the
sockets of killed sessions are removed.
"""

import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.config import Config
from engine.errors import BadInputError, StoreError
from engine.records.store.url import without_password
from tui.doctor_sessions import locks
from tui.findings import Finding, bad, ok, warning

LITTLE_MB, TOO_LITTLE_MB = 2_000, 200
ALPACA_PY = "0.44.0"
_SHOWN = ("rotor", "alpaca-py", "trio", "numpy", "numba", "orjson")


def examine_machine(config: Config) -> list[Finding]:
    """Return the findings about this machine."""
    return [
        database(config.database.url),
        disk(Path(config.records.runs_dir)),
        *locks(),
        alerts(config),
        versions(),
    ]


def database(url: str) -> Finding:
    """Say whether the database answers, and whether its tables are of this version."""
    if not url:
        return ok("database", 'none ([database] url = "")')
    from engine.records.store.database import HEAD, Store, known_revisions

    shown = without_password(url)
    file = Path(url.removeprefix("sqlite:///").partition("?")[0])
    if url.startswith("sqlite:///") and not file.exists():
        return _folder("database", file.parent, f"{shown}: will be made by the first run")
    try:
        with Store(url, migrate=False) as store:
            found = store.revision()
    except BadInputError as error:
        return bad("database", str(error), "write another [database] url")
    except StoreError as error:
        return bad("database", str(error), 'or go without: --set database.url=""')
    if found is not None and found not in known_revisions():
        said = f"{shown}: of a newer Rotor (migration {found}; this one knows {HEAD})"
        return bad("database", said, "update rotor, or name another [database] url")
    if found != HEAD:
        at = f"at migration {found}" if found else "empty"
        todo = f"nothing: the next run brings it to {HEAD} (SQLite is copied first)"
        return warning("database", f"{shown}: {at}", todo)
    return ok("database", f"{shown}: answers, migration {HEAD}")


def disk(runs_dir: Path) -> Finding:
    """Say whether runs can be written, and for how long."""
    return _folder("disk", runs_dir, str(runs_dir))


def _folder(check: str, folder: Path, said: str) -> Finding:
    there = next((p for p in (folder, *folder.absolute().parents) if p.exists()), Path("/"))
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            file.write(b"rotor")
            file.flush()
        free = shutil.disk_usage(there).free // 1_000_000
    except OSError as error:
        todo = "give it to this user, or set records.runs_dir and database.url elsewhere"
        return bad(check, f"{said}: {there} cannot be written: {error.strerror}", todo)
    said = f"{said}, {free / 1000:,.1f} GB free"
    if free < TOO_LITTLE_MB:
        return bad(check, said, "make room: a session that cannot write its journal stops")
    if free < LITTLE_MB:
        return warning(check, said, "make room: a session needs up to some hundred MB")
    return ok(check, said)


def alerts(config: Config) -> Finding:
    """Say who is told, and whether the addresses can be read; none is written to."""
    settings = config.alerts
    if not settings.urls:
        said = "the terminal's bell alone" if settings.bell else "nobody is told"
        return ok("alerts", f"{said} ([alerts] urls is empty)")
    from actors.alerts import sender

    try:
        sender(settings)
    except BadInputError as error:
        return bad("alerts", str(error), "mend [alerts] urls")
    kinds = ", ".join(url.partition("://")[0] for url in settings.urls)
    return ok("alerts", f"{len(settings.urls)} addresses ({kinds}): {', '.join(settings.kinds)}")


def versions() -> Finding:
    """Say what runs here, and whether it was tried together."""
    found = {name: _version(name) for name in _SHOWN}
    python = ".".join(str(part) for part in sys.version_info[:3])
    said = ", ".join([f"Python {python}", *(f"{name} {v}" for name, v in found.items())])
    if found["alpaca-py"] != ALPACA_PY:
        todo = f"pip install alpaca-py=={ALPACA_PY}: Rotor works around what that version does"
        return warning("versions", said, todo)
    return ok("versions", said)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
