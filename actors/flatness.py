"""Is the session flat? Asked while something can still be done about it.

KEY INPUT: what the broker holds, from the flatten on.
KEY OUTPUT: NotFlat, told once, if half of the time to the close is gone and it is not.
"""

from collections.abc import Collection

from actors.orders import Tell
from actors.session_clock import SECOND_NS, SessionClock, pause
from actors.venue import Unreachable, Venue
from engine.config import Config
from engine.events import NotFlat
from engine.market.frames import MINUTE_NS, Session

FIRST_LOOK_SECONDS = 20.0
"""After the last minute before the flatten has ended."""
LOOK_SECONDS = 5.0


async def watch_flat(
    venue: Venue,
    clock: SessionClock,
    config: Config,
    session: Session,
    symbols: Collection[str],
    tell: Tell,
) -> None:
    """Ask until the broker holds nothing of the session's symbols, or the session is over."""
    left_ns = config.session.flatten_before_close_minutes * MINUTE_NS
    alarm_ns = session.close_ns - left_ns // 2
    await clock.sleep_until(session.close_ns - left_ns + round(FIRST_LOOK_SECONDS * SECOND_NS))
    alarmed = False
    while clock.now_ns() < session.close_ns:
        held = await _held(venue, symbols)
        if not held:
            return
        if clock.now_ns() >= alarm_ns and not alarmed:
            alarmed = True
            tell([NotFlat(ts_ns=0, reason=held)])
        await pause(clock, LOOK_SECONDS)


async def _held(venue: Venue, symbols: Collection[str]) -> str:
    """Return what is held, in words; empty if nothing is."""
    try:
        held = {h.symbol: h.shares for h in await venue.holdings() if h.symbol in symbols}
    except Unreachable as error:
        return f"what is held is not known: {error}"
    named = ", ".join(f"{shares:,} {symbol}" for symbol, shares in sorted(held.items()) if shares)
    return f"the broker still holds {named}" if named else ""
