"""`rotor live` and `rotor rehearse`; the work is imported late."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tui.options import AS_USUAL, ConfigFile, Faults, Flag, Json, Looks, Profile, Sets, Symbols

Command = Annotated[
    tuple[str, ...],
    Parameter(negative="", help='"2025-07-03T11:30 liquidate all"; what an operator would say.'),
]
Out = Annotated[Path | None, Parameter(help="The run folder. Default: a new one in runs_dir.")]


def live(
    *,
    endpoint: str | None = None,
    symbols: Symbols = None,
    config: ConfigFile = None,
    profile: Profile = None,
    sets: Sets = (),
    out: Out = None,
    hold: Literal["never", "close", "always"] = "never",
    live_: Annotated[bool, Parameter(name="--live", negative="")] = False,
    watchdog: Annotated[bool, Flag] = False,
    watchdog_after: Annotated[float, Parameter(show=False)] = 90.0,
    headless: Annotated[bool, Flag] = False,
    look: Looks = AS_USUAL,
    command: Command = (),
    json: Json = False,
) -> int:
    """Trade a session on an Alpaca account, paper money; waits for the bell, ends flat.

    Keys come from APCA_API_KEY_ID and APCA_API_SECRET_KEY, or .env. Killed at any moment, it goes
    on where it was when it is started again. Commands: rotor status, liquidate, halt, resume.

    Parameters
    ----------
    endpoint
        A local exchange instead of Alpaca, such as http://127.0.0.1:8090 (rotor exchange).
    out
        The run folder; one of this session is taken up again. Default: runs/live-DATE-ACCOUNT.
    hold
        On a local exchange: when its time stands while this session is down; close: only in the
        last 5 minutes.
    live_
        Real money. Refused unless [live] account is the account's number and rotor doctor --live
        finds nothing bad. A watchdog stands by.
    watchdog
        A process that makes the account flat when this one has been silent for 90 seconds.
    headless
        Without a screen, as where there is no terminal; rotor attach shows it elsewhere.
    """
    from tui.live import live_command
    from tui.live_screen import has_terminal
    from tui.live_session import LiveRequest

    return live_command(
        LiveRequest(
            endpoint=endpoint, symbols=symbols, config=config, profile=profile, sets=sets,
            out=out, hold=hold, real=live_, watchdog=watchdog, watchdog_after=watchdog_after,
            commands=command, json=json,
            screen=look if has_terminal() and not (headless or json) else None,
        )
    )  # fmt: skip


def doctor(
    *,
    endpoint: str | None = None,
    live_: Annotated[bool, Parameter(name="--live", negative="")] = False,
    symbols: Symbols = None,
    orders: Annotated[bool, Flag] = False,
    yes: Annotated[bool, Flag] = False,
    out: Annotated[Path | None, Parameter(help="Where --orders writes what differs.")] = None,
    config: ConfigFile = None,
    profile: Profile = None,
    sets: Sets = (),
    json: Json = False,
) -> int:
    """Check everything that a live session needs, and say what to do; changes nothing.

    Keys, account, margin, clock, calendar, data feed, symbols; configuration, database, disk,
    locks, alerts, versions; sockets of killed sessions are removed. Exit code 1 if one is bad.

    With --orders it also sends orders of one share on the paper account, after asking: a limit far
    from the market, moved and cancelled; one share bought, with stop and target, one of them moved
    and cancelled; the share sold again. Every answer and event is compared with what our exchange
    says in the same place. What differs goes into a file without keys and account number: send it,
    and the rehearsals become truer. It needs an open market, about a minute, and a symbol that the
    account does not hold. Exit code 1 if a step failed or the account is not as it was; differences
    alone are 0.

    Example: rotor doctor --orders --symbols TQQQ

    Parameters
    ----------
    endpoint
        A local exchange instead of Alpaca, such as http://127.0.0.1:8090 (rotor exchange).
    live_
        The account with real money, not the one of paper.
    orders
        Send orders of one share, on paper only; the first of --symbols.
    yes
        Do not ask before --orders sends them.
    """
    from tui.doctor import DoctorRequest, doctor_command

    return doctor_command(
        DoctorRequest(
            endpoint=endpoint, real=live_, symbols=symbols, config=config, profile=profile,
            sets=sets, json=json, orders=orders, yes=yes, out=out,
        )
    )  # fmt: skip


def rehearse(
    source: Path | None = None,
    /,
    *,
    date: str | None = None,
    symbols: Symbols = None,
    speed: str = "60",
    faults: Faults = None,
    config: ConfigFile = None,
    profile: Profile = None,
    sets: Sets = (),
    out: Out = None,
    overwrite: Annotated[bool, Flag] = False,
    headless: Annotated[bool, Flag] = False,
    look: Looks = AS_USUAL,
    command: Command = (),
    json: Json = False,
) -> int:
    """Trade a recorded day live: the whole stack, alpaca-py included, on a local exchange.

    No keys are needed. The exchange speaks Alpaca's protocols and fills as the simulator does, so
    that the decisions are those of a replay; the report at the end says whether they were.

    Example: rotor rehearse --speed 120

    Parameters
    ----------
    source
        Folder or file of bars (.csv, .csv.gz, .parquet). Default: the bundled demo. Sessions before
        --date warm the learners.
    date
        The New York session date. Default: the last one that the source has.
    speed
        Session minutes per minute of real time, or max: as fast as both sides can.
    out
        The run folder. Default: a new one in runs/.
    overwrite
        Replace the run that --out holds.
    headless
        Without a screen, as where there is no terminal; rotor attach shows it elsewhere.
    """
    from tui.live_screen import has_terminal
    from tui.rehearse import RehearseRequest, rehearse_command

    return rehearse_command(
        RehearseRequest(
            source=source, date=date, symbols=symbols, speed=speed, faults=faults, config=config,
            profile=profile, sets=sets, out=out, overwrite=overwrite, commands=command, json=json,
            screen=look if has_terminal() and not (headless or json) else None,
        )
    )  # fmt: skip
