"""One session of `rotor live` in its folder: begun or taken up again, traded, told of.

KEY INPUT: an account that is open, a session, a folder that is ours.
KEY OUTPUT: the session traded; a run folder, a summary, an exit code.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from actors.alerts import Alerter
from actors.herald import Herald
from actors.live import LiveOutcome, LivePlan, live
from actors.remote_time import Hold, RemoteTime
from actors.session_clock import SessionClock
from actors.system import nobody
from actors.views import Views
from actors.watchdog import SILENCE_SECONDS
from engine.config import AlertKind, Config, Simulation
from engine.market.frames import Session
from tui.commands import scripted
from tui.enrol import Enrolled, enrol
from tui.live_end import ending
from tui.live_folder import begin, clear, end, read_warmup, resume
from tui.live_progress import show_progress
from tui.live_report import end_words, report, summary_of
from tui.live_start import say, warmup_bars
from tui.options import Look
from tui.parity import parity
from tui.prepare import Request, read_config
from tui.watchdog import Duty, end_watchdog, watched, watching

if TYPE_CHECKING:
    from actors.alpaca.venue import AlpacaVenue
    from actors.venue import Account
    from tui.cockpit.seat import Seat

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """What the user asked for."""

    endpoint: str | None = None
    symbols: str | None = None
    source: Path = Path()
    """Whose own config.toml lies over ours, if it has one: a rehearsal's."""
    config: Path | None = None
    sets: tuple[str, ...] = ()
    out: Path | None = None
    hold: Hold = "never"
    """On an exchange: when its time stands while we are down."""
    real: bool = False
    """Real money, through the gate."""
    watchdog: bool = False
    """Also where no real money is."""
    watchdog_after: float = SILENCE_SECONDS
    commands: tuple[str, ...] = ()
    overwrite: bool = False
    """What `out` holds of a run goes, once nothing is refused any more: a rehearsal's."""
    json: bool = False
    screen: Look | None = None
    """How it is drawn; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSession:
    """A session, its account and its folder, which nobody else has now."""

    request: LiveRequest
    config: Config
    venue: "AlpacaVenue"
    clock: SessionClock
    time: RemoteTime | None
    """Of an exchange that tells it."""
    account: "Account"
    session: Session
    symbols: tuple[str, ...]
    folder: Path
    alerter: Alerter
    seat: "Seat | None"

    async def trade(self, stop: trio.Event, begun: Callable[[], object]) -> int:
        """Trade until it is over or `stop` is set; return the exit code."""
        manifest, plan, enrolled = await self._prepare()
        self.alerter.begin(self.folder.name)
        number = self.account.number
        traded = ", ".join(self.symbols)
        say(f"{self.session.date}: trading {traded} on account {number}; {self.folder}")

        def ready() -> None:
            # what is loaded stays: to look through it all takes 0.1 s, of an order's way
            gc.collect()
            gc.freeze()
            if self.time is not None:
                self.time.busy = False
            begun()

        try:
            async with watched(self.folder, plan.heart, self._duty(), self.alerter.tell):
                outcome = await self._with_progress(plan, stop, ready)
        finally:
            gc.unfreeze()
        summary = await self._conclude(outcome, plan, manifest)
        enrolled.finish()
        enrolled.close()
        told = partial(report, summary, self.folder, json=self.request.json)
        if self.seat is None:
            told()
        else:
            self.seat.later.append(told)
        return 1 if summary["interrupted"] or summary["problems"] else 0

    async def _prepare(self) -> tuple[Json, LivePlan, Enrolled]:
        config, number, folder = self.config, self.account.number, self.folder
        if self.request.overwrite:
            clear(folder)
        manifest = resume(folder, number, self.session, self.symbols)
        if manifest is None:
            say(f"warming up on {config.session.warmup_sessions} sessions")
            warmup = await warmup_bars(self.venue, config, self.session, self.symbols)
            cash = self.account.cash_micro
            manifest = begin(folder, config, number, self.session, self.symbols, cash, warmup)
            enrolled = enrol(config.database.url, folder)
        else:
            say(f"{folder}: this session is taken up again")
            warmup = read_warmup(folder)
            ours = {"database": config.database.model_dump(), "alerts": config.alerts.model_dump()}
            config = Config.model_validate(manifest["config"] | ours)
            enrolled = enrol("", folder)
        plan = LivePlan(
            config=config,
            symbols=self.symbols,
            session=self.session,
            venue=self.venue,
            clock=self.clock,
            folder=folder,
            epoch=manifest["epoch"],
            cash_micro=manifest["cash_micro"],
            warmup=tuple(warmup),
            views=Views(),
            reread=partial(_reread, self.request, config.simulation),
            watched=_watched(self.request),
            commands=scripted(self.request.commands, self.symbols, self.session.date),
            follower=enrolled.follower,
            herald=Herald(self._tell),
            mode="live" if self.request.real else "paper",
            account=number,
            screen=nobody if self.seat is None else self.seat.open,
        )
        return manifest, plan, enrolled

    def _tell(self, kind: AlertKind, words: str) -> None:
        """Alert; where no screen shows it, on stderr too."""
        self.alerter.tell(kind, words)
        if self.seat is None:
            say(words)

    async def _with_progress(
        self, plan: LivePlan, stop: trio.Event, ready: Callable[[], None]
    ) -> LiveOutcome:
        async with trio.open_nursery() as nursery:
            if self.seat is None:
                nursery.start_soon(show_progress, plan.views, self.session)
            outcome = await live(plan, stop, ready)
            nursery.cancel_scope.cancel()
        return outcome

    async def _conclude(self, live_outcome: LiveOutcome, plan: LivePlan, manifest: Json) -> Json:
        outcome, folder = live_outcome.outcome, self.folder
        summary = summary_of(live_outcome, plan.config, folder)
        summary |= (await ending(self.venue, live_outcome.book, self.symbols)).shown()
        await _stand_down(folder, summary)
        self.alerter.tell("end", end_words(summary))
        if not outcome.stats.interrupted:
            summary["parity"] = await parity(folder)
        ended = {
            "interrupted": outcome.stats.interrupted,
            "journal_sha256": outcome.journal_sha256,
            "scores": {s: list(scores) for s, scores in outcome.scores.items()},
            "earned_slope": outcome.slope.pooled,
        }
        end(folder, manifest, ended, summary)
        return summary

    def _duty(self) -> Duty | None:
        request = self.request
        if not (request.real or request.watchdog):
            return None
        return Duty(
            folder=str(self.folder.resolve()),
            account=self.account.number,
            symbols=self.symbols,
            endpoint=request.endpoint,
            real=request.real,
            alerts=self.alerter.settings.model_dump(),
            silence_seconds=request.watchdog_after,
        )


async def _stand_down(folder: Path, summary: Json) -> None:
    """End the watchdog, unless an interrupted session leaves something to watch."""
    if not summary["interrupted"] or summary["confirmed_flat"]:
        await end_watchdog(folder)
    elif watching(folder) is not None:
        say("positions are open: the watchdog closes them unless rotor live is started again")


def _reread(request: LiveRequest, simulation: Simulation) -> Config:
    config, _ = read_config(Request(config=request.config, sets=request.sets), request.source)
    return config.model_copy(update={"simulation": simulation})


def _watched(request: LiveRequest) -> tuple[Path, ...]:
    chosen = request.config or Path("config.toml")
    folder = chosen.parent.resolve()
    return (folder / chosen.name, folder / "overrides.toml") if folder.is_dir() else ()
