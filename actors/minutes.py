"""The live feed: a frame for every minute of the session, closed on time whatever has come.

KEY INPUT: bars of the stream, in any order, late, revised or missing; history where it broke.
KEY OUTPUT: Frames, in order, one per minute.

A frame closes when all symbols have reported, or a grace after its minute's end. Where the stream
was broken, or says nothing at all, the minute's bars are asked for before anything is decided. A
stream that still says nothing 75 s after a minute's begin, while history has its bars or does not
answer, is connected again; frames are mute, so that nothing is opened, until it brings a bar.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import trio

from actors.cockpit.views import Link
from actors.session_clock import SessionClock, move_on_at
from actors.venue import Bar, Connected, Lost, Unreachable, Venue
from engine.market.frames import MINUTE_NS, Floats, Session
from engine.records.inputs import MUTE, Frame

GRACE_SECONDS = 2.0
"""After a minute's end, for bars still on their way."""
MUTE_SECONDS = 15.0
"""After a minute's end: a stream that has told nothing of it by then may be dead."""
LATE_SECONDS = 30.0
"""A frame that is learned of later than this after its end is late: nothing is decided in it."""
BUFFER = 4096

Give = Callable[[Frame], Awaitable[None]]


@dataclass(slots=True)
class FeedCounts:
    """What the feed did not use as it came."""

    late: int = 0
    """Bars of minutes that had closed."""
    revised: int = 0
    """Revisions of bars of closed minutes; they are not learned."""
    outside: int = 0
    """Bars outside of the session, or of symbols that were not asked for."""
    backfilled: int = 0
    """Minutes whose bars were asked for."""


@dataclass(slots=True)
class Minutes:
    """The feed of one session."""

    venue: Venue
    clock: SessionClock
    session: Session
    symbols: tuple[str, ...]
    counts: FeedCounts = field(default_factory=FeedCounts)
    lost: Callable[[str], None] = lambda _: None
    """Told why the stream broke."""
    link: Link = "connecting"
    """Of the stream."""
    _bars: dict[int, dict[str, Bar]] = field(default_factory=lambda: defaultdict(dict))
    _next: int = 0
    _suspect: bool = True
    """True while bars of the running minute may have been missed."""
    _stood_ns: int | None = None
    """Since when the stream stands, as far as is told; None while it does not."""
    _given_up: bool = False
    """True if it broke for good: it does not connect again by itself."""
    _silent: bool = False
    """True if it should have told bars of the minute before, and has not."""
    _mute: bool = False
    """True from when it was found dead until it brings a bar."""
    _why: str = ""
    """Why it broke, while it is down."""

    async def run(self, first: int, give: Give) -> None:
        """Give every frame from minute `first` on, until the session's last."""
        self._next = first
        while self._next < self.session.minutes:
            sender, receiver = trio.open_memory_channel[Bar | Connected | Lost](BUFFER)
            self._stood_ns, self._given_up = None, False
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.venue.bar_stream, self.symbols, sender)
                await self._catch_up(give)
                await self._follow(receiver, give)
                nursery.cancel_scope.cancel()

    async def _catch_up(self, give: Give) -> None:
        """Give the minutes that are over, from history; of the last one bars may still come."""
        now = self.clock.now_ns() - self.session.open_ns
        ended = min(now // MINUTE_NS, self.session.minutes)
        over = min((now - self.clock.span_ns(GRACE_SECONDS)) // MINUTE_NS, ended)
        if ended <= self._next:
            return
        found = await self._history(self._next, ended) or {}
        for minute, bars in found.items():
            self._bars[minute] |= bars
        while self._next < over:
            await self._close(give, backfilled=True)

    async def _follow(
        self, receiver: trio.MemoryReceiveChannel[Bar | Connected | Lost], give: Give
    ) -> None:
        """Give frames as they close; returns when the session is over or the stream is dead."""
        while self._next < self.session.minutes:
            end_ns = self.session.open_ns + (self._next + 1) * MINUTE_NS
            grace_ns = end_ns + self.clock.span_ns(GRACE_SECONDS)
            if self._silent and await self._dead(receiver, end_ns - MINUTE_NS, grace_ns):
                return
            async with move_on_at(self.clock, grace_ns):
                while len(self._bars[self._next]) < len(self.symbols):
                    self._take(await receiver.receive())
            heard = bool(self._bars[self._next])
            asked = self._suspect or not heard
            if asked and len(self._bars[self._next]) < len(self.symbols):
                found = await self._history(self._next, self._next + 1) or {}
                self._bars[self._next] = found.get(self._next, {}) | self._bars[self._next]
            self._silent = not heard and (self._stood_ns is None or self._stood_ns < end_ns)
            self._suspect = self._stood_ns is None
            await self._close(give, backfilled=asked)

    async def _dead(
        self,
        receiver: trio.MemoryReceiveChannel[Bar | Connected | Lost],
        begin_ns: int,
        latest_ns: int,
    ) -> bool:
        """Wait for bars of the minute that ended at `begin_ns`; return whether to connect again."""
        bark_ns = min(begin_ns + self.clock.span_ns(MUTE_SECONDS), latest_ns)
        async with move_on_at(self.clock, bark_ns):
            while self._silent:
                self._take(await receiver.receive())
        if not self._silent:
            return False
        self._silent = False
        if await self._history(self._next - 1, self._next) == {}:
            return False  # no bar anywhere: that is a fact
        self._mute = self._suspect = True
        if self._stood_ns is not None:
            self.lost("it stands, and is mute")
            return True
        return self._given_up  # else it is connecting already

    def _take(self, message: Bar | Connected | Lost) -> None:
        if isinstance(message, Connected):
            self.link = "up"
            self._stood_ns, self._why = self.clock.now_ns(), ""
            return
        if isinstance(message, Lost):
            self.link = "down"
            self._suspect, self._stood_ns, self._given_up = True, None, message.fatal
            if message.reason != self._why:
                self.lost(message.reason)
            self._why = message.reason
            return
        self._silent = self._mute = False
        minute = (message.start_ns - self.session.open_ns) // MINUTE_NS
        inside = 0 <= minute < self.session.minutes
        if not inside or message.symbol not in self.symbols:
            self.counts.outside += 1
        elif minute >= self._next:
            there = self._bars[minute].get(message.symbol)
            if there is None or message.updated or not there.updated:
                self._bars[minute][message.symbol] = message
        elif message.updated:
            self.counts.revised += 1
        else:
            self.counts.late += 1

    async def _close(self, give: Give, *, backfilled: bool) -> None:
        minute = self._next
        self._next += 1
        bars = np.full((len(self.symbols), 5), np.nan)
        for symbol, bar in self._bars.pop(minute, {}).items():
            bars[self.symbols.index(symbol)] = bar[2:7]
        end_ns = self.session.open_ns + (minute + 1) * MINUTE_NS
        late = self.clock.now_ns() > end_ns + self.clock.span_ns(LATE_SECONDS)
        self.counts.backfilled += backfilled
        mute = self._silence() if self._mute else ""
        await give(Frame(minute, _sane(bars), late=late, backfilled=backfilled, mute=mute))

    def _silence(self) -> str:
        return f"the bar stream is down ({self._why})" if self._why else MUTE

    async def _history(self, start: int, stop: int) -> dict[int, dict[str, Bar]] | None:
        """Return the bars of minutes start…stop − 1 as history has them; None without an answer."""
        open_ns = self.session.open_ns
        begin, end = open_ns + start * MINUTE_NS, open_ns + stop * MINUTE_NS
        found: dict[int, dict[str, Bar]] = defaultdict(dict)
        try:
            bars: Sequence[Bar] = await self.venue.bars(self.symbols, begin, end)
        except Unreachable:
            return None
        for bar in bars:
            found[(bar.start_ns - open_ns) // MINUTE_NS][bar.symbol] = bar
        return found


def _sane(bars: Floats) -> Floats:
    """Return bars with those taken out that are no numbers; the grid judges the others."""
    return np.where(np.isfinite(bars).all(axis=1, keepdims=True), bars, np.nan)
