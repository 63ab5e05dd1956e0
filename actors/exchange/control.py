"""The control port (/control): state, time, the ledgers, faults; for operators and tests.

KEY INPUT: requests without keys; clock connections.
KEY OUTPUT: JSON; the clock's messages. Faults never touch it.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.exchange.bounds import LISTENERS_OF_ACCOUNT
from actors.exchange.clients import Client, Word
from actors.exchange.floor import Floor
from actors.exchange.gate import answer
from actors.exchange.ledger import ledger_json
from actors.exchange.refusal import invalid
from actors.exchange.wire import Json, read_whole
from engine.errors import BadInputError
from engine.market.frames import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_HAND = "by hand"
_FASTEST = 1e9
_MOST_COUNT = 2**63


class Control:
    """The handlers."""

    def __init__(self, floor: Floor, stop: trio.Event) -> None:
        self._floor = floor
        self._stop = stop

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the port."""
        return [
            Route("/control", self.state),
            Route("/control/ledger", self.ledger),
            Route("/control/pause", self.pause, methods=["POST"]),
            Route("/control/resume", self.resume, methods=["POST"]),
            Route("/control/speed", self.speed, methods=["POST"]),
            Route("/control/fault", self.fault, methods=["POST"]),
            Route("/control/stop", self.stop, methods=["POST"]),
            WebSocketRoute("/control/clock", self.clock),
        ]

    async def state(self, _: Request) -> Response:
        """GET: how the exchange stands."""
        return answer(self._state())

    async def pause(self, _: Request) -> Response:
        """POST: session time stands."""
        self._floor.clock.pause(_BY_HAND)
        self._floor.tell_clock()
        return answer(self._state())

    async def resume(self, _: Request) -> Response:
        """POST: session time goes on."""
        self._floor.clock.resume(_BY_HAND)
        self._floor.tell_clock()
        return answer(self._state())

    async def speed(self, request: Request) -> Response:
        """POST {"speed": N | null}: minutes per minute, null is lockstep."""
        asked = await _object(request)
        if "speed" not in asked:
            raise invalid('give {"speed": N}, or {"speed": null} for lockstep')
        speed = asked["speed"]
        known = isinstance(speed, int | float) and not isinstance(speed, bool)
        if speed is not None and not (known and 0 < speed < _FASTEST):
            raise invalid(f"speed {speed!r}: a positive number, or null for lockstep")
        self._floor.clock.set_speed(speed)
        self._floor.tell_clock()
        return answer(self._state())

    async def fault(self, request: Request) -> Response:
        """POST {"kind": …, parameters}: now, or `at` a time or `minute` of the session."""
        try:
            self._floor.faults.inject(await _object(request))
        except BadInputError as error:
            raise invalid(str(error)) from None
        return answer(self._state())

    async def stop(self, _: Request) -> Response:
        """POST: end the exchange."""
        self._stop.set()
        return answer({"stopping": True})

    async def ledger(self, request: Request) -> Response:
        """GET [?key=]: every account, exact integers."""
        wanted = request.query_params.get("key")
        accounts, market = self._floor.accounts.values(), self._floor.market
        chosen = [account for account in accounts if wanted in (None, account.key)]
        bad = self._floor.faults.bars.told
        return answer({"accounts": {a.name: ledger_json(a, market, bad) for a in chosen}})

    async def clock(self, socket: WebSocket) -> None:
        """Serve a clock connection: tell the clock, hear how the client stands."""
        key = socket.query_params.get("key", "")
        clients = self._floor.clients
        if not key or not clients.has_room(key) or clients.of(key).clocks >= LISTENERS_OF_ACCOUNT:
            await socket.close(1008)
            return
        await socket.accept()
        floor = self._floor
        client = floor.clients.attach(key, self._hold_from(socket.query_params))
        news, heard = trio.open_memory_channel[Json](1000)

        def tell(said: Json) -> None:
            try:
                news.send_nowait(said)
            except trio.WouldBlock:
                news.close()

        floor.clock_listeners.add(tell)
        tell(floor.clock_state())
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hear, socket, client, nursery.cancel_scope)
                async for said in heard:
                    await socket.send_text(orjson.dumps(said).decode())
                nursery.cancel_scope.cancel()
        except* (WebSocketDisconnect, RuntimeError):
            pass  # it went away while something was sent
        finally:
            floor.clock_listeners.discard(tell)
            floor.clients.detach(client)

    async def _hear(self, socket: WebSocket, client: Client, scope: trio.CancelScope) -> None:
        try:
            while True:
                word = _word(await socket.receive())
                if word is not None:
                    self._floor.clients.speak(client, word)
        except WebSocketDisconnect:
            scope.cancel()

    def _hold_from(self, asked: "Mapping[str, str]") -> int | None:
        if asked.get("hold") not in ("1", "true"):
            return None
        minutes = asked.get("hold_minutes", "")
        session = self._floor.market.session
        with suppress(ValueError):
            return session.close_ns - read_whole(minutes) * MINUTE_NS
        return 0

    def _state(self) -> Json:
        floor = self._floor
        market = floor.market
        return {
            **floor.clock_state(),
            "minute": market.minute,
            "published": market.published,
            "session_open": market.open,
            "held": floor.clock.held,
            "symbols": list(market.symbols),
            "accounts": [account.name for account in floor.accounts.values()],
            "connections": {
                "market": [connection.key for connection in floor.data.connections],
                "trades": [connection.key for connection in floor.trades.connections],
                "clock": len(floor.clock_listeners),
            },
            "clients": floor.clients.state(floor.clock.now_ns),
            "faults": floor.faults.state(),
        }


def _word(message: Any) -> Word | None:
    """Return what a client says of itself; None if it makes no sense."""
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    try:
        said = orjson.loads(message.get("text") or message.get("bytes") or b"")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(said, dict):
        return None
    numbers = {name: said.get(name) for name in ("at", "timer", "bars", "updates", "streams")}
    if not all(number is None or _is_count(number) for number in numbers.values()):
        return None
    return Word(
        at_ns=numbers["at"] or 0,
        timer_ns=numbers["timer"],
        bars=numbers["bars"] or 0,
        updates=numbers["updates"] or 0,
        busy=bool(said.get("busy")),
        streams=numbers["streams"],
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_COUNT


async def _object(request: Request) -> Json:
    try:
        asked = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise invalid(f"not JSON: {error}") from None
    if not isinstance(asked, dict):
        raise invalid("give an object")
    return asked
