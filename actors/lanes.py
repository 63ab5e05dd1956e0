"""The lanes of a session: the jobs of a symbol are done one after the other, symbols side by side.

KEY INPUT: jobs.
KEY OUTPUT: their effects, in order; the symbols in which something is being done.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio

from actors.mailbox import Mailbox

Job = Callable[[], Awaitable[object]]


class Lanes:
    """One lane per symbol, opened when it is first needed."""

    def __init__(self) -> None:
        self._lanes: dict[str, Mailbox[Job]] = {}
        self._busy: dict[str, int] = defaultdict(int)
        self._nursery: trio.Nursery | None = None

    def begin(self, nursery: trio.Nursery) -> None:
        """Serve the lanes in `nursery` from now on."""
        self._nursery = nursery

    def busy(self) -> set[str]:
        """Return the symbols in which a job is done or waits."""
        return {symbol for symbol, jobs in self._busy.items() if jobs}

    async def queue(self, symbol: str, job: Callable[..., Awaitable[object]], *given: Any) -> None:
        """Put a job into the lane of a symbol; returns before it is done."""
        if symbol not in self._lanes:
            self._open(symbol)
        self._busy[symbol] += 1
        await self._lanes[symbol].send(partial(job, *given))

    def _open(self, symbol: str) -> None:
        assert self._nursery is not None
        lane = self._lanes[symbol] = Mailbox(f"lane {symbol}", 64)
        self._nursery.start_soon(self._serve, symbol, lane)

    async def _serve(self, symbol: str, lane: Mailbox[Job]) -> None:
        async for job in lane:
            await job()
            self._busy[symbol] -= 1
