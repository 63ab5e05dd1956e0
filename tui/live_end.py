"""How the account stands when a session is over, held against the session's own book.

KEY INPUT: what the broker holds, and its cash; the book's positions, cash, fills and fees.
KEY OUTPUT: Ending: flat of ours or not, what differs, in sentences; the exit code follows from it.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from actors.live import Book
    from actors.venue import Holding, Venue

MICRO = 1_000_000
CENT_MICRO = 10_000


class Ending(NamedTuple):
    """What the broker says once the session is over."""

    flat: bool | None
    """Whether it holds nothing of ours; None: it did not say."""
    problems: tuple[str, ...] = ()
    """What is not as it should be, in sentences; each makes the exit code 1."""
    others: tuple[str, ...] = ()
    """What it holds that is not ours to sell, in words."""

    @property
    def sound(self) -> bool:
        """Return whether nothing is wrong."""
        return self.flat is True and not self.problems

    def shown(self) -> dict[str, Any]:
        """Return it as the summary has it."""
        return {
            "confirmed_flat": self.flat,
            "problems": list(self.problems),
            "held_beside": list(self.others),
        }


async def ending(venue: "Venue", book: "Book", symbols: Collection[str]) -> Ending:
    """Ask the broker, and compare."""
    from actors.venue import Unreachable

    try:
        held = {holding.symbol: holding for holding in await venue.holdings() if holding.shares}
        cash_micro = (await venue.account()).cash_micro
    except Unreachable as error:
        ours = _words({s: n for s, n in book.shares.items() if n and s not in book.left})
        return Ending(None, (f"what the broker holds is not known: {error}; the book: {ours}",))
    return compared(held, cash_micro, book, symbols)


def compared(
    held: Mapping[str, "Holding"], cash_micro: int, book: "Book", symbols: Collection[str]
) -> Ending:
    """Hold the broker's account against the book."""
    known = {*symbols, *(s for s, n in book.shares.items() if n)} - book.left
    ours = {s: h.shares for s, h in held.items() if s in known}
    booked = {s: n for s, n in book.shares.items() if n and s not in book.left}
    problems = []
    if ours:
        problems.append(f"THE BROKER STILL HOLDS {_words(ours)}")
    if ours != booked:
        words = f"the broker holds {_words(ours)}, the book {_words(booked)}"
        problems.append(f"positions differ: {words}")
    problems += _cash(cash_micro, book)
    others = tuple(f"{h.shares:,} {s}" for s, h in sorted(held.items()) if s not in known)
    return Ending(not ours, tuple(problems), others)


def _cash(cash_micro: int, book: "Book") -> list[str]:
    """Compare cash: a cent a fill may differ, and fees that the broker has not posted yet."""
    apart = cash_micro - book.cash_micro
    cents = CENT_MICRO * max(1, book.fills)
    if -cents <= apart <= cents + book.fee_micro:
        return []
    theirs, ours = (f"{micro / MICRO:,.2f}" for micro in (cash_micro, book.cash_micro))
    return [f"cash differs by {apart / MICRO:+,.2f}: the broker has {theirs}, the book {ours}"]


def _words(held: Mapping[str, int]) -> str:
    return ", ".join(f"{shares:,} {symbol}" for symbol, shares in sorted(held.items())) or "nothing"
