"""The wiring of a live session: who talks to whom, and how it begins, resumes and ends.

    venue ─► minutes ─┐                       ┌─► journal
    venue ◄► execution ┼─► inputs ─► trader ──┤
    control socket ────┘      (log)    │ ▲    └─► execution
                                       ▼ │
                                    predictors

Start and recovery are one path: history warms the learners, the log's inputs are taken again,
the broker is asked what has become of the orders, and the session goes on.
"""

import logging
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import trio
import watchfiles

from actors.cockpit.confirming import Confirming
from actors.cockpit.stopping import Stopping
from actors.cockpit.views import Mode
from actors.cockpit.wiring import live_cockpit
from actors.control import Console, control
from actors.crew import make_desk, make_learners, share_out
from actors.desk import Desk, Given
from actors.execution import Execution
from actors.heartbeat import Heart
from actors.herald import Herald
from actors.journal import Follower, journal
from actors.mailbox import Mailbox
from actors.minutes import FeedCounts, Minutes
from actors.orphans import Books
from actors.pacing import Asked
from actors.predictor import Answer, Learner, predictor
from actors.recovery import (
    Direct,
    blocks_of,
    check_unchanged,
    note_sent,
    set_aside,
    take_up,
    whole_log,
)
from actors.reloading import Read, Reloading, words
from actors.session_clock import SessionClock
from actors.system import Outcome, Screen, nobody, outcome_of
from actors.trader import Trader, trade
from actors.venue import Quote, Venue
from actors.views import Views
from engine.config import Config
from engine.errors import BadInputError
from engine.events import Report
from engine.market.frames import Block, Floats, Session
from engine.market.grid import Gridder
from engine.records.inputs import NAME, Input, InputLog, Logged, Said, Told
from engine.records.journal import Journal
from engine.records.page import Page

ROOM = 10_000
SCRIPT = "script"
"""Who gives the commands of a plan."""
_log = logging.getLogger("rotor")


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlan:
    """One live session, ready to run or to go on."""

    config: Config
    symbols: tuple[str, ...]
    """Sorted."""
    session: Session
    venue: Venue
    clock: SessionClock
    folder: Path
    epoch: str
    cash_micro: int
    """Of the account when the session's run was made."""
    warmup: tuple[tuple[Session, Floats], ...]
    """Earlier sessions' bars, (T, S, 5), NaN where there was none."""
    views: Views
    reread: Read
    """Reads the configuration anew."""
    watched: tuple[Path, ...] = ()
    """Files whose change reloads it, by absolute paths."""
    commands: tuple[Given, ...] = ()
    """Operators' commands, in order of time, each for the minute that begins then or later."""
    follower: Follower | None = None
    screen: Screen = nobody
    """Called with what a screen in this process looks at and asks."""
    mode: Mode = "paper"
    account: str = ""
    herald: Herald = field(default_factory=Herald)
    heart: Heart = field(default_factory=Heart)


class LiveOutcome(NamedTuple):
    """What a live session came to."""

    outcome: Outcome
    counts: FeedCounts
    resumed: int
    """How many inputs were taken again from the log."""
    ignored: int
    """Events and snapshots of orders that would have led back."""


class _Announced:
    """Pages on their way to the journal; what is in them is told."""

    def __init__(self, pages: Mailbox[Page], herald: Herald) -> None:
        self._pages = pages
        self._herald = herald

    async def send(self, message: Page) -> None:
        self._herald.page(message)
        await self._pages.send(message)


async def live(plan: LivePlan, stop: trio.Event, ready: Callable[[], None]) -> LiveOutcome:
    """Trade the session to its end, or until `stop` is set; raises what an actor raised.

    `ready` is called once it trades.
    """
    logged = whole_log(plan.folder / NAME, plan.symbols)
    learners = make_learners(plan.config, plan.symbols)
    desk = make_desk(
        plan.config, plan.symbols, plan.epoch, plan.cash_micro, learners,
        scan=False, spans=True, carries=True,
    )  # fmt: skip
    first = plan.warmup[0][0] if plan.warmup else plan.session
    set_aside(plan.folder)
    files = Journal(plan.folder, "full", plan.epoch, first.open_ns)
    log = InputLog(plan.folder / NAME, plan.symbols, logged.head)
    try:
        with files:
            counts, ignored = await _run(plan, desk, learners, files, log, logged, stop, ready)
    finally:
        log.close()
    return LiveOutcome(outcome_of(desk, learners, files), counts, len(logged.inputs), ignored)


async def _run(
    plan: LivePlan,
    desk: Desk,
    learners: Sequence[Learner],
    files: Journal,
    log: InputLog,
    logged: Logged,
    stop: trio.Event,
    ready: Callable[[], None],
) -> tuple[FeedCounts, int]:
    groups = share_out(learners)
    asked = [Mailbox[Block](f"trader→predictor {g}", 1) for g in range(len(groups))]
    answers = [Mailbox[Answer](f"predictor {g}→trader", 1) for g in range(len(groups))]
    pages: Mailbox[Page] = Mailbox("trader→journal", 8)
    signs = [plan.config.universe.sign(symbol) for symbol in plan.symbols]
    trader = Trader(
        desk, plan.session, Gridder(plan.symbols, signs),
        list(zip(asked, answers, strict=True)), Direct(files), plan.views,
    )  # fmt: skip
    minutes = Minutes(
        plan.venue, plan.clock, plan.session, plan.symbols, lost=plan.herald.bars_lost
    )
    giver, inputs = trio.open_memory_channel[Input](ROOM)
    commands: Mailbox[Asked] = Mailbox("control→trader", 16)
    reloading = Reloading(plan.reread, lambda: desk.config, giver.send_nowait)

    def tell(reports: Sequence[Report]) -> None:
        giver.send_nowait(Told(tuple(reports)))
        plan.herald.reports(reports)

    def book() -> Books:
        ledger = desk.state.ledger
        return Books(
            {symbol: position.quantity for symbol, position in ledger.positions.items()},
            ledger.cash_micro,
            {s: p.entry_price for s, p in ledger.positions.items() if p.orphan},
            settled=trader.settled and not giver.statistics().current_buffer_used,
        )

    def met(order_id: str, quote: Quote) -> None:
        log.note({"in": "quote", "order_id": order_id, **quote._asdict()})

    execution = Execution(plan.venue, plan.clock, plan.config, plan.session, tell, book, met)
    confirming = Confirming(plan.venue, plan.clock, lambda: book().shares)
    boxes: list[Mailbox[Any]] = [*asked, *answers, pages, commands]
    cockpit = live_cockpit(plan, trader, minutes, execution, confirming, boxes, learners)
    stopping = Stopping(stop, desk, commands, cockpit.flat)
    console = Console(plan.folder, plan.symbols, plan.views, commands, reloading, cockpit, stopping)
    plan.screen(cockpit, console.answer)
    async with (
        cockpit.hearing(),
        control(plan.folder, console.answer),
        trio.open_nursery() as nursery,
    ):
        for group, inbox, outbox in zip(groups, asked, answers, strict=True):
            nursery.start_soon(predictor, group, inbox, outbox, "inline")
        await trader.warm(blocks_of(trader.gridder, plan.warmup))
        trader.open()
        for given in logged.inputs:
            await trader.take(given)
        check_unchanged(plan.folder, files)
        note_sent(log, logged, take_up(execution, trader, plan.clock.now_ns()))
        trader.pages = _Announced(pages, plan.herald)
        nursery.start_soon(journal, pages, files, plan.follower)
        await nursery.start(execution.run, plan.symbols)
        nursery.start_soon(confirming.run, cockpit.flattening)
        nursery.start_soon(_hear, commands, giver, plan.herald)
        nursery.start_soon(_on_hangup, reloading)
        if plan.watched:
            nursery.start_soon(_on_change, plan.watched, reloading)
        nursery.start_soon(_stop, stop, nursery.cancel_scope)
        if not trader.over:
            nursery.start_soon(minutes.run, trader.minute, giver.send)
            ready()
            scripted = sum(isinstance(one, Said) and one.actor == SCRIPT for one in logged.inputs)
            script = deque(plan.commands[scripted:])
            await trade(trader, inputs, log, execution.send, script, plan.heart)
        pages.close_sender()
        for inbox in asked:
            inbox.close_sender()
        nursery.cancel_scope.cancel()
    desk.stats.interrupted = not trader.over
    return minutes.counts, execution.ignored


async def _hear(
    commands: Mailbox[Asked], giver: trio.MemorySendChannel[Input], herald: Herald
) -> None:
    async for given in commands:
        herald.command(given.command, given.actor)
        await giver.send(Said(given.command, given.actor))


async def _on_hangup(reloading: Reloading) -> None:
    with trio.open_signal_receiver(signal.SIGHUP) as received:
        async for _ in received:
            _reload(reloading, "SIGHUP")


async def _on_change(watched: Sequence[Path], reloading: Reloading) -> None:
    # folders are watched, since editors put a new file in the place of the old one
    names = {str(path) for path in watched}
    folders = sorted({path.parent for path in watched})
    async for found in watchfiles.awatch(*folders, recursive=False, rust_timeout=200):
        if names & {name for _, name in found}:
            _reload(reloading, "file")


def _reload(reloading: Reloading, actor: str) -> None:
    try:
        _log.warning("reload: %s", words(reloading.reload(actor)))
    except BadInputError as error:
        _log.error("reload: %s; what was in force stays in force", error)


async def _stop(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()
