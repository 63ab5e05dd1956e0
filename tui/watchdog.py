"""The watchdog's process: started beside a session, ended with it, on its own if the session dies.

KEY INPUT: a Duty, given by the session on stdin (it may hold secrets: no file has it, no argument).
KEY OUTPUT: nothing while the heart beats; else a flat account, alerts, watchdog.log, an exit code.

Whether one runs is told by a lock on watchdog.lock in the run folder, which also holds its pid: a
lock goes with its process, so no other process can be taken for it.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import orjson
import trio

from actors.alerts import Alerter, make_alerter, own_terminal
from actors.heartbeat import BEAT_SECONDS, NAME, Heart
from actors.herald import Tell
from actors.watchdog import SILENCE_SECONDS, Exits, Flattener, Say, until_silent
from engine.config import Alerts
from engine.errors import BadInputError, RotorError

LOCK, LOG, ACTED = "watchdog.lock", "watchdog.log", "watchdog.acted"
FLAT, NOT_FLAT, UNFIT = 0, 1, 2
"""Exit codes."""
STARTING_SECONDS = 60.0
ENDING_SECONDS = 5.0
MINDING_SECONDS = 5.0
STANDS = b"watching\n"
_TRIES = 5
_started: list["subprocess.Popen[bytes]"] = []
"""Ours: kept until they have ended, so that their ends are taken note of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a watchdog is to know."""

    folder: str
    account: str
    symbols: tuple[str, ...]
    endpoint: str | None
    real: bool
    alerts: dict[str, object]
    """[alerts], with what is secret in it."""
    silence_seconds: float = SILENCE_SECONDS
    parent: int = 0
    """The trader's process."""
    terminal: str = ""
    """Where its bell rings; empty for nowhere."""


# --- the session's side -------------------------------------------------------------------------


@asynccontextmanager
async def watched(folder: Path, heart: Heart, duty: Duty | None, tell: Tell) -> AsyncIterator[None]:
    """Let the heart beat for as long as the body runs, under a watchdog's eyes if there is a duty.

    One of before is ended first. Ours is not ended here: see `end_watchdog`. Raises BadInputError
    if one of before has acted, RotorError if ours cannot be started.
    """
    await end_watchdog(folder)
    silence = SILENCE_SECONDS if duty is None else duty.silence_seconds
    async with trio.open_nursery() as nursery:
        await nursery.start(heart.beat, folder, min(BEAT_SECONDS, silence / 4))
        if duty is not None:
            nursery.start_soon(_mind, duty, await _start(duty), tell)
        yield
        nursery.cancel_scope.cancel()


async def end_watchdog(folder: Path) -> bool:
    """End the watchdog of a run folder; return whether there was one.

    Raises BadInputError if it has acted: it is left to finish, and the session is over. What the
    journal holds was sold without it; taken up again, it would be sold once more, and so short.
    """
    found = False
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with trio.move_on_after(ENDING_SECONDS):
            while (pid := watching(folder)) is not None and not acted(folder):
                found = True
                if pid:  # it has one as soon as it has signed
                    with suppress(ProcessLookupError):
                        os.kill(pid, signum)
                await trio.sleep(0.05)
            if acted(folder):
                raise BadInputError(
                    f"{folder}: the watchdog has closed this session's positions, so it cannot go "
                    f"on ({folder / LOG}); once it is flat, begin another with a new --out"
                )
            _started[:] = [process for process in _started if process.poll() is None]
            return found
    raise RotorError(f"{folder / LOCK}: the watchdog of before does not end; kill process {pid}")


def acted(folder: Path) -> bool:
    """Return whether the watchdog of a run folder found its trader dead, and acted."""
    return (folder / ACTED).exists()


def watching(folder: Path) -> int | None:
    """Return the process of a run folder's watchdog, 0 before it has signed; None for none."""
    try:
        with (folder / LOCK).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
    except FileNotFoundError:
        pass
    return None


async def _mind(duty: Duty, process: "subprocess.Popen[bytes]", tell: Tell) -> None:
    """Start another if the watchdog dies; the session goes on all the same."""
    told = False
    while True:
        await trio.sleep(MINDING_SECONDS)
        if process.poll() is None:
            told = False
            continue
        died = f"the watchdog died ({process.returncode})"
        try:
            process = await _start(duty)
        except RotorError as error:
            if not told:
                tell("watchdog", f"{died}, nobody watches: {error}")
            told = True
        else:
            tell("watchdog", f"{died}; another stands in its place")


async def _start(duty: Duty) -> "subprocess.Popen[bytes]":
    given = orjson.dumps(asdict(duty) | {"parent": os.getpid(), "terminal": own_terminal()})
    process = await trio.to_thread.run_sync(_spawn, Path(duty.folder) / LOG)
    _started.append(process)
    assert process.stdin is not None
    assert process.stdout is not None
    stands = False
    with process.stdin as stdin, process.stdout as stdout:
        try:
            with suppress(BrokenPipeError), trio.move_on_after(STARTING_SECONDS):
                stdin.write(given)
                stdin.close()
                said = await trio.to_thread.run_sync(stdout.readline, abandon_on_cancel=True)
                stands = said == STANDS
        finally:
            if not stands:  # cancelled, too: nobody would end it
                process.kill()
                process.wait()
    if not stands:
        raise RotorError(f"the watchdog could not be started; {Path(duty.folder) / LOG} says why")
    return process


def _spawn(log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as file:
        # a session of its own: neither Ctrl-C nor a closed terminal ends it
        return subprocess.Popen(
            [sys.executable, "-m", "tui.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
        )


# --- the watchdog's own side --------------------------------------------------------------------


def main() -> int:
    """Run the watchdog; return its exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    given = orjson.loads(sys.stdin.buffer.read())
    duty = Duty(**given | {"symbols": tuple(given["symbols"])})
    with (Path(duty.folder) / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another watchdog watches this run")
            return UNFIT
        _sign(file)
        try:
            return trio.run(_watch, duty)
        except RotorError as error:
            _say(str(error))
            return UNFIT


def _sign(file: IO[str]) -> None:
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


async def _watch(duty: Duty) -> int:
    exits = await _exits(duty)
    alerter = make_alerter(
        Path(duty.folder).name, Alerts.model_validate(duty.alerts), terminal=duty.terminal
    )
    _say(f"watching process {duty.parent}, which trades {', '.join(duty.symbols)}")
    sys.stdout.buffer.write(STANDS)
    sys.stdout.buffer.flush()
    await until_silent(Path(duty.folder, NAME), duty.silence_seconds)
    flat = await act(duty, exits, alerter, _say)
    await trio.to_thread.run_sync(alerter.close)
    return FLAT if flat else NOT_FLAT


async def act(duty: Duty, exits: Exits, alerter: Alerter, say: Say) -> bool:
    """Do what is to be done when the heart has stopped; return whether the account is flat."""
    what = ", ".join(duty.symbols)
    # from here on nobody may end it half-way: a trader that comes back sees the mark, and gives up
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (Path(duty.folder) / ACTED).touch()
    silent = f"the trader's heart has not beaten for {duty.silence_seconds:g} s"
    say(f"{silent}: its orders are cancelled, its positions closed")
    alerter.tell("watchdog", f"{silent}: cancelling all orders and closing all of {what}")
    if os.getppid() == duty.parent:  # it is our parent still: no other process has this number
        say(f"process {duty.parent} hangs: killed, so that it cannot trade against us")
        os.kill(duty.parent, signal.SIGKILL)
    flat = await Flattener(exits, duty.symbols, say).flatten()
    words = (
        f"the broker confirms: no order and no position in {what}"
        if flat
        else f"NOT FLAT: {what} may still be held; see to it at the broker NOW"
    )
    say(words)
    alerter.tell("watchdog", words)
    return flat


async def _exits(duty: Duty) -> Exits:
    """Return the venue, once it has shown the account that is meant; raises RotorError."""
    from actors.venue import Unreachable
    from tui.venues import keys_for, venue_at

    keys = keys_for(duty.endpoint, real=duty.real)
    venue = venue_at(duty.endpoint, keys, real=duty.real)
    for left in reversed(range(_TRIES)):
        try:
            account = await venue.account()
            break
        except Unreachable as error:
            if not left:
                raise RotorError(f"the account cannot be asked for: {error}") from None
        await trio.sleep(1.0)
    if account.number != duty.account:
        raise BadInputError(f"these keys are account {account.number}'s, not {duty.account}'s")
    return venue


def _say(words: str) -> None:
    import datetime as dt

    sys.stderr.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC {words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
