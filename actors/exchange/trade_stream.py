"""The trade-updates stream (/stream): authenticate, listen, then binary frames of JSON.

KEY INPUT: a client's messages; what happens to its account's orders.
KEY OUTPUT: authorization, listening, trade_updates.
"""

from typing import TYPE_CHECKING, Any

import orjson
import trio
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.exchange.account import Account, Told
from actors.exchange.bounds import LISTENERS_OF_ACCOUNT
from actors.exchange.connection import AUTH_SECONDS, Connection
from actors.exchange.order import Amendment
from actors.exchange.payloads import order_json
from actors.exchange.wire import Json, rfc3339, usd

if TYPE_CHECKING:
    from actors.exchange.floor import Floor


class TradeStream:
    """All connections to /stream."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self.held = False
        """True while events are held back: until every client knows what time it is."""
        self._told: list[tuple[Account, Json]] = []
        self._listening: dict[Connection, Account] = {}

    @property
    def connections(self) -> list[Connection]:
        """Return the connections that listen."""
        return list(self._listening)

    def publish(self, told: Told) -> None:
        """Send an event to whoever listens to its account, unless a fault has other plans."""
        self._told.append((told.account, update_json(told)))
        if not self.held:
            self.release()

    def release(self) -> None:
        """Send what was held back."""
        self.held, told, self._told = False, self._told, []
        for account, update in told:
            for message in self._floor.faults.events.on_event(account, update):
                self.send(account, message)

    def send(self, account: Account, update: Json) -> None:
        """Send a trade update now."""
        frame = orjson.dumps({"stream": "trade_updates", "data": update})
        for connection, listener in tuple(self._listening.items()):
            if listener is account:
                connection.send(frame, 1)

    def fall_silent(self, connection: Connection) -> None:
        """Note that a fault has made a connection say nothing."""
        account = self._listening.get(connection)
        if account is not None:
            account.contact.silence.begin(self._floor.clock.now_ns)

    def speak_again(self, connection: Connection) -> None:
        """Note that a connection that was mute is so no more."""
        account = self._listening.get(connection)
        if account is not None:
            account.contact.silence.end(self._floor.clock.now_ns)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until it ends."""
        refusal = self._floor.faults.handshake_refusal("trades")
        if refusal is not None:
            await socket.send_denial_response(Response(status_code=refusal))
            return
        await socket.accept()
        connection = Connection(socket, self._floor.clients, "updates")
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hear, connection, nursery.cancel_scope)
                nursery.start_soon(_expect_auth, connection)
                await connection.pump()
                nursery.cancel_scope.cancel()
        finally:
            self._forget(connection)

    async def _hear(self, connection: Connection, scope: trio.CancelScope) -> None:
        account: Account | None = None
        try:
            while True:
                said = _read(await connection.socket.receive())
                if said is None:
                    continue
                if said.get("action") in ("auth", "authenticate"):
                    account = self._authenticate(connection, said)
                elif said.get("action") == "listen" and account is not None:
                    self._listen(connection, account, said)
                elif said.get("action") == "listen":
                    _say(connection, "listening", {"error": "not authorized"})
                if connection.key:
                    self._floor.clients.hear(connection.key)
        except WebSocketDisconnect:
            scope.cancel()

    def _authenticate(self, connection: Connection, said: Json) -> Account | None:
        data = said.get("data")
        where = data if isinstance(data, dict) else said
        key = str(where.get("key_id") or where.get("key") or "")
        secret = str(where.get("secret_key") or where.get("secret") or "")
        done = {"action": "authenticate"}
        if not (key and secret):
            _say(connection, "authorization", {**done, "status": "unauthorized"})
            connection.close_soon()
            return None
        account = self._floor.account(key, secret)
        if self._floor.faults.keys_refusal(streams=True) is not None:
            account = None
        if account is None or not self._floor.callers.claim(connection.socket.scope, key):
            _say(connection, "authorization", {**done, "status": "unauthorized"})
            connection.close_soon()
            return None
        connection.key = key
        _say(connection, "authorization", {**done, "status": "authorized"})
        return account

    def _listen(self, connection: Connection, account: Account, said: Json) -> None:
        data = said.get("data")
        wanted = data.get("streams", []) if isinstance(data, dict) else []
        streams = (
            ["trade_updates"] if isinstance(wanted, list) and "trade_updates" in wanted else []
        )
        listening = sum(listener is account for listener in self._listening.values())
        if connection not in self._listening and listening >= LISTENERS_OF_ACCOUNT:
            _say(connection, "listening", {"error": "connection limit exceeded"})
            connection.close_soon()
            return
        if streams:
            connection.listen()
            if connection not in self._listening:
                account.contact.listens(self._floor.clock.now_ns)
            self._listening[connection] = account
        else:
            self._forget(connection)
        _say(connection, "listening", {"streams": streams})

    def _forget(self, connection: Connection) -> None:
        account = self._listening.pop(connection, None)
        if account is not None:
            account.contact.leaves(self._floor.clock.now_ns)


def update_json(told: Told) -> Json:
    """Return the data of a trade update."""
    at = rfc3339(told.ts_ns)
    update: Json = {"event": told.event, "order": order_json(told.order), "timestamp": at}
    execution, amendment = told.execution, told.amendment
    if amendment is not None:
        return {**update, **_amended(amendment)}
    if execution is None:
        return update
    return {
        **update,
        "execution_id": execution.execution_id,
        "price": usd(execution.price_micro),
        "qty": str(execution.shares),
        "position_qty": str(execution.position),
    }


def _amended(amendment: Amendment) -> Json:
    """Return what an event tells of a fill that was undone: it, or what stands in its place."""
    told = amendment.instead or amendment.undone
    reason = {} if amendment.instead is not None else {"reason": "TRADE_BUST"}
    return {
        "execution_id": amendment.execution_id,
        "previous_execution_id": amendment.undone.execution_id,
        "price": usd(told.price_micro),
        "qty": str(told.shares),
        "position_qty": str(amendment.position),
        **reason,
    }


async def _expect_auth(connection: Connection) -> None:
    await trio.sleep(AUTH_SECONDS)
    if not connection.key:
        connection.close_soon()


def _say(connection: Connection, stream: str, data: Json) -> None:
    connection.send(orjson.dumps({"stream": stream, "data": data}))


def _read(message: Any) -> Json | None:
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text") or message.get("bytes") or b""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None
