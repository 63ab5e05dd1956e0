"""What a live session needs before its bell: an account, a session, symbols, history.

KEY INPUT: a venue, a clock, the configuration.
KEY OUTPUT: the account, the session that runs or comes next, earlier sessions' bars.
"""

import ctypes
import datetime as dt
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np
import trio

from actors.session_clock import SessionClock
from engine.config import Config
from engine.errors import BadInputError, RotorError
from engine.learning.predictors import try_predictor
from engine.market.calendar import NEW_YORK, sessions_between
from engine.market.frames import MINUTE_NS, Floats, Session
from tui.commands import scripted
from tui.enrol import check_url

if TYPE_CHECKING:
    from actors.alpaca.venue import AlpacaVenue
    from actors.venue import Account, Bar

audience: ContextVar[Callable[[str], object] | None] = ContextVar("audience", default=None)
"""Who hears what is said, where stderr is not free."""
EARLY_MINUTES = 5
"""Before the bell, when a session is taken up."""
_ATTEMPTS = 3
_M_ARENA_MAX, _M_TRIM_THRESHOLD = -8, -1  # malloc.h


def one_heap() -> None:
    """Let all threads allocate from one heap, which gives back what is free at its end.

    With a heap for each, what threads that come and go have freed stays resident (glibc; elsewhere
    nothing is done).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, 128 * 1024)


def chosen_symbols(named: str | None, config: Config) -> tuple[str, ...]:
    """Return the symbols of --symbols, or the universe's, sorted."""
    if named is None:
        return tuple(sorted(config.universe.symbols))
    chosen = {part.strip().upper() for part in named.split(",") if part.strip()}
    if not chosen:
        raise BadInputError("--symbols: name at least one, such as --symbols TQQQ,SQQQ")
    return tuple(sorted(chosen))


def check_wishes(commands: Sequence[str], symbols: tuple[str, ...], config: Config) -> None:
    """Raise BadInputError for what cannot be, before anything is made or waited for."""
    scripted(commands, symbols, None)
    try_predictor(config.learning, symbols)
    check_url(config.database.url)


async def open_account(venue: "AlpacaVenue") -> "Account":
    """Return the account; raises RotorError if nobody answers, BadInputError if it is blocked."""
    from actors.venue import Unreachable

    try:
        account = await venue.account()
    except Unreachable as error:
        raise RotorError(f"the account cannot be asked for: {error}") from None
    if account.blocked:
        raise BadInputError(f"account {account.number} may not trade: {account.blocked}")
    return account


async def next_session(clock: SessionClock, stop: trio.Event) -> Session | None:
    """Return the session that runs or comes next, and wait until shortly before its bell.

    None if `stop` is set before.
    """
    today = dt.datetime.fromtimestamp(clock.now_ns() / 1e9, NEW_YORK).date()
    coming = sessions_between(today, today + dt.timedelta(days=10))
    session = next(s for s in coming if s.close_ns > clock.now_ns())
    begins = session.open_ns - EARLY_MINUTES * MINUTE_NS
    if clock.now_ns() < begins:
        opens = dt.datetime.fromtimestamp(session.open_ns / 1e9, NEW_YORK)
        say(f"waiting for the session of {opens:%A, %d %B, %H:%M} in New York")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_unless, stop, nursery.cancel_scope)
            await clock.sleep_until(begins)
            nursery.cancel_scope.cancel()
    return None if stop.is_set() else session


async def _unless(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()


async def warmup_bars(
    venue: "AlpacaVenue", config: Config, session: Session, symbols: tuple[str, ...]
) -> list[tuple[Session, Floats]]:
    """Return the bars of the sessions before; raises RotorError if they cannot be had."""
    from actors.venue import Unreachable

    wanted = config.session.warmup_sessions
    first = session.date - dt.timedelta(days=2 * wanted + 10)
    before = [s for s in sessions_between(first, session.date) if s.date < session.date]
    before = before[len(before) - wanted :] if wanted else []
    if not before:
        return []
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            bars = await venue.bars(symbols, before[0].open_ns, before[-1].close_ns)
            break
        except Unreachable as error:
            if attempt == _ATTEMPTS:
                raise RotorError(f"history cannot be had: {error}") from None
            say(f"history: {error}; once more")
    found = [(s, _grid(bars, s, symbols)) for s in before]
    return [(s, grid) for s, grid in found if not np.isnan(grid).all()]


def _grid(bars: "list[Bar]", session: Session, symbols: tuple[str, ...]) -> Floats:
    grid = np.full((session.minutes, len(symbols), 5), np.nan)
    column = {symbol: s for s, symbol in enumerate(symbols)}
    for bar in bars:
        minute = (bar.start_ns - session.open_ns) // MINUTE_NS
        if 0 <= minute < session.minutes and bar.symbol in column:
            grid[minute, column[bar.symbol]] = bar[2:7]
    return grid


def say(words: str) -> None:
    """Tell the operator, on stderr; where a screen is drawn, its log."""
    hear = audience.get()
    if hear is not None:
        hear(words)
        return
    print(f"rotor: {words}", file=sys.stderr, flush=True)  # noqa: T201
