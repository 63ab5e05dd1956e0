"""The gate before every request: who asks, what is in flight, rate headers, faults.

KEY INPUT: ASGI scopes.
KEY OUTPUT: authenticated requests; 401 and 403; X-Ratelimit headers on every answer.

/control is a gate of its own: no keys, no faults, and nothing of it counts as a client's request.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from actors.exchange.floor import Floor
from actors.exchange.refusal import UNAUTHORIZED
from engine.market.frames import MINUTE_NS

RATE_LIMIT = 200
"""Requests a minute and account, as Alpaca's; told in the headers, not enforced but by a fault."""
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gate:
    """An ASGI application around the exchange's."""

    def __init__(self, app: App, floor: Floor) -> None:
        self._app = app
        self._floor = floor
        self._minute = -1
        self._asked: dict[tuple[str, str], int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] == "websocket":
            # to break a socket, connection.py needs what is below it
            scope["rotor.stream"] = getattr(send, "__self__", None)
        if scope["type"] != "http" or scope["path"].startswith("/control"):
            await self._app(scope, receive, send)
            return
        pair = _pair(Headers(scope=scope))
        if pair is None:
            words = {"code": UNAUTHORIZED, "message": "request is not authorized"}
            await JSONResponse(words, 401, _headers(RATE_LIMIT, 0))(scope, receive, send)
            return
        if not all(pair):
            await JSONResponse({"message": "forbidden."}, 403, _headers(RATE_LIMIT, 0))(
                scope, receive, send
            )
            return
        scope["rotor.account"] = self._floor.account(*pair)
        await self._pass(pair, scope, receive, send)

    async def _pass(
        self, pair: tuple[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        clients, key = self._floor.clients, pair[0]
        remaining = self._count(pair)
        extra = _raw(_headers(remaining, self._reset_s()))

        async def send_on(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        clients.begin_request(key)
        try:
            await self._app(scope, receive, send_on)
        finally:
            clients.end_request(key)

    def _count(self, pair: tuple[str, str]) -> int:
        minute = self._floor.clock.now_ns // MINUTE_NS
        if minute != self._minute:
            self._minute = minute
            self._asked.clear()
        self._asked[pair] = self._asked.get(pair, 0) + 1
        return max(0, RATE_LIMIT - self._asked[pair])

    def _reset_s(self) -> int:
        return (self._floor.clock.now_ns // MINUTE_NS + 1) * 60


def _pair(headers: Headers) -> tuple[str, str] | None:
    """Return the key pair of a request; None if it brings none."""
    authorization = headers.get("authorization", "")
    if authorization.lower().startswith("basic "):
        try:
            key, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return key, secret
    names = ("apca-api-key-id", "apca-api-secret-key")
    if not any(name in headers for name in names):
        return None
    return headers.get(names[0], ""), headers.get(names[1], "")


def _headers(remaining: int, reset_s: int) -> dict[str, str]:
    return {
        "X-Ratelimit-Limit": str(RATE_LIMIT),
        "X-Ratelimit-Remaining": str(remaining),
        "X-Ratelimit-Reset": str(reset_s),
    }


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def answer(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")
