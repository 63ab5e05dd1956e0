"""`rotor live` and `rotor rehearse` with a screen: the session beside Textual, in one process.

KEY INPUT: a session as a Trio function that takes a Seat.
KEY OUTPUT: its summary on a restored terminal, an exit code.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from actors.crew import innermost
from actors.system import Outcome, Plan, replay
from tui.live_start import audience
from tui.options import Look
from tui.warm import warm

if TYPE_CHECKING:
    from tui.cockpit.seat import Seat

Session = Callable[..., Awaitable[int]]
"""Takes `seat`, the screen's."""


def run_session(session: Session, *, screen: Look | None) -> int:
    """Run a session, with a screen if one is wanted; return the exit code."""
    warm()  # else the first kernel of a kind would be compiled while a minute waits
    try:
        return _on_screen(session, screen) if screen else trio.run(session)
    except BaseExceptionGroup as group:
        raise innermost(group) from None


def run_on_screen(look: Look, plan: Plan) -> Outcome:
    """Run a replay that has a pace in the cockpit; at its end it stays until it is left."""
    outcomes: list[Outcome] = []

    async def seated(seat: "Seat") -> None:
        assert plan.pacing is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pass_on, seat.stop, plan.pacing.stop)
            with trio.CancelScope(shield=True):  # it is stopped, not cut off
                outcomes.append(await replay(replace(plan, screen=seat.open), signals=False))
            if not plan.pacing.stop.is_set():  # else whoever stopped it has left
                await trio.sleep_forever()
            nursery.cancel_scope.cancel()

    show_on_screen(seated, look)
    return outcomes[0]


async def _pass_on(event: trio.Event, to: trio.Event) -> None:
    try:
        await event.wait()
    finally:
        to.set()


def has_terminal() -> bool:
    """Return whether there is one to draw on, be it a browser's."""
    return "TEXTUAL_DRIVER" in os.environ or (sys.stdin.isatty() and sys.stdout.isatty())


def _on_screen(session: Session, look: Look) -> int:
    """Run a session with a screen; return the exit code, 0 if it was left by its user.

    Leaving the screen ends the session in order: stops and targets stay at the broker.
    """

    async def seated(seat: "Seat") -> None:
        with trio.CancelScope(shield=True):  # it is stopped, not cut off
            await session(seat=seat)

    return show_on_screen(seated, look)


def show_on_screen(session: Callable[["Seat"], Awaitable[None]], look: Look) -> int:
    """Draw the cockpit on this terminal for as long as `session` runs, or until it is left.

    What was said meanwhile, and what `seat.later` has, is printed once the terminal is restored.
    """
    from tui.cockpit.driver import on_terminal
    from tui.cockpit.host import run_hosted
    from tui.cockpit.seat import Noted, Seat
    from tui.cockpit.settings import load_settings

    seat = Seat()
    app = on_terminal(seat.source, load_settings(look))
    noted = Noted(seat)
    logging.getLogger().addHandler(noted)
    try:
        asyncio.run(run_hosted(app, lambda: _seated(session, seat)))
    finally:
        logging.getLogger().removeHandler(noted)
        with suppress(OSError):  # the terminal may be gone
            for words in seat.said:
                print(f"rotor: {words}", file=sys.stderr)  # noqa: T201
            for act in seat.later:
                act()
    return app.return_code or 0


async def _seated(session: Callable[["Seat"], Awaitable[None]], seat: "Seat") -> None:
    audience.set(seat.hear)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(seat.source.serve)
        nursery.start_soon(_stop_when_left, seat.stop)
        await session(seat)
        nursery.cancel_scope.cancel()


async def _stop_when_left(stop: trio.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        stop.set()
