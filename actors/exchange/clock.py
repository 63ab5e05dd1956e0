"""The session's clock: linear at a speed, or standing until it jumps (lockstep); it can be paused.

KEY INPUT: trio's time, jumps, reasons to stand still.
KEY OUTPUT: now, UTC ns; a bell that rings at every change that someone may wait for.
"""

import heapq
from collections.abc import Callable
from itertools import count

import trio

from engine.market.frames import MINUTE_NS

SECOND_NS = 1_000_000_000
BEFORE_OPEN_MINUTES = 5


class Bell:
    """Wakes whoever waits for a change."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def ring(self) -> None:
        """Wake all that wait."""
        event, self._event = self._event, trio.Event()
        event.set()

    async def wait(self) -> None:
        """Return at the next ring."""
        await self._event.wait()


class SessionClock:
    """Session time. `speed` None is lockstep."""

    def __init__(self, open_ns: int, bell: Bell, *, speed: float | None) -> None:
        self.bell = bell
        self.speed = speed
        self._base_ns = open_ns - BEFORE_OPEN_MINUTES * MINUTE_NS
        self._since: float | None = None
        """trio's time at the base; None while time stands."""
        self._pauses: set[str] = set()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._count = count()

    @property
    def now_ns(self) -> int:
        """Return session time."""
        if self._since is None or self.speed is None:
            return self._base_ns
        return self._base_ns + round((trio.current_time() - self._since) * self.speed * SECOND_NS)

    @property
    def lockstep(self) -> bool:
        """Return whether time moves in jumps."""
        return self.speed is None

    @property
    def paused(self) -> bool:
        """Return whether somebody holds time."""
        return bool(self._pauses)

    @property
    def held(self) -> bool:
        """Return whether time stands for a client that is away."""
        return "hold" in self._pauses

    def start(self) -> None:
        """Let time run, from where it stands."""
        if self._since is None and not self._pauses:
            self._since = trio.current_time()

    def pause(self, reason: str) -> None:
        """Hold time until every reason is gone."""
        self._base_ns, self._since = self.now_ns, None
        self._pauses.add(reason)
        self.bell.ring()

    def resume(self, reason: str) -> None:
        """Take back a reason to hold time."""
        self._pauses.discard(reason)
        self.start()
        self.bell.ring()

    def set_speed(self, speed: float | None) -> None:
        """Change the speed from now on; None is lockstep."""
        self._base_ns = self.now_ns
        self._since = None
        self.speed = speed
        self.start()
        self.bell.ring()

    def jump(self, ts_ns: int) -> None:
        """Move lockstep time forward."""
        self._base_ns = max(self._base_ns, ts_ns)

    def call_at(self, ts_ns: int, task: Callable[[], None]) -> None:
        """Have something done at a moment of session time."""
        heapq.heappush(self._timers, (ts_ns, next(self._count), task))
        self.bell.ring()

    def next_timer(self) -> int | None:
        """Return when the next thing is to be done."""
        return self._timers[0][0] if self._timers else None

    def run_due(self) -> None:
        """Do what is due."""
        while self._timers and self._timers[0][0] <= self.now_ns:
            heapq.heappop(self._timers)[2]()
