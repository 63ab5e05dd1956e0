"""`rotor inbox …`: entries that wait for approval; the work is imported late."""

from typing import Annotated

from cyclopts import App, Parameter

from tui.cli_session import Ours, Session, Timeout
from tui.options import Json

app = App(
    name="inbox",
    help="""Entries that wait for approval in a running session ([inbox] mode = "approve").

    Each card stands for a few minutes on fixed terms: shares, limit, stop, target. Approving it
    executes exactly these, once, at the end of the minute, or says why not. Exits never wait.

    Example: rotor inbox list; rotor inbox approve TQQQ""",
)
CardName = Annotated[str, Parameter(help="A card's id, or its symbol.")]
Version = Annotated[
    int | None, Parameter(help="Refuse if the card is no longer this version. Default: as listed.")
]


@app.command(name="list")
def list_(*, session: Session = None, json: Json = False) -> int:
    """List the open cards, and what became of the last ones."""
    from tui.inbox import list_cards

    return list_cards(session, json=json)


@app.command
def show(card: CardName, /, *, session: Session = None, json: Json = False) -> int:
    """Show one card whole: size and what binds it, legs, evidence, heat after the trade."""
    from tui.inbox import show_card

    return show_card(card, session, json=json)


@app.command
def approve(
    card: CardName,
    /,
    *,
    version: Version = None,
    session: Ours = None,
    timeout: Timeout = 150.0,
    json: Json = False,
) -> int:
    """Execute a card as it stands, and wait until it is done. Exit code 1 if it was refused."""
    from tui.inbox import decide

    return decide({"verb": "approve"}, card, version, session, timeout, json=json)


@app.command
def dismiss(
    card: CardName,
    /,
    *,
    version: Version = None,
    session: Ours = None,
    timeout: Timeout = 150.0,
    json: Json = False,
) -> int:
    """Take a card away; its symbol is not offered again for the cooldown."""
    from tui.inbox import decide

    return decide({"verb": "dismiss"}, card, version, session, timeout, json=json)


@app.command
def snooze(
    card: CardName,
    /,
    *,
    minutes: int = 5,
    version: Version = None,
    session: Ours = None,
    timeout: Timeout = 150.0,
    json: Json = False,
) -> int:
    """Take a card away for some minutes."""
    from tui.inbox import decide

    request = {"verb": "snooze", "minutes": minutes}
    return decide(request, card, version, session, timeout, json=json)
