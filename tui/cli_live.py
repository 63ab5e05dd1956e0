"""`rotor live` and `rotor rehearse`; the work is imported late."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tui.options import ConfigFile, Json, Sets, Symbols

Out = Annotated[Path | None, Parameter(help="The run folder. Default: a new one in runs_dir.")]


def live(
    *,
    endpoint: str | None = None,
    symbols: Symbols = None,
    config: ConfigFile = None,
    sets: Sets = (),
    out: Out = None,
    hold: Literal["never", "close", "always"] = "never",
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
    """
    from tui.live import LiveRequest, live_command

    return live_command(
        LiveRequest(
            endpoint=endpoint, symbols=symbols, config=config, sets=sets, out=out, hold=hold,
            json=json,
        )
    )  # fmt: skip
