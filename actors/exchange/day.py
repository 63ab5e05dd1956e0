"""The day: what happens at each minute's end, and when time may go on.

KEY INPUT: the clock, the clients' quiet.
KEY OUTPUT: fills of what rests, bars and quotes to the market stream, clock messages.

At a minute's end: what rests is matched against its bar and reported; the clients take that
(lockstep: they are quiet; at a speed: 20 ms); the new minute's quotes and the bars that are over
are sent; what waits for the new minute's open is filled.
"""

import trio

from actors.exchange.floor import Floor
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
        if not await self._quiet():
            return
        moments = (self.boundary, self._clients.next_timer(), self._clock.next_timer())
        target = min((m for m in moments if m is not None), default=None)
        if target is None:
            await self._bell.wait()
            return
        self._clock.jump(target)
        self._moved = trio.current_time()
        await self._arrive()

    async def _flow(self) -> None:
        moments = (self.boundary, self._clock.next_timer())
        target = min((m for m in moments if m is not None), default=None)
        if self._clock.paused or target is None:
            await self._bell.wait()
            return
        if self._clock.now_ns < target:
            assert self._clock.speed is not None
            left = (target - self._clock.now_ns) / 1e9 / self._clock.speed
            with trio.move_on_after(left):
                await self._bell.wait()
            return
        await self._arrive()

    async def _arrive(self) -> None:
        self._floor.tell_clock()
        self._clock.run_due()
        boundary = self.boundary
        if boundary is not None and boundary <= self._clock.now_ns:
            await self._pass_boundary()

    async def _pass_boundary(self) -> None:
        floor, minute = self._floor, self._ended - 1
        self._ended += 1
        floor.end_minute(minute)
        if minute >= 0:
            await self._let_take()
        floor.publish(minute)

    async def _let_take(self) -> None:
        if not self._clock.lockstep:
            await trio.sleep(_TAKE_SECONDS)
            return
        self._moved = trio.current_time()
        while self._clock.lockstep and not await self._quiet():
            self._hold()
        self._moved = trio.current_time()

    async def _quiet(self) -> bool:
        """Wait a little; return whether everybody is quiet and time may move."""
        if self._clock.paused or not self._clients.begun or self._clients.busy(self._clock.now_ns):
            with trio.move_on_after(_LOOK_AGAIN_SECONDS):
                await self._bell.wait()
            return False
        left = self._clients.silence_left(self._moved)
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
