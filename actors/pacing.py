"""A replay at a human pace: one frame at a time, with operators' commands heard in between.

KEY INPUT: the speed (1 is real time); what turns the knobs; commands.
KEY OUTPUT: waits; commands for the desk; the latest view.

Pausing, stepping and seeking change when a frame is decided, never what: the journal is that of an
unwatched run.
"""

import datetime as dt
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from actors.cockpit.views import TransportView
from actors.mailbox import Mailbox
from actors.seeking import seek_time
from actors.views import Views
from engine.errors import BadInputError
from engine.events import Command
from engine.market.calendar import session_on
from engine.market.frames import MINUTE_NS, Block, Session
from engine.records.page import Page

MINUTE_SECONDS = 60.0
BACK = "only a finished run can go back"
END = "this is the replay's last minute"


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that came in, and who gave it."""

    command: Command
    actor: str


@dataclass(slots=True)
class Pacing:
    """How a paced session waits for its frames, and the knobs that say how long."""

    speed: float | None
    """Minutes per minute of wall time; None: as fast as it goes."""
    dates: Sequence[dt.date] = ()
    """Of the sessions that are traded."""
    since: dt.date | None = None
    """Earlier sessions go by in large blocks; None: every minute of each counts."""
    playing: bool = True
    stop: trio.Event = field(default_factory=trio.Event)
    """Once set, nothing waits any more."""
    commands: Mailbox[Asked] = field(default_factory=lambda: Mailbox("control→supervisor", 16))
    views: Views = field(default_factory=Views)
    closed: Callable[[Page], None] = lambda _: None
    """Told of every page as soon as it is closed."""
    due: trio.Semaphore = field(default_factory=lambda: trio.Semaphore(0))
    """One for each frame that is let go, for the feed to give to the predictors."""
    now_ns: int = 0
    """The end of the last minute that was replayed."""
    _turned: trio.Event = field(default_factory=trio.Event)
    _due: float = -math.inf
    _steps: int = 0
    _goal: Callable[[], bool] | None = None
    _at: Block | None = None
    """The last frame that was let go."""
    _trades: int = 0

    def skips(self, session: Session) -> bool:
        """Return whether nobody wants to see the minutes of a session."""
        return self.since is not None and session.date < self.since

    async def wait(self, block: Block, trades: int, hear: Callable[[Asked], None]) -> None:
        """Return when the frame is due; every command until then is heard."""
        self._trades = trades
        while not self.stop.is_set():
            due = self._next()
            async with trio.open_nursery() as nursery:
                nursery.cancel_scope.deadline = due
                nursery.start_soon(_until, self.stop, nursery.cancel_scope)
                nursery.start_soon(_until, self._turned, nursery.cancel_scope)
                while True:
                    hear(await self.commands.receive())
            if self._turned.is_set():
                self._turned = trio.Event()
                continue
            self._due = due
            break
        self._steps = max(0, self._steps - 1)
        self._at = block

    def close(self, page: Page) -> None:
        """Take a page that is closed."""
        self.now_ns = page.block.ts_ns(len(page.block) - 1) + MINUTE_NS
        self.closed(page)

    def _next(self) -> float:
        """Return when the next frame is due, in Trio's time."""
        if self._goal is not None and self._goal():
            self._goal, self.playing = None, False
        if self._goal is not None or self._steps:
            return -math.inf
        if not self.playing:
            return math.inf
        if self.speed is None:
            return -math.inf
        if self._due == -math.inf:
            self._due = trio.current_time()
        return self._due + MINUTE_SECONDS / self.speed

    # --- the knobs ------------------------------------------------------------------------------

    def transport(self) -> TransportView:
        """Return where the replay stands."""
        at = self._at
        session = None if at is None else at.session
        return TransportView(
            playing=not self._ended() and (self.playing or self._goal is not None),
            speed=self.speed,
            minute=0 if at is None else at.first + 1,
            minutes=0 if session is None else session.minutes,
            session_index=0 if session is None else _index(self.dates, session.date),
            sessions=len(self.dates),
            trades=self._trades,
            can_step_back=False,
            ended=self._ended(),
        )

    def turn(self, request: Mapping[str, Any]) -> TransportView:
        """Turn a knob: `do` is play, pause, step, speed, seek, next_trade or next_session.

        Raises BadInputError if it cannot be done.
        """
        do, to = request.get("do"), request.get("to")
        on_its_way = self._steps, self._goal
        self._steps, self._goal = 0, None
        try:
            self._do(do, to)
        except BadInputError:
            self._steps, self._goal = on_its_way
            raise
        if do == "speed":
            self._steps, self._goal = on_its_way
        self._due = -math.inf
        self._turned.set()
        return self.transport()

    def _do(self, do: object, to: object) -> None:
        if self._ended() and do in ("play", "step", "next_trade", "next_session"):
            raise BadInputError(END)
        match do:
            case "play":
                self.playing = True
            case "pause":
                self.playing = False
            case "step":
                self.playing, self._steps = False, 1
            case "speed":
                self.speed = parse_speed(to)
            case "seek":
                self._seek(seek_time(to, self._session(), self._now_ns(), self.dates))
            case "next_trade":
                before = self._trades
                self._goal = lambda: self._trades > before
            case "next_session":
                self._seek(self._later())
            case "back" | "previous_trade" | "previous_session":
                raise BadInputError(BACK)
            case _:
                raise BadInputError(f"{do!r}: play, pause, step, speed, seek, next_trade, …")

    def _seek(self, ns: int) -> None:
        if ns <= self._now_ns():
            raise BadInputError(BACK)
        self._goal = lambda: self._now_ns() >= ns

    def _later(self) -> int:
        later = [date for date in self.dates if date > self._session().date]
        session = session_on(later[0]) if later else None
        if session is None:
            raise BadInputError("this is the last session")
        return session.open_ns

    def _ended(self) -> bool:
        at = self._at
        return at is not None and (at.session.date, at.first + 1) == (
            max(self.dates, default=None), at.session.minutes,
        )  # fmt: skip

    def _session(self) -> Session:
        if self._at is None:
            raise BadInputError("the replay is warming up")
        return self._at.session

    def _now_ns(self) -> int:
        return 0 if self._at is None else self._at.ts_ns(0)


def parse_speed(to: object) -> float | None:
    """Return a speed; raises BadInputError."""
    if to == "max":
        return None
    if isinstance(to, int | float) and 0 < to <= sys.float_info.max:
        return float(to)
    raise BadInputError(f"speed {to!r}: a positive number, or max")


def _index(dates: Sequence[dt.date], date: dt.date) -> int:
    return 1 + sum(one < date for one in dates)


async def _until(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
