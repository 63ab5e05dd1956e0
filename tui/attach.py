"""`rotor attach`: the cockpit of a session that runs in another process.

KEY INPUT: a session (run id or folder).
KEY OUTPUT: its cockpit on this terminal; leaving it leaves the session trading.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from actors.cockpit.views import CockpitView
from engine.errors import BadInputError
from tui.find_session import find_session
from tui.live_screen import has_terminal
from tui.options import Look
from tui.session import ask


def attach_command(session: str | None, look: Look, *, readonly: bool) -> int:
    """Run `rotor attach`; return the exit code."""
    if not has_terminal():
        raise BadInputError("attach draws on a terminal; rotor status --json tells the same")
    from tui.cockpit.settings import load_settings

    path = find_session(session, changes=not readonly)
    name = str(ask(path, {"verb": "status"})["session"])
    own = load_settings(look, readonly=readonly)
    view, code = asyncio.run(_attached(path, own))
    with suppress(OSError):  # the terminal may be gone
        Console(stderr=True).print(farewell(name, view), highlight=False)
    return code


async def _attached(path: Path, own: object) -> tuple[CockpitView | None, int]:
    from tui.cockpit.attached import Attached
    from tui.cockpit.driver import on_terminal
    from tui.cockpit.settings import Settings

    assert isinstance(own, Settings)
    source = Attached(path, seconds=own.pull_seconds)
    app = on_terminal(source, own)
    listening = asyncio.create_task(source.run())
    try:
        await app.run_async()
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    return source.latest(), app.return_code or 0


def farewell(name: str, view: CockpitView | None) -> str:
    """Return how the session stood when it was left."""
    from tui.cockpit.attached import ENDED, GONE

    if view is None:
        return f"detached; session {name} goes on"
    count = sum(position.state != "flat" for position in view.positions)
    held = f"{count} position{'s' if count != 1 else ''}"
    if view.header.phase == "closed":
        return f"detached; session {name} is over, {held}"
    if any(alert.text in (ENDED, GONE) for alert in view.alerts):
        return f"detached; session {name} has ended or does not answer, {held} when last seen"
    return f"detached; session {name} goes on, {held}"
