"""`rotor attach | status | positions | liquidate | halt | …`; the work is imported late."""

from typing import Annotated

from cyclopts import Parameter

from tui.options import AS_USUAL, Flag, Json, Looks

HELP = "Run id or run folder. Default: the only session started in this folder."
Session = Annotated[str | None, Parameter(help=f"{HELP[:-1]}, else the only one that runs.")]
Ours = Annotated[str | None, Parameter(help=HELP)]
Timeout = Annotated[float, Parameter(help="Seconds to wait until it has taken effect.")]


def status(*, session: Session = None, json: Json = False) -> int:
    """Show how a running session stands: mode, equity, what blocks entries."""
    from tui.session import show

    return show("status", session, json=json)


def attach(
    session: Annotated[str | None, Parameter(help=HELP)] = None,
    /,
    *,
    readonly: Annotated[bool, Flag] = False,
    look: Looks = AS_USUAL,
) -> int:
    """Show the cockpit of a running session; q leaves it, and the session goes on.

    Several may look at once. One that is closed, killed or loses its connection disturbs nothing.

    Parameters
    ----------
    readonly
        No key changes anything.
    """
    from tui.attach import attach_command

    return attach_command(session, look, readonly=readonly)


def positions(*, session: Session = None, json: Json = False) -> int:
    """Show a running session's open positions with their stops and targets."""
    from tui.session import show

    return show("positions", session, json=json)


def liquidate(
    what: str, /, *, session: Ours = None, timeout: Timeout = 150.0, json: Json = False
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
    why: str = "", /, *, session: Ours = None, timeout: Timeout = 150.0, json: Json = False
) -> int:
    """Stop new entries in a running session until `rotor resume`; exits go on.

    Parameters
    ----------
    why
        The reason, for the journal.
    """
    from tui.session import tell

    return tell({"verb": "halt", "reason": why}, session, timeout, json=json)


def resume(*, session: Ours = None, timeout: Timeout = 150.0, json: Json = False) -> int:
    """Lift a halt, trade again after `liquidate all`, re-arm breakers that wait for a hand."""
    from tui.session import tell

    return tell({"verb": "resume"}, session, timeout, json=json)


def acknowledge(
    symbol: str,
    /,
    *,
    adopt: Annotated[bool, Parameter(negative="")] = False,
    leave: Annotated[bool, Parameter(negative="")] = False,
    session: Ours = None,
    timeout: Timeout = 150.0,
    json: Json = False,
) -> int:
    """Let entries go on beside a position that Rotor did not open (an orphan).

    Nothing is entered in its underlying while it is held. `rotor liquidate SYMBOL` sells it, unless
    it is left. Without --adopt and --leave it stays as it was found: what was bought by hand during
    the session, and all with real money, is left.

    Parameters
    ----------
    symbol
        The orphan's, as `rotor positions` shows it.
    adopt
        Sell it before the close.
    leave
        Never sell it.
    """
    from engine.errors import BadInputError
    from tui.session import tell

    if adopt and leave:
        raise BadInputError("--adopt and --leave: one of the two")
    request = {"verb": "acknowledge", "symbol": symbol.upper()}
    if adopt or leave:
        request["keep"] = "adopt" if adopt else "leave"
    return tell(request, session, timeout, json=json)


def reload(
    *,
    revert: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    session: Ours = None,
    json: Json = False,
) -> int:
    """Read the settings anew in a running live session, from its config.toml and its overrides.

    Its --profile and --set stay. The whole is validated; what differs is shown with when it takes
    effect: live, or with the next entry. A wrong key, one that needs a restart, or one that real
    money refuses, changes nothing (exit code 2). The same happens by itself when a file changes,
    and on SIGHUP.

    Parameters
    ----------
    revert
        Go back to what was in force before the last reload.
    dry_run
        Show what would change.
    """
    from tui.session import reload_settings

    return reload_settings(session, revert=revert, dry=dry_run, json=json)
