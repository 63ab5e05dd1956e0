"""The broker's positions held against the book's: as the session starts, then every half minute.

KEY INPUT: what the broker holds; what the trader holds.
KEY OUTPUT: positions that Rotor did not open, and their end by hand, told; trust lost where
anything else keeps differing, and given back once they agree.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from actors.orders import Tell
from actors.orphans import Books, closed_by_hand, found
from actors.session_clock import SessionClock, pause
from actors.trust import Trust
from actors.venue import BrokerOrder, Holding, Unreachable, Venue
from engine.events import Report
from engine.trading.costs import DayFees

COMPARE_SECONDS = 30.0
NEXT_LOOK_SECONDS = 5.0
"""After a difference between the broker's positions and ours: fills on their way have come."""
LOOKS = 3
"""So often in a row a difference is seen before it counts."""

Book = Callable[[], Books]


class Comparison:
    """Looks for as long as the session runs."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        trust: Trust,
        fees: DayFees,
        tell: Tell,
        book: Book,
        quiet: Callable[[], bool],
        snapshot: Callable[[], Awaitable[list[BrokerOrder]]],
    ) -> None:
        """`quiet`: nothing is being sent, and no entry or exit may still fill.

        `snapshot` takes the day's orders, and returns those of others.
        """
        self._venue = venue
        self._clock = clock
        self._trust = trust
        self._fees = fees
        self._tell = tell
        self._book = book
        self._quiet = quiet
        self._snapshot = snapshot
        self._difference = ""
        self._seen: list[tuple[dict[str, int], Mapping[str, int]]] = []
        """The last looks in a row in which the positions differed."""

    async def begin(self, known: Collection[str]) -> None:
        """Let entries go at once, unless something is held of other symbols than the `known` ones.

        Those wait until it is adopted. Raises Unreachable.
        """
        ours = self._book().shares
        held = {h.symbol: h.shares for h in await self._venue.holdings() if h.shares}
        unknown = {s: n for s, n in held.items() if not ours.get(s) and s not in known}
        if unknown:
            self._difference = f"the broker holds {_words(unknown)}, which is not in the book"
            self._trust.doubt(self._difference)
        else:
            self._trust.stand()

    async def run(self) -> None:
        """Compare for ever."""
        await self._trust.ready.wait()
        soon = True
        while True:
            await pause(self._clock, NEXT_LOOK_SECONDS if soon else COMPARE_SECONDS)
            if self._trust.down in ("", self._difference) and self._quiet():
                soon = await self._look()

    async def _look(self) -> bool:
        """Compare once; return whether to look again soon.

        A difference is looked at again once what is on its way has come, then in a snapshot of the
        orders.
        """
        try:
            held = {h.symbol: h for h in await self._venue.holdings() if h.shares}
            theirs = {symbol: holding.shares for symbol, holding in held.items()}
            ours = {symbol: shares for symbol, shares in self._book().shares.items() if shares}
            if theirs == ours or not self._quiet() or not self._book().settled:
                self._seen.clear()
                self._agree(agrees=theirs == ours)
                return False
            self._seen = [look for look in self._seen if look == (theirs, ours)]
            self._seen.append((theirs, ours))
            if len(self._seen) == 1:
                return True
            others = await self._snapshot()
            if len(self._seen) < LOOKS:
                return True
            cash_micro = (await self._venue.account()).cash_micro
        except Unreachable:
            return bool(self._seen)  # the stream stands: nothing is known to be wrong
        return self._explain(held, ours, others, cash_micro)

    def _explain(
        self,
        held: Mapping[str, Holding],
        ours: Mapping[str, int],
        others: Sequence[BrokerOrder],
        cash_micro: int,
    ) -> bool:
        books = self._book()
        same = ours == {symbol: shares for symbol, shares in books.shares.items() if shares}
        if not (same and books.settled and self._quiet()):
            return True  # something happened while it was asked
        explained: list[Report] = [
            *closed_by_hand(held, books, others, self._fees),
            *found(held, books, cash_micro, self._fees),
        ]
        if explained:
            self._seen.clear()
            self._tell(explained)
            return True
        theirs = {symbol: holding.shares for symbol, holding in held.items()}
        self._difference = f"the broker holds {_words(theirs)}, the book {_words(ours)}"
        self._trust.lose(self._difference)
        return False

    def _agree(self, *, agrees: bool) -> None:
        """Trust the broker again once the positions that differed are the same."""
        if agrees and self._difference:
            self._difference = ""
            self._trust.stand()
            self._trust.restore()


def _words(held: Mapping[str, int]) -> str:
    return ", ".join(f"{shares:,} {symbol}" for symbol, shares in sorted(held.items())) or "nothing"
