"""`rotor live`: one session on an account, from before the bell to the summary.

KEY INPUT: keys, configuration, an endpoint or Alpaca itself.
KEY OUTPUT: a session traded; a run folder, a summary, an exit code.
"""

import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from actors.alerts import Alerter, make_alerter
from actors.herald import Herald
from actors.live import LivePlan, live
from actors.remote_time import Hold, RemoteTime
from actors.session_clock import RemoteClock, SessionClock, WallClock
from actors.system import nobody
from actors.views import Views
from actors.watchdog import SILENCE_SECONDS
from engine.config import Config, Simulation
from engine.errors import BadInputError
from engine.market.frames import Session
from tui.claim import claim
from tui.commands import scripted
from tui.enrol import enrol
from tui.gate import pass_gate
from tui.live_folder import account_lock, begin, end, live_folder, read_warmup, resume
from tui.live_progress import show_progress
from tui.live_report import confirmed_flat, end_words, report, summary_of
from tui.live_screen import run_session
from tui.live_start import chosen_symbols, next_session, open_account, say, warmup_bars
from tui.parity import parity
from tui.prepare import Request, read_config
from tui.venues import check_loopback, keys_for, venue_at
from tui.watchdog import Duty, end_watchdog, watched, watching

if TYPE_CHECKING:
    from actors.alpaca.keys import Keys
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
    json: bool = False
    screen: bool = False


def live_command(request: LiveRequest) -> int:
    """Run `rotor live`; return the exit code."""
    return run_session(partial(run_live, request), screen=request.screen)


async def run_live(
    request: LiveRequest, begun: Callable[[], object] = lambda: None, seat: "Seat | None" = None
) -> int:
    """Trade one session; `begun` is called once it trades. `seat`: that of a screen before it."""
    if seat is None:
        logging.basicConfig(format="rotor: %(message)s", level=logging.WARNING)
    for noisy in ("alpaca", "websockets"):  # what matters of it comes as Lost
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    if not request.watchdog_after > 0:
        raise BadInputError(f"--watchdog-after {request.watchdog_after:g}: seconds, more than 0")
    config, idle = read_config(Request(config=request.config, sets=request.sets), request.source)
    if idle:
        say(f"no effect yet: {', '.join(idle)}")
    symbols = chosen_symbols(request.symbols, config)
    if request.endpoint is not None:
        check_loopback(request.endpoint)
    keys = keys_for(request.endpoint, real=request.real)
    stop = trio.Event() if seat is None else seat.stop
    async with trio.open_nursery() as nursery:
        if seat is None:  # else the screen's host takes signals
            nursery.start_soon(_stop_on_signal, stop)
        async with _alerting(config) as alerter, _clock(request, keys) as (clock, time):
            venue = venue_at(
                request.endpoint, keys, real=request.real, clock=clock, live=config.live
            )
            if time is not None:
                time.gauge = venue
            account = await open_account(venue)
            if request.real:
                await pass_gate(venue, account, config, symbols, clock, request.endpoint)
            session = await next_session(clock, stop)
            if session is None:
                nursery.cancel_scope.cancel()
                return 1
            folder = live_folder(request.out, config, account.number, session.date)
            folder.mkdir(parents=True, exist_ok=True)
            with account_lock(account.number, request.endpoint), claim(folder):
                code = await _trade(
                    request,
                    config,
                    venue,
                    clock,
                    time,
                    account,
                    session,
                    symbols,
                    folder,
                    stop,
                    begun,
                    alerter,
                    seat,
                )
        nursery.cancel_scope.cancel()
    return code


async def _trade(
    request: LiveRequest,
    config: Config,
    venue: "AlpacaVenue",
    clock: SessionClock,
    time: RemoteTime | None,
    account: "Account",
    session: Session,
    symbols: tuple[str, ...],
    folder: Path,
    stop: trio.Event,
    begun: Callable[[], object],
    alerter: Alerter,
    seat: "Seat | None",
) -> int:
    manifest = resume(folder, account.number, session, symbols)
    if manifest is None:
        say(f"warming up on {config.session.warmup_sessions} sessions")
        warmup = await warmup_bars(venue, config, session, symbols)
        cash = account.cash_micro
        manifest = begin(folder, config, account.number, session, symbols, cash, warmup)
        enrolled = enrol(config.database.url, folder)
    else:
        say(f"{folder}: this session is taken up again")
        warmup = read_warmup(folder)
        config = Config.model_validate(
            manifest["config"]
            | {"database": config.database.model_dump(), "alerts": config.alerts.model_dump()}
        )
        enrolled = enrol("", folder)
    plan = LivePlan(
        config=config,
        symbols=symbols,
        session=session,
        venue=venue,
        clock=clock,
        folder=folder,
        epoch=manifest["epoch"],
        cash_micro=manifest["cash_micro"],
        warmup=tuple(warmup),
        views=Views(),
        reread=partial(_reread, request, config.simulation),
        watched=_watched(request),
        commands=scripted(request.commands, symbols, session.date),
        follower=enrolled.follower,
        herald=Herald(alerter.tell),
        mode="live" if request.real else "paper",
        account=account.number,
        screen=nobody if seat is None else seat.open,
    )
    alerter.begin(folder.name)
    say(f"{session.date}: trading {', '.join(symbols)} on account {account.number}; {folder}")

    def ready() -> None:
        # what is loaded stays: to look through it all takes 0.1 s, of an order's way to the broker
        gc.collect()
        gc.freeze()
        if time is not None:
            time.busy = False
        begun()

    duty = _duty(request, account.number, symbols, folder, alerter)
    try:
        async with watched(folder, plan.heart, duty, alerter.tell), trio.open_nursery() as nursery:
            if seat is None:
                nursery.start_soon(show_progress, plan.views, session)
            outcome = await live(plan, stop, ready)
            nursery.cancel_scope.cancel()
    finally:
        gc.unfreeze()
    summary = summary_of(outcome, config, folder)
    summary["confirmed_flat"] = await confirmed_flat(venue)
    await _stand_down(folder, summary)
    alerter.tell("end", end_words(summary))
    if not outcome.outcome.stats.interrupted:
        summary["parity"] = await parity(folder)
    ended = {
        "interrupted": outcome.outcome.stats.interrupted,
        "journal_sha256": outcome.outcome.journal_sha256,
        "scores": {s: list(scores) for s, scores in outcome.outcome.scores.items()},
        "earned_slope": outcome.outcome.slope.pooled,
    }
    end(folder, manifest, ended, summary)
    enrolled.finish()
    enrolled.close()
    if seat is None:
        report(summary, folder, json=request.json)
    else:
        seat.later.append(partial(report, summary, folder, json=request.json))
    return 1 if outcome.outcome.stats.interrupted else 0


@asynccontextmanager
async def _clock(
    request: LiveRequest, keys: "Keys"
) -> AsyncIterator[tuple[SessionClock, RemoteTime | None]]:
    if request.endpoint is None:
        yield WallClock(), None
        return
    clock = RemoteClock()
    time = RemoteTime(request.endpoint, keys.key_id, clock, hold=request.hold)
    async with trio.open_nursery() as nursery:
        await nursery.start(time.run)
        yield clock, time
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _alerting(config: Config) -> AsyncIterator[Alerter]:
    alerter = make_alerter("rotor live", config.alerts)
    try:
        yield alerter
    finally:
        if alerter.begun and not alerter.ended:
            alerter.tell("end", "the session broke off; rotor live takes it up again")
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(alerter.close)


def _duty(
    request: LiveRequest, account: str, symbols: tuple[str, ...], folder: Path, alerter: Alerter
) -> Duty | None:
    if not (request.real or request.watchdog):
        return None
    return Duty(
        folder=str(folder.resolve()),
        account=account,
        symbols=symbols,
        endpoint=request.endpoint,
        real=request.real,
        alerts=alerter.settings.model_dump(),
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


async def _stop_on_signal(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            if stop.is_set():
                raise KeyboardInterrupt
            say("stopping: positions keep their stops at the broker; rotor live goes on")
            stop.set()
