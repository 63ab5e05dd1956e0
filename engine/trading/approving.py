"""Where entries wait for approval: cards are offered, renewed, executed as approved, or expire.

KEY INPUT: the book of a frame, the inbox.
KEY OUTPUT: events: CardOffered, CardClosed, and the entry of an approved card.

An approved card is executed at the end of the minute in which it was approved: its shares, limit
and legs as they stand on it, if the market and the account still allow them; else it is refused
with the reason. No card outlives the last minute in which an entry may be decided.
"""

from engine.cards import Card
from engine.events import MICRO, CardClosed, CardOffered, Decision, Gate
from engine.market.frames import MINUTE_NS
from engine.trading.approval import Refused, refusal
from engine.trading.book import Book
from engine.trading.ranking import last_entry_minute
from engine.trading.refusals import gate_words
from engine.trading.route import Route, find_route
from engine.trading.sizing import Sizing

_NO_ENTRY = (Gate.COLD, Gate.STALE, Gate.WINDOW)
"""Gates of the ranking that no approval opens: of the others a person may know better."""


def settle_cards(book: Book, blocked: Refused | None) -> None:
    """Execute the approved cards, and let those go whose time is over."""
    inbox = book.inbox
    for symbol in sorted(inbox.open):
        card, actor = inbox.open[symbol], inbox.approved.get(symbol)
        if actor is not None:
            refused = _execute(book, card, blocked, actor)
            _close(book, card, "refused" if refused else "approved", refused, actor)
        elif book.frame.ts_ns + MINUTE_NS >= card.expires_ns:
            _close(book, card, "expired", _waited(book), "")


def offer(book: Book, column: int, route: Route) -> None:
    """Put a candidate into the inbox, unless it waits there already on terms that still hold."""
    symbol = book.frame.block.symbols[column]
    if book.inbox.hidden(symbol, book.frame.ts_ns):
        book.refuse(column, Gate.DISMISSED)
        return
    sizing = book.sizing(column, route.gone)
    refused = sizing if isinstance(sizing, Refused) else None if sizing.shares else refusal(sizing)
    if refused is not None:
        book.refuse(column, refused.check, refused)
        return
    assert isinstance(sizing, Sizing)
    standing = book.inbox.open.get(symbol)
    if standing is None or _stale(book, column, standing, route):
        card = _card(book, column, standing, sizing, route)
        book.events.append(CardOffered(ts_ns=book.frame.ts_ns, card=card))
    book.refuse(column, Gate.INBOX)


def _execute(book: Book, card: Card, blocked: Refused | None, actor: str) -> str:
    """Enter on a card's terms; return why not, empty if it is done."""
    column = book.frame.block.symbols.index(card.symbol)
    stale = blocked.reason if blocked is not None else _overtaken(book, column, card)
    if stale:
        return stale
    route = find_route(book, column)
    if isinstance(route, Refused):
        return route.reason
    if isinstance(route, Gate):
        return gate_words(book.frame, column, route, book.config)
    if _name(book, route) not in ("", card.rotates_out):
        return f"stale: it would now rotate out {_name(book, route)}"
    sizing = book.sizing(column, route.gone, card)
    if isinstance(sizing, Refused):
        return sizing.reason
    if sizing.shares < card.shares:
        return f"stale: {sizing.binding} now allows {sizing.shares} shares, not {card.shares}"
    if route.out is not None:
        book.leave(route.out, Decision.ROTATE_OUT, route.reason)
    book.enter(column, sizing, route.gone, card=card, actor=actor)
    return ""


def _overtaken(book: Book, column: int, card: Card) -> str:
    """Return what the market or the book has made of a card; empty if it still stands."""
    frame = book.frame
    gate = Gate(frame.gates()[column])
    if frame.direction(column) != card.direction or gate is Gate.NONE:
        return "stale: the signal no longer points that way"
    if gate in _NO_ENTRY:
        return gate_words(frame, column, gate, book.config)
    if _beyond(book, column, card):
        price = frame.price(column)
        return f"stale: the price, {price:.2f}, is beyond the limit {card.limit_micro / MICRO:.2f}"
    if column in book.held or column in book.entering:
        return "stale: it is held by now"
    return ""


def _close(book: Book, card: Card, status: str, reason: str, actor: str) -> None:
    event = CardClosed(
        ts_ns=book.frame.ts_ns, card=card.id, version=card.version, symbol=card.symbol,
        status=status, reason=reason, actor=actor,
    )  # fmt: skip
    # the inbox is asked again in this very frame: a card that is gone is not renewed but new
    book.close_card(event)


def _stale(book: Book, column: int, card: Card, route: Route) -> bool:
    sizing = book.sizing(column, route.gone, card)
    return (
        isinstance(sizing, Refused)
        or sizing.shares < card.shares
        or card.direction != book.frame.direction(column)
        or card.rotates_out != _name(book, route)
        or _beyond(book, column, card)
    )


def _beyond(book: Book, column: int, card: Card) -> bool:
    price = round(book.frame.price(column) * MICRO)
    return card.direction * (price - card.limit_micro) > 0


def _card(book: Book, column: int, standing: Card | None, sizing: Sizing, route: Route) -> Card:
    frame, signal = book.frame, book.frame.signal(column)
    return Card(
        id=standing.id if standing else signal.id,
        version=standing.version + 1 if standing else 1,
        symbol=frame.block.symbols[column],
        direction=frame.direction(column),
        shares=sizing.shares,
        binding=sizing.binding,
        limit_micro=book.limit(column),
        sized_micro=round(sizing.value_usd / sizing.shares * MICRO),
        stop_micro=round(sizing.stop * MICRO),
        target_micro=round(sizing.target * MICRO),
        risk_micro=round(sizing.risk_usd * MICRO),
        heat_micro=round(sizing.heat_usd * MICRO),
        heat_limit_micro=round(sizing.heat_limit_usd * MICRO),
        confidence=signal.confidence,
        evidence=frame.quality.words(column, frame.direction(column), signal.confidence),
        rotates_out=_name(book, route),
        expires_ns=min(frame.ts_ns + (1 + _minutes(book)) * MINUTE_NS, _void_ns(book)),
        signal=signal,
    )


def _name(book: Book, route: Route) -> str:
    return "" if route.out is None else book.frame.block.symbols[route.out]


def _void_ns(book: Book) -> int:
    session = book.frame.block.session
    last = last_entry_minute(book.config, session.minutes)
    return session.open_ns + (last + 1) * MINUTE_NS


def _waited(book: Book) -> str:
    if book.frame.ts_ns + MINUTE_NS >= _void_ns(book):
        return "nobody decided before entries end for the day"
    return f"nobody decided in {_minutes(book)} minutes"


def _minutes(book: Book) -> int:
    return book.config.inbox.expiry_minutes
