"""The broker's positions and cash held against the book's: as the session starts, then every half
minute.

KEY INPUT: what the broker holds; what the trader holds; the orders of the day.
KEY OUTPUT: what no order explains, told once two looks five seconds apart agree on it: positions
that Rotor did not open, shares and cash that came or went; trust lost where it differs all the
same, and given back once they agree.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple

import trio

from actors.cash import Cash
from actors.holdings import Holdings
from actors.orders import Tell
from actors.orphans import Books, found, moved
from actors.pricing import Pricing
from actors.session_clock import SessionClock, move_on_after, pause
from actors.trust import Trust
from actors.venue import Holding, Unreachable
from engine.events import Report
from engine.trading.costs import DayFees

COMPARE_SECONDS = 30.0
NEXT_LOOK_SECONDS = 5.0
"""After a difference between the broker's positions and ours: fills on their way have come."""

Book = Callable[[], Books]


class Look(NamedTuple):
    """One look: what differs, by symbol, and how much more cash the broker has than it should."""

    shares: Mapping[str, tuple[int, int]]
    """The broker's, the book's."""
    cash_micro: int
    whole: bool = True
    """False if there are symbols in which nothing can be compared now."""

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.shares) or self.cash_micro != 0


NOTHING = Look({}, 0)


class Comparison:
    """Looks for as long as the session runs."""

    def __init__(
        self,
        holdings: Holdings,
        clock: SessionClock,
        trust: Trust,
        fees: DayFees,
        tell: Tell,
        book: Book,
        cash: Cash,
        pricing: Pricing,
        busy: Callable[[], set[str]],
        snapshot: Callable[[], Awaitable[object]],
        *,
        leaves: bool,
    ) -> None:
        """`busy`: symbols in which something is being sent, or an entry or exit may still fill.

        `snapshot` takes the day's orders. `leaves`: nothing sells what is found.
        """
        self._holdings = holdings
        self._clock = clock
        self._trust = trust
        self._fees = fees
        self._tell = tell
        self._book = book
        self._cash = cash
        self._pricing = pricing
        self._busy = busy
        self._snapshot = snapshot
        self._leaves = leaves
        self._wanted = trio.Event()
        self._before = NOTHING
        """The last look, if something differed in it."""
        self._told: dict[str, tuple[int, int]] = {}
        """What was told of each symbol, until it agrees."""

    def soon(self) -> None:
        """Look at once: something was found that does not fit."""
        self._wanted.set()

    async def begin(self, known: Collection[str]) -> None:
        """Let entries go at once, unless something is held of other symbols than the `known` ones.

        Those wait until it is adopted. Raises Unreachable.
        """
        ours = self._book().shares
        held = await self._holdings.ask()
        self._pricing.fractions(held.values())
        unknown = {
            symbol: holding.shares
            for symbol, holding in held.items()
            if holding.shares and not ours.get(symbol) and symbol not in known
        }
        if unknown:
            words = f"the broker holds {_words(unknown)}, which is not in the book"
            self._trust.doubt(words, "positions")
        self._trust.stand()

    async def run(self) -> None:
        """Compare for ever."""
        await self._trust.ready.wait()
        soon = True
        while True:
            if soon:
                await pause(self._clock, NEXT_LOOK_SECONDS)
            else:
                async with move_on_after(self._clock, COMPARE_SECONDS):
                    await self._wanted.wait()
            self._wanted = trio.Event()
            if self._trust.connected:
                soon = await self._look()

    async def _look(self) -> bool:
        """Compare once; return whether to look again soon.

        What differs is looked at again once what is on its way has come, after a snapshot of the
        orders.
        """
        before, self._before = self._before, NOTHING
        try:
            if before:
                await self._snapshot()
            held = await self._holdings.ask()
        except Unreachable:
            return bool(before)  # the stream stands: nothing is known to be wrong
        look = await self._differs(held)
        if look is None:
            return bool(before)
        if not look:
            self._agree(look)
            return False
        if look != before:
            self._before = look
            return True
        return await self._explain(held, look)

    async def _differs(self, held: Mapping[str, Holding]) -> Look | None:
        """Return what differs; None where reports are on their way, so that nobody can say."""
        self._pricing.fractions(held.values())
        busy, books = self._busy(), self._book()
        ours, cash_micro = books.cash_micro, None
        if ours is not None and not busy:
            cash_micro = await self._cash.ask()
        if not books.settled or self._book() != books or busy != self._busy():
            return None
        theirs = {symbol: holding.shares for symbol, holding in held.items()}
        shares = {
            symbol: (theirs.get(symbol, 0), books.shares.get(symbol, 0))
            for symbol in sorted(theirs.keys() | books.shares.keys())
            if symbol not in busy and theirs.get(symbol, 0) != books.shares.get(symbol, 0)
        }
        beside = 0
        if cash_micro is not None and ours is not None:
            beside = self._cash.beside(cash_micro, ours, shares_differ=bool(shares))
        return Look(shares, beside, not busy)

    async def _explain(self, held: Mapping[str, Holding], look: Look) -> bool:
        books = self._book()
        new = {s: both for s, both in look.shares.items() if self._told.get(s) != both}
        unknown = [symbol for symbol, (_, ours) in new.items() if not ours]
        prices = await self._pricing.of([held[symbol] for symbol in unknown])
        report: list[Report] = []
        if not look.shares:
            report += await self._cash.moved(look.cash_micro)
        if self._book() != books or self._busy() & look.shares.keys():
            return True  # something happened while it was asked
        priced = [symbol for symbol in unknown if symbol in prices]
        report += [
            moved(symbol, theirs - ours, leaves=self._leaves)
            for symbol, (theirs, ours) in sorted(new.items())
            if ours
        ]
        report += found(held, priced, prices, look.cash_micro, self._fees, leaves=self._leaves)
        if report:
            told = {s: both for s, both in new.items() if both[1] or s in prices}
            self._told.update(told)
            self._tell(report)
            return True
        if look.shares:
            theirs = {symbol: both[0] for symbol, both in look.shares.items()}
            ours = {symbol: both[1] for symbol, both in look.shares.items()}
            words = f"the broker holds {_words(theirs)}, the book {_words(ours)}"
            self._trust.lose(words, "positions")
        return False

    def _agree(self, look: Look) -> None:
        """Trust the broker again once the positions that differed are the same."""
        if not look.whole:
            return
        self._told.clear()
        self._trust.stand("positions")
        self._trust.restore()


def _words(held: Mapping[str, int]) -> str:
    named = (f"{shares:,} {symbol}" for symbol, shares in sorted(held.items()) if shares)
    return ", ".join(named) or "nothing"
