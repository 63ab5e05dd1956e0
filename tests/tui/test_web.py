"""The cockpit in a browser: nobody without the token, and no page of another site."""

import asyncio
import os
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from textual_serve.app_service import AppService
from yarl import URL

from tests.patience import patience
from tui.web import COOKIE, HOST, CockpitServer


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def served(command="true"):
    """A server on loopback, and a client with no cookie."""
    server = CockpitServer(command, free_port(), "secret-token")
    runner = web.AppRunner(await server.application())
    await runner.setup()
    await web.TCPSite(runner, HOST, server.port).start()
    try:
        async with aiohttp.ClientSession(
            server.public_url, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as client:
            yield server, client
    finally:
        await runner.cleanup()


PATHS = ("/", "/ws", "/static/js/textual.js", "/download/x")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?token=wrong", "?token="])
def test_nothing_is_answered_without_the_token(path, query):
    """Neither the page, nor the terminal, nor a file."""

    async def scenario():
        async with served() as (_, client), client.get(path + query) as reply:
            assert reply.status == 403
            assert "address that rotor web printed" in await reply.text()

    asyncio.run(scenario())


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    """The page then has everything from here, and nothing from elsewhere."""

    async def scenario():
        async with served() as (server, client):
            async with client.get("/", params={"token": server.token}) as reply:
                assert reply.status == 200
                assert str(reply.url) == f"{server.public_url}/"
                page = await reply.text()
            cookies = client.cookie_jar.filter_cookies(URL(server.public_url))
            assert cookies[COOKIE].value == server.token
            assert "//" not in page.replace(f"//{HOST}:{server.port}/", "")
            async with client.get("/static/js/textual.js") as reply:
                assert reply.status == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}]
)
def test_a_page_of_another_site_is_refused(headers):
    """Even with the cookie: a browser sends it along."""

    async def scenario():
        async with served() as (server, client):
            client.cookie_jar.update_cookies({COOKIE: server.token})
            async with client.get("/ws", headers=headers) as reply:
                assert reply.status == 403

    asyncio.run(scenario())


def test_the_terminal_comes_through_the_websocket(tmp_path, monkeypatch):
    """A tab is a process of its own, which is told to end with the tab."""
    opened = []

    async def open_process(self, width=80, height=24, *, opening=AppService._open_app_process):
        opened.append(await opening(self, width, height))
        return opened[-1]

    monkeypatch.setattr(AppService, "_open_app_process", open_process)
    number = tmp_path / "pid"
    command = f"sh -c 'echo $$ > {number}; head -c 1 > /dev/null'"  # the word that it is to quit

    async def scenario():
        async with served(command) as (server, client):
            client.cookie_jar.update_cookies({COOKIE: server.token})
            async with client.ws_connect("/ws?width=80&height=24") as socket_:
                await socket_.send_json(["ping", "x"])
                assert await socket_.receive_json(timeout=patience(5)) == ["pong", "x"]
                async with asyncio.timeout(patience(5)):
                    while not (number.exists() and number.read_text()):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                os.kill(int(number.read_text()), 0)  # it is there
            async with asyncio.timeout(patience(5)):
                await opened[0].wait()
                await opened[0].stdin.wait_closed()  # the loop ends after its last pipe

    asyncio.run(scenario())
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)
