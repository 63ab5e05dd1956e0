"""`rotor replay RUN --tui`: a finished run in the cockpit, at any of its minutes.

KEY INPUT: the folder of a run, replayed or live.
KEY OUTPUT: its screens; nothing is written and nothing can be commanded.

What the run was given is given again, and the screen sees what it would have seen. For what a
screen asks for beside (a symbol in full, an explanation, the log) it is given once more, up to the
minute that is shown.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import trio

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.scene import About, Outside
from actors.cockpit.showing import Showing
from actors.cockpit.views import CockpitView
from actors.control import Answer
from actors.desk import Desk
from actors.learned import prices_of
from actors.pacing import Asked, Pacing
from actors.player import Player
from actors.predictor import Learner
from actors.recovery import Recording, again
from actors.restart import Crash, attempt_async
from actors.standing import Place, Standing, Tell
from actors.system import new_parts, replay
from actors.trader import Trader
from engine.errors import BadInputError
from engine.market.frames import MINUTE_NS, Block, Session
from engine.records.inputs import Frame, Input
from engine.records.manifest import read_manifest
from engine.records.page import Page
from engine.records.reading import sound_journal
from engine.records.recorded import Recorded, read_recorded
from tui.cockpit.seat import Seat
from tui.history import learned_in
from tui.kept import Kept, Stood
from tui.live_folder import recording_of
from tui.live_screen import show_on_screen
from tui.options import Look
from tui.verify import replayed
from tui.verify_files import is_live, sound_inputs

Json = dict[str, Any]
BLOCK = 60
"""Minutes that nobody sees are replayed together, but no more: the screen waits meanwhile."""


def watch_recorded(folder: Path, speed: float | None, look: Look) -> int:
    """Show a finished run until its viewer leaves; return the exit code."""
    return show_on_screen(partial(_play, open_run(folder), speed), look)


class FinishedRun(Protocol):
    """A run that is over, whose inputs can be given again."""

    dates: list[dt.date]
    """Of its traded sessions."""

    async def rerun(self, tell: Tell, since: int) -> None:
        """Give the inputs again; `tell` is awaited after each minute from that session on."""
        ...


def open_run(folder: Path) -> FinishedRun:
    """Read a run; raises BadInputError if it cannot be shown."""
    manifest = read_manifest(folder)
    return _Live(folder, manifest) if is_live(manifest) else _Replayed(folder)


async def load(run: FinishedRun, index: int) -> list[CockpitView]:
    """Give the inputs again up to the end of a session; return its views, one per minute."""
    views: list[CockpitView] = []
    with trio.CancelScope() as scope:

        async def tell(place: Place, cockpit: Cockpit) -> None:
            view = cockpit.view() if place.session == index else None
            if view is None:
                return
            views.append(view)
            if len(views) == view.curve.minutes:
                scope.cancel()

        await run.rerun(tell, index)
    return views


class Viewing:
    """What is asked of a finished run: its transport, and the minute that is shown in full."""

    def __init__(self, player: Player, standing: Standing) -> None:
        self._player = player
        self._standing = standing

    async def answer(self, request: Mapping[str, Any]) -> Json:
        """Answer a request; raises BadInputError for a command, or if it cannot be answered."""
        answered = await attempt_async(partial(self._answered, request))
        if isinstance(answered, Crash):
            raise BadInputError(f"it cannot be answered: {answered.error}")
        return answered

    async def _answered(self, request: Mapping[str, Any]) -> Json:
        match request.get("verb"):
            case "transport":
                self._player.turn(request)
                short = await self._player.arrived()
                return {"transport": asdict(self._player.transport()), "short": short}
            case "show":
                cockpit = await self._standing.at(self._player.place)
                return {"show": Showing(cockpit, None).answer(request)}
        raise BadInputError("this run is over: it can be looked at, not commanded")


async def _play(run: FinishedRun, speed: float | None, seat: Seat) -> None:
    player, standing = Player(run.dates, partial(load, run), speed), Standing(run.rerun)
    seat.source.open(player, Viewing(player, standing).answer)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(player.run)
        nursery.start_soon(standing.run)
        await seat.stop.wait()
        nursery.cancel_scope.cancel()


class _Replayed:
    """A replayed run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recorded: Recorded = read_recorded(folder)
        first = self._recorded.trade_from
        if self._recorded.unrepeatable:
            raise BadInputError(f"{folder}: cannot be shown: {self._recorded.unrepeatable}")
        self.dates = [s.date for s, _ in self._recorded.sessions if first and s.date >= first]
        if not self.dates:
            raise BadInputError(f"{folder}: no traded minute was recorded")
        self._kept = Kept(len(self.dates))

    async def rerun(self, tell: Tell, since: int) -> None:
        """Replay it, from the last session before that one at which a replay was kept."""
        plan, stood = replayed(self._recorded, None), self._kept.latest(since)
        parts = new_parts(plan) if stood is None else stood.parts
        cockpits: list[Cockpit] = []
        place: Place | None = None

        async def told() -> None:
            if place is not None:
                await tell(place, cockpits[0])

        def seen(block: Block, _desk: Desk) -> None:
            nonlocal place
            if block.session.date in self.dates:
                last = block.first + len(block) - 1
                place = Place(self.dates.index(block.session.date), last)

        def look(cockpit: Cockpit, _answer: Answer) -> None:
            cockpit.about = replace(cockpit.about, run_id=self._folder.name)
            if stood is not None:
                cockpit.go_on(stood.log)
            cockpits.append(cockpit)

        def begins(session: Session) -> None:
            index = self.dates.index(session.date)
            self._kept.keep(Stood(index, parts, cockpits[0].log))

        plan = replace(
            plan, parts=parts, screen=look, progress=seen, block_size=BLOCK,
            open_blocks=partial(self._blocks, None if stood is None else stood.session),
            pacing=_Telling(None, self.dates, self.dates[since], told=told, begins=begins),
        )  # fmt: skip
        await replay(plan, signals=False)
        await told()

    def _blocks(self, traded: int | None, skip: int) -> Iterator[Block]:
        """Return the blocks from a traded session on, behind the first `skip`; None: from all."""
        sessions = [session.date for session, _ in self._recorded.sessions]
        first = 0 if traded is None else sessions.index(self.dates[traded])
        prices = prices_of(learned_in(self._folder, self._recorded.manifest))
        return self._recorded.blocks(first + skip, prices=prices)


@dataclass(slots=True, kw_only=True)
class _Telling(Pacing):
    """Goes on to the next minute once the one before has been told."""

    told: Callable[[], Awaitable[None]]
    begins: Callable[[Session], None]
    """Called before a session's first minute, once all before it is over."""

    async def wait(self, block: Block, trades: int, hear: Callable[[Asked], None]) -> None:
        """Return once what went before has been told."""
        del trades, hear
        await self.told()
        if block.first == 0:
            self.begins(block.session)


class _Live:
    """The one session of a live run."""

    def __init__(self, folder: Path, manifest: Json) -> None:
        self._folder = folder
        self._recording: Recording = recording_of(folder, manifest)
        sound_journal(folder, manifest)
        self._inputs = sound_inputs(folder, manifest).inputs
        self.dates = [self._recording.session.date]

    async def rerun(self, tell: Tell, since: int) -> None:
        """Give the session its inputs again."""
        assert since == 0
        session, cockpits = self._recording.session, list[Cockpit]()
        minute = 0

        def begin(trader: Trader, learners: Sequence[Learner]) -> None:
            about = About(
                mode="replay", symbols=self._recording.symbols, run_id=self._folder.name,
                folder=self._folder, session=session,
            )  # fmt: skip
            outside = Outside(
                now_ns=lambda: session.open_ns + minute * MINUTE_NS, learners=learners
            )
            cockpits.append(Cockpit(trader.desk, about, outside))
            trader.closed = cockpits[0].page

        async def taken(given: Input) -> None:
            nonlocal minute
            if isinstance(given, Frame):
                minute = given.minute + 1
                await tell(Place(0, given.minute), cockpits[0])

        await again(self._recording, self._inputs, _Nowhere(), begin, taken)


class _Nowhere:
    """Takes pages that nobody writes."""

    async def send(self, message: Page) -> None:
        """Let a page go, and others run: it is looked at beside."""
        del message
        await trio.lowlevel.checkpoint()
