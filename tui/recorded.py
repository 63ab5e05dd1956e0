"""`rotor replay RUN --tui`: a finished run in the cockpit, at any of its minutes.

KEY INPUT: the folder of a run, replayed or live.
KEY OUTPUT: its screens; nothing is written and nothing can be commanded.

What the run was given is given again, and the screen sees what it would have seen. What a screen
asks for beside (a symbol in full, an explanation, the log) is told as the session's end knows it.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import trio

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.scene import About, Outside
from actors.cockpit.showing import Showing
from actors.cockpit.views import CockpitView
from actors.control import Answer
from actors.desk import Desk
from actors.pacing import Pacing
from actors.player import Player
from actors.recovery import Recording, again
from actors.system import replay
from actors.trader import Trader
from engine.errors import BadInputError
from engine.market.frames import MINUTE_NS, Block
from engine.records.inputs import NAME as INPUTS
from engine.records.inputs import Frame, Input, read_log
from engine.records.page import Page
from engine.records.recorded import Recorded, read_manifest, read_recorded
from tui.cockpit.seat import Seat
from tui.live_folder import recording_of
from tui.live_screen import show_on_screen
from tui.options import Look
from tui.verify import replayed

Json = dict[str, Any]


def watch_recorded(folder: Path, speed: float | None, look: Look) -> int:
    """Show a finished run until its viewer leaves; return the exit code."""
    manifest = read_manifest(folder)
    gallery = _LiveGallery(folder, manifest) if (folder / INPUTS).exists() else _Gallery(folder)
    return show_on_screen(partial(_play, gallery, speed), look)


async def _play(gallery: "_Gallery | _LiveGallery", speed: float | None, seat: Seat) -> None:
    player = Player(gallery.dates, gallery.load, speed)

    async def answer(request: Mapping[str, Any]) -> Json:
        match request.get("verb"):
            case "transport":
                return {"transport": asdict(player.turn(request))}
            case "show" if gallery.cockpit is not None:
                return {"show": Showing(gallery.cockpit, None).answer(request)}
        raise BadInputError("this run is over: it can be looked at, not commanded")

    seat.source.open(player, answer)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(player.run)
        await seat.stop.wait()
        nursery.cancel_scope.cancel()


class _Gallery:
    """The sessions of a replayed run, looked at again."""

    def __init__(self, folder: Path) -> None:
        self.cockpit: Cockpit | None = None
        """Of the session that was loaded last, at its end."""
        self._folder = folder
        self._recorded: Recorded = read_recorded(folder)
        first = self._recorded.trade_from
        if self._recorded.unrepeatable:
            raise BadInputError(f"{folder}: cannot be shown: {self._recorded.unrepeatable}")
        traded = [s.date for s, _ in self._recorded.sessions if first and s.date >= first]
        if not traded:
            raise BadInputError(f"{folder}: no traded minute was recorded")
        self.dates = traded

    async def load(self, index: int) -> list[CockpitView]:
        """Replay up to the end of a session; return its views."""
        views: list[CockpitView] = []
        pacing = Pacing(None, self.dates)
        date = self.dates[index]

        def seen(block: Block, _desk: Desk) -> None:
            if block.session.date != date:
                return
            view = None if self.cockpit is None else self.cockpit.view()
            if view is not None:
                views.append(view)
            if block.first + 1 == block.session.minutes:
                pacing.stop.set()

        plan = replace(
            replayed(self._recorded, None), pacing=pacing, screen=self._look, progress=seen
        )
        await replay(plan, signals=False)
        return [
            replace(view, header=replace(view.header, run_id=self._folder.name)) for view in views
        ]

    def _look(self, cockpit: Cockpit, _answer: Answer) -> None:
        self.cockpit = cockpit


class _LiveGallery:
    """The one session of a live run, looked at again."""

    def __init__(self, folder: Path, manifest: Json) -> None:
        self.cockpit: Cockpit | None = None
        """At the session's end, once it is loaded."""
        self._folder = folder
        self._recording: Recording = recording_of(folder, manifest)
        self._inputs = read_log(folder / INPUTS, self._recording.symbols).inputs
        self.dates = [self._recording.session.date]

    async def load(self, index: int) -> list[CockpitView]:
        """Give the session its inputs again; return its views, one per minute."""
        assert index == 0
        session, views = self._recording.session, list[CockpitView]()
        minute = 0

        def begin(trader: Trader) -> None:
            about = About(
                mode="replay", symbols=self._recording.symbols, run_id=self._folder.name,
                folder=self._folder, session=session,
            )  # fmt: skip
            outside = Outside(now_ns=lambda: session.open_ns + minute * MINUTE_NS)
            self.cockpit = Cockpit(trader.desk, about, outside)
            trader.closed = self.cockpit.page

        def taken(given: Input) -> None:
            nonlocal minute
            if isinstance(given, Frame):
                minute = given.minute + 1
                view = None if self.cockpit is None else self.cockpit.view()
                if view is not None:
                    views.append(view)

        await again(self._recording, self._inputs, _Nowhere(), begin, taken)
        return views


class _Nowhere:
    """Takes pages that nobody writes."""

    async def send(self, message: Page) -> None:
        """Let a page go, and others run: it is looked at beside."""
        del message
        await trio.lowlevel.checkpoint()
