"""A stream that is kept up: connection after connection, with back-off between them.

KEY INPUT: how to make a listener; how to read what it hears.
KEY OUTPUT: into a channel: Connected, items, Lost, in the order in which they happened.

After each Connected its reader takes a snapshot by REST: Alpaca replays nothing.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import trio

from actors.alpaca.connection import Bridge, Connection, End, Heard, Kept, Listening, Up
from actors.alpaca.listeners import CONNECTION_LIMIT
from actors.venue import Connected, Lost

Item = TypeVar("Item")


@dataclass(slots=True, kw_only=True)
class BackOff:
    """Full jitter: a wait drawn from 0 to a bound that doubles with each failure."""

    first: float = 0.5
    longest: float = 30.0
    patience: float = 120.0
    """How long a refusal for too many connections is taken as a session not yet reaped."""
    seed: int | None = None
    _failures: int = 0
    _refused_since: float | None = None
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)  # noqa: S311 - jitter, no secret

    def worked(self) -> None:
        """Start again from the first bound."""
        self._failures, self._refused_since = 0, None

    def failed(self) -> float:
        """Return the seconds to wait after one more failure."""
        bound = min(self.longest, self.first * 2 ** min(self._failures, 30))
        self._failures += 1
        return self._draw.uniform(0.0, bound)

    def refused_for(self, now: float) -> float:
        """Return for how many seconds every attempt has been one connection too many."""
        if self._refused_since is None:
            self._refused_since = now
        return now - self._refused_since

    def admitted(self) -> None:
        """Note that an attempt was not one connection too many."""
        self._refused_since = None


class Stream(Generic[Item]):
    """One of the venue's streams, for ever."""

    def __init__(
        self,
        make: Callable[[Bridge], Listening],
        read: Callable[[Any], Item | None],
        seen: Callable[[int], None],
        *,
        back_off: BackOff,
        capacity: int,
        sleep: Callable[[float], Awaitable[object]] = trio.sleep,
    ) -> None:
        self._make = make
        self._read = read
        self._seen = seen
        self._back_off = back_off
        self._capacity = capacity
        self._sleep = sleep
        self.opening = False
        """True while a connection is being made, or taken down."""
        self._connection: Connection | None = None
        self._dropped = ""
        self._up_since: float | None = None

    async def run(self, out: trio.MemorySendChannel[Item | Connected | Lost]) -> None:
        """Keep the stream up; return only after a fault that connecting again cannot mend."""
        attempt = 0
        while True:
            attempt += 1
            self.opening = True
            end = await self._connect(attempt, out)
            self._settle()
            await out.send(Lost(self._explain(end), end.fatal))
            if end.fatal:
                return
            await self._sleep(self._back_off.failed())

    @property
    def up(self) -> bool:
        """Return whether a connection stands, as far as is known here."""
        return self._connection is not None and not self.opening

    def drop(self, reason: str) -> None:
        """Break the connection, so that a new one is made: a watchdog has found it dead."""
        if self._connection is not None:
            self._dropped = reason
            self.opening = True  # it is on its way down, which takes a second where nobody answers
            self._connection.stop()

    async def _connect(
        self, attempt: int, out: trio.MemorySendChannel[Item | Connected | Lost]
    ) -> End:
        self._connection = connection = Connection(self._make, self._capacity)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run_thread)
            try:
                while True:
                    crossing = await connection.receive()
                    if isinstance(crossing, End):
                        return crossing
                    if isinstance(crossing, Up):
                        self._up_since = trio.current_time()
                        await out.send(Connected(attempt))
                        self.opening = bool(self._dropped)
                    elif isinstance(crossing, Heard):
                        await self._hand_on(crossing.payload, out)
                    elif isinstance(crossing, Kept):
                        self._seen(crossing.items)
            finally:
                self.opening = True  # it is on its way down
                self._connection = None
                await connection.stopped()
                self.opening = False
        raise AssertionError("a connection ends with an End")

    async def _hand_on(
        self, payload: Any, out: trio.MemorySendChannel[Item | Connected | Lost]
    ) -> None:
        item = self._read(payload)
        if item is not None:
            await out.send(item)
            self._back_off.worked()
        self._seen(1)

    def _settle(self) -> None:
        stood = 0.0 if self._up_since is None else trio.current_time() - self._up_since
        if stood > self._back_off.longest:
            self._back_off.worked()
        self._up_since = None

    def _explain(self, end: End) -> str:
        dropped, self._dropped = self._dropped, ""
        if dropped:
            return dropped
        if end.code != CONNECTION_LIMIT:
            self._back_off.admitted()
            return end.reason
        seconds = self._back_off.refused_for(trio.current_time())
        if seconds < self._back_off.patience:
            return f"{end.reason}: an earlier connection may not be gone yet"
        return f"{end.reason} for {seconds:.0f} s: does another program use these keys?"
