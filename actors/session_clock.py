"""The session's clock: what time it is for the trader, and how it waits.

KEY INPUT: the wall, or an exchange that says what time it is.
KEY OUTPUT: `now_ns`, `sleep_until`, `move_on_after`, in session time.

Nothing that trades asks another clock. Against a real venue session time is the wall's.
"""

import heapq
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import trio

SECOND_NS = 1_000_000_000
STEP_NS = SECOND_NS
"""A wall that moves by more at once was set."""
MOMENT_NS = SECOND_NS // 20
LOOK_SECONDS = 1.0
"""How often a clock that may be set is looked at."""
LEAST_WALL_SECONDS = 0.15
"""However fast the session runs, grace, polls and deadlines last so long by the wall."""


class SessionClock(Protocol):
    """What a session is timed by."""

    def now_ns(self) -> int:
        """Return the session's time, UTC ns."""
        ...

    async def sleep_until(self, ts_ns: int) -> None:
        """Return when session time has reached a moment."""
        ...

    def span_ns(self, seconds: float) -> int:
        """Return a grace or a deadline of so many seconds, with the least it may last."""
        ...


async def pause(clock: SessionClock, seconds: float) -> None:
    """Wait some seconds of session time."""
    await clock.sleep_until(clock.now_ns() + clock.span_ns(seconds))


@asynccontextmanager
async def move_on_at(clock: SessionClock, ts_ns: int) -> AsyncIterator[trio.CancelScope]:
    """Cancel the body once session time has reached a moment."""
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_at, clock, ts_ns, scope)
            yield scope
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def move_on_after(clock: SessionClock, seconds: float) -> AsyncIterator[trio.CancelScope]:
    """Cancel the body once so much session time has gone by."""
    async with move_on_at(clock, clock.now_ns() + clock.span_ns(seconds)) as scope:
        yield scope


async def _cancel_at(clock: SessionClock, ts_ns: int, scope: trio.CancelScope) -> None:
    await clock.sleep_until(ts_ns)
    scope.cancel()


def steady_ns() -> int:
    """Return a count that no setting of the clock moves, and that goes on while the machine sleeps.

    Where the system has none (macOS), it stands in sleep.
    """
    boot: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot is None else time.clock_gettime_ns(boot)


class WallClock:
    """Session time is the wall's, but for a step of it, which is held back until it is confirmed.

    Small corrections (NTP's) are followed. It is asked from several threads.
    """

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = steady_ns
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._lock = threading.Lock()
        self._lead = self._read()[1]
        self.held_ns = 0
        """By how much the wall was set since, which session time does not follow yet."""

    def now_ns(self) -> int:
        """Return the session's time, UTC ns."""
        with self._lock:
            now, lead = self._read()
            change, self._lead = lead - self._lead, lead
            if abs(change) > STEP_NS:
                self.held_ns += change
            return now - self.held_ns

    def follow(self) -> None:
        """Take the wall for right: session time is what it says."""
        with self._lock:
            self._lead = self._read()[1]
            self.held_ns = 0

    async def sleep_until(self, ts_ns: int) -> None:
        """Wait by the wall, which may be set meanwhile, on a machine that may sleep."""
        while (left := ts_ns - self.now_ns()) > 0:  # noqa: ASYNC110 - the wall has no event
            await trio.sleep(min(left / SECOND_NS, LOOK_SECONDS))

    def span_ns(self, seconds: float) -> int:
        """Return the seconds as they are."""
        return round(seconds * SECOND_NS)

    def _read(self) -> tuple[int, int]:
        """Return the wall's time, and its lead before the steady count, read at one moment."""
        while True:
            before = self._steady()
            now = self._wall()
            if self._steady() - before < MOMENT_NS:  # else this thread had to wait in between
                return now, now - before


class TrioClock:
    """Session time is Trio's, from a moment on: for tests with a MockClock."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._began = trio.current_time()

    def now_ns(self) -> int:
        """Return the session's time, UTC ns."""
        return self._start_ns + round((trio.current_time() - self._began) * SECOND_NS)

    async def sleep_until(self, ts_ns: int) -> None:
        """Wait by Trio's clock."""
        await trio.sleep_until(self._began + (ts_ns - self._start_ns) / SECOND_NS)

    def span_ns(self, seconds: float) -> int:
        """Return the seconds as they are."""
        return round(seconds * SECOND_NS)


class RemoteClock:
    """Session time is an exchange's: it tells its time, and is told when we next want to wake."""

    def __init__(self) -> None:
        self.speed: float | None = None
        """Session seconds per second of the wall; None: time jumps (lockstep), or stands."""
        self.changed = trio.Event()
        """Set, and made anew, when a timer is added or time is set."""
        self._now_ns = 0
        self._told_at = 0.0
        self._timers: list[tuple[int, int, trio.Event]] = []
        self._count = 0

    def set(self, now_ns: int, speed: float | None) -> None:
        """Take over the exchange's time; what was waited for wakes."""
        self._now_ns, self.speed, self._told_at = now_ns, speed, time.monotonic()
        self._wake()
        self._change()

    def now_ns(self) -> int:
        """Return the session's time, UTC ns."""
        if self.speed is None:
            return self._now_ns
        return self._now_ns + round((time.monotonic() - self._told_at) * self.speed * SECOND_NS)

    async def sleep_until(self, ts_ns: int) -> None:
        """Return when the exchange's time has reached a moment."""
        if ts_ns <= self.now_ns():
            await trio.lowlevel.checkpoint()
            return
        event = trio.Event()
        self._count += 1
        timer = (ts_ns, self._count, event)
        heapq.heappush(self._timers, timer)
        self._change()
        try:
            await event.wait()
        finally:
            if timer in self._timers:
                self._timers.remove(timer)
                heapq.heapify(self._timers)
                self._change()

    def span_ns(self, seconds: float) -> int:
        """Return the seconds, at least what the wall needs for `LEAST_WALL_SECONDS`."""
        least = 0.0 if self.speed is None else LEAST_WALL_SECONDS * self.speed
        return round(max(seconds, least) * SECOND_NS)

    @property
    def next_timer_ns(self) -> int | None:
        """Return when somebody next wants to wake; None if nobody does."""
        return self._timers[0][0] if self._timers else None

    async def run(self) -> None:
        """Wake what waits while time flows by itself; runs for ever."""
        while True:
            self._wake()
            event, wait = self.changed, math.inf
            if self._timers and self.speed is not None:
                wait = (self._timers[0][0] - self.now_ns()) / SECOND_NS / self.speed
            with trio.move_on_after(max(0.0, wait)):
                await event.wait()

    def _wake(self) -> None:
        now = self.now_ns()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2].set()

    def _change(self) -> None:
        event, self.changed = self.changed, trio.Event()
        event.set()
