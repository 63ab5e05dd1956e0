"""The journal actor: writes what happened, in order; if it cannot, trading stops.

KEY INPUT: a Page per block.
KEY OUTPUT: the run's files; synced to disk at each session's end.

It runs inline: rows are made by Python, so that a thread would only fight for the interpreter.
"""

from actors.mailbox import Mailbox
from engine.records.journal import Journal
from engine.records.page import Page


async def journal(pages: Mailbox[Page], files: Journal) -> None:
    """Write every page until the supervisor closes."""
    async for page in pages:
        files.write(page)
        block = page.block
        if block.first + len(block) == block.session.minutes:
            files.sync()
