"""The market-data stream (/v2/iex, /v2/sip, /v2/test): JSON or msgpack, arrays of items.

KEY INPUT: a client's messages; bars that are over, quotes, statuses.
KEY OUTPUT: what it subscribed to; errors 400 to 410 in Alpaca's words.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgpack
import orjson
import trio
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.exchange.bounds import SUBSCRIBED
from actors.exchange.connection import AUTH_SECONDS, Connection
from actors.exchange.market import ShownBar
from actors.exchange.wire import Json, rfc3339

if TYPE_CHECKING:
    from actors.exchange.floor import Floor

CHANNELS = (
    "trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "corrections",
    "cancelErrors",
)  # fmt: skip
ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}
_OF = {"b": "bars", "q": "quotes", "u": "updatedBars", "s": "statuses", "t": "trades"}


class Subscriber(Connection):
    """One connection and what it asked for."""

    def __init__(self, socket: WebSocket, floor: "Floor", feed: str) -> None:
        super().__init__(socket, floor.clients, "bars")
        self.feed = feed
        self.packed = "msgpack" in socket.headers.get("content-type", "")
        self.wanted: dict[str, set[str]] = {channel: set() for channel in CHANNELS}

    def offer(self, items: Iterable[Json]) -> None:
        """Send those of the items that were asked for, in one frame."""
        mine = [item for item in items if self._wants(item)]
        if mine:
            self.send(self.encode(mine), len(mine))

    def say(self, *messages: Json) -> None:
        """Send a control message, which comes alone."""
        self.send(self.encode(list(messages)))

    def refuse(self, code: int) -> None:
        """Send an error."""
        self.say({"T": "error", "code": code, "msg": ERRORS.get(code, "internal error")})

    def encode(self, messages: list[Json]) -> str | bytes:
        """Return a frame of items; in msgpack their times are timestamps."""
        if self.packed:
            return msgpack.packb([_stamped(message) for message in messages])  # type: ignore[no-any-return]
        return orjson.dumps([_spelled(message) for message in messages]).decode()

    def decode(self, message: Any) -> Json | None:
        """Return a message of the client, None if it is none; a binary one switches to msgpack."""
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        said: Any = None
        try:
            if message.get("bytes") is not None:
                said = msgpack.unpackb(message["bytes"])
                self.packed = True
            else:
                said = orjson.loads(message.get("text") or "")
        except (ValueError, msgpack.UnpackException):
            return None
        return said if isinstance(said, dict) else None

    def _wants(self, item: Json) -> bool:
        wanted = self.wanted[_OF[item["T"]]]
        return item["S"] in wanted or "*" in wanted


class MarketStream:
    """All connections to the market-data stream."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._subscribers: list[Subscriber] = []

    @property
    def connections(self) -> list[Subscriber]:
        """Return the connections that are authenticated."""
        return list(self._subscribers)

    def publish(self, minute: int) -> None:
        """Send the quotes of the minute that begins, then the bars of the one that ended."""
        market, faults = self._floor.market, self._floor.faults
        if not self._subscribers:
            return
        if market.open:
            self.offer(q for s in market.symbols if (q := self.quote(s)) is not None)
        if minute >= 0:
            self.offer(faults.bars.on_bars([bar_json(shown) for shown in market.ended(minute)]))

    def offer(self, items: Iterable[Json]) -> None:
        """Send items to whoever wants them."""
        ready = list(items)
        for subscriber in self.connections:
            subscriber.offer(ready)

    def quote(self, symbol: str) -> Json | None:
        """Return the quote of this moment as a stream item."""
        quote = self._floor.market.quote(symbol)
        if quote is None:
            return None
        return {"T": "q", "S": symbol, **quote_json(quote, self._floor.clock.now_ns)}

    async def serve(self, socket: WebSocket, feed: str) -> None:
        """Serve one connection until it ends."""
        refusal = self._floor.faults.handshake_refusal("market")
        if refusal is not None:
            await socket.send_denial_response(Response(status_code=refusal))
            return
        await socket.accept()
        subscriber = Subscriber(socket, self._floor, feed)
        subscriber.say({"T": "success", "msg": "connected"})
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hear, subscriber, nursery.cancel_scope)
                nursery.start_soon(_expect_auth, subscriber)
                await subscriber.pump()
                nursery.cancel_scope.cancel()
        finally:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

    async def _hear(self, subscriber: Subscriber, scope: trio.CancelScope) -> None:
        try:
            while True:
                self._obey(subscriber, subscriber.decode(await subscriber.socket.receive()))
                if subscriber.key:
                    self._floor.clients.hear(subscriber.key)
        except WebSocketDisconnect:
            scope.cancel()

    def _obey(self, subscriber: Subscriber, said: Json | None) -> None:
        action = said.get("action") if said is not None else None
        if said is None or action not in ("auth", "subscribe", "unsubscribe"):
            subscriber.refuse(400)
        elif action == "auth":
            self._authenticate(subscriber, said)
        elif not subscriber.key:
            subscriber.refuse(401)
        else:
            self._subscribe(subscriber, said, add=action == "subscribe")

    def _authenticate(self, subscriber: Subscriber, said: Json) -> None:
        key, secret = str(said.get("key") or ""), str(said.get("secret") or "")
        refusal = self._floor.faults.stream_refusal()
        if subscriber.key:
            subscriber.refuse(403)
        elif not (key and secret) or self._floor.faults.keys_refusal(streams=True):
            subscriber.refuse(402)
            subscriber.close_soon()
        elif not self._may_stand(subscriber, key):
            subscriber.refuse(406)
            subscriber.close_soon()
        elif refusal or self._taken(key, subscriber.feed):
            subscriber.refuse(refusal or 406)
            subscriber.close_soon()
        else:
            subscriber.key = key
            subscriber.listen()
            self._subscribers.append(subscriber)
            subscriber.say({"T": "success", "msg": "authenticated"})

    def _may_stand(self, subscriber: Subscriber, key: str) -> bool:
        floor = self._floor
        return floor.clients.has_room(key) and floor.callers.claim(subscriber.socket.scope, key)

    def _taken(self, key: str, feed: str) -> bool:
        return any(s.key == key and s.feed == feed for s in self._subscribers)

    def _subscribe(self, subscriber: Subscriber, said: Json, *, add: bool) -> None:
        asked = {c: said[c] for c in CHANNELS if isinstance(said.get(c), list | tuple)}
        wanted = {c: {str(symbol) for symbol in symbols} for c, symbols in asked.items()}
        if add:
            after = {c: subscriber.wanted[c] | symbols for c, symbols in wanted.items()}
            most = max((len(symbols) for symbols in after.values()), default=0)
            if most > SUBSCRIBED or self._floor.faults.too_many(subscriber.wanted | after):
                subscriber.refuse(405)
                return
        for channel, symbols in wanted.items():
            if add:
                subscriber.wanted[channel] |= symbols
            else:
                subscriber.wanted[channel] -= symbols
        listed = {channel: sorted(symbols) for channel, symbols in subscriber.wanted.items()}
        subscriber.say({"T": "subscription", **listed})
        self._floor.clients.begin()


def bar_json(shown: ShownBar) -> Json:
    """Return a bar as a stream item."""
    return {"T": "b", "S": shown.symbol, **bar_fields(shown)}


def bar_fields(shown: ShownBar) -> Json:
    """Return a bar's fields. The source knows no trades: n and vw are stand-ins."""
    bar = shown.bar
    volume = int(bar.volume) if bar.volume.is_integer() else bar.volume
    return {
        "t": shown.start_ns,
        "o": bar.open,
        "h": bar.high,
        "l": bar.low,
        "c": bar.close,
        "v": volume,
        "n": max(1, int(bar.volume) // 100),
        "vw": round((bar.high + bar.low + bar.close) / 3, 6),
    }


def quote_json(quote: tuple[float, float], at_ns: int) -> Json:
    """Return a quote's fields; sizes are one round lot."""
    return {
        "t": at_ns,
        "bx": "V",
        "bp": quote[0],
        "bs": 1,
        "ax": "V",
        "ap": quote[1],
        "as": 1,
        "c": ["R"],
        "z": "B",
    }


async def _expect_auth(subscriber: Subscriber) -> None:
    await trio.sleep(AUTH_SECONDS)
    if not subscriber.key:
        subscriber.refuse(404)
        subscriber.close_soon()


def _stamped(item: Json) -> Json:
    if "t" not in item:
        return item
    return {**item, "t": msgpack.Timestamp.from_unix_nano(item["t"])}


def _spelled(item: Json) -> Json:
    return {**item, "t": rfc3339(item["t"])} if "t" in item else item
