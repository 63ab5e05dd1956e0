"""How the account stands when a session is over, held against the session's own book.

KEY INPUT: what the broker holds, and its cash; the book's positions, cash, fills and fees.
KEY OUTPUT: Ending: flat of ours or not, what differs, in sentences; the exit code follows from it.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from actors.live import Book
    from actors.venue import Venue

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
        held = {h.symbol: h.shares for h in await venue.holdings() if h.shares}
        cash_micro = (await venue.account()).cash_micro
    except Unreachable as error:
        words = f"what the broker holds is not known: {error}; the book: {_words(book.ours)}"
        return Ending(None, (words,))
    return compared(held, cash_micro, book, symbols)


def compared(
    held: Mapping[str, int], cash_micro: int, book: "Book", symbols: Collection[str]
) -> Ending:
    """Hold the broker's account against the book; `held` are signed shares."""
    ours, theirs = Counter(book.ours), Counter(book.theirs)
    known = {*symbols, *ours, *theirs}
    left = {s: n for s in sorted(known) if (n := held.get(s, 0) - theirs[s])}
    problems = [f"THE BROKER STILL HOLDS {_words(left)}"] if left else []
    if left != {s: n for s, n in ours.items() if n}:
        words = f"the broker holds {_words(left)}, the book {_words(ours)}"
        problems.append(f"positions differ: {words}")
    problems += _cash(cash_micro, book)
    beside = {s: n for s, n in held.items() if s not in known} | {
        s: n for s, n in theirs.items() if n
    }
    return Ending(not left, tuple(problems), _listed(beside))


def _cash(cash_micro: int, book: "Book") -> list[str]:
    """Compare cash: a cent a fill may differ, and fees that the broker has not posted yet."""
    apart = cash_micro - book.cash_micro
    cents = CENT_MICRO * max(1, book.fills)
    if -cents <= apart <= cents + book.fee_micro:
        return []
    theirs, ours = (f"{micro / MICRO:,.2f}" for micro in (cash_micro, book.cash_micro))
    return [f"cash differs by {apart / MICRO:+,.2f}: the broker has {theirs}, the book {ours}"]


def _words(held: Mapping[str, int]) -> str:
    return ", ".join(_listed(held)) or "nothing"


def _listed(held: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(f"{shares:,} {symbol}" for symbol, shares in sorted(held.items()) if shares)
