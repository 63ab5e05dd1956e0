"""Which sessions of this user run on this machine: their sockets, their locks, who holds them.

KEY INPUT: the user, or $ROTOR_RUNTIME_DIR; a run folder.
KEY OUTPUT: one folder, whatever started the process; a Presence for every session that lives.

A session holds the lock on its record (flock) for as long as its process lives: one that was killed
leaves no claim behind, and one that is busy or stopped is not taken for dead.
"""

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import pwd
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from engine.errors import BadInputError
from engine.records.overrides import Kind as Kind

Json = dict[str, Any]
VARIABLE = "ROTOR_RUNTIME_DIR"
MOST_BYTES = 107
"""Of a Unix socket's path."""
_NAME_BYTES = len("/0123456789abcdef.sock")
_ATTEMPTS, _PAUSE_SECONDS = 10, 0.02
"""Another process that only looks at a lock holds it for a moment, and must not refuse us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A session that runs, as it announced itself."""

    session: str = "unnamed"
    kind: str = "unknown"
    run_dir: str = ""
    account: str = ""
    cwd: str = ""
    """Where it was started."""
    pid: int = 0
    since: str = ""
    """ISO 8601, UTC."""

    def told(self) -> Json:
        """Return what every reply of the session says about it."""
        return {"session": self.session, "account_kind": self.kind, "run_dir": self.run_dir}


class HeldError(BadInputError):
    """Another process holds the lock."""

    def __init__(self, holder: Json) -> None:
        super().__init__(f"held by process {holder.get('pid', 'unknown')}")
        self.holder = holder


def runtime_folder() -> Path:
    """Return the user's folder of locks and sockets, made if need be.

    It is the same for a login shell, cron, sudo -u and a service, since it hangs on the user alone.
    Raises BadInputError if it cannot be made, is not the user's, or is open to others.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else folder_of(os.getuid())
    if not folder.is_absolute():
        raise BadInputError(f"{VARIABLE} {folder}: must be an absolute path")
    if _socket_bytes(folder) > MOST_BYTES:
        raise BadInputError(f"{folder}: too long for a socket's path; name another in {VARIABLE}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BadInputError(_unfit(folder, error)) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise BadInputError(f"{folder}: must be a folder of yours that nobody else may open")
    return folder


def folder_of(user: int) -> Path:
    """Return the folder in a user's home, or in /tmp where there is none or its path is long.

    Raises BadInputError where the home cannot be looked at (a service with ProtectHome=).
    """
    elsewhere = Path("/tmp", f"rotor-{user}")  # noqa: S108 - checked to be the user's own
    try:
        home = Path(pwd.getpwuid(user).pw_dir)
        folder = home / ".local/state/rotor/run"
        usable = home.stat().st_uid == user and _socket_bytes(folder) <= MOST_BYTES
    except (KeyError, FileNotFoundError, NotADirectoryError):
        return elsewhere
    except OSError as error:
        raise BadInputError(_unfit(home, error)) from None
    return folder if usable else elsewhere


def _unfit(folder: Path, error: OSError) -> str:
    return (
        f"{folder}: the locks and sockets of sessions cannot lie there ({error.strerror}); set "
        f"{VARIABLE} to a folder of yours, the same wherever Rotor is started or asked"
    )


def _socket_bytes(folder: Path) -> int:
    return len(os.fsencode(folder)) + _NAME_BYTES


def socket_path(run_folder: Path) -> Path:
    """Return where the session of a run folder listens."""
    name = hashlib.sha256(os.fsencode(run_folder.resolve())).hexdigest()[:16]
    return runtime_folder() / f"{name}.sock"


def record_of(socket: Path) -> Path:
    """Return the record that belongs to a socket."""
    return socket.with_suffix(".session")


@contextlib.contextmanager
def announced(run_folder: Path, kind: Kind, account: str) -> Iterator[Presence]:
    """Announce this process as the session of a run folder for as long as the body runs.

    Raises BadInputError if another process is.
    """
    presence = Presence(
        session=run_folder.resolve().name,
        kind=kind,
        run_dir=str(run_folder.resolve()),
        account=account,
        cwd=working_folder(),
        pid=os.getpid(),
        since=now(),
    )
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(record_of(socket_path(run_folder)), asdict(presence)))
        except HeldError as taken:
            pid = taken.holder.get("pid", "unknown")
            raise BadInputError(
                f"{run_folder}: a session runs there already (process {pid})"
            ) from None
        yield presence


def living() -> dict[Path, Presence]:
    """Return every session whose process lives, by its socket, busy ones too."""
    found = {}
    for record in sorted(runtime_folder().glob("*.session")):
        held = holder(record)
        if held is not None:
            found[record.with_suffix(".sock")] = presence_of(held)
    return found


def presence_of(held: Json) -> Presence:
    """Return a Presence as far as a record tells."""
    known: Json = {
        field.name: held[field.name]
        for field in fields(Presence)
        if type(held.get(field.name)) is type(field.default)
    }
    return Presence(**known)


@contextlib.contextmanager
def locked(path: Path, record: Json) -> Iterator[None]:
    """Hold a lock file, with a record in it of who does, for as long as the body runs.

    Raises HeldError if another process holds it. The file is gone afterwards.
    """
    at = _taken(path)
    try:
        os.ftruncate(at, 0)
        os.pwrite(at, orjson.dumps(record), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(at)


def _taken(path: Path) -> int:
    """Return the open and locked file that is at the path."""
    for left in reversed(range(_ATTEMPTS)):
        at = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _lies_at(path, at):
                return at  # else its last holder removed it meanwhile
            os.close(at)
        except BlockingIOError:
            record = _read(at)
            os.close(at)
            if not left:
                raise HeldError(record) from None
            time.sleep(_PAUSE_SECONDS)
        except OSError as error:
            os.close(at)
            raise BadInputError(_unfit(path, error)) from None
    raise HeldError({})


def _lies_at(path: Path, at: int) -> bool:
    try:
        return os.path.samestat(os.fstat(at), path.lstat())
    except FileNotFoundError:
        return False


def holder(path: Path) -> Json | None:
    """Return the record of the process that holds a lock file, {} if unreadable; None if none."""
    try:
        at = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(at, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(at)
    except OSError:
        return None
    finally:
        os.close(at)
    return None


def _read(at: int) -> Json:
    try:
        found = orjson.loads(os.pread(at, 65_536, 0))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def working_folder() -> str:
    """Return where this process was started; empty if that folder is gone."""
    try:
        return str(Path.cwd().resolve())
    except FileNotFoundError:
        return ""


def now() -> str:
    """Return the wall's time as records have it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
