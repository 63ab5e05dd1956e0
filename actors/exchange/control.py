"""The control port (/control): state, time, the ledgers, faults; for operators and tests.

KEY INPUT: requests without keys; clock connections.
KEY OUTPUT: JSON; the clock's messages. Faults never touch it.
"""

from typing import TYPE_CHECKING, Any

import orjson
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.exchange.account import Account
from actors.exchange.clients import Client, Word
from actors.exchange.floor import Floor
from actors.exchange.gate import answer
from actors.exchange.order import Execution, Order
from actors.exchange.refusal import invalid
from actors.exchange.wire import Json
from engine.errors import BadInputError
from engine.market.frames import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_HAND = "by hand"


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
        speed = (await _object(request)).get("speed")
        if speed is not None and not (isinstance(speed, int | float) and 0 < speed < 1e9):
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
        accounts = self._floor.accounts.values()
        chosen = [account for account in accounts if wanted in (None, account.key)]
        return answer({"accounts": {account.name: ledger_json(account) for account in chosen}})

    async def clock(self, socket: WebSocket) -> None:
        """Serve a clock connection: tell the clock, hear how the client stands."""
        key = socket.query_params.get("key", "")
        if not key:
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
        return session.close_ns - int(minutes) * MINUTE_NS if minutes.isdigit() else 0

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


def ledger_json(account: Account) -> Json:
    """Return an account's books as integers."""
    return {
        "key": account.key,
        "number": account.number,
        "start_micro": account.start_micro,
        "cash_micro": account.cash_micro,
        "fees_micro": account.fees_micro,
        "positions": {
            symbol: {"shares": h.shares, "cost_micro": h.cost_micro}
            for symbol, h in sorted(account.holdings.items())
        },
        "orders": [_order_row(order) for order in account.orders.values()],
        "executions": [_execution_row(execution) for execution in account.executions],
        "outages": {
            "order_stream": account.contact.order_stream.spans,
            "silence": account.contact.silence.spans,
            "requests": account.contact.requests.spans,
        },
    }


def _order_row(order: Order) -> Json:
    return {
        "id": order.order_id,
        "client_order_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "kind": str(order.kind),
        "time_in_force": str(order.force),
        "order_class": order.order_class,
        "parent": order.parent.order_id if order.parent else None,
        "shares": order.shares,
        "filled": order.filled,
        "value_micro": order.value_micro,
        "limit_micro": order.limit_micro,
        "stop_micro": order.stop_micro,
        "status": str(order.status),
        "submitted_ns": order.submitted_ns,
        "updated_ns": order.updated_ns,
        "replaces": order.replaces or None,
        "replaced_by": order.replaced_by or None,
    }


def _execution_row(execution: Execution) -> Json:
    order = execution.order
    return {
        "execution_id": execution.execution_id,
        "order_id": order.order_id,
        "client_order_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "shares": execution.shares,
        "price_micro": execution.price_micro,
        "fee_micro": execution.fee_micro,
        "ts_ns": execution.ts_ns,
        "position": execution.position,
    }


def _word(message: Any) -> Word | None:
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    try:
        said = orjson.loads(message.get("text") or message.get("bytes") or b"")
        timer = said.get("timer")
        return Word(
            at_ns=int(said.get("at") or 0),
            timer_ns=None if timer is None else int(timer),
            bars=int(said.get("bars") or 0),
            updates=int(said.get("updates") or 0),
            busy=bool(said.get("busy")),
            streams=None if said.get("streams") is None else int(said["streams"]),
        )
    except (ValueError, TypeError, AttributeError):
        return None


async def _object(request: Request) -> Json:
    try:
        asked = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise invalid(f"not JSON: {error}") from None
    if not isinstance(asked, dict):
        raise invalid("give an object")
    return asked
