"""`rotor fetch`; the work is imported late."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tui.options import Json

First = Annotated[str, Parameter(name="--from", help="First New York session date.")]
Last = Annotated[
    str | None,
    Parameter(name="--to", help="Last date, included. Default: the last finished session."),
]


def fetch(
    *symbols: str,
    first: First,
    last: Last = None,
    feed: Literal["iex", "sip"] = "iex",
    out: Path = Path("bars"),
    endpoint: str | None = None,
    json: Json = False,
) -> int:
    """Fetch one-minute bars from Alpaca into Parquet files, which every command takes as SOURCE.

    Month by month: stop it, or start it again later with a longer range, and only what is missing
    is fetched. Prices are as they were traded: a split shows as a jump.

    Example: rotor fetch TQQQ,SQQQ --from 2025-04-01 --to 2025-09-30

    Parameters
    ----------
    symbols
        Such as TQQQ,SQQQ or TQQQ SQQQ.
    feed
        iex is free, and about 2.5% of the volume; sip is everything. They do not mix in a folder.
    out
        The folder of the files, SYMBOL.parquet.
    endpoint
        A local exchange, http://127.0.0.1:PORT, in place of Alpaca.
    """
    from tui.fetch import FetchRequest, fetch_command

    return fetch_command(
        FetchRequest(
            symbols=symbols, first=first, last=last, feed=feed, out=out, endpoint=endpoint,
            json=json,
        )
    )  # fmt: skip
