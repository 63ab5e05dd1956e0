"""What the doctor asks of the sessions that run here: do they answer, who holds which account.

KEY INPUT: the user's folder of locks and sockets.
KEY OUTPUT: Findings. Sockets that killed sessions left behind are removed; nothing else is changed.
"""

import socket
from collections.abc import Iterator
from errno import ECONNREFUSED
from pathlib import Path

from actors.presence import VARIABLE, HeldError, holder, living, locked, record_of, runtime_folder
from engine.errors import BadInputError
from tui.find_session import BusyError, GoneError
from tui.findings import Finding, bad, ok, warning
from tui.session import ask

PATIENCE_SECONDS = 1.0


def locks() -> Iterator[Finding]:
    """Say which sessions run here, which are busy, and what killed ones had left behind."""
    try:
        folder = runtime_folder()
    except BadInputError as error:
        yield bad("locks", str(error), f"remove it, or set {VARIABLE} to a folder of yours")
        return
    removed = list(_removed(folder))
    if removed:
        yield ok("locks", f"sockets of killed sessions, now removed: {', '.join(removed)}")
    found = [*_busy(), *_held(folder)]
    yield from found
    if not removed and not found:
        yield ok("locks", f"no session holds an account, nothing was left behind in {folder}")


def _removed(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.sock")):
        try:
            with locked(record_of(path), {}):
                if _refuses(path):
                    path.unlink(missing_ok=True)
                    yield path.name
        except HeldError:
            continue


def _refuses(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PATIENCE_SECONDS)
        return probe.connect_ex(str(path)) == ECONNREFUSED


def _busy() -> Iterator[Finding]:
    for path in living():
        try:
            ask(path, {"verb": "status"}, PATIENCE_SECONDS)
        except BusyError as busy:
            todo = "wait, or look at that process: it trades, and its socket is not to be removed"
            yield warning("locks", str(busy), todo)
        except GoneError:
            continue


def _held(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob("account-*.lock")):
        held = holder(path)
        if held is not None:
            account = path.stem.split("-")[1]
            where = f" ({held['run_dir']}, process {held['pid']})" if "run_dir" in held else ""
            todo = "rotor status shows it; a second session on its account is refused"
            yield warning("locks", f"a session trades now on account {account}{where}", todo)
