"""The broker's positions held against the book's, every half minute.

KEY INPUT: what the broker holds; what the trader holds.
KEY OUTPUT: trust lost where they keep differing, and given back once they agree.
"""

from collections.abc import Awaitable, Callable, Mapping

from actors.session_clock import SessionClock, pause
from actors.trust import Trust
from actors.venue import Unreachable, Venue

COMPARE_SECONDS = 30.0
SECOND_LOOK_SECONDS = 5.0
"""After a difference between the broker's positions and ours: fills on their way have come."""

Book = Callable[[], Mapping[str, int]]
"""The signed shares that the trader holds, by symbol."""


class Comparison:
    """Looks for as long as the session runs."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        trust: Trust,
        book: Book,
        idle: Callable[[], bool],
        pending: Callable[[], bool],
        snapshot: Callable[[], Awaitable[None]],
    ) -> None:
        """`idle`: nothing is being sent; `pending`: an order may still fill."""
        self._venue = venue
        self._clock = clock
        self._trust = trust
        self._book = book
        self._idle = idle
        self._pending = pending
        self._snapshot = snapshot
        self._difference = ""

    async def run(self) -> None:
        """Compare for ever.

        A difference is looked at again once what is on its way has come, then in a snapshot of the
        orders; what is left of it stops entries.
        """
        differing = 0
        while True:
            await pause(self._clock, SECOND_LOOK_SECONDS if differing == 1 else COMPARE_SECONDS)
            if self._trust.down not in ("", self._difference) or not self._idle():
                continue
            try:
                held = await holdings(self._venue)
                ours = {symbol: shares for symbol, shares in self._book().items() if shares}
                if held == ours or self._pending():
                    differing = 0
                    self._agree(agrees=held == ours)
                    continue
                if differing == 1:
                    await self._snapshot()
            except Unreachable:
                continue  # the stream stands: nothing is known to be wrong
            differing += 1
            if differing > 2:
                self._difference = f"the broker holds {_words(held)}, the book {_words(ours)}"
                self._trust.lose(self._difference)

    def _agree(self, *, agrees: bool) -> None:
        """Trust the broker again once the positions that differed are the same."""
        if agrees and self._difference:
            self._difference = ""
            self._trust.stand()
            self._trust.restore()


async def holdings(venue: Venue) -> dict[str, int]:
    """Return the signed shares that the broker holds; raises Unreachable."""
    return {h.symbol: h.shares for h in await venue.holdings() if h.shares}


def _words(held: Mapping[str, int]) -> str:
    return ", ".join(f"{shares:,} {symbol}" for symbol, shares in sorted(held.items())) or "nothing"
