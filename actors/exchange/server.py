"""The exchange as a server: Starlette on Hypercorn's Trio worker, on loopback.

KEY INPUT: a floor, a port (0: any that is free).
KEY OUTPUT: a URL that answers until the exchange is stopped.
"""

import socket
from contextlib import suppress
from copy import copy

import trio
from h2.exceptions import H2Error
from h11 import ProtocolError
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config as ServerConfig
from hypercorn.events import Event, Updated
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from wsproto.utilities import ProtocolError as WsProtocolError

from actors.exchange.bounds import (
    FIRST_REQUEST_SECONDS,
    FRAME_BYTES,
    HEADER_BYTES,
    Bounds,
    Callers,
    connection_refusal,
)
from actors.exchange.control import Control
from actors.exchange.day import Day
from actors.exchange.floor import Floor
from actors.exchange.gate import Gate, answer
from actors.exchange.refusal import NO_METHOD, NOT_FOUND, Refusal
from actors.exchange.rest_data import DataApi
from actors.exchange.rest_orders import OrdersApi
from actors.exchange.rest_trading import TradingApi

HOST = "127.0.0.1"
_GRACE_SECONDS = 0.2
_BACKLOG = 100
_RUBBISH = (
    ProtocolError, H2Error, WsProtocolError, ValueError, LookupError, TypeError, AttributeError,
    trio.BusyResourceError, trio.BrokenResourceError, trio.ClosedResourceError,
)  # fmt: skip
"""What hypercorn raises on what is no HTTP: it ends that connection, not the exchange."""


async def run_exchange(
    floor: Floor,
    port: int,
    *,
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop`, POST /control/stop or cancellation; started with the URL.

    Raises OSError if the port is taken.
    """
    stop = trio.Event() if stop is None else stop
    app = Bounds(Gate(build_app(floor, stop), floor))
    bound = _bound(port)
    async with trio.open_nursery() as nursery:
        await nursery.start(_serve, app, floor.callers, bound)
        nursery.start_soon(Day(floor).run)
        task_status.started(f"http://{HOST}:{bound.getsockname()[1]}")
        await stop.wait()
        await trio.sleep(_GRACE_SECONDS)
        nursery.cancel_scope.cancel()


async def _serve(
    app: Bounds,
    callers: Callers,
    bound: socket.socket,
    *,
    task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve connections for ever: as hypercorn does, but no more of them than are allowed."""
    config, context = _config(), WorkerContext(None)

    async def serve(stream: trio.SocketStream) -> None:
        caller = callers.admit(copy(config))
        if caller is None:
            await _refuse(stream)
            return
        state = ConnectionState({"caller": caller})
        try:
            await _Server(ASGIWrapper(app), caller.config, context, state, stream)  # type: ignore[arg-type]
        except* _RUBBISH:
            await trio.aclose_forcefully(stream)
        finally:
            callers.leave(caller)

    listener = trio.SocketListener(trio.socket.from_stdlib_socket(bound))
    await trio.serve_listeners(serve, [listener], task_status=task_status)


class _Server(TCPServer):
    """One connection of HTTP/1.1.

    Hypercorn's own outlives its client until its idle time is over, and for ever where it has gone
    over to HTTP/2 and the client is no more.
    """

    _gone = False
    """True once the client has closed it."""

    async def protocol_send(self, event: Event) -> None:
        """Send what the protocol wants; who has gone is not waited for."""
        if not (self._gone and isinstance(event, Updated)):
            await super().protocol_send(event)

    async def _read_data(self) -> None:
        self.protocol.protocol._check_protocol = _stay  # type: ignore[method-assign,union-attr]
        await super()._read_data()
        self._gone = True
        await self.idle_task.stop()


async def _stay(_: object) -> None:
    """Stay with HTTP/1.1, whatever a request would change to."""


async def _refuse(stream: trio.SocketStream) -> None:
    with trio.move_on_after(_GRACE_SECONDS), suppress(trio.BrokenResourceError):
        await stream.send_all(connection_refusal())
        await stream.receive_some()  # what it has asked, so that it can read the answer
    await trio.aclose_forcefully(stream)


def build_app(floor: Floor, stop: trio.Event) -> Starlette:
    """Return the application with all its routes."""

    async def market(socket: WebSocket) -> None:
        await floor.data.serve(socket, socket.path_params["feed"])

    async def refuse(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        return answer(refusal.body, refusal.status)

    async def missing(_: Request, __: Exception) -> Response:
        return answer({"code": NOT_FOUND, "message": "endpoint not found."}, 404)

    async def wrong(_: Request, __: Exception) -> Response:
        return answer({"code": NO_METHOD, "message": "method not allowed"}, 405)

    return Starlette(
        routes=[
            *TradingApi(floor).routes(),
            *OrdersApi(floor).routes(),
            *DataApi(floor).routes(),
            *Control(floor, stop).routes(),
            WebSocketRoute("/stream", floor.trades.serve),
            WebSocketRoute("/v2/{feed:str}", market),
        ],
        exception_handlers={Refusal: refuse, 404: missing, 405: wrong},
    )


def _bound(port: int) -> socket.socket:
    """Return a listening socket; one whose bind fails is closed."""
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind((HOST, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _config() -> ServerConfig:
    config = ServerConfig()
    config.accesslog = None
    config.loglevel = "WARNING"
    # requests keeps connections: one that closes under a POST would be a fault nobody asked for
    config.keep_alive_max_requests = 10**9
    config.keep_alive_timeout = FIRST_REQUEST_SECONDS
    config.h11_max_incomplete_size = 4 * HEADER_BYTES  # beyond, hypercorn answers 431 by itself
    config.websocket_max_message_size = FRAME_BYTES
    assert config.log is not None  # made once, for all connections
    return config
