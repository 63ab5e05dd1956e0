"""One connection of one of alpaca-py's streams: its own thread, its own asyncio loop, one bridge.

KEY INPUT: a stream of alpaca-py's, made in the thread.
KEY OUTPUT: what it receives, in order, on Trio's side; at last an End, which says why.

The bridge is bounded: a stream that finds it full ends, so that nothing is dropped unseen.
"""

import asyncio
import math
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import trio

_CLOSING_SECONDS = 1.0
_STOPPING_SECONDS = 3.0


class Up(NamedTuple):
    """The stream stands and is subscribed."""


class Heard(NamedTuple):
    """What alpaca-py handed to a handler."""

    payload: Any


class Kept(NamedTuple):
    """Items that stay in the stream's thread; told only where somebody counts what came."""

    items: int


class End(NamedTuple):
    """The connection is over."""

    reason: str
    code: int = 0
    fatal: bool = False


Crossing = Up | Heard | Kept | End


class Broken(BaseException):
    """Raised inside alpaca-py to end a connection: it catches every Exception and goes on."""

    def __init__(self, end: End) -> None:
        super().__init__(end.reason)
        self.end = end


class Listening(Protocol):
    """What a connection needs of a stream."""

    def verdict(self) -> End:
        """Return why it ended, if nothing else says so."""
        ...

    async def _run_forever(self) -> None: ...

    def close(self) -> Coroutine[Any, Any, None]:
        """Close the socket."""
        ...


class Bridge:
    """From the stream's thread into Trio, in order, at most `capacity` on the way."""

    def __init__(self, capacity: int) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._room = threading.Semaphore(capacity)
        self._in, self._out = trio.open_memory_channel[Crossing](math.inf)

    def offer(self, crossing: Up | Heard | Kept) -> None:
        """Send from the stream's thread; raises Broken when there is no room."""
        if not self._room.acquire(blocking=False):
            raise Broken(End("the trader is too slow: the bridge is full"))
        if not self._cross(crossing):
            raise Broken(End("the trader is gone"))

    def end(self, end: End) -> None:
        """Send the last word from the stream's thread; there is always room for it."""
        self._cross(end)

    async def receive(self) -> Crossing:
        """Return what came next."""
        crossing = await self._out.receive()
        self._room.release()
        return crossing

    def _cross(self, crossing: Crossing) -> bool:
        try:
            self._token.run_sync_soon(self._arrive, crossing)
        except trio.RunFinishedError:
            return False
        return True

    def _arrive(self, crossing: Crossing) -> None:
        with suppress(trio.BrokenResourceError):
            self._in.send_nowait(crossing)


class Connection:
    """Runs a stream once, until it breaks or is stopped."""

    def __init__(self, make: Callable[[Bridge], Listening], capacity: int) -> None:
        self._make = make
        self._bridge = Bridge(capacity)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._stream: Listening | None = None
        self._stopped = False
        self._scope = trio.CancelScope(shield=True)
        self._ended = trio.Event()

    async def run_thread(self) -> None:
        """Run the stream in a thread of its own; its End is the last to cross."""
        limiter = trio.CapacityLimiter(1)
        with self._scope:  # shielded: what is cancelled stops the stream first, and waits
            await trio.to_thread.run_sync(self._run, limiter=limiter, abandon_on_cancel=True)
        self._ended.set()

    async def receive(self) -> Crossing:
        """Return what came next; after an End nothing comes."""
        return await self._bridge.receive()

    def stop(self) -> None:
        """Make the stream end, from any thread, whatever it is waiting for."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None:
                with suppress(RuntimeError):  # the loop has ended by itself
                    self._loop.call_soon_threadsafe(self._task.cancel)

    async def stopped(self) -> None:
        """Stop, and wait until the thread has let go of its socket, within reason."""
        self.stop()
        with trio.move_on_after(_STOPPING_SECONDS, shield=True):
            await self._ended.wait()
        self._scope.cancel()

    def _run(self) -> None:
        # not asyncio.run: it waits for a name look-up that hangs
        loop = asyncio.new_event_loop()
        end = End("the thread broke")
        try:
            end = loop.run_until_complete(self._main(loop))
            # in a task of its own: a stop that comes now must not cut it short
            loop.run_until_complete(self._sweep(loop))
        finally:
            with self._lock:
                self._loop = None
            loop.close()
            self._bridge.end(end)

    async def _main(self, loop: asyncio.AbstractEventLoop) -> End:
        with self._lock:
            self._loop, self._task = loop, asyncio.current_task()
            if self._stopped:
                return End("stopped")
        self._stream = stream = self._make(self._bridge)
        try:
            await stream._run_forever()
        except Broken as broken:
            return broken.end
        except asyncio.CancelledError:
            return stream.verdict()
        return stream.verdict()

    async def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._stream is not None:
            await _settle([loop.create_task(self._stream.close())])
        left = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await _settle(left)


async def _settle(tasks: Sequence[asyncio.Task[Any]]) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # whatever it was, the socket is given up
