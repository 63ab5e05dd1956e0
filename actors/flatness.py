"""Is the session flat? Asked while something can still be done about it.

KEY INPUT: what the broker holds, from the flatten on; what is left to others.
KEY OUTPUT: NotFlat, if half of the time to the close is gone and it is not; again every five
seconds in which nothing of ours is under way, so that what is held is sold again until the close.
"""

from collections.abc import Callable, Collection

from actors.comparison import Book
from actors.holdings import Holdings
from actors.orders import Orders, Tell
from actors.session_clock import SECOND_NS, SessionClock, pause
from actors.venue import Unreachable
from engine.config import Config
from engine.events import NotFlat, Order
from engine.market.frames import MINUTE_NS, Session

FIRST_LOOK_SECONDS = 20.0
"""After the last minute before the flatten has ended."""
LOOK_SECONDS = 5.0


async def watch_flat(
    holdings: Holdings,
    clock: SessionClock,
    config: Config,
    session: Session,
    symbols: Collection[str],
    tell: Tell,
    book: Book,
    orders: Orders,
    under_way: Callable[[], set[str]],
    compare: Callable[[], None],
) -> None:
    """Ask until the broker holds nothing of ours, or the session is over."""
    left_ns = config.session.flatten_before_close_minutes * MINUTE_NS
    alarm_ns = session.close_ns - left_ns // 2
    await clock.sleep_until(session.close_ns - left_ns + round(FIRST_LOOK_SECONDS * SECOND_NS))
    alarmed = False
    while clock.now_ns() < session.close_ns:
        try:
            held = await _held(holdings, symbols, book)
            if not held:
                return
            words = f"the broker still holds {_named(held)}{_tried(orders, held)}"
        except Unreachable as error:
            held, words = {}, f"what is held is not known: {error}"
        idle = bool(held.keys() - under_way())
        if clock.now_ns() >= alarm_ns and (idle or not alarmed):
            alarmed = True
            tell([NotFlat(ts_ns=0, reason=words)])
            compare()
        await pause(clock, LOOK_SECONDS)


async def _held(holdings: Holdings, symbols: Collection[str], book: Book) -> dict[str, int]:
    """Return what is held of the symbols, but for what is left to others. Raises Unreachable."""
    held = await holdings.ask()
    left = book().left
    shares = {s: held[s].shares - left.get(s, 0) for s in symbols if s in held}
    return {symbol: count for symbol, count in sorted(shares.items()) if count}


def _named(held: dict[str, int]) -> str:
    return ", ".join(f"{shares:,} {symbol}" for symbol, shares in held.items())


def _tried(orders: Orders, held: dict[str, int]) -> str:
    """Return what was tried to sell it, in words."""
    tried = {symbol: [i for i in orders if _sells(i.order, symbol)] for symbol in held}
    words = [
        f"{symbol}, tries: {sum(max(1, intent.tries) for intent in intents)}, the last:"
        f" {intents[-1].end_words or 'under way'}"
        for symbol, intents in tried.items()
        if intents
    ]
    return f" ({'; '.join(words)})" if words else ""


def _sells(order: object, symbol: str) -> bool:
    return isinstance(order, Order) and not order.entry and order.symbol == symbol
