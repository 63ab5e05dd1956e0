"""The socket's `watch`: parts that changed, to several viewers, none of whom holds up anything."""

import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import partial

import orjson
import pytest
import trio
import trio.testing

from actors.cockpit.views import CockpitView
from actors.control import Console, control
from actors.mailbox import Mailbox
from actors.presence import socket_path
from actors.views import Views
from engine.events import Halt
from tests.actors.cockpit.watched import SYMBOLS, holding, prices, two
from tests.patience import patience
from tui.cockpit.attached import _read

VIEWER = """
import socket, sys
talk = socket.socket(socket.AF_UNIX)
talk.connect(sys.argv[1])
talk.sendall(b'{"verb":"watch"}\\n')
while talk.recv(65536):
    print("told", flush=True)
"""


@pytest.fixture
def floor():
    return holding()


@asynccontextmanager
async def served(floor, folder):
    """Serve a floor's cockpit."""
    commands = Mailbox("control", 8)
    console = Console(SYMBOLS, Views(), commands, cockpit=floor.cockpit)
    async with control(folder, console.answer):
        yield commands


class Viewer:
    """One connection that watches."""

    def __init__(self, stream):
        self._stream = stream
        self._buffer = b""

    @classmethod
    async def open(cls, folder, **more):
        stream = await trio.open_unix_socket(str(socket_path(folder)))
        await stream.send_all(orjson.dumps({"verb": "watch", **more}) + b"\n")
        return cls(stream)

    async def line(self):
        while b"\n" not in self._buffer:
            chunk = await self._stream.receive_some(65536)
            assert chunk, "the session closed the connection"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return orjson.loads(line)

    async def until(self, holds):
        """Return the first line whose view holds."""
        while True:
            told = await self.line()
            if holds(told["view"]):
                return told["view"]

    async def close(self):
        await self._stream.aclose()


async def test_first_everything_is_told_then_what_changed(tmp_path, floor):
    """The first line makes the whole view; after a minute only other parts come."""
    async with served(floor, tmp_path / "run"):
        viewer = await Viewer.open(tmp_path / "run")
        whole = (await viewer.line())["view"]
        counted = floor.view.header.viewers
        floor.frame(prices(51, 49.8, 50), two())
        news = await viewer.until(lambda view: "curve" in view)
        await viewer.close()

    assert set(whole) == set(CockpitView.__slots__)
    decoded = CockpitView(**{name: _read(name, part) for name, part in whole.items()})
    assert [position.symbol for position in decoded.positions] == ["AAA", "BBB"]
    assert counted == 1
    assert {"sequence", "header", "money", "curve"} <= set(news)
    assert not {"trades", "inbox", "max_positions"} & set(news)


async def test_what_is_decoded_is_what_was_built(tmp_path, floor):
    """A view that went over the socket equals the one in the process."""
    async with served(floor, tmp_path / "run"):
        viewer = await Viewer.open(tmp_path / "run")
        told = (await viewer.line())["view"]
        here = floor.view
        await viewer.close()

    for name, part in told.items():
        if name not in ("sequence", "header", "health"):
            assert _read(name, part) == getattr(here, name), name


async def test_two_viewers_are_told_alike_and_counted(tmp_path, floor):
    """Each has its own first line; the header says how many look."""
    async with served(floor, tmp_path / "run"):
        one, other = [await Viewer.open(tmp_path / "run") for _ in range(2)]
        first = await one.until(lambda view: view.get("header", {}).get("viewers") == 2)
        second = await other.until(lambda view: view.get("header", {}).get("viewers") == 2)
        await one.close()
        left = await other.until(lambda view: view.get("header", {}).get("viewers") == 1)
        await other.close()

    assert first["header"]["viewers"] == second["header"]["viewers"] == 2
    assert left["header"]["viewers"] == 1


async def test_a_viewer_that_does_not_read_holds_up_nobody(tmp_path, floor, monkeypatch):
    """Others are told meanwhile; once it reads again it has the newest, not all in between."""
    monkeypatch.setattr("actors.cockpit.watching.LEAST_SECONDS", 0.01)
    async with served(floor, tmp_path / "run") as commands:
        slow = await Viewer.open(tmp_path / "run")
        slow._stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        quick = await Viewer.open(tmp_path / "run")
        for minute in range(60):
            floor.frame(prices(51 + minute / 100, 49.8, 50), two())
            with trio.fail_after(patience(5)):
                await quick.until(lambda view: len(view.get("curve", {}).get("equity_usd", ())))
        stream = await trio.open_unix_socket(str(socket_path(tmp_path / "run")))
        await stream.send_all(b'{"verb":"halt"}\n')
        with trio.fail_after(patience(5)):
            assert (await commands.receive()).command == Halt()
        bars, lines = 0, 0
        while bars < 63:
            lines += 1
            bars = (await slow.line())["view"].get("stats", {}).get("bars", bars)
        for viewer in (slow, quick):
            await viewer.close()
        await stream.aclose()

    assert lines < 60


async def test_a_killed_viewer_is_counted_no_more(tmp_path, floor):
    """kill -9: the session notices, and goes on."""
    async with served(floor, tmp_path / "run"):
        path = str(socket_path(tmp_path / "run"))
        command = [sys.executable, "-c", VIEWER, path]
        viewer = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220 - no child of Trio's
        await trio.to_thread.run_sync(viewer.stdout.readline)
        counted = floor.cockpit.viewers
        viewer.send_signal(signal.SIGKILL)
        await trio.to_thread.run_sync(viewer.communicate)
        with trio.fail_after(patience(10)):
            while floor.cockpit.viewers:  # noqa: ASYNC110
                await trio.sleep(0.01)
        floor.frame(prices(51, 49.8, 50), two())
        again = await Viewer.open(tmp_path / "run")
        assert (await again.line())["ok"]
        await again.close()

    assert counted == 1


async def test_a_view_that_fails_ends_the_viewer_not_the_session(tmp_path, floor, monkeypatch):
    """A bug in a view is told to who looks; the socket goes on answering."""
    monkeypatch.setattr(floor.cockpit, "view", partial(int, "no number"))
    async with served(floor, tmp_path / "run"):
        viewer = await Viewer.open(tmp_path / "run")
        told = await viewer.line()
        stream = await trio.open_unix_socket(str(socket_path(tmp_path / "run")))
        await stream.send_all(b'{"verb":"status"}\n')
        status = orjson.loads(await stream.receive_some(65536))
        await stream.aclose()
        await viewer.close()

    assert told["ok"] is False
    assert "the view failed: ValueError" in told["error"]
    assert status["ok"]


async def test_how_often_it_is_told_is_the_viewers_choice(tmp_path, floor):
    """Once a second for a narrow line; never more than five times."""
    async with served(floor, tmp_path / "run"):
        began = trio.current_time()
        viewer = await Viewer.open(tmp_path / "run", seconds=0.0)
        for n in range(4):
            floor.now_ns += n + 1
            await viewer.line()
        took = trio.current_time() - began
        await viewer.close()

    assert took >= 0.6
