"""One session of `rotor live` in its folder: begun or taken up again, traded, told of.

KEY INPUT: an account that is open, a session, a folder that is ours.
KEY OUTPUT: the session traded; a run folder, a summary, an exit code.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import trio

from actors.alerts import Alerter
from actors.crew import innermost
from actors.herald import Herald
from actors.history import History
from actors.live import LiveOutcome, LivePlan, live
from actors.presence import Kind
from actors.remote_time import Hold, RemoteTime
from actors.session_clock import SessionClock
from actors.system import nobody
from actors.views import Views
from actors.watchdog import SILENCE_SECONDS
from engine.config import AlertKind, Config, Simulation
from engine.errors import DamagedError, DiskError
from engine.market.frames import Arrays, Session
from engine.records.inputs import NAME as INPUTS
from engine.records.inputs import Input, read_log
from engine.records.overrides import OLD_NAME, name_of
from engine.records.recorded import config_of
from engine.records.warmup import BACKTEST
from tui.commands import scripted
from tui.enrol import Enrolled, enrol, enrol_again
from tui.history import learn, mend
from tui.layered import kind_of
from tui.live_end import ending
from tui.live_folder import begin, clear, end, recording_of, reopen, resume
from tui.live_progress import show_progress
from tui.live_report import end_words, report, summary_of
from tui.live_start import open_account, say, warmup_bars
from tui.money import check_money
from tui.options import Look
from tui.parity import parity
from tui.prepare import read_config
from tui.safe_mode import check_known, keep_whole, leave_to, opening, standing
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
    profile: str | None = None
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

    @property
    def kind(self) -> Kind:
        """Return whose overrides hold: with --live those of real money, on an exchange too."""
        return kind_of(self.endpoint, real=self.real)


class _Ready(NamedTuple):
    """All that a session needs to trade."""

    manifest: Json
    plan: LivePlan
    enrolled: Enrolled


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
        """Trade until it is over or `stop` is set; return the exit code.

        Raises DamagedError, and changes nothing, for records that cannot be gone on from; if the
        broker has something of them open, a session in safe mode takes their place instead.
        """
        try:
            ready = await self._prepare()
            outcome = await self._run(ready, stop, begun)
        except DamagedError as error:
            ready = await self._prepare_safely(error)
            outcome = await self._run(ready, stop, begun)
        summary = await self._conclude(outcome, ready.plan, ready.manifest)
        ready.enrolled.finish()
        ready.enrolled.close()
        told = partial(report, summary, self.folder, json=self.request.json)
        if self.seat is None:
            told()
        else:
            self.seat.later.append(told)
        return 1 if summary["interrupted"] or summary["problems"] else 0

    async def _run(
        self, ready: _Ready, stop: trio.Event, begun: Callable[[], object]
    ) -> LiveOutcome:
        self.alerter.begin(self.folder.name)
        traded = ", ".join(self.symbols)
        number = self.account.number
        say(f"{self.session.date}: trading {traded} on account {number}; {self.folder}")

        def trades() -> None:
            # what is loaded stays: to look through it all takes 0.1 s, of an order's way
            gc.collect()
            gc.freeze()
            reopen(self.folder, ready.manifest)
            if self.time is not None:
                self.time.busy = False
            begun()

        try:
            async with watched(self.folder, ready.plan.heart, self._duty(), self.alerter.tell):
                return await self._with_progress(ready.plan, stop, trades)
        except BaseExceptionGroup as group:
            ready.enrolled.close()
            error = innermost(group)
            raise error if isinstance(error, DamagedError) else group from None
        finally:
            gc.unfreeze()

    async def _prepare(self) -> _Ready:
        config, number, folder = self.config, self.account.number, self.folder
        if self.request.overwrite:
            clear(folder)
        manifest = resume(folder, number, self.session, self.symbols)
        if manifest is None:
            learned, taught = await self._learn()
            cash = self.account.cash_micro
            manifest = begin(folder, config, number, self.session, self.symbols, cash, taught)
            enrolled = enrol(config.database.url, folder)
            return self._ready(manifest, config, learned, enrolled)
        say(f"{folder}: this session is taken up again")
        if BACKTEST in manifest:
            await mend(folder, manifest, config_of(manifest), say)
        recording = recording_of(folder, manifest)
        if self.request.real:
            check_money(recording.config, config.live.accept)
        await self._check_known(manifest)
        ours = {"database": config.database, "alerts": config.alerts}
        config = recording.config.model_copy(update=ours)
        enrolled = enrol_again(config.database.url, folder)
        return self._ready(manifest, config, recording.learned, enrolled)

    async def _learn(self) -> tuple[Arrays | None, Json]:
        """Backtest the sessions before; return what that taught, and what the manifest says of it.

        It is kept in the folder before the session's manifest is: until then nothing is traded.
        """
        config = self.config
        say(f"loading {config.session.warmup_sessions} sessions before this one")
        sessions = await warmup_bars(self.venue, config, self.session, self.symbols)
        if not sessions:
            say("no session before this one: nothing is known of the market yet")
            return None, {}
        history = History(
            config=config, symbols=self.symbols, sessions=sessions,
            capital_micro=self.account.cash_micro,
        )  # fmt: skip
        first, last = sessions[0][0].date, sessions[-1][0].date
        say(f"backtesting {len(sessions)} sessions before this one, {first} to {last}")
        return await learn(history, self.folder, say)

    async def _check_known(self, manifest: Json) -> None:
        """Raise DamagedError if the log lacks what it had, or what the broker has of it."""
        log = self.folder / INPUTS
        logged = read_log(log, self.symbols)
        if logged.head != (manifest.get("inputs_sha256") or logged.head):
            raise DamagedError(
                f"{log}, line {logged.lines}: ends here, but is not the file that the manifest "
                "names: inputs are missing or were replaced"
            )
        found = await standing(self.venue, self.session, self.symbols)
        check_known(log, logged, manifest["epoch"], found.sent)

    async def _prepare_safely(self, error: DamagedError) -> _Ready:
        folder, number = self.folder, self.account.number
        found = await standing(self.venue, self.session, self.symbols)
        if not found.words:
            raise DamagedError(
                f"{error}. Nothing was changed, and the broker has nothing of this session open: "
                "put the file back from a copy, or begin another session with a new --out"
            ) from None
        kept = keep_whole(folder)
        why = f"{error}; all that lay in {folder} is kept in {kept}"
        say(f"SAFE MODE: {why}. Open at the broker: {found.words}. Nothing is opened; stops rest "
            "on, what none protects is sold, and all is sold before the close")  # fmt: skip
        self.alerter.tell("halt", f"safe mode: {why}")
        cash = (await open_account(self.venue)).cash_micro
        manifest = begin(
            folder, self.config, number, self.session, self.symbols, cash, {}, kept.name
        )
        leave_to(folder, kept.name)
        enrolled = enrol(self.config.database.url, folder, kept)
        first = opening(why, found, self.session)
        return self._ready(manifest, self.config, None, enrolled, first)

    def _ready(
        self,
        manifest: Json,
        config: Config,
        learned: Arrays | None,
        enrolled: Enrolled,
        first: tuple[Input, ...] = (),
    ) -> _Ready:
        plan = LivePlan(
            config=config,
            symbols=self.symbols,
            session=self.session,
            venue=self.venue,
            clock=self.clock,
            folder=self.folder,
            epoch=manifest["epoch"],
            cash_micro=manifest["cash_micro"],
            learned=learned,
            views=Views(),
            reread=partial(_reread, self.request, config.simulation),
            watched=_watched(self.request),
            commands=scripted(self.request.commands, self.symbols, self.session.date),
            opening=first,
            follower=enrolled.follower,
            herald=Herald(self._tell),
            mode="live" if self.request.real else "paper",
            kind=_kind(self.request),
            account=self.account.number,
            screen=nobody if self.seat is None else self.seat.open,
        )
        return _Ready(manifest, plan, enrolled)

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
        may_rest = outcome.stats.interrupted
        epoch = "" if may_rest else plan.epoch
        found = await ending(self.venue, live_outcome.book, self.symbols, epoch)
        summary |= found.shown()
        if "kept" in manifest:
            summary["kept"] = str(folder.resolve() / manifest["kept"])
            summary["problems"].append(
                f"this session went on in safe mode: the records of before are in {summary['kept']}"
            )
        await _stand_down(folder, summary)
        self.alerter.tell("end", end_words(summary))
        if not outcome.stats.interrupted:
            summary["parity"] = await parity(folder)
        ended = {
            "interrupted": outcome.stats.interrupted,
            "journal_sha256": outcome.journal_sha256,
            "heads": outcome.heads,
            "inputs_sha256": live_outcome.inputs_sha256,
            "scores": {s: list(scores) for s, scores in outcome.scores.items()},
            "earned_slope": outcome.slope.pooled,
        }
        try:
            end(folder, manifest, ended, summary)
        except DiskError as error:
            summary["unrecorded"] = str(error)
            words = f"how this session ended is not recorded: {error}"
            summary["problems"].append(words)
            say(words)
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
    config, _ = read_config(request, request.source)
    if request.real:
        check_money(config)
    return config.model_copy(update={"simulation": simulation})


def _kind(request: LiveRequest) -> Kind:
    if request.endpoint is not None:
        return "REHEARSAL"
    return "LIVE" if request.real else "PAPER"


def _watched(request: LiveRequest) -> tuple[Path, ...]:
    chosen = request.config or Path("config.toml")
    folder = chosen.parent.resolve()
    if not folder.is_dir():
        return ()
    names = (chosen.name, name_of(request.kind), OLD_NAME)
    return tuple(folder / name for name in names)
