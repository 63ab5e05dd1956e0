"""`rotor rehearse`: a whole live day on a local exchange, which runs as a child.

KEY INPUT: a source of bars, a date, a pace.
KEY OUTPUT: the exchange started, `rotor live` run on it, the exchange ended; an exit code.
"""

import ctypes
import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from engine.errors import BadInputError, RotorError
from tui.exchange_control import control_state, control_tell
from tui.live import run_live
from tui.live_folder import held
from tui.live_screen import run_session
from tui.live_session import LiveRequest
from tui.options import Look
from tui.prepare import demo_folder

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearseRequest:
    """What the user asked for."""

    source: Path | None = None
    date: str | None = None
    symbols: str | None = None
    speed: str = "60"
    faults: str | None = None
    config: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    out: Path | None = None
    overwrite: bool = False
    commands: tuple[str, ...] = ()
    json: bool = False
    screen: Look | None = None
    """How it is drawn; None: there is none."""


def rehearse_command(request: RehearseRequest) -> int:
    """Run `rotor rehearse`; return the exit code."""
    pace = _pace(request.speed)
    source, out = request.source or demo_folder(), _out(request)
    with exchange(request, source, pace) as url:
        lockstep = pace == ["--pace", "lockstep"]
        if not lockstep:
            control_tell(url, "pause")
        live = LiveRequest(
            endpoint=url,
            symbols=request.symbols or ",".join(control_state(url)["symbols"]),
            source=source,
            config=request.config,
            profile=request.profile,
            sets=request.sets,
            out=out,
            hold="always",
            commands=request.commands,
            overwrite=request.overwrite,
            json=request.json,
        )
        # warming up takes none of the session's time
        begun = (lambda: None) if lockstep else partial(control_tell, url, "resume")
        return run_session(partial(run_live, live, begun), screen=request.screen)


@contextmanager
def exchange(request: RehearseRequest, source: Path, pace: list[str]) -> Iterator[str]:
    """Run an exchange for as long as the body runs; yield its URL."""
    options = ["--port", "0", "--json", *pace]
    for name, value in (
        ("--date", request.date), ("--symbols", request.symbols), ("--faults", request.faults),
        ("--config", request.config), ("--profile", request.profile),
    ):  # fmt: skip
        options += [name, str(value)] if value is not None else []
    for item in request.sets:
        options += ["--set", item]
    command = [sys.executable, "-m", "tui.cli", "exchange", str(source), *options]
    child = subprocess.Popen(  # noqa: S603 - ourselves
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_die_with_parent  # noqa: PLW1509
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        line = child.stdout.readline()
        if not line:
            words = child.stderr.read().decode(errors="replace").strip()
            kind = BadInputError if child.wait() == 2 else RotorError
            raise kind(words.removeprefix("rotor: ") or "the exchange did not start")
        yield orjson.loads(line)["url"]
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _pace(speed: str) -> list[str]:
    if speed == "max":
        return ["--pace", "lockstep"]
    try:
        number = float(speed)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise BadInputError(f"--speed {speed}: a positive number, 1 is real time, or max")
    return ["--speed", speed]


def _out(request: RehearseRequest) -> Path | None:
    if request.out is None:
        stamp = f"rehearsal-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}"
        return Path("runs", stamp)
    if held(request.out) and not request.overwrite:
        raise BadInputError(f"{request.out}: holds a run; choose another --out, or --overwrite")
    return request.out


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
