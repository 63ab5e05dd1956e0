"""The journal actor: writes what happened, in order; if it cannot, trading stops.

KEY INPUT: a Page per block.
KEY OUTPUT: the run's files, synced to disk at each session's end; the database follows them.

It runs inline: rows are made by Python, so that a thread would only fight for the interpreter. The
database is another matter: it is read up to date in a thread, at most twice a second, and nobody
waits for it. If it is slow or locked, it lags; the journal has everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import trio

from actors.mailbox import Mailbox
from actors.restart import Crash, attempt
from engine.errors import RotorError
from engine.records.journal import Journal
from engine.records.page import Page

PAUSE_SECONDS = 0.5
"""Between two readings of the journal by the database."""


@dataclass(slots=True)
class Follower:
    """The database that follows the journal."""

    catch_up: Callable[[], object]
    """Reads what was written since it was last called."""
    error: str = ""
    """Why it could not be read last; empty if it could."""


async def journal(pages: Mailbox[Page], files: Journal, follower: Follower | None) -> None:
    """Write every page until the supervisor closes."""
    if follower is None:
        await _write(pages, files)
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_follow, follower)
        await _write(pages, files)
        nursery.cancel_scope.cancel()


async def _write(pages: Mailbox[Page], files: Journal) -> None:
    async for page in pages:
        files.write(page)
        block = page.block
        if block.first + len(block) == block.session.minutes:
            files.sync()


async def _follow(follower: Follower) -> None:
    while True:
        await trio.sleep(PAUSE_SECONDS)
        await trio.to_thread.run_sync(partial(_read, follower))


def _read(follower: Follower) -> None:
    try:
        outcome = attempt(follower.catch_up)
    except RotorError as error:
        follower.error = str(error)
    else:
        follower.error = outcome.error if isinstance(outcome, Crash) else ""
