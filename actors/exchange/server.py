"""The exchange as a server: Starlette on Hypercorn's Trio worker, on loopback.

KEY INPUT: a floor, a port (0: any that is free).
KEY OUTPUT: a URL that answers until the exchange is stopped.
"""

import socket
from functools import partial

import trio
from hypercorn.config import Config as ServerConfig
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from actors.exchange.control import Control
from actors.exchange.day import Day
from actors.exchange.floor import Floor
from actors.exchange.gate import Gate, answer
from actors.exchange.refusal import NOT_FOUND, Refusal
from actors.exchange.rest_data import DataApi
from actors.exchange.rest_orders import OrdersApi
from actors.exchange.rest_trading import TradingApi

HOST = "127.0.0.1"
_GRACE_SECONDS = 0.2


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
    app, config = Gate(build_app(floor, stop), floor), _config(port)
    async with trio.open_nursery() as nursery:
        # hypercorn's own starts its lifespan, for which the app needs no part
        urls = await nursery.start(partial(serve, app, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
        nursery.start_soon(Day(floor).run)
        task_status.started(urls[0])
        await stop.wait()
        await trio.sleep(_GRACE_SECONDS)
        nursery.cancel_scope.cancel()


def build_app(floor: Floor, stop: trio.Event) -> Starlette:
    """Return the application with all its routes."""

    async def market(socket: WebSocket) -> None:
        await floor.data.serve(socket, socket.path_params["feed"])

    async def refuse(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        return answer(refusal.body, refusal.status)

    async def missing(_: Request, __: Exception) -> Response:
        return answer({"code": NOT_FOUND, "message": "endpoint not found."}, 404)

    return Starlette(
        routes=[
            *TradingApi(floor).routes(),
            *OrdersApi(floor).routes(),
            *DataApi(floor).routes(),
            *Control(floor, stop).routes(),
            WebSocketRoute("/stream", floor.trades.serve),
            WebSocketRoute("/v2/{feed:str}", market),
        ],
        exception_handlers={Refusal: refuse, 404: missing},
    )


def _bound(port: int) -> int:
    """Return the descriptor of a bound socket; hypercorn leaves one open whose bind fails."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind((HOST, port))
        return bound.detach()


def _config(port: int) -> ServerConfig:
    config = ServerConfig()
    config.bind = [f"fd://{_bound(port)}"]
    config.graceful_timeout = _GRACE_SECONDS
    config.accesslog = None
    config.loglevel = "WARNING"
    # requests keeps connections: one that closes under a POST would be a fault nobody asked for
    config.keep_alive_timeout = 24 * 3600
    config.keep_alive_max_requests = 10**9
    config.websocket_max_message_size = 2**24
    return config
