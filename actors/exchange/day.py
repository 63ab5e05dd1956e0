"""The day: what happens at each minute's end, and when time may go on.

KEY INPUT: the clock, the clients' quiet.
KEY OUTPUT: fills of what rests, bars and quotes to the market stream, clock messages.

At a minute's end: what rests is matched against its bar and reported; the clients take that
(lockstep: they are quiet; at a speed: 20 ms); the new minute's quotes and the bars that are over
are sent; what waits for the new minute's open is filled. In lockstep the reports come in the
minute's last microsecond, as they are stamped, and every client has heard that the new minute has
begun, and done what it had set itself for that moment, before the bars are sent: so nothing
depends on which of its sockets a client reads first.
"""

import trio

from actors.exchange.clock import SECOND_NS
from actors.exchange.floor import Floor
from actors.exchange.matching import LAST_NS
from engine.market.frames import MINUTE_NS

_LOOK_AGAIN_SECONDS = 0.25
_TAKE_SECONDS = 0.02
"""At a speed, how long clients have to take reports before the bars are sent."""


class Day:
    """Drives a floor through its session, and on until it is stopped."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._clock = floor.clock
        self._clients = floor.clients
        self._bell = floor.clock.bell
        self._moved = float("-inf")
        self._ended = 0
        """How many boundaries were passed: the bell, then each minute's end."""

    async def run(self) -> None:
        """Run for ever."""
        self._clock.start()
        while True:
            self._hold()
            if self._clock.lockstep:
                await self._step()
            else:
                await self._flow()

    @property
    def boundary(self) -> int | None:
        """Return the next boundary: the bell, a minute's end; None after the close."""
        session = self._floor.market.session
        if self._ended > session.minutes:
            return None
        return session.open_ns + self._ended * MINUTE_NS

    async def _step(self) -> None:
        if not await self._quiet(self._moved):
            return
        moments = (self.boundary, self._clients.next_timer(), self._clock.next_timer())
        target = min((m for m in moments if m is not None), default=None)
        if target is None:
            await self._bell.wait()
            return
        if target == self.boundary:
            await self._pass_boundary(target)
            return
        await self._tell_time(target)
        self._clock.run_due()

    async def _flow(self) -> None:
        moments = (self.boundary, self._clock.next_timer())
        target = min((m for m in moments if m is not None), default=None)
        if self._clock.paused or target is None:
            await self._bell.wait()
            return
        left_ns = target - self._clock.now_ns
        if left_ns > 0:
            assert self._clock.speed is not None
            with trio.move_on_after(left_ns / SECOND_NS / self._clock.speed):
                await self._bell.wait()
            return
        self._floor.tell_clock()
        self._clock.run_due()
        if self.boundary is not None and self.boundary <= self._clock.now_ns:
            floor, minute = self._floor, self._next_minute()
            if floor.end_minute(minute):
                await trio.sleep(_TAKE_SECONDS)
            floor.publish(minute)

    async def _pass_boundary(self, target: int) -> None:
        """End a minute in lockstep: reports in its last moment, timers, then bars at its end."""
        floor, minute = self._floor, self._next_minute()
        floor.trades.held = True
        if minute >= 0:
            self._clock.jump(target - LAST_NS)
        if floor.end_minute(minute):
            await self._tell_time(target - LAST_NS)
            floor.trades.release()
            await self._settle(trio.current_time())
        floor.trades.held = False
        await self._tell_time(target)
        self._clock.run_due()
        floor.publish(minute)
        self._moved = trio.current_time()

    async def _tell_time(self, target: int) -> None:
        """Jump, and return when every client with a clock knows it and is idle again."""
        self._clock.jump(target)
        self._moved = trio.current_time()
        self._floor.tell_clock()
        await self._settle(float("-inf"))

    def _next_minute(self) -> int:
        """Return the minute that ends at the boundary, −1 at the bell, and pass on."""
        self._ended += 1
        return self._ended - 2

    async def _settle(self, moved: float) -> None:
        """Return when everybody is quiet, or time flows."""
        while self._clock.lockstep and not await self._quiet(moved):
            self._hold()

    async def _quiet(self, moved: float) -> bool:
        """Wait a little; return whether everybody is quiet and time may move.

        `moved` is when there was last something to act on for who has no clock.
        """
        if self._clock.paused or not self._clients.begun or self._clients.busy(self._clock.now_ns):
            with trio.move_on_after(_LOOK_AGAIN_SECONDS):
                await self._bell.wait()
            return False
        left = self._clients.silence_left(moved)
        if left > 0:
            with trio.move_on_after(left):
                await self._bell.wait()
            return False
        # what was made ready in this very moment goes out first
        await trio.lowlevel.checkpoint()
        return not self._clients.busy(self._clock.now_ns)

    def _hold(self) -> None:
        """Hold time while a client is away for whom it stands."""
        missing = self._clients.missing(self._clock.now_ns)
        if missing is not None and not self._clock.held:
            self._clock.pause("hold")
        elif missing is None and self._clock.held:
            self._clock.resume("hold")
