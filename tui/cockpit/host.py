"""Textual and Trio in one process, with one lifetime.

KEY INPUT: an app, and the session as a Trio function.
KEY OUTPUT: both have ended; whatever either raised is raised.

Trio runs as a guest in Textual's loop (Trio's documentation, "Using guest mode"). The order of an
end: the screen restores the terminal, the session is cancelled and cleans up, errors are printed.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio
from outcome import Error, Outcome
from textual.app import App

from engine.errors import RotorError


class ScreenCrashedError(RotorError):
    """The screen broke; the session ended in order, and its journal is whole."""


async def run_hosted(
    app: App[Any], session: Callable[[], Awaitable[None]], *, headless: bool = False
) -> None:
    """Run `session` (Trio) and `app` (Textual) until the first of them ends, then end the other."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[Outcome[None]] = loop.create_future()
    scope = trio.CancelScope()

    async def guarded() -> None:
        with scope:
            await session()

    def on_finished(result: Outcome[None]) -> None:
        finished.set_result(result)
        if app.return_code is None:  # the session ended first
            app.exit(return_code=int(isinstance(result, Error)))

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, partial(app.exit, return_code=128 + signum))
    trio.lowlevel.start_guest_run(
        guarded,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        run_sync_soon_not_threadsafe=loop.call_soon,
        done_callback=on_finished,
        host_uses_signal_set_wakeup_fd=True,  # add_signal_handler took the fd
    )
    try:
        await app.run_async(headless=headless)
    finally:
        scope.cancel()
        result = await asyncio.shield(finished)  # a guest run must never be abandoned
    result.unwrap()
    if app._exception is not None:
        raise ScreenCrashedError(f"the screen broke: {app._exception}") from app._exception
