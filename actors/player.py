"""A finished run, looked at again: any minute of any session, forwards and backwards.

KEY INPUT: a function that gives the views of one session, minute by minute.
KEY OUTPUT: the view of the minute that is shown.

A session's views are made by running the run's own inputs again, so that they are those which a
screen would have shown.
"""

import datetime as dt
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import trio

from actors.cockpit.views import CockpitView, TransportView
from actors.pacing import MINUTE_SECONDS, parse_speed
from actors.seeking import seek_time
from actors.standing import Place
from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK, session_on
from engine.market.frames import MINUTE_NS, Session

Load = Callable[[int], Awaitable[Sequence[CockpitView]]]
"""Gives the views of the session of that index, one per minute."""
READING = "the run is being read"
END = "this is the run's last minute"


Find = Callable[[Sequence[CockpitView]], int | None]


def _first(_: Sequence[CockpitView]) -> int:
    return 0


def _last(views: Sequence[CockpitView]) -> int:
    return len(views) - 1


class _Goal(NamedTuple):
    """Where to go once a session is loaded."""

    session: int
    """Index of it."""
    find: Find = _first
    """Returns the minute; None if the session does not have it."""
    onward: int = 0
    """Where to look then: 1 in the next session, -1 in the one before, 0 nowhere."""


class Player:
    """What is shown of a finished run, and the knobs."""

    def __init__(self, dates: Sequence[dt.date], load: Load, speed: float | None = 60.0) -> None:
        self.speed = speed
        self.playing = False
        self.viewers = 0
        self._dates = dates
        self._load = load
        self._views: Sequence[CockpitView] = ()
        self._session = -1
        self._minute = 0
        self._wanted: _Goal | None = _Goal(0)
        self._turned = trio.Event()
        self._stands = trio.Event()
        self._short = ""
        self._shown: CockpitView | None = None
        self._place: Place | None = None
        self._sequence = 0

    async def run(self) -> None:
        """Play for ever."""
        while True:
            if self._wanted is not None:
                await self._go(self._wanted)
            self._show()
            if self._wanted is None:
                self._stands.set()
                self._stands = trio.Event()
            with trio.move_on_at(self._next()):
                await self._turned.wait()
            if self._turned.is_set():
                self._turned = trio.Event()
            else:
                self._advance()

    def view(self) -> CockpitView | None:
        """Return what is shown; None while the first session is loaded."""
        return self._shown

    @property
    def place(self) -> Place:
        """Return the minute that is shown; raises BadInputError before there is one."""
        if self._place is None:
            raise BadInputError(READING)
        return self._place

    def transport(self) -> TransportView:
        """Return where the player stands."""
        # while another session is looked through, the minute is still one of the last
        minute = min(self._minute, len(self._views) - 1)
        view = self._views[minute] if self._views else None
        return TransportView(
            playing=self.playing,
            speed=self.speed,
            minute=minute + 1,
            minutes=len(self._views),
            session_index=self._session + 1,
            sessions=len(self._dates),
            trades=0 if view is None else view.stats.fills,
            can_step_back=True,
            ended=self._views != () and self._is_end(),
        )

    def turn(self, request: Mapping[str, Any]) -> TransportView:
        """Turn a knob; raises BadInputError if it cannot be done."""
        do, to = request.get("do"), request.get("to")
        if not self._views:
            raise BadInputError(READING)
        match do:
            case "play":
                if self._is_end():
                    raise BadInputError(END)
                self.playing = True
            case "pause":
                self.playing = False
            case "speed":
                self.speed = parse_speed(to)
            case "step" | "back":
                self._step(1 if do == "step" else -1)
            case "seek":
                self._seek(to)
            case "next_trade" | "previous_trade":
                self._to_trade(1 if do == "next_trade" else -1)
            case "next_session" | "previous_session":
                self._to_session(self._session + (1 if do == "next_session" else -1))
            case _:
                raise BadInputError(f"{do!r}: play, pause, step, back, speed, seek, next_trade, …")
        self._turned.set()
        return self.transport()

    async def arrived(self) -> str:
        """Wait until the knobs have been followed; return why it is not where they said."""
        await self._stands.wait()
        return self._short

    # --- the knobs ------------------------------------------------------------------------------

    def _step(self, by: int) -> None:
        self.playing = False
        if by > 0 and self._is_end():
            raise BadInputError(END)
        if 0 <= self._minute + by < len(self._views):
            self._minute += by
        else:
            self._to_session(self._session + by, _first if by > 0 else _last)

    def _to_session(self, index: int, find: Find = _first) -> None:
        if not 0 <= index < len(self._dates):
            raise BadInputError(f"this is the {'first' if index < 0 else 'last'} session")
        self._wanted = _Goal(index, find)

    def _seek(self, to: object) -> None:
        now = self._now()
        ns = seek_time(to, now, now.open_ns + self._minute * MINUTE_NS, self._dates)
        index = next(
            n for n, date in enumerate(self._dates) if (s := session_on(date)) and ns < s.close_ns
        )
        session = session_on(self._dates[index])
        assert session is not None
        minute = (ns - session.open_ns) // MINUTE_NS
        self.playing = False

        def find(views: Sequence[CockpitView]) -> int:
            last = len(views) - 1
            if minute > last:
                end = dt.datetime.fromtimestamp(
                    (session.open_ns + last * MINUTE_NS) // 1_000_000_000, NEW_YORK
                )
                self._short = f"{end:%H:%M} is the run's last minute of that day"
            return min(minute, last)

        self._wanted = _Goal(index, find)

    def _to_trade(self, onward: int) -> None:
        self.playing = False
        here, at = self._session, self._minute

        def find(views: Sequence[CockpitView]) -> int | None:
            filled = _filled(views)
            if self._session == here:
                filled = [minute for minute in filled if (minute - at) * onward > 0]
            return None if not filled else filled[0] if onward > 0 else filled[-1]

        self._wanted = _Goal(here, find, onward)

    def _now(self) -> Session:
        session = session_on(self._dates[self._session])
        assert session is not None
        return session

    # --- moving ---------------------------------------------------------------------------------

    async def _go(self, goal: _Goal) -> None:
        self._wanted, self._short = None, ""
        before = (self._session, self._minute, self._views)
        index = goal.session
        while 0 <= index < len(self._dates):
            if index != self._session:
                self._views = await self._load(index)
                self._session = index
            minute = goal.find(self._views)
            if minute is not None:
                self._minute = minute
                return
            index += goal.onward or len(self._dates)
        self._session, self._minute, self._views = before
        self._short = f"there is none {'after' if goal.onward > 0 else 'before'} this minute"

    def _is_end(self) -> bool:
        return (self._session, self._minute) == (len(self._dates) - 1, len(self._views) - 1)

    def _next(self) -> float:
        if not self.playing:
            return math.inf
        return trio.current_time() + (0.0 if self.speed is None else MINUTE_SECONDS / self.speed)

    def _advance(self) -> None:
        if self._minute + 1 < len(self._views):
            self._minute += 1
        elif self._session + 1 < len(self._dates):
            self._wanted = _Goal(self._session + 1)
        else:
            self.playing = False

    def _show(self) -> None:
        if self._views:
            self._sequence += 1
            view = self._views[self._minute]
            self._place = Place(self._session, self._minute)
            self._shown = replace(
                view,
                sequence=self._sequence,
                header=replace(view.header, recorded=True),
                transport=self.transport(),
            )


def _filled(views: Sequence[CockpitView]) -> list[int]:
    """Return the minutes in which something was filled."""
    fills = [0, *(view.stats.fills for view in views)]
    return [minute for minute in range(len(views)) if fills[minute + 1] > fills[minute]]
