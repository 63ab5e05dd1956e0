"""The trader's side of an exchange's clock: its time comes in, when we next want to wake goes out.

KEY INPUT: the exchange's control port; a venue that counts what it has taken.
KEY OUTPUT: a RemoteClock that is kept set.

In lockstep the exchange moves time only once we have said that we are idle: that every task waits,
no answer is on its way, and so many messages have been taken. An instrument of Trio's tells when.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

import orjson
import trio
import trio_websocket

from actors.session_clock import RemoteClock
from engine.errors import RotorError

Json = dict[str, Any]
Hold = Literal["never", "close", "always"]
"""When the exchange's time stands while we are away: in its last 5 minutes, or always."""
_HOLDS: dict[Hold, str] = {
    "never": "",
    "close": "&hold=1&hold_minutes=5",
    "always": "&hold=1",
}


class Gauge(Protocol):
    """What a venue tells of itself."""

    bars_seen: int
    updates_seen: int

    @property
    def waiting(self) -> bool:
        """Return whether an answer, or a connection, is on its way."""
        ...

    @property
    def streams_up(self) -> int:
        """Return how many streams stand, as far as is known here."""
        ...


class RemoteTime:
    """One clock connection."""

    def __init__(self, endpoint: str, key: str, clock: RemoteClock, *, hold: Hold) -> None:
        ws = endpoint.rstrip("/").replace("http", "ws", 1)
        self._url = f"{ws}/control/clock?key={key}{_HOLDS[hold]}"
        self._clock = clock
        self.busy = True
        """True until the session has begun: time stands."""
        self.gauge: Gauge | None = None
        self.state: Json = {}
        """What the exchange said last."""
        self._answers = 0
        self._last: Json = {}
        self._idle = trio.Event()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the clock set, for ever; raises RotorError once the exchange is gone."""
        try:
            async with trio_websocket.open_websocket_url(self._url) as socket:
                self._take(await socket.get_message())
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._clock.run)
                    nursery.start_soon(self._speak, socket)
                    task_status.started()
                    while True:
                        self._take(await socket.get_message())
        except* (trio_websocket.ConnectionClosed, trio_websocket.HandshakeError, OSError):
            raise RotorError(f"{self._url.partition('?')[0]}: the exchange is gone") from None

    def _take(self, message: str | bytes) -> None:
        self.state = orjson.loads(message)
        flowing = self.state["mode"] == "speed" and not self.state["paused"]
        self._clock.set(self.state["now"], self.state["speed"] if flowing else None)

    async def _speak(self, socket: trio_websocket.WebSocketConnection) -> None:
        token = trio.lowlevel.current_trio_token()
        watch = _Idle(partial(self._notice, token.run_sync_soon))
        trio.lowlevel.add_instrument(watch)
        try:
            while True:
                await self._idle.wait()
                self._idle = trio.Event()
                if self.state["mode"] == "lockstep":
                    self._last = self._word()
                    await socket.send_message(orjson.dumps(self._last).decode())
        finally:
            trio.lowlevel.remove_instrument(watch)

    def _notice(self, soon: Callable[..., object]) -> None:
        # called whenever every task waits; nobody hears a word while time flows
        if self.state["mode"] != "lockstep" or self._idle.is_set():
            return
        if self._word() != self._last:
            soon(self._idle.set)

    def _word(self) -> Json:
        gauge = self.gauge
        if self.busy or gauge is None or gauge.waiting:
            return {**self._last, "busy": True} if self._last else {}
        return {
            "at": self.state["now"],
            "timer": self._clock.next_timer_ns,
            "bars": gauge.bars_seen,
            "updates": gauge.updates_seen,
            "streams": gauge.streams_up,
        }


class _Idle(trio.abc.Instrument):
    """Tells when Trio is about to wait for the world."""

    def __init__(self, notice: Callable[[], None]) -> None:
        self._notice = notice

    def before_io_wait(self, timeout: float) -> None:
        """Notice it, if there really is nothing to run."""
        if timeout > 0:
            self._notice()
