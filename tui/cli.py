"""The command line: what each command takes and what it teaches; the work is imported late.

`rotor --help` loads neither textual, pandas nor numba.
"""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from tui import cli_config, cli_exchange, cli_inbox, cli_live, cli_records, cli_risk, cli_session
from tui.cli_fetch import fetch
from tui.cli_web import web
from tui.options import AS_USUAL, ConfigFile, Flag, From, Looks, Profile, Sets, Symbols, To

DONE, FAILED, BAD_INPUT = 0, 1, 2
"""Exit codes."""
PRIVATE = 0o077
"""The umask: what Rotor writes is its user's alone, from its creation on."""
UNREAD = 141
"""Whoever read our output went away: what a shell says of a program that SIGPIPE ended."""

app = App(
    name="rotor",
    suppress_keyboard_interrupt=False,
    help="""Rotor: an intraday rotation trader for the terminal.

    Each symbol's predictor learns online, bar by bar; the strongest few are held, and the book is
    flat before the close. Start with `rotor replay`: it trades the bundled, generated demo.

    Exit codes: 0 done, 1 failed or interrupted, 2 usage or bad input.""",
    version=lambda: version("rotor"),
    version_flags=["--version"],
)


@app.command
def replay(
    source: Path | None = None,
    /,
    *,
    symbols: Symbols = None,
    first: From = None,
    last: To = None,
    config: ConfigFile = None,
    profile: Profile = None,
    sets: Sets = (),
    out: Path | None = None,
    overwrite: Annotated[bool, Flag] = False,
    block: int = 390,
    no_scan: Annotated[bool, Flag] = False,
    journal: Literal["full", "trades", "none"] | None = None,
    compare: Annotated[bool, Flag] = False,
    lenient: Annotated[bool, Flag] = False,
    command: Annotated[tuple[str, ...], Flag] = (),
    speed: float | None = None,
    tui: Annotated[bool, Flag] = False,
    look: Looks = AS_USUAL,
    json: Annotated[bool, Flag] = False,
) -> int:
    """Trade recorded one-minute bars through the whole actor tree, and say what came of it.

    Example: rotor replay ../bars --symbols TQQQ,SQQQ --from 2025-07-01 --json

    Parameters
    ----------
    source
        Folder or file of bars (.csv, .csv.gz, .parquet), or the folder of a run. Default: the
        bundled demo. Sessions before --from warm the learners.
    out
        The run folder itself. Default: a new one below [records] runs_dir.
    overwrite
        Replace the run that --out holds.
    block
        Frames per block. Changes speed only, never a decision.
    no_scan
        Decide every frame, also those in which no rule can act. Same journal, slower.
    journal
        full: every signal and position; trades: decisions and fills; none. Default: [records].
    compare
        Also run the same bars with the earned-slope gate off, and the baselines.
    lenient
        Drop and count bad rows instead of refusing the file.
    command
        "2025-07-02T14:30 liquidate all": what an operator says at a moment, New York time unless it
        carries an offset. Verbs: liquidate all|SYMBOL, halt [WHY], resume, acknowledge SYMBOL,
        approve|dismiss|snooze SYMBOL. Repeatable.
    speed
        Minutes replayed per minute of real time: 1, 60, … Opens a control socket, so that
        rotor status, positions, liquidate, halt and resume can be used on it from elsewhere.
    tui
        In the cockpit: pause, step, faster, slower, go to a time (?: all keys). Of a finished run
        (its folder as source) every minute can be looked at, forwards and backwards.
    json
        Print one JSON object to stdout and nothing else.
    """
    from tui.prepare import Request
    from tui.replay import replay_command

    return replay_command(
        Request(
            source=source, symbols=symbols, first=first, last=last, config=config,
            profile=profile, sets=sets, out=out, overwrite=overwrite, block=block,
            scan=not no_scan, journal=journal, compare=compare, lenient=lenient, commands=command,
            speed=speed, tui=look if tui else None, json=json,
        )
    )  # fmt: skip


@app.command
def check(
    predictor: str,
    source: Path | None = None,
    /,
    *,
    config: ConfigFile = None,
    sets: Sets = (),
    json: Annotated[bool, Flag] = False,
) -> int:
    """Check a predictor: what it hands on, look-ahead, determinism, block sizes, restarts.

    A line for each check, and what to do where one fails; then exit code 1.

    Parameters
    ----------
    predictor
        ewrls, momentum, random, zero, or module.Class, also of a module in the current folder.
    source
        Bars to look for look-ahead on, as for `rotor replay`: its first sessions.
    json
        Print one JSON object to stdout and nothing else.
    """
    from tui.check import check_command
    from tui.prepare import Request

    return check_command(predictor, Request(source=source, config=config, sets=sets, json=json))


new = App(name="new", help="Write a file to start from.")
app.command(new)


@new.command(name="predictor")
def new_predictor(name: str, /) -> int:
    """Write NAME.py, a working predictor with comments, and test_NAME.py into this folder.

    Parameters
    ----------
    name
        A module name, such as my_predictor.
    """
    from tui.new import new_predictor_command

    return new_predictor_command(name)


@app.command
def audit(
    source: Path | None = None,
    /,
    *,
    symbols: Symbols = None,
    first: From = None,
    last: To = None,
    config: ConfigFile = None,
    profile: Profile = None,
    sets: Sets = (),
    points: int = 5,
    lenient: Annotated[bool, Flag] = False,
    json: Annotated[bool, Flag] = False,
) -> int:
    """Prove on your own bars that nothing looks ahead and nothing depends on the block size.

    Every bar after a moment t is replaced by noise, for several t: no record up to t may change.
    Then the same bars in blocks of 1, 7 and 390 frames, with and without the scan: one journal.

    Parameters
    ----------
    source
        As for `rotor replay`; take a few sessions: each is replayed many times.
    points
        How many moments t.
    lenient
        Drop and count bad rows instead of refusing the file.
    json
        Print one JSON object to stdout and nothing else.
    """
    from tui.audit import audit_command
    from tui.prepare import Request

    request = Request(
        source=source, symbols=symbols, first=first, last=last, config=config,
        profile=profile, sets=sets, lenient=lenient, json=json,
    )  # fmt: skip
    return audit_command(request, points)


@app.command
def synth(
    out: Path,
    /,
    *,
    symbols: Symbols = None,
    first: Annotated[str, Parameter(name="--from")] = "2025-04-01",
    sessions: int = 20,
    seed: int = 1,
    signal: float = 0.0,
    overwrite: Annotated[bool, Flag] = False,
    json: Annotated[bool, Flag] = False,
) -> int:
    """Generate one-minute bars of leveraged and inverse ETFs, with or without something to find.

    Parameters
    ----------
    out
        The Parquet file to write, such as bars.parquet.
    symbols
        Comma-separated; default the six of the universe. S001,S002,… are made-up names.
    first
        The first New York session date.
    sessions
        How many sessions of the exchange's calendar.
    seed
        The same seed gives the same bars.
    signal
        How much predictability is planted, 0 to 4: 0 is none, 1 a correlation of about 0.1 with the
        market's next 30 minutes.
    overwrite
        Replace the file if it exists.
    json
        Print one JSON object to stdout and nothing else.
    """
    from tui.synth import synth_command

    return synth_command(
        out, symbols, first, sessions, seed, signal, overwrite=overwrite, json=json
    )


app.command(fetch)
app.command(cli_config.app)
app.command(cli_risk.app)
app.command(cli_inbox.app)
app.command(cli_records.runs)
app.command(cli_records.analytics)
app.command(cli_records.signals)
for command in (
    cli_live.live,
    cli_live.doctor,
    cli_live.rehearse,
    cli_exchange.exchange,
    cli_session.attach,
    cli_session.status,
    cli_session.positions,
    cli_session.liquidate,
    cli_session.halt,
    cli_session.resume,
    cli_session.acknowledge,
    cli_session.reload,
    web,
    cli_inbox.approve,
    cli_records.portfolio,
    cli_records.rebuild,
    cli_records.verify,
    cli_records.explain,
):
    app.command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    _soften_output()
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    before = os.umask(PRIVATE)
    try:
        return _run(tokens)
    finally:
        os.umask(before)


def _run(tokens: list[str]) -> int:
    from engine.errors import BadInputError, RotorError

    try:
        code = app(tokens, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError:
        return BAD_INPUT  # cyclopts has said what is wrong
    except BadInputError as error:
        return _say(str(error), BAD_INPUT)
    except BrokenPipeError:
        return _unread()
    except (RotorError, OSError) as error:
        return _say(str(error), FAILED)
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # so rich ends
            return _unread()
        raise
    except KeyboardInterrupt:
        return _say("interrupted", FAILED)
    return code if isinstance(code, int) else DONE


def _soften_output() -> None:
    """Never fail for want of an output, or of a letter in its encoding."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - closed at exit
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _unread() -> int:
    """Say nothing, neither now nor when Python closes its streams."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD


def _say(message: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"rotor: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
