"""`rotor status | positions | liquidate | halt | resume`; the work is imported late."""

from typing import Annotated

from cyclopts import Parameter

from tui.options import Json

Session = Annotated[
    str | None,
    Parameter(help="Run id or run folder. Default: the only session that runs."),
]
Timeout = Annotated[float, Parameter(help="Seconds to wait until it has taken effect.")]


def status(*, session: Session = None, json: Json = False) -> int:
    """Show how a running session stands: mode, equity, what blocks entries."""
    from tui.session import show

    return show("status", session, json=json)


def positions(*, session: Session = None, json: Json = False) -> int:
    """Show a running session's open positions with their stops and targets."""
    from tui.session import show

    return show("positions", session, json=json)


def liquidate(
    what: str, /, *, session: Session = None, timeout: Timeout = 150.0, json: Json = False
) -> int:
    """Sell a symbol, or all, in a running session, and wait until it is flat.

    After `rotor liquidate all` nothing is entered until `rotor resume`; after one symbol, that
    symbol is barred for its cooldown. Exit code 1 if it could not be seen flat in time.

    Parameters
    ----------
    what
        A symbol, or all.
    """
    from tui.session import tell

    symbol = None if what.lower() == "all" else what.upper()
    request = {"verb": "liquidate", "symbol": symbol}
    return tell(request, session, timeout, json=json)


def halt(
    why: str = "", /, *, session: Session = None, timeout: Timeout = 150.0, json: Json = False
) -> int:
    """Stop new entries in a running session until `rotor resume`; exits go on.

    Parameters
    ----------
    why
        The reason, for the journal.
    """
    from tui.session import tell

    return tell({"verb": "halt", "reason": why}, session, timeout, json=json)


def resume(*, session: Session = None, timeout: Timeout = 150.0, json: Json = False) -> int:
    """Lift a halt, trade again after `liquidate all`, re-arm breakers that wait for a hand."""
    from tui.session import tell

    return tell({"verb": "resume"}, session, timeout, json=json)
