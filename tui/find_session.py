"""Which running session a command is for: the one that is named, or the only one of this folder.

KEY INPUT: --session, the working folder, what runs.
KEY OUTPUT: the path of a session's socket; BadInputError that lists the choice.

A command that changes something never goes to a session of another folder unless it is named: the
only session left may be another account's. A question may go to the only one there is.
"""

import datetime as dt
import getpass
import os
from collections.abc import Iterable
from pathlib import Path

from actors.heartbeat import NAME as HEARTBEAT
from actors.presence import (
    Presence,
    holder,
    living,
    presence_of,
    record_of,
    socket_path,
    working_folder,
)
from engine.errors import BadInputError, ConfigError, RotorError
from tui.prepare import Request, read_config

_NONE = "no session is running; one is started by: rotor replay --speed 60"


def find_session(session: str | None, *, changes: bool = False) -> Path:
    """Return the socket of a session; raises BadInputError if it cannot be told which.

    `changes`: the command is one that changes something.
    """
    running = living()
    if session is not None:
        return _named(session, running)
    if not running:
        raise BadInputError(_NONE)
    here = working_folder()
    ours = [path for path, presence in running.items() if here and presence.cwd == here]
    if len(ours) == 1:
        return ours[0]
    if len(running) == 1 and not changes:
        return next(iter(running))
    why = "several sessions were started here" if ours else "no session was started in this folder"
    raise BadInputError(f"{why}; name one with --session:\n  {_listed(running.values())}")


def _named(session: str, running: dict[Path, Presence]) -> Path:
    runs = _runs_dir()
    for folder in (Path(session), Path(runs, session)):
        if folder.is_dir():
            return socket_path(folder)
    found = [path for path, presence in running.items() if session == presence.session]
    if len(found) == 1:
        return found[0]
    if found:
        listed = _listed(running[path] for path in found)
        raise BadInputError(f"{session}: several are called so; name a folder:\n  {listed}")
    raise BadInputError(f"{session}: no such run folder, here or in {runs}")


def _runs_dir() -> str:
    try:
        return read_config(Request(), Path())[0].records.runs_dir
    except ConfigError:  # whatever is wrong with it, a session is still to be reached
        return "runs"


def _listed(sessions: Iterable[Presence]) -> str:
    return "\n  ".join(
        f"{one.session} ({one.kind}, {one.run_dir}), process {one.pid}, started in {one.cwd}"
        for one in sessions
    )


def who() -> str:
    """Return the user who gives a command, also where no account file names one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def said_of(reply: dict[str, object]) -> str:
    """Return which session a reply is from, in words."""
    return f"{reply['session']} ({reply['account_kind']}, {reply['run_dir']})"


class GoneError(RotorError):
    """No process holds the session: it has ended, or was killed."""


class BusyError(RotorError):
    """The session's process lives, and does not answer."""


def silent(path: Path) -> RotorError:
    """Return why nobody answers at a session's socket."""
    held = holder(record_of(path))
    if held is None:
        return GoneError("this session is not running (no process holds it)")
    one = presence_of(held)
    state = "is stopped (kill -CONT lets it go on)" if _stopped(one.pid) else "is busy"
    return BusyError(
        f"{one.session} ({one.kind}, {one.run_dir}) does not answer: process {one.pid} {state}; "
        f"it runs since {one.since}{_last_beat(one)}"
    )


def _stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] in (["T"], ["t"])


def _last_beat(one: Presence) -> str:
    try:
        beat = Path(one.run_dir, HEARTBEAT).stat().st_mtime
    except OSError:
        return ""
    return f", last beat at {dt.datetime.fromtimestamp(beat, dt.UTC):%H:%M:%S} UTC"
