"""`python -m tests.tui.cockpit.hosted CASE FOLDER`: the cockpit above a small Trio session.

The session writes `begun`, `told` (a line for each request) and, in its end, `cleaned`.
"""

import asyncio
import sys
from pathlib import Path

import trio

from engine.errors import RotorError
from tests.tui.cockpit.sample import empty_book, paper
from tui.cockpit.app import Cockpit
from tui.cockpit.host import run_hosted


class Session:
    """What goes on beneath the screen, and its source."""

    attached = False

    def __init__(self, case, folder):
        self.case = case
        self.folder = folder
        self.view = paper() if case == "held" else empty_book()
        self._commands, self._heard = trio.open_memory_channel(8)

    def latest(self):
        if self.case == "screen crashes" and (self.folder / "begun").exists():
            raise ZeroDivisionError("a widget broke")
        return self.view

    async def ask(self, request):
        answer = asyncio.get_running_loop().create_future()
        self._commands.send_nowait((dict(request), answer))
        return await answer

    async def run(self):
        if self.case == "fails at once":
            raise RotorError("the account is empty")
        try:
            await trio.sleep(0.3)
            (self.folder / "begun").touch()
            if self.case == "ends":
                return
            if self.case == "crashes":
                raise RotorError("the broker is gone")
            await self._hear()
        finally:
            with trio.move_on_after(5, shield=True):
                await trio.sleep(0.1)  # as the journal's last flush would take
                (self.folder / "cleaned").touch()

    async def _hear(self):
        async for request, answer in self._heard:
            with (self.folder / "told").open("a") as told:
                told.write(f"{request['verb']} {request.get('how', '')} {request['actor']}\n")
            if not answer.done():
                answer.set_result({"ok": True})
            if request["verb"] == "stop":
                return


def main(case, folder):
    session = Session(case, Path(folder))
    app = Cockpit(session)
    try:
        asyncio.run(run_hosted(app, session.run))
    except RotorError as error:
        sys.stderr.write(f"rotor: {error}\n")
        return 1
    return app.return_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
