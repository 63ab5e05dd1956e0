"""The journal actor: writes what happened, in order; if it cannot, trading stops.

KEY INPUT: a Page per block.
KEY OUTPUT: the run's files; synced to disk at each session's end.
"""

from functools import partial

from actors.executor import Executor, execute
from actors.mailbox import Mailbox
from engine.records.journal import Journal
from engine.records.page import Page


async def journal(pages: Mailbox[Page], files: Journal, executor: Executor) -> None:
    """Write every page until the supervisor closes."""
    async for page in pages:
        block = page.block
        work = len(block) * len(block.symbols)
        await execute(executor, work, partial(files.write, page))
        if block.first + len(block) == block.session.minutes:
            await execute(executor, 0, files.sync)
