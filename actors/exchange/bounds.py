"""What one program may take of the exchange: bodies, headers, connections, accounts, memory.

KEY INPUT: TCP connections, ASGI scopes.
KEY OUTPUT: what stays within the bounds; 408, 413, 429, 431 in Alpaca's manner for the rest.

A body is read here, whole, before anything else sees the request: what does not come holds no time.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson
import trio
from h11 import ProtocolError
from hypercorn.config import Config as ServerConfig
from starlette.responses import Response

from actors.exchange.refusal import TOO_MANY

BODY_BYTES = 64 * 1024
BODY_SECONDS = 10.0
"""Of the wall: how long a body may take to come."""
HEADERS, HEADER_BYTES = 100, 16 * 1024
FRAME_BYTES = 256 * 1024
"""Of a WebSocket message that a client sends."""
CONNECTIONS = 512
"""TCP connections, of all clients together."""
CONNECTIONS_OF_ACCOUNT = 128
LISTENERS_OF_ACCOUNT = 16
"""Order streams, and clock connections, of one key."""
FIRST_REQUEST_SECONDS = 10.0
IDLE_SECONDS = 24 * 3600.0
"""How long a connection may stand before its first request, and after it."""
ACCOUNTS = 1_000
ORDERS_OF_ACCOUNT = 100_000
WAITING_FRAMES, WAITING_BYTES = 20_000, 8 * 1024 * 1024
"""Of a stream connection; a client that lets more pile up is too slow."""
SUBSCRIBED = 10_000
"""Symbols of one channel of one connection."""
FAULTS = 10_000
_DRAINED_BYTES, _DRAIN_SECONDS = 1024 * 1024, 1.0
"""Of a body that is refused: a client that is still sending can read the answer."""
_TOO_LARGE, _TOO_SLOW, _HEADERS_TOO_LARGE = 41310000, 40810000, 43110000

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Caller:
    """One TCP connection, with hypercorn's settings for it."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.keys: set[str] = set()

    def hear(self) -> None:
        """Note that it has made a request: it may stand idle from now on."""
        self.config.keep_alive_timeout = IDLE_SECONDS


class Callers:
    """All TCP connections that stand."""

    def __init__(self) -> None:
        self._standing: set[Caller] = set()
        self._of_key: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._standing)

    def admit(self, config: ServerConfig) -> Caller | None:
        """Return the caller of a new connection; None if there are too many."""
        if len(self._standing) >= CONNECTIONS:
            return None
        caller = Caller(config)
        self._standing.add(caller)
        return caller

    def claim(self, scope: Any, key: str) -> bool:
        """Count the connection of a scope as the account's; return False if it has too many."""
        caller = scope.get("state", {}).get("caller")
        if not isinstance(caller, Caller) or key in caller.keys:
            return True
        if self._of_key[key] >= CONNECTIONS_OF_ACCOUNT:
            return False
        caller.keys.add(key)
        self._of_key[key] += 1
        return True

    def leave(self, caller: Caller) -> None:
        """Forget a connection that is over."""
        self._standing.discard(caller)
        for key in caller.keys:
            self._of_key[key] -= 1
            if not self._of_key[key]:
                del self._of_key[key]


class Bounds:
    """An ASGI application around the gate."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is within the bounds; answer the rest, but for what is no HTTP."""
        with suppress(ProtocolError):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("state", {}).get("caller")
        if isinstance(caller, Caller):
            caller.hear()
        refusal = _headers_refusal(scope)
        if scope["type"] == "websocket" and refusal is None:
            await self._app(scope, receive, send)
            return
        body = b""
        if refusal is None:
            refusal, body = await _body(receive)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


def too_many(words: str) -> Response:
    """Return the answer to one request, connection or order too many."""
    return _answer(429, TOO_MANY, words)


def connection_refusal() -> bytes:
    """Return what a TCP connection that is one too many is told."""
    body = too_many(f"too many connections: {CONNECTIONS} are open").body
    head = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + bytes(body)


def _headers_refusal(scope: Scope) -> Response | None:
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) <= HEADERS and size <= HEADER_BYTES:
        return None
    words = f"headers too large: at most {HEADERS}, and {HEADER_BYTES} bytes"
    return _answer(431, _HEADERS_TOO_LARGE, words)


async def _body(receive: Receive) -> tuple[Response | None, bytes]:
    """Return a refusal or None, and the body."""
    body = b""
    with trio.move_on_after(BODY_SECONDS):
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > BODY_BYTES:
                await _drain(receive)
                words = f"request body too large: at most {BODY_BYTES} bytes"
                return _answer(413, _TOO_LARGE, words), b""
            if message["type"] != "http.request" or not message.get("more_body"):
                return None, body
    words = f"request timeout: no whole body within {BODY_SECONDS:g} s"
    return _answer(408, _TOO_SLOW, words), b""


async def _drain(receive: Receive) -> None:
    left = _DRAINED_BYTES
    with trio.move_on_after(_DRAIN_SECONDS):
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                return


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a receive that tells the body, and then what comes."""
    told = False

    async def again() -> Any:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _answer(status: int, code: int, words: str) -> Response:
    body = orjson.dumps({"code": code, "message": words})
    return Response(body, status, media_type="application/json")
