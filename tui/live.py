"""`rotor live`: one session on an account, from before the bell to the summary.

KEY INPUT: keys, configuration, an endpoint or Alpaca itself.
KEY OUTPUT: a session traded; a run folder, a summary, an exit code.
"""

import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from actors.alerts import Alerter, make_alerter
from actors.clock_watch import check_clock, watch_clock
from actors.remote_time import RemoteTime
from actors.session_clock import RemoteClock, SessionClock, WallClock
from engine.config import Config
from engine.errors import BadInputError
from tui.claim import claim
from tui.commands import scripted
from tui.gate import pass_gate
from tui.layered import lying_over, read_settings, read_text
from tui.live_folder import account_lock, broken_off, live_folder
from tui.live_screen import run_session
from tui.live_session import LiveRequest, LiveSession
from tui.live_start import (
    check_wishes,
    chosen_symbols,
    next_session,
    one_heap,
    open_account,
    say,
)
from tui.money import check_forgotten, check_money
from tui.private import exposed
from tui.venues import check_loopback, keys_for, venue_at

if TYPE_CHECKING:
    from actors.alpaca.keys import Keys
    from actors.alpaca.venue import AlpacaVenue
    from tui.cockpit.seat import Seat


def live_command(request: LiveRequest) -> int:
    """Run `rotor live`; return the exit code."""
    return run_session(partial(run_live, request), screen=request.screen)


async def run_live(
    request: LiveRequest, begun: Callable[[], object] = lambda: None, seat: "Seat | None" = None
) -> int:
    """Trade one session; `begun` is called once it trades. `seat`: that of a screen before it."""
    one_heap()
    if seat is None:
        logging.basicConfig(format="rotor: %(message)s", level=logging.WARNING)
    for noisy in ("alpaca", "websockets"):  # what matters of it comes as Lost
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    if not request.watchdog_after > 0:
        raise BadInputError(f"--watchdog-after {request.watchdog_after:g}: seconds, more than 0")
    config = _settings(request)
    symbols = chosen_symbols(request.symbols, config)
    check_wishes(request.commands, symbols, config)
    if request.endpoint is not None:
        check_loopback(request.endpoint)
    keys = keys_for(request.endpoint, real=request.real)
    stop = trio.Event() if seat is None else seat.stop
    code = 1
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
            await _mind_clock(nursery, clock, venue, alerter)
            if request.real:
                await pass_gate(venue, account, config, symbols, clock, request.endpoint)
            session = await next_session(clock, stop)
            if session is None:
                nursery.cancel_scope.cancel()
                return code
            scripted(request.commands, symbols, session.date)
            folder = live_folder(request.out, config, account.number, session.date)
            folder.mkdir(parents=True, exist_ok=True)
            with account_lock(account.number, request.endpoint, folder), claim(folder):
                live_session = LiveSession(
                    request=request, config=config, venue=venue, clock=clock, time=time,
                    account=account, session=session, symbols=symbols, folder=folder,
                    alerter=alerter, seat=seat,
                )  # fmt: skip
                code = await live_session.trade(stop, begun)
        nursery.cancel_scope.cancel()
    return code


def _settings(request: LiveRequest) -> Config:
    settings = read_settings(request, request.source)
    if request.real and not broken_off(request.out, settings.config):
        check_money(settings.config)
        check_forgotten(read_text(request.config)[1])
    if settings.idle:
        say(f"no effect yet: {', '.join(settings.idle)}")
    for said in (*lying_over(request, settings), *exposed(settings.config, request.config)):
        say(said)
    return settings.config


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


async def _mind_clock(
    nursery: trio.Nursery, clock: SessionClock, venue: "AlpacaVenue", alerter: Alerter
) -> None:
    """Tell of a clock that is wrong, that is set, of a machine that slept; not of an exchange's."""
    if not isinstance(clock, WallClock):
        return

    async def ask() -> int:
        return (await venue.facts.clock()).now_ns

    def tell(words: str) -> None:
        say(words)
        alerter.tell("disconnect", words)

    await check_clock(clock, ask, say)
    awake = partial(venue.drop_orders, "this machine slept")
    nursery.start_soon(watch_clock, clock, ask, tell, awake)


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


async def _stop_on_signal(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            if stop.is_set():
                raise KeyboardInterrupt
            say("stopping: positions keep their stops at the broker; rotor live goes on")
            stop.set()
