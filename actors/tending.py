"""What rests at the broker, held against what should rest: every half minute.

KEY INPUT: each pair of legs as the broker shows it; where its stop was moved to.
KEY OUTPUT: moves that are sent again; legs of which the broker's word says nothing, brought to an
end.

A move may be lost on its way, and its answer too: nothing else would ever send it again.
"""

from collections.abc import Awaitable, Callable
from itertools import count

from actors.inquiry import PATIENCE_SECONDS, Inquiry
from actors.intents import Intent
from actors.orders import Orders
from actors.session_clock import SECOND_NS, SessionClock, pause
from engine.events import MICRO, OcoOrder

TEND_SECONDS = 30.0
LOOK_EVERY = 4
"""So rarely, of those times, legs are asked for that are well by all that is known."""
_EVERY_NS = round(TEND_SECONDS * SECOND_NS)
_AFTER_NS = 15 * SECOND_NS
"""After a minute's begin: then nothing is on its way."""
_TICKS = 10_000, 100
"""Micro-dollars: from one dollar on, and below; what is nearer is the broker's rounding."""

Move = Callable[[Intent, int], Awaitable[object]]


async def tend(
    clock: SessionClock,
    orders: Orders,
    inquiry: Inquiry,
    under_way: Callable[[], set[str]],
    move: Move,
) -> None:
    """Look for ever; legs in whose symbol something is under way are left alone."""
    doubts: dict[str, int] = {}
    for time in count():
        await pause(clock, TEND_SECONDS - (clock.now_ns() - _AFTER_NS) % _EVERY_NS / SECOND_NS)
        for intent in filter(_rests, orders):
            symbol, sound = intent.order.symbol, intent.doubtful is None and not _strayed(intent)
            if symbol in under_way() or (sound and time % LOOK_EVERY):
                continue
            if not await inquiry.peek(intent):
                continue
            await _doubt(intent, clock.now_ns(), doubts, inquiry)
            if _rests(intent) and symbol not in under_way() and _strayed(intent):
                await move(intent, _wanted(intent))


def _rests(intent: Intent) -> bool:
    return intent.resting and intent.live and not intent.silent and bool(intent.carriers)


def _wanted(intent: Intent) -> int:
    order = intent.order
    assert isinstance(order, OcoOrder)
    return intent.wanted_stop_micro or order.stop_micro


def _strayed(intent: Intent) -> bool:
    """Return whether the broker's stop is not where it should be."""
    wanted, shown = _wanted(intent), intent.shown_stop_micro
    tick = _TICKS[0] if wanted >= MICRO else _TICKS[1]
    return bool(shown) and intent.stop_id is not None and abs(wanted - shown) >= tick


async def _doubt(intent: Intent, now_ns: int, doubts: dict[str, int], inquiry: Inquiry) -> None:
    """Bring legs to an end whose status has not been understood for a minute."""
    name = intent.order.order_id
    if intent.doubtful is None:
        if doubts.pop(name, None) is not None:
            inquiry.understood(intent)
        return
    since_ns = doubts.setdefault(name, now_ns)
    if now_ns - since_ns >= PATIENCE_SECONDS * SECOND_NS and not await inquiry.listed(intent):
        doubts.pop(name)
