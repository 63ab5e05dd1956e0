"""The gate before every request: who asks, what is in flight, rate headers, faults.

KEY INPUT: ASGI scopes.
KEY OUTPUT: authenticated requests; 401 and 403; X-Ratelimit headers on every answer.

/control asks for no keys, has no faults, and nothing of it counts as a client's request. It obeys
no page of another site, and answers to no name but this machine's.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
import trio
from starlette.datastructures import Headers
from starlette.responses import Response

from actors.exchange.account import Account
from actors.exchange.bounds import ACCOUNTS, CONNECTIONS_OF_ACCOUNT, too_many
from actors.exchange.fault import Fault
from actors.exchange.floor import Floor
from actors.exchange.foreign import host_refusal, origin_refusal
from actors.exchange.refusal import INSUFFICIENT, TOO_MANY, UNAUTHORIZED
from actors.exchange.wire import SECOND_NS
from engine.market.frames import MINUTE_NS

RATE_LIMIT = 200
"""Requests a minute and account, as Alpaca's; told in the headers, not enforced but by a fault."""
_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def answer(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


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
        headers, control = Headers(scope=scope), scope["path"].startswith("/control")
        if scope["type"] != "http" or control:
            words = (host_refusal(headers) if control else "") or origin_refusal(headers)
            if words:
                await _forbid(scope, receive, send, words)
            else:
                await self._app(scope, receive, send)
            return
        pair = _pair(headers)
        if pair is None or not all(pair):
            refusal = _unauthorized() if pair is None else answer({"message": "forbidden."}, 403)
            refusal.headers.update(_headers(RATE_LIMIT, self._reset_s()))
            await refusal(scope, receive, send)
            return
        account = self._admitted(scope, pair)
        if not isinstance(account, Account):
            await account(scope, receive, send)
            return
        scope["rotor.account"] = account
        await _Passage(self._app, self._floor, account, self._rates(pair)).go(scope, receive, send)

    def _admitted(self, scope: Scope, pair: tuple[str, str]) -> Account | Response:
        """Return the account of a pair, or the answer if it, or its connection, is one too many."""
        account = self._floor.account(*pair)
        if account is None:
            said = {"code": INSUFFICIENT, "message": f"too many accounts: {ACCOUNTS} are open"}
            return answer(said, 403)
        if not self._floor.callers.claim(scope, account.key):
            words = f"too many connections of one account: {CONNECTIONS_OF_ACCOUNT} are open"
            return too_many(words)
        return account

    def _rates(self, pair: tuple[str, str]) -> dict[str, str]:
        minute = self._floor.clock.now_ns // MINUTE_NS
        if minute != self._minute:
            self._minute = minute
            self._asked.clear()
        self._asked[pair] = self._asked.get(pair, 0) + 1
        return _headers(max(0, RATE_LIMIT - self._asked[pair]), self._reset_s())

    def _reset_s(self) -> int:
        return (self._floor.clock.now_ns // MINUTE_NS + 1) * 60


async def _forbid(scope: Scope, receive: Receive, send: Send, words: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})  # before the handshake: answered 403
        return
    await answer({"code": INSUFFICIENT, "message": f"forbidden: {words}"}, 403)(
        scope, receive, send
    )


class _Passage:
    """One request on its way through."""

    def __init__(self, app: App, floor: Floor, account: Account, rates: dict[str, str]) -> None:
        self._app = app
        self._floor = floor
        self._key = account.key
        self._contact = account.contact
        self._rates = rates
        self._in_flight = False

    async def go(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or do what a fault wants."""
        self._floor.clients.begin_request(self._key)
        self._in_flight = True
        try:
            fault = self._floor.faults.on_request(scope["method"], scope["path"])
            response = await self._response(fault, scope, receive)
            response.headers.update({**self._rates, **response.headers})
            await response(scope, receive, send)
        finally:
            self._land()

    async def _response(self, fault: Fault | None, scope: Scope, receive: Receive) -> Response:
        now_ns = self._floor.clock.now_ns
        refused = self._floor.faults.keys_refusal()
        if fault is None and refused is not None:
            self._contact.requests.begin(now_ns)
            return answer(refused.body, refused.status)
        if fault is None:
            self._contact.requests.end(now_ns)
            return await self._obey(scope, receive, strange=True)
        self._contact.requests.begin(now_ns)
        match fault.kind:
            case "rate_limit":
                return self._too_many(fault)
            case "html_502":
                return Response(_HTML, 502, media_type="text/html")
            case "html_ok":
                if fault.parameters["obeyed"]:
                    await self._obey(scope, receive)
                return Response(_HTML, 200, media_type="text/html")
            case "restart":
                return answer({"message": "service unavailable"}, 503)
            case "gateway_timeout":
                await self._obey(scope, receive)
                return answer({"message": "gateway timeout"}, 504)
        if fault.parameters["obeyed"]:
            await self._obey(scope, receive)
        await self._stall(fault.parameters["stall_seconds"], receive)
        return answer({"message": "gateway timeout"}, 504)

    async def _obey(self, scope: Scope, receive: Receive, *, strange: bool = False) -> Response:
        status, headers, body = 500, [], b""

        async def take(message: Message) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, take)
        if strange and body:
            body = orjson.dumps(self._floor.faults.on_answer(scope["path"], orjson.loads(body)))
        response = Response(body, status)
        # a body of another length than the handler's brings its own
        kept = [(name, value) for name, value in headers if name != b"content-length"]
        own = [(name, value) for name, value in response.raw_headers if name == b"content-length"]
        response.raw_headers = [*kept, *own]
        return response

    async def _stall(self, seconds: float, receive: Receive) -> None:
        """Say nothing until session time has passed, or the client has gone; hold no time."""
        self._land()
        over = trio.Event()
        clock = self._floor.clock
        clock.call_at(clock.now_ns + round(seconds * SECOND_NS), over.set)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, receive, over)
            await over.wait()
            nursery.cancel_scope.cancel()

    def _too_many(self, fault: Fault) -> Response:
        seconds = fault.parameters["reset_seconds"]
        reset_s = -(-self._floor.clock.now_ns // SECOND_NS) + round(seconds)
        response = answer({"code": TOO_MANY, "message": "too many requests."}, 429)
        response.headers.update(_headers(0, reset_s))
        response.headers["Retry-After"] = str(round(seconds))
        return response

    def _land(self) -> None:
        if self._in_flight:
            self._in_flight = False
            self._floor.clients.end_request(self._key)


async def _until_gone(receive: Receive, over: trio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    over.set()


def _unauthorized() -> Response:
    return answer({"code": UNAUTHORIZED, "message": "request is not authorized"}, 401)


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
