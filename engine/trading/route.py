"""The way into the book for a candidate: a free slot, a leaving position's, or the weakest's.

KEY INPUT: the book, a candidate's column.
KEY OUTPUT: Route; or what bars it, as a Gate or as the risk check that refuses it.
"""

from dataclasses import dataclass

from engine.events import Gate
from engine.trading.approval import Refused, refusal
from engine.trading.book import Book


@dataclass(frozen=True, slots=True)
class Route:
    """How a candidate gets in."""

    gone: list[int]
    """Columns whose exits must fill first."""
    out: int | None = None
    """The column that is rotated out for it."""
    reason: str = ""
    """Why that one."""


def find_route(book: Book, column: int) -> Route | Gate | Refused:
    """Return the way in; nothing is decided yet."""
    gate = book.barred(column)
    if gate is not None:
        return gate
    gone = book.exits_of_twins(column)
    if book.free_slots(gone) > 0:
        return Route(gone)
    freed = book.unclaimed_exit()
    if freed is not None and book.free_slots([*gone, freed]) > 0:
        return Route([*gone, freed])
    return Gate.SLOTS if gone else _rotation(book, column)


def _rotation(book: Book, column: int) -> Route | Gate | Refused:
    weakest = book.weakest()
    strength = book.frame.strength(column)
    delta = book.config.rotation.rotation_strength_delta
    if weakest is None or strength - book.own_strength(weakest) < delta:
        return Gate.SLOTS
    if book.free_slots([weakest]) <= 0:
        return Gate.SLOTS  # more are held than may be: what leaves makes no room
    sizing = book.sizing(column, [weakest])
    if isinstance(sizing, Refused):
        return sizing
    if not sizing.shares:
        return refusal(sizing)  # nothing is rotated out for nothing
    symbol = book.frame.block.symbols[column]
    reason = (
        f"Rotating out for {symbol}: strength {strength:.4f} against "
        f"{book.own_strength(weakest):.4f} (delta {delta:g})"
    )
    return Route([weakest], weakest, reason)
