"""How the account stands when a session is over, held against the session's own book.

KEY INPUT: what the broker holds, its cash and open orders; the book's positions, cash, fills, fees.
KEY OUTPUT: Ending: flat of ours or not, what differs, in sentences; the exit code follows from it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from actors.live import Book
    from actors.venue import BrokerOrder, Venue

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


async def ending(venue: "Venue", book: "Book", symbols: Collection[str], epoch: str) -> Ending:
    """Ask the broker, and compare; `epoch`: so the ids of orders begin that may not rest."""
    from actors.venue import Unreachable

    try:
        held = {h.symbol: h.shares for h in await venue.holdings() if h.shares}
        cash_micro = (await venue.account()).cash_micro
        rest = resting(await venue.orders(), epoch) if epoch else []
    except Unreachable as error:
        words = f"what the broker holds is not known: {error}; the book: {_words(book.ours)}"
        return Ending(None, (words,))
    found = compared(held, cash_micro, book, symbols)
    return found._replace(problems=(*found.problems, *rest))


def resting(orders: "Iterable[BrokerOrder]", epoch: str) -> list[str]:
    """Return in a sentence what of ours is still to be filled, though the session is over."""
    ours = [order for order in orders if order.client_id.startswith(f"{epoch}-")]
    words = {f"{order.side} {order.shares - order.filled:,} {order.symbol}" for order in ours}
    return [f"ORDERS REST FOR THE NEXT SESSION: {', '.join(sorted(words))}"] if words else []


def compared(
    held: Mapping[str, int], cash_micro: int, book: "Book", symbols: Collection[str]
) -> Ending:
    """Hold the broker's account against the book; `held` are signed shares."""
    ours, theirs = ({s: n for s, n in lots.items() if n} for lots in (book.ours, book.theirs))
    known = {*symbols, *theirs}
    left = {s: n for s in sorted(known) if (n := held.get(s, 0) - theirs.get(s, 0))}
    problems = [f"THE BROKER STILL HOLDS {_words(left)}"] if left else []
    mine = {s: n for s, n in ours.items() if s in known}
    if left != mine:
        words = f"the broker holds {_words(left)}, the book {_words(mine)}"
        problems.append(f"positions differ: {words}")
    problems += _cash(cash_micro, book)
    beside = {s: n for s, n in held.items() if s not in known} | theirs
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
