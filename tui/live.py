"""`rotor live`: one session on an account, from before the bell to the summary.

KEY INPUT: keys, configuration, an endpoint or Alpaca itself.
KEY OUTPUT: a session traded; a run folder, a summary, an exit code.
"""

import datetime as dt
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import trio

from actors.crew import innermost
from actors.live import LiveOutcome, LivePlan, live
from actors.remote_time import Hold, RemoteTime
from actors.session_clock import RemoteClock, SessionClock, WallClock, pause
from actors.views import Views
from engine.config import Config, Simulation
from engine.errors import BadInputError, RotorError
from engine.market.calendar import NEW_YORK, sessions_between
from engine.market.frames import MINUTE_NS, Floats, Session
from engine.records.summary import learning_figures, learning_sentence, sentences, summarise
from tui.claim import claim
from tui.commands import scripted
from tui.enrol import enrol
from tui.live_folder import account_lock, begin, end, live_folder, read_warmup, resume
from tui.live_progress import show_progress
from tui.output import print_json
from tui.parity import parity, parity_words
from tui.prepare import Request, read_config

if TYPE_CHECKING:
    from actors.alpaca.keys import Keys
    from actors.alpaca.venue import AlpacaVenue
    from actors.venue import Account, Bar

Json = dict[str, Any]
EARLY_MINUTES = 5
"""Before the bell, when a session is taken up."""
_ATTEMPTS = 3
REHEARSAL = "rehearsal"
"""The key pair on an exchange of one's own."""


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
    commands: tuple[str, ...] = ()
    json: bool = False


def live_command(request: LiveRequest) -> int:
    """Run `rotor live`; return the exit code."""
    logging.basicConfig(format="rotor: %(message)s", level=logging.WARNING)
    try:
        return trio.run(run_live, request)
    except BaseExceptionGroup as group:
        raise innermost(group) from None


async def run_live(request: LiveRequest, begun: Callable[[], object] = lambda: None) -> int:
    """Trade one session; `begun` is called once it trades."""
    config, idle = read_config(Request(config=request.config, sets=request.sets), request.source)
    if idle:
        _say(f"no effect yet: {', '.join(idle)}")
    symbols = _symbols(request, config)
    keys = _keys(request)
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_on_signal, stop)
        async with _clock(request, keys) as (clock, time):
            venue = _venue(request, config, keys, clock)
            if time is not None:
                time.gauge = venue
            account = await _account(venue)
            session = await _session(clock)
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
) -> int:
    manifest = resume(folder, account.number, session, symbols)
    if manifest is None:
        _say(f"warming up on {config.session.warmup_sessions} sessions")
        warmup = await _warmup(venue, config, session, symbols)
        cash = account.cash_micro
        manifest = begin(folder, config, account.number, session, symbols, cash, warmup)
        enrolled = enrol(config.database.url, folder)
    else:
        _say(f"{folder}: this session is taken up again")
        warmup = read_warmup(folder)
        config = Config.model_validate(
            manifest["config"] | {"database": config.database.model_dump()}
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
    )
    _say(f"{session.date}: trading {', '.join(symbols)} on account {account.number}; {folder}")

    def ready() -> None:
        # what is loaded stays: to look through it all takes 0.1 s, of an order's way to the broker
        gc.collect()
        gc.freeze()
        if time is not None:
            time.busy = False
        begun()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(show_progress, plan.views, session)
            outcome = await live(plan, stop, ready)
            nursery.cancel_scope.cancel()
    finally:
        gc.unfreeze()
    summary = _summary(outcome, config, folder)
    summary["confirmed_flat"] = await _flat(venue)
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
    _report(request, summary, folder)
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


def _keys(request: LiveRequest) -> "Keys":
    from actors.alpaca.keys import Keys, read_keys

    try:
        return read_keys(paper=True)
    except BadInputError:
        if request.endpoint is None:
            raise
        return Keys(REHEARSAL, REHEARSAL)


def _venue(
    request: LiveRequest, config: Config, keys: "Keys", clock: SessionClock
) -> "AlpacaVenue":
    from actors.alpaca.rest import Deadlines
    from actors.alpaca.venue import AlpacaVenue

    local = request.endpoint is not None
    rate = 1_000_000 if local else 200
    return AlpacaVenue(
        keys,
        paper=True,
        clock=clock.now_ns,
        endpoint=request.endpoint,
        live=config.live,
        deadlines=Deadlines(connect=2.0, read=4.0, whole=8.0) if local else None,
        sleep=partial(pause, clock),
        trading_per_minute=rate,
        data_per_minute=rate,
    )


def _symbols(request: LiveRequest, config: Config) -> tuple[str, ...]:
    if request.symbols is None:
        return tuple(sorted(config.universe.symbols))
    named = {part.strip().upper() for part in request.symbols.split(",") if part.strip()}
    if not named:
        raise BadInputError("--symbols: name at least one, such as --symbols TQQQ,SQQQ")
    return tuple(sorted(named))


async def _account(venue: "AlpacaVenue") -> "Account":
    from actors.venue import Unreachable

    try:
        account = await venue.account()
    except Unreachable as error:
        raise RotorError(f"the account cannot be asked for: {error}") from None
    if account.blocked:
        raise BadInputError(f"account {account.number} may not trade: {account.blocked}")
    return account


async def _session(clock: SessionClock) -> Session:
    """Return the session that runs or comes next, and wait until shortly before its bell."""
    today = dt.datetime.fromtimestamp(clock.now_ns() / 1e9, NEW_YORK).date()
    coming = sessions_between(today, today + dt.timedelta(days=10))
    session = next(s for s in coming if s.close_ns > clock.now_ns())
    begins = session.open_ns - EARLY_MINUTES * MINUTE_NS
    if clock.now_ns() < begins:
        opens = dt.datetime.fromtimestamp(session.open_ns / 1e9, NEW_YORK)
        _say(f"waiting for the session of {opens:%A, %d %B, %H:%M} in New York")
        await clock.sleep_until(begins)
    return session


async def _warmup(
    venue: "AlpacaVenue", config: Config, session: Session, symbols: tuple[str, ...]
) -> list[tuple[Session, Floats]]:
    from actors.venue import Unreachable

    wanted = config.session.warmup_sessions
    first = session.date - dt.timedelta(days=2 * wanted + 10)
    before = [s for s in sessions_between(first, session.date) if s.date < session.date]
    before = before[len(before) - wanted :] if wanted else []
    if not before:
        return []
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            bars = await venue.bars(symbols, before[0].open_ns, before[-1].close_ns)
            break
        except Unreachable as error:
            if attempt == _ATTEMPTS:
                raise RotorError(f"history cannot be had: {error}") from None
            _say(f"history: {error}; once more")
    found = [(s, _grid(bars, s, symbols)) for s in before]
    return [(s, grid) for s, grid in found if not np.isnan(grid).all()]


def _grid(bars: "list[Bar]", session: Session, symbols: tuple[str, ...]) -> Floats:
    grid = np.full((session.minutes, len(symbols), 5), np.nan)
    column = {symbol: s for s, symbol in enumerate(symbols)}
    for bar in bars:
        minute = (bar.start_ns - session.open_ns) // MINUTE_NS
        if 0 <= minute < session.minutes and bar.symbol in column:
            grid[minute, column[bar.symbol]] = bar[2:7]
    return grid


def _reread(request: LiveRequest, simulation: Simulation) -> Config:
    config, _ = read_config(Request(config=request.config, sets=request.sets), request.source)
    return config.model_copy(update={"simulation": simulation})


def _watched(request: LiveRequest) -> tuple[Path, ...]:
    chosen = request.config or Path("config.toml")
    folder = chosen.parent.resolve()
    return (folder / chosen.name, folder / "overrides.toml") if folder.is_dir() else ()


async def _flat(venue: "AlpacaVenue") -> bool | None:
    """Return whether the broker says that nothing is held; None if it does not answer."""
    from actors.venue import Unreachable

    try:
        return not await venue.holdings()
    except Unreachable:
        return None


def _summary(ended: LiveOutcome, config: Config, folder: Path) -> Json:
    outcome = ended.outcome
    summary = summarise(outcome.stats, config)
    return summary | {
        "learning": learning_figures(outcome.scores, outcome.slope.pooled),
        "journal_sha256": outcome.journal_sha256,
        "run_dir": str(folder.resolve()),
        "resumed_inputs": ended.resumed,
        "late_bars": ended.counts.late,
        "revised_bars": ended.counts.revised,
        "backfilled_minutes": ended.counts.backfilled,
    }


def _report(request: LiveRequest, summary: Json, folder: Path) -> None:
    if request.json:
        print_json(summary)
        return
    from rich.console import Console

    from tui.summary_table import render

    said = [*sentences(summary, []), learning_sentence(summary["learning"])]
    flat = {True: "The broker confirms: flat.", False: "THE BROKER STILL HOLDS POSITIONS."}
    said.append(flat.get(summary["confirmed_flat"], "The broker did not say whether it is flat."))
    if "parity" in summary:
        said.append(parity_words(summary["parity"]))
    console = Console()
    render(summary, console, baselines=[], comparison=None, said=said)
    console.print(f"\nrecords in {folder.resolve()}", highlight=False, soft_wrap=True)


async def _stop_on_signal(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            if stop.is_set():
                raise KeyboardInterrupt
            _say("stopping: positions keep their stops at the broker; rotor live goes on")
            stop.set()


def _say(words: str) -> None:
    print(f"rotor: {words}", file=sys.stderr, flush=True)  # noqa: T201
