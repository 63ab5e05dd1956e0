"""The cockpit in a real browser: headless Chromium, a paced replay, `rotor web` between them."""

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.patience import patience
from tests.tui.forked import popen
from tests.tui.rehearsal import wait_for

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BADGE = [226, 182, 255]
"""Of a replay, red, green and blue."""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@contextmanager
def started(*command, start=popen, **options):
    """Run a process for as long as the body runs."""
    process = start(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Tab:
    """A page of the browser, over its debugging protocol."""

    def __init__(self, socket):
        self._socket = socket
        self._id = 0

    async def call(self, method, **parameters):
        """Call a method and return its result."""
        self._id += 1
        await self._socket.send_json({"id": self._id, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json(timeout=patience(20))
            if told.get("id") == self._id:
                return told["result"]

    async def colour(self, picture, x, y):
        """Return a pixel of a picture as [red, green, blue]."""
        code = f"""(async () => {{
            const image = new Image(); image.src = "data:image/png;base64,{picture}";
            await image.decode();
            const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
            canvas.drawImage(image, 0, 0);
            return Array.from(canvas.getImageData({x}, {y}, 1, 1).data).slice(0, 3)
        }})()"""
        told = await self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        return told["result"]["value"]


async def pictured(port, address, seconds=40):
    """Open an address; return the tab's picture once the badge of a replay stands in its corner."""
    async with aiohttp.ClientSession() as client:
        async with client.put(f"http://127.0.0.1:{port}/json/new?{address}") as reply:
            url = (await reply.json())["webSocketDebuggerUrl"]
        async with client.ws_connect(url, max_msg_size=0) as socket:
            tab = Tab(socket)
            end = time.monotonic() + patience(seconds)
            while time.monotonic() < end:
                await asyncio.sleep(0.3)
                picture = (await tab.call("Page.captureScreenshot"))["data"]
                if await tab.colour(picture, 3, 3) == BADGE:
                    return base64.b64decode(picture)
    raise AssertionError("the cockpit did not appear")


def test_the_cockpit_is_drawn_in_a_browser(tmp_path, runtime_dir):
    """With the token only; the mode's badge is where it is in a terminal."""
    env = os.environ | {
        "ROTOR_RUNTIME_DIR": runtime_dir, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path),
    }  # fmt: skip
    rotor = (sys.executable, "-m", "tui.cli")
    run, profile = tmp_path / "run", tmp_path / "profile"
    replay = (*rotor, "replay", "--speed", "60", "--from", "2025-07-07", "--out", str(run))
    with started(*replay, env=env, cwd=tmp_path):
        wait_for(lambda: list(Path(runtime_dir).glob("*.sock")))
        web = (*rotor, "web", str(run), "--port", "0")
        browser = (
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--remote-debugging-port=0", f"--user-data-dir={profile}", "--window-size=1400,900",
            "about:blank",
        )  # fmt: skip
        with (
            started(*web, env=env, cwd=tmp_path) as server,
            started(*browser, start=subprocess.Popen),
        ):
            address = server.stdout.readline().split()[-1]
            port_file = profile / "DevToolsActivePort"
            wait_for(port_file.exists)
            port = int(port_file.read_text().split()[0])
            picture = asyncio.run(pictured(port, address))

    assert len(picture) > 20_000
