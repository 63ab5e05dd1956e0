"""The trader on one page: what to do at the end of a minute.

KEY INPUT: State (the fold of all events), one frame with its ranked signals, the recent tape, the
configuration.
KEY OUTPUT: the frame's events (decisions and the orders they make) and each symbol's deciding
gate; nothing is performed here.

1. Each held position is asked whether a rule makes it leave (exits.py); one that Rotor did not
   open leaves before the close alone, or never.
2. Each candidate, strongest first, is asked whether the book refuses it:
   with a free slot it enters; for the slot, cash or twin of a position that leaves it enters
   once that exit has filled; with all slots held, the weakest is rotated out for it if it is
   stronger by the delta.
   Risk says how many shares, or refuses. While anything is tripped or halted, nothing enters.
   Where entries wait for approval they are offered as cards, and approved cards are executed.
3. What changed since the last row is told: HOLD, and REFUSED with its deciding gate.
"""

from engine.config import Config
from engine.events import Decision, Event, Gate
from engine.trading.approval import Refused
from engine.trading.approving import offer, settle_cards
from engine.trading.book import Book
from engine.trading.exits import Verdict, before_close, exit_rule
from engine.trading.frame import FrameView
from engine.trading.route import find_route
from engine.trading.state import State
from engine.trading.tape import Tape


def decide(
    state: State, frame: FrameView, tape: Tape, config: Config
) -> tuple[list[Event], list[int]]:
    """Return the frame's events in order, and the deciding Gate by column (NONE: no candidate)."""
    book = Book(state, frame, tape, config)
    for column in book.held:
        if column not in book.leaving:
            verdict = _why_leave(book, column)
            if verdict is not None:
                book.leave(column, *verdict)
    blocked = book.blocked()
    settle_cards(book, blocked)
    for column in book.candidates():
        if blocked is not None:
            book.refuse(column, blocked.check, blocked)
        else:
            _consider(book, column)
    return book.events, book.tell()


def _why_leave(book: Book, column: int) -> Verdict | None:
    if column in book.staying:
        return None
    if book.flattening:
        return Decision.MANUAL_EXIT, "everything is liquidated"
    if column in book.orphans:  # its owner knows why it is held; only the clock closes it
        return before_close(book.frame, book.config)
    direction = book.position(column).direction
    return exit_rule(book.frame, column, direction, book.held_minutes(column), book.config)


def _consider(book: Book, column: int) -> None:
    route = find_route(book, column)
    if isinstance(route, Gate):
        book.refuse(column, route)
    elif isinstance(route, Refused):
        book.refuse(column, route.check, route)
    elif book.config.inbox.mode == "approve":
        offer(book, column, route)
    else:
        if route.out is not None:
            book.leave(route.out, Decision.ROTATE_OUT, route.reason)
        _enter(book, column, route.gone)


def _enter(book: Book, column: int, gone: list[int]) -> None:
    sizing = book.sizing(column, gone)
    if isinstance(sizing, Refused):
        book.refuse(column, sizing.check, sizing)
    else:
        book.enter(column, sizing, gone)
