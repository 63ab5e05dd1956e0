"""The wiring: which actor talks to which, and how a run begins and ends.

    source ─► feed ─► predictors ─► supervisor ─► journal
                └──────────────────────▲  │
                                       │  ▼
                              simulated broker

Everything ends from left to right: the feed closes its mailboxes, each actor finishes what it has
and closes its own. Ctrl-C only stops the feed; a second one cancels.
"""

import datetime as dt
import hashlib
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import trio

from actors.broker import BrokerPort, ToBroker, broker
from actors.cockpit.cockpit import Cockpit
from actors.cockpit.scene import About, Outside
from actors.cockpit.stopping import Stopping
from actors.control import Answer as Answers
from actors.control import Console, control
from actors.crew import innermost, make_desk, make_learners, share_out
from actors.desk import Desk, Given
from actors.executor import Executor
from actors.feed import OpenBlocks, feed
from actors.journal import Follower, journal
from actors.learned import take_over
from actors.mailbox import Mailbox, MailboxStatistics
from actors.pacing import Pacing
from actors.predictor import Answer, Learner, PredictorFactory, predictor
from actors.supervisor import Progress, supervisor
from engine.config import Config
from engine.events import MICRO, Report
from engine.learning.judge import HorizonScore
from engine.learning.slope import EarnedSlope
from engine.market.frames import Arrays, Block
from engine.records.journal import Journal, Level
from engine.records.page import Page
from engine.records.stats import RunStats
from engine.simulation.broker import SimulatedBroker

Screen = Callable[[Cockpit, Answers], object]


def nobody(_cockpit: Cockpit, _answer: Answers) -> None:
    """Look at nothing."""


AHEAD_FRAMES = 32
"""How far an actor may run ahead of the next: so many frames, and at least two blocks."""


class Parts(NamedTuple):
    """All that a replay changes as it goes, and that it needs to go on behind a session."""

    learners: Sequence[Learner]
    desk: Desk
    account: SimulatedBroker


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One replay, ready to run."""

    config: Config
    symbols: tuple[str, ...]
    """Sorted."""
    open_blocks: OpenBlocks
    trade_from: dt.date | None
    """The first session that is traded; earlier ones warm the learners. None: all are traded."""
    range_label: str
    """From and to, part of what the order ids are made of."""
    first_ts_ns: int
    folder: Path | None = None
    """Where the journal goes; None for none."""
    level: Level = "none"
    block_size: int = 390
    scan: bool = True
    executor: Executor = "threads"
    commands: tuple[Given, ...] = ()
    """Operators' commands, in order of time."""
    pacing: Pacing | None = None
    """At a human pace, with a control socket; None: as fast as it goes."""
    factory: PredictorFactory | None = None
    """For tests; by default `[learning] predictor` by name."""
    screen: Screen = nobody
    """Called with what a screen in this process looks at and asks, if it has a pace."""
    follower: Follower | None = None
    """The database that follows the journal."""
    progress: Progress = field(default=lambda _block, _desk: None)
    learned: Arrays | None = None
    """What earlier sessions have taught; its blocks begin where those ended."""
    parts: Parts | None = None
    """As another replay of the same inputs left them before the first block; None: new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to."""

    stats: RunStats
    slope: EarnedSlope
    scores: dict[str, tuple[HorizonScore, ...]]
    mailboxes: tuple[MailboxStatistics, ...]
    journal_sha256: str | None
    heads: dict[str, str] = field(default_factory=dict)
    """Of the journal's files."""


def epoch_of(config: Config, symbols: Sequence[str], range_label: str) -> str:
    """Return the journal's epoch: 8 hex digits of configuration, symbols and range."""
    text = "|".join((config.sha256(), ",".join(symbols), range_label))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def replay(plan: Plan, *, signals: bool = True) -> Outcome:
    """Run the whole actor tree over the plan's blocks; raises what an actor raised.

    Ctrl-C stops it after its session unless `signals` is off.
    """
    learners, desk, account = plan.parts or new_parts(plan)
    files = Journal(plan.folder, plan.level, desk.state.epoch, plan.first_ts_ns)
    groups = share_out(learners)
    # paced, little is read ahead: Ctrl-C stops within a frame or two
    room = 1 if plan.pacing else max(2, AHEAD_FRAMES // plan.block_size)
    blocks: list[Mailbox[Block]] = [
        Mailbox(f"feed→predictor {g}", room) for g in range(len(groups))
    ]
    to_supervisor: Mailbox[Block] = Mailbox("feed→supervisor", room)
    answers: list[Mailbox[Answer]] = [
        Mailbox(f"predictor {g}→supervisor", room) for g in range(len(groups))
    ]
    orders: Mailbox[ToBroker] = Mailbox("supervisor→broker", 4)
    reports: Mailbox[list[Report]] = Mailbox("broker→supervisor", 4)
    pages: Mailbox[Page] = Mailbox("supervisor→journal", room)
    pacing = plan.pacing
    stop = trio.Event() if pacing is None else pacing.stop
    watched: list[Mailbox[Any]] = [*blocks, orders, pages]
    with files:
        async with trio.open_nursery() as nursery:
            watch = trio.CancelScope()
            if signals:
                watch = await nursery.start(_stop_on_signal, stop, desk.stats)
            async with _socket(plan, desk, learners, watched), trio.open_nursery() as actors:
                outlets = [to_supervisor, *blocks]
                executor = plan.executor
                due = None if pacing is None else pacing.due
                actors.start_soon(feed, plan.open_blocks, outlets, partial(_size, plan), stop, due)
                for group, inbox, outbox in zip(groups, blocks, answers, strict=True):
                    actors.start_soon(predictor, group, inbox, outbox, executor)
                port = BrokerPort(orders, reports)
                actors.start_soon(broker, account, orders, reports)
                actors.start_soon(
                    supervisor, desk, to_supervisor, answers, port, pages, plan.trade_from,
                    plan.progress, pacing,
                )  # fmt: skip
                actors.start_soon(journal, pages, files, plan.follower)
            watch.cancel()
    boxes: list[Mailbox[Any]] = [*blocks, to_supervisor, *answers, orders, reports, pages]
    if pacing is not None and stop.is_set():
        desk.stats.interrupted = True
    return outcome_of(desk, files, boxes)


def _size(plan: Plan, block: Block) -> int:
    pacing = plan.pacing
    return plan.block_size if pacing is None or pacing.skips(block.session) else 1


def outcome_of(desk: Desk, files: Journal, boxes: Sequence[Mailbox[Any]] = ()) -> Outcome:
    """Return what a run has come to, once nothing of it runs any more."""
    desk.stats.refusals = desk.refusals.by_gate()
    desk.stats.blocked_since_ns = desk.state.risk.blocked_since_ns
    desk.stats.blocked_by = desk.state.risk.words()
    desk.stats.open_positions = len(desk.state.ledger.positions)
    return Outcome(
        stats=desk.stats,
        slope=desk.slope,
        scores={s: desk.judge.scores(column) for column, s in enumerate(desk.state.symbols)},
        mailboxes=tuple(box.statistics() for box in boxes),
        journal_sha256=files.sha256,
        heads=files.heads,
    )


def _socket(
    plan: Plan, desk: Desk, learners: Sequence[Learner], mailboxes: Sequence[Mailbox[Any]]
) -> AbstractAsyncContextManager[None]:
    """Let a replay with a pace be looked at and commanded."""
    pacing, folder = plan.pacing, plan.folder or Path("replay")
    if pacing is None:
        return nullcontext()
    about = About(mode="replay", symbols=plan.symbols, run_id=folder.name, folder=plan.folder)
    outside = Outside(
        now_ns=lambda: pacing.now_ns, transport=pacing.transport, learners=learners,
        mailboxes=(*mailboxes, pacing.commands),
    )  # fmt: skip
    cockpit = Cockpit(desk, about, outside)
    pacing.closed = cockpit.page
    stopping = Stopping(pacing.stop, desk, pacing.commands)
    console = Console(
        plan.symbols, pacing.views, pacing.commands,
        cockpit=cockpit, stopping=stopping, turn=pacing.turn,
    )  # fmt: skip
    plan.screen(cockpit, console.answer)
    return nullcontext() if plan.folder is None else control(plan.folder, console.answer)


def run(plan: Plan) -> Outcome:
    """Run `replay` to its end; a lone error comes out of its exception groups."""
    try:
        return trio.run(replay, plan)
    except BaseExceptionGroup as group:
        raise innermost(group) from None


def new_parts(plan: Plan, epoch: str | None = None) -> Parts:
    """Return what a replay begins with; its order ids begin with `epoch`, by default the plan's."""
    learners = make_learners(plan.config, plan.symbols, plan.factory)
    account = SimulatedBroker(plan.config, plan.symbols)
    desk = _desk(plan, learners, epoch)
    take_over(plan.learned, learners, desk)
    return Parts(learners, desk, account)


def _desk(plan: Plan, learners: Sequence[Learner], epoch: str | None) -> Desk:
    config = plan.config
    epoch = epoch or epoch_of(config, plan.symbols, plan.range_label)
    cash = round(config.simulation.starting_capital * MICRO)
    desk = make_desk(
        config, plan.symbols, epoch, cash, learners, scan=plan.scan, spans=plan.level == "full"
    )
    for given in plan.commands:
        desk.give(given)
    return desk


async def _stop_on_signal(
    stop: trio.Event,
    stats: RunStats,
    task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED,
) -> None:
    with (
        trio.CancelScope() as scope,
        trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received,
    ):
        task_status.started(scope)
        async for _ in received:
            if stop.is_set():
                raise KeyboardInterrupt
            stats.interrupted = True
            stop.set()
