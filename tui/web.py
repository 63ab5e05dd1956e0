"""`rotor web`: the cockpit in a browser, on this machine alone.

KEY INPUT: a session that runs.
KEY OUTPUT: a page on loopback; every tab is a `rotor attach` of its own.

textual-serve carries the terminal over a WebSocket. Whoever reaches the port could trade, so that
nothing is answered without the token, which the first visit turns into a cookie; a page of another
site is refused by its Host and Origin.
"""

import asyncio
import contextlib
import secrets
import shlex
import signal
import socket
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

from actors.presence import living
from engine.errors import BadInputError
from tui.find_session import find_session
from tui.options import Look

HOST = "127.0.0.1"
COOKIE = "rotor-web"
PAGE = Path(__file__).with_name("web_page")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """What the user asked for."""

    session: str | None
    port: int
    readonly: bool
    look: Look
    open_browser: bool


class CockpitServer(Server):
    """textual-serve behind a token, with a page that loads nothing from elsewhere."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(
            command, host=HOST, port=port, title="Rotor", templates_path=str(PAGE.resolve())
        )
        self.token = token

    @property
    def address(self) -> str:
        """Return what to open, the token included."""
        return f"{self.public_url}/?token={self.token}"

    async def application(self) -> web.Application:
        """Return the server's application, behind the token."""
        app = await self._make_app()
        app.middlewares.append(self._guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command says where it serves."""

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        ours = (f"{HOST}:{self.port}", f"localhost:{self.port}")
        origin = request.headers.get("Origin")
        if request.host not in ours or origin not in (None, *(f"http://{one}" for one in ours)):
            raise web.HTTPForbidden(text="rotor web answers its own pages alone\n")
        given = request.query.get("token")
        if given is not None and secrets.compare_digest(given, self.token):
            found = web.HTTPFound(request.path)  # so that the token leaves the address bar
            found.set_cookie(COOKIE, self.token, httponly=True, samesite="Strict")
            raise found
        if not secrets.compare_digest(request.cookies.get(COOKIE, ""), self.token):
            raise web.HTTPForbidden(
                text="open the address that rotor web printed: it has a token\n"
            )
        return await handler(request)


def web_command(request: WebRequest) -> int:
    """Run `rotor web` until Ctrl-C; return the exit code."""
    if not 0 <= request.port < 65536:
        raise BadInputError(f"--port {request.port}: from 1 to 65535, or 0 for any that is free")
    # a tab that is opened later shows this session, not another one that is left by then
    path = find_session(request.session, changes=not request.readonly)
    found = living().get(path)
    request = replace(request, session=found.run_dir if found else request.session)
    port = request.port or _free_port()
    server = CockpitServer(shlex.join(viewer(request)), port, secrets.token_urlsafe(24))
    asyncio.run(_serve(server, open_browser=request.open_browser))
    return 0


def viewer(request: WebRequest) -> list[str]:
    """Return the command that every tab runs."""
    wanted = {
        "--readonly": request.readonly,
        "--low-bandwidth": request.look.low_bandwidth,
        "--ascii": request.look.ascii,
    }
    session = [request.session] if request.session else []
    options = [name for name, given in wanted.items() if given]
    return [sys.executable, "-m", "tui.cli", "attach", *session, *options]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def _serve(server: CockpitServer, *, open_browser: bool) -> None:
    runner = web.AppRunner(await server.application())
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, server.port).start()
    except OSError as error:
        await runner.cleanup()
        raise BadInputError(
            f"port {server.port}: {error.strerror}; choose another: --port"
        ) from None
    print(f"the cockpit is at {server.address}\nCtrl-C ends it; trading goes on", flush=True)  # noqa: T201
    if open_browser:
        webbrowser.open(server.address)
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(runner.cleanup(), 5)
