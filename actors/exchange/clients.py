"""Who is connected, and whether everybody is quiet: what lockstep waits for.

KEY INPUT: requests, messages sent and heard, what clients say of themselves over /control/clock.
KEY OUTPUT: whether time may move, and to which timers it must.

A client with a clock connection is quiet when its last word was said at this very moment of
session time, counts every stream item that was put on its wires, and none of its requests is in
flight. Its counts run over its whole life; when one of its connections breaks, what was under way
on it cannot be known, so the next connection starts from what the client has said so far. Of any
other client nothing must have been heard, and nothing sent to it, for 20 ms.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import trio

from actors.exchange.bounds import ACCOUNTS
from actors.exchange.clock import Bell

QUIET_SECONDS = 0.02
NOTICE_SECONDS = 1.0
"""Of the wall: how long a client has to notice that a stream broke."""
Stream = Literal["bars", "updates"]
STREAMS: tuple[Stream, ...] = ("bars", "updates")


@dataclass(slots=True)
class Word:
    """What a client said last."""

    at_ns: int
    timer_ns: int | None
    bars: int
    updates: int
    busy: bool
    streams: int | None = None
    """How many of its streams it takes to be up, if it says."""

    def count(self, stream: Stream) -> int:
        """Return how many items of a stream it has taken."""
        return self.bars if stream == "bars" else self.updates


@dataclass(slots=True)
class Wire:
    """What was put on a client's newest connection of a stream."""

    sent: int = 0
    base: int = 0
    """What the client had counted before it."""
    live: bool = False


@dataclass(slots=True)
class Client:
    """One key id."""

    key: str
    in_flight: int = 0
    clocks: int = 0
    """How many clock connections it has; 0: it is judged by its silence."""
    word: Word | None = None
    hold_from_ns: int | None = None
    """From when on time stands while it is away; None: it does not."""
    wires: dict[Stream, Wire] = field(default_factory=lambda: {s: Wire() for s in STREAMS})
    streams: int = 0
    heard: float = float("-inf")
    broke: float = float("-inf")
    """When a stream of it broke last."""
    answered: float = float("-inf")
    """When it last got an answer of which it has not spoken since; such a client may yet act."""

    def quiet_at(self, now_ns: int) -> bool:
        """Return whether a client with a clock is quiet."""
        word = self.word
        if self.in_flight or word is None or word.busy or word.at_ns != now_ns:
            return False
        if word.timer_ns is not None and word.timer_ns <= now_ns:
            return False
        live = sum(wire.live for wire in self.wires.values())
        if word.streams is not None and word.streams > live:
            return trio.current_time() > self.broke + NOTICE_SECONDS
        return all(
            word.count(stream) >= wire.base + wire.sent
            for stream, wire in self.wires.items()
            if wire.live
        )


class Clients:
    """All key ids that were ever heard of."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._clients: defaultdict[str, Client] = defaultdict(lambda: Client(""))
        self.begun = False
        """True once somebody listens: until then lockstep time stands."""

    def of(self, key: str) -> Client:
        """Return the client of a key id."""
        client = self._clients[key]
        client.key = key
        return client

    def has_room(self, key: str) -> bool:
        """Return whether a key id is known, or one more may be."""
        return key in self._clients or len(self._clients) < 2 * ACCOUNTS

    def begin_request(self, key: str) -> None:
        """Count a request that came in."""
        client = self.of(key)
        client.in_flight += 1
        client.heard = trio.current_time()

    def end_request(self, key: str) -> None:
        """Count a request that was answered, or given up."""
        client = self.of(key)
        client.in_flight -= 1
        client.heard = client.answered = trio.current_time()
        self._bell.ring()

    def hear(self, key: str) -> None:
        """Note that a client said or was sent something."""
        self.of(key).heard = trio.current_time()

    def connect(self, key: str, stream: Stream) -> Wire:
        """Return the wire of a new stream connection."""
        client = self.of(key)
        counted = client.word.count(stream) if client.word else 0
        wire = client.wires[stream] = Wire(base=counted, live=True)
        client.streams += 1
        client.heard = trio.current_time()
        self._bell.ring()
        return wire

    def begin(self) -> None:
        """Let lockstep time move: somebody listens to the market."""
        self.begun = True
        self._bell.ring()

    def disconnect(self, key: str, wire: Wire) -> None:
        """Forget a wire that broke: its counts no longer matter."""
        if wire.live:
            wire.live = False
            self.of(key).streams -= 1
            self.of(key).broke = trio.current_time()
        self._bell.ring()

    def send(self, key: str, wire: Wire, items: int) -> None:
        """Count items that are put on a wire."""
        client = self.of(key)
        if wire.sent == 0 and client.word is not None:
            stream: Stream = "bars" if wire is client.wires["bars"] else "updates"
            wire.base = client.word.count(stream)
        wire.sent += items
        client.heard = trio.current_time()

    def attach(self, key: str, hold_from_ns: int | None) -> Client:
        """Note a new clock connection: the client counts from its own beginning."""
        client = self.of(key)
        client.clocks += 1
        client.word = None
        client.hold_from_ns = hold_from_ns
        for wire in client.wires.values():
            wire.base = 0
        self.begin()
        return client

    def detach(self, client: Client) -> None:
        """Note that a clock connection is gone."""
        client.clocks -= 1
        client.word = None
        self._bell.ring()

    def speak(self, client: Client, word: Word) -> None:
        """Take a client's word for how it stands."""
        client.word = word
        client.answered = float("-inf")
        self._bell.ring()

    def missing(self, now_ns: int) -> str | None:
        """Return a client that is away and for whom time stands."""
        for client in self._clients.values():
            hold = client.hold_from_ns
            if hold is not None and not client.clocks and now_ns >= hold:
                return client.key
        return None

    def busy(self, now_ns: int) -> bool:
        """Return whether a request is in flight or a client with a clock is not quiet."""
        return any(
            client.in_flight > 0 or (client.clocks > 0 and not client.quiet_at(now_ns))
            for client in self._clients.values()
        )

    def silence_left(self, moved: float) -> float:
        """Return how long clients without a clock must still be silent, seconds.

        `moved` is when time moved last: they have had that long to act on it.
        """
        without = [client for client in self._clients.values() if not client.clocks]
        heard = max((client.heard for client in without), default=float("-inf"))
        heard = max([heard, *(client.answered for client in self._clients.values())])
        if any(client.streams for client in without) or len(without) == len(self._clients):
            heard = max(heard, moved)
        return heard + QUIET_SECONDS - trio.current_time()

    def state(self, now_ns: int) -> list[dict[str, Any]]:
        """Return how each client stands: what lockstep waits for."""
        return [
            {
                "key": client.key,
                "quiet": client.quiet_at(now_ns) if client.clocks else None,
                "in_flight": client.in_flight,
                "word": None if client.word is None else asdict(client.word),
                "wires": {stream: asdict(wire) for stream, wire in client.wires.items()},
            }
            for client in self._clients.values()
        ]

    def next_timer(self) -> int | None:
        """Return the earliest timer that a client with a clock waits for."""
        timers = [
            client.word.timer_ns
            for client in self._clients.values()
            if client.clocks and client.word is not None and client.word.timer_ns is not None
        ]
        return min(timers, default=None)
