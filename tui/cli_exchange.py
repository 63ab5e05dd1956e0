"""`rotor exchange`; the work is imported late."""

from pathlib import Path
from typing import Annotated, Literal

from tui.options import ConfigFile, Faults, Flag, Json, Profile, Sets, Symbols


def exchange(
    source: Path | None = None,
    /,
    *,
    symbols: Symbols = None,
    date: str | None = None,
    port: int = 8090,
    pace: Literal["lockstep"] | None = None,
    speed: float | None = None,
    faults: Faults = None,
    config: ConfigFile = None,
    profile: Profile = None,
    sets: Sets = (),
    lenient: Annotated[bool, Flag] = False,
    json: Json = False,
) -> int:
    """Run a local exchange that speaks Alpaca's protocols, fed by a recorded session.

    Anything that trades on Alpaca can trade on it: point its URLs here and give it any key pair;
    every pair is an account of its own. Session time starts 5 minutes before the bell. Ctrl-C ends
    it.

    Example: rotor exchange --date 2025-07-10 --speed 60

    Parameters
    ----------
    source
        Folder or file of bars (.csv, .csv.gz, .parquet). Default: the bundled demo. Sessions before
        --date answer historical requests.
    date
        The New York session date. Default: the last one that the source has.
    port
        On 127.0.0.1; 0 picks a free one.
    pace
        lockstep: session time jumps as soon as every client is quiet, and never before.
    speed
        Session minutes per minute of real time. Default: 1.
    lenient
        Drop and count bad rows instead of refusing the file.
    """
    from tui.exchange import ExchangeRequest, exchange_command

    return exchange_command(
        ExchangeRequest(
            source=source, symbols=symbols, date=date, port=port, pace=pace, speed=speed,
            faults=faults, config=config, profile=profile, sets=sets, lenient=lenient, json=json,
        )
    )  # fmt: skip
