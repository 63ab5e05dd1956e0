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
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import trio

from actors.cockpit.confirming import Confirming
from actors.cockpit.stopping import Stopping
from actors.cockpit.views import Mode
from actors.cockpit.wiring import live_cockpit
from actors.control import Console, control
from actors.crew import make_desk, make_learners, share_out
from actors.desk import Desk, Given
from actors.disk import DiskWatch, Reserve, held_words, in_words
from actors.execution import Execution
from actors.heartbeat import Heart
from actors.herald import Herald
from actors.journal import Follower, journal
from actors.mailbox import Mailbox
from actors.minutes import FeedCounts, Minutes
from actors.orphans import Books
from actors.pacing import Asked
from actors.predictor import Answer, Learner, predictor
from actors.presence import Kind
from actors.recovery import Direct, blocks_of, note_sent, take_up
from actors.reloading import Read, Reloading, on_change, on_hangup
from actors.retaking import journal_again, leave_as_it_was, log_again, put_in_place
from actors.session_clock import SessionClock
from actors.system import Outcome, Screen, nobody, outcome_of
from actors.trader import Trader, trade
from actors.venue import Quote, Venue
from actors.views import Views
from engine.config import Config
from engine.errors import DamagedError, DiskError, InvariantViolation
from engine.events import Halt, Report
from engine.market.frames import Block, Floats, Session
from engine.market.grid import Gridder
from engine.records.inputs import (
    NAME,
    Input,
    InputLog,
    Logged,
    Said,
    Told,
    before_row,
    read_log,
)
from engine.records.journal import Journal
from engine.records.page import Page

Judge = Callable[[Config], str]
"""Says why settings may open nothing; empty if they may."""
ROOM = 10_000
SCRIPT = "script"
"""Who gives the commands of a plan."""
RECORDS = "the records"
"""Who halts a session that cannot be recorded."""
SETTINGS = "the settings"
"""Who halts a session that is taken up again under settings which may open nothing."""
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
    judge: Judge = lambda _: ""
    """Asked of the settings in force as a session is taken up again, and before it is resumed."""
    watched: tuple[Path, ...] = ()
    """Files whose change reloads it, by absolute paths."""
    commands: tuple[Given, ...] = ()
    """Operators' commands, in order of time, each for the minute that begins then or later."""
    opening: tuple[Input, ...] = ()
    """What a session that begins is given first."""
    follower: Follower | None = None
    screen: Screen = nobody
    """Called with what a screen in this process looks at and asks."""
    mode: Mode = "paper"
    kind: Kind = "PAPER"
    account: str = ""
    herald: Herald = field(default_factory=Herald)
    heart: Heart = field(default_factory=Heart)


class Book(NamedTuple):
    """The session's own account as it ends."""

    ours: Mapping[str, int]
    """Signed shares of every position that the session was to sell."""
    theirs: Mapping[str, int]
    """Signed shares of what others hold and nothing of ours sells."""
    cash_micro: int
    fills: int
    fee_micro: int
    """Charged in the session, though the broker may not have posted them yet."""


class LiveOutcome(NamedTuple):
    """What a live session came to."""

    outcome: Outcome
    book: Book
    counts: FeedCounts
    resumed: int
    """How many inputs were taken again from the log."""
    ignored: int
    """Events and snapshots of orders that would have led back."""
    inputs_sha256: str
    """The log's checksum."""


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

    `ready` is called once it trades. Raises DamagedError, and leaves the folder as it was, if the
    log of before does not lead to the journal of before.
    """
    logged = read_log(plan.folder / NAME, plan.symbols)
    learners = make_learners(plan.config, plan.symbols)
    desk = make_desk(
        plan.config, plan.symbols, plan.epoch, plan.cash_micro, learners,
        scan=False, spans=True, carries=True,
    )  # fmt: skip
    reserve = Reserve(plan.folder)
    if not reserve.take() and not logged.inputs:
        raise DiskError(f"{plan.folder}: the disk has no room for a session's records; make some")
    first = plan.warmup[0][0] if plan.warmup else plan.session
    files = journal_again(plan.folder, plan.epoch, first.open_ns, reserve.free)
    crew, over = _Crew(plan, desk, learners, files, reserve, stop), False
    try:
        with files:
            await crew.run(logged, ready)
        over = True
    except (BaseExceptionGroup, DiskError) as error:
        raise in_words(error, crew.held()) from None
    finally:
        leave_as_it_was(plan.folder)
        reserve.free()
        crew.close_log(quietly=not over)
    desk.stats.interrupted = not crew.trader.over
    outcome = outcome_of(desk, learners, files)
    head = logged.head if crew.log is None else crew.log.head
    return LiveOutcome(
        outcome, _book_of(desk), crew.minutes.counts, len(logged.inputs),
        crew.execution.ignored, head,
    )  # fmt: skip


def _book_of(desk: Desk) -> Book:
    state, ours, theirs = desk.state, Counter[str](), Counter[str]()
    for position in state.ledger.held:
        side = theirs if state.stays(position) else ours
        side[position.symbol] += position.quantity
    return Book(ours, theirs, state.ledger.cash_micro, desk.stats.fills, desk.stats.fee_micro)


class _Crew:
    """The actors of one session and the mailboxes between them."""

    def __init__(
        self,
        plan: LivePlan,
        desk: Desk,
        learners: Sequence[Learner],
        files: Journal,
        reserve: Reserve,
        stop: trio.Event,
    ) -> None:
        self.log: InputLog | None = None
        """Opened once the one of before was taken again."""
        self._reserve = reserve
        self._disk = DiskWatch(
            plan.folder, plan.config.live.min_free_mb, reserve, plan.clock, self._halt
        )
        self._plan, self._desk, self._files, self._stop = plan, desk, files, stop
        self._groups = share_out(learners)
        numbers = range(len(self._groups))
        self._asked = [Mailbox[Block](f"trader→predictor {g}", 1) for g in numbers]
        self._answers = [Mailbox[Answer](f"predictor {g}→trader", 1) for g in numbers]
        self._pages: Mailbox[Page] = Mailbox("trader→journal", 8)
        self._commands: Mailbox[Asked] = Mailbox("control→trader", 16)
        self._giver, self._inputs = trio.open_memory_channel[Input](ROOM)
        signs = [plan.config.universe.sign(symbol) for symbol in plan.symbols]
        self.trader = Trader(
            desk, plan.session,
            Gridder(plan.symbols, signs, plan.config.risk.max_jump_pct),
            list(zip(self._asked, self._answers, strict=True)), Direct(files), plan.views,
        )  # fmt: skip
        self.minutes = Minutes(
            plan.venue, plan.clock, plan.session, plan.symbols, lost=plan.herald.bars_lost
        )
        self._reloading = Reloading(plan.reread, lambda: desk.config, self._giver.send_nowait)
        self.execution = Execution(
            plan.venue, plan.clock, plan.config, plan.session, self._tell, self._book, self._met,
            epoch=plan.epoch, began=self._began, leaves=plan.mode == "live",
        )  # fmt: skip
        self._confirming = Confirming(plan.venue, plan.clock, lambda: self._book().shares)
        self._cockpit = live_cockpit(
            plan, self.trader, self.minutes, self.execution, self._confirming,
            [*self._asked, *self._answers, self._pages, self._commands], learners,
        )  # fmt: skip
        self._console = Console(
            plan.symbols, plan.views, self._commands, self._reloading,
            self._cockpit, Stopping(stop, desk, self._commands, self._cockpit.flat),
            barred=lambda: plan.judge(desk.config),
        )  # fmt: skip

    async def run(self, logged: Logged, ready: Callable[[], None]) -> None:
        """Take up what was logged, then trade."""
        plan, trader = self._plan, self.trader
        plan.screen(self._cockpit, self._console.answer)
        async with (
            self._cockpit.hearing(),
            control(plan.folder, self._console.answer, plan.kind, plan.account),
            trio.open_nursery() as nursery,
        ):
            for parts in zip(self._groups, self._asked, self._answers, strict=True):
                nursery.start_soon(predictor, *parts, "inline")
            await self._take_up(logged)
            trader.pages = _Announced(self._pages, plan.herald)
            nursery.start_soon(journal, self._pages, self._files, plan.follower)
            await nursery.start(self.execution.run, plan.symbols)
            nursery.start_soon(self._confirming.run, self._cockpit.flattening)
            nursery.start_soon(_hear, self._commands, self._giver, plan.herald)
            nursery.start_soon(on_hangup, self._reloading)
            if plan.watched:
                nursery.start_soon(on_change, plan.watched, self._reloading)
            nursery.start_soon(_stop, self._stop, nursery.cancel_scope)
            if not trader.over:
                nursery.start_soon(self.minutes.run, trader.minute, self._giver.send)
                assert self.log is not None
                nursery.start_soon(self._disk.run, self.log)
                ready()
                await self._trade(logged)
            self._pages.close_sender()
            for inbox in self._asked:
                inbox.close_sender()
            nursery.cancel_scope.cancel()

    async def _take_up(self, logged: Logged) -> None:
        plan, trader = self._plan, self.trader
        await trader.warm(blocks_of(trader.gridder, plan.warmup))
        trader.open()
        for number, given in enumerate(logged.inputs, start=1):
            try:
                await trader.take(given)
            except InvariantViolation as error:
                raise DamagedError(
                    f"{plan.folder / NAME}: input {number} cannot be taken again: {error}"
                ) from None
        for words in put_in_place(plan.folder, self._files, logged):
            _log.warning(words)
        self.log = log_again(plan.folder, plan.symbols, logged, self._reserve.free)
        sent = take_up(self.execution, trader, plan.clock.now_ns(), logged)
        note_sent(self.log, logged, sent)
        opening = () if logged.inputs else plan.opening
        for given in opening:
            self._giver.send_nowait(given)
        barred = plan.judge(self._desk.config)
        if barred and not (opening or self._desk.state.risk.halt):
            self._halt(barred, SETTINGS)

    async def _trade(self, logged: Logged) -> None:
        assert self.log is not None
        said = sum(isinstance(one, Said) and one.actor == SCRIPT for one in logged.inputs)
        script = deque(self._plan.commands[said:])
        send, heart = self.execution.send, self._plan.heart
        await trade(self.trader, self._inputs, self.log, send, script, heart)

    def _halt(self, reason: str, actor: str = RECORDS) -> None:
        """End entries."""
        command = Halt(reason=f"{reason}; open: {self.held()}")
        self._giver.send_nowait(Said(command, actor))
        self._plan.herald.command(command, actor)
        _log.warning(command.reason)

    def held(self) -> str:
        """Return what is held, in words."""
        return held_words(self._desk.state.ledger.held)

    def close_log(self, *, quietly: bool) -> None:
        """Make the log durable and close it; `quietly` if another error is told already."""
        with suppress(DiskError) if quietly else nullcontext():
            if self.log is not None:
                self.log.close()

    def _tell(self, reports: Sequence[Report]) -> None:
        self._giver.send_nowait(Told(tuple(reports)))
        self._plan.herald.reports(reports)

    def _book(self) -> Books:
        state = self._desk.state
        ledger = state.ledger
        return Books(
            {symbol: ledger.quantity(symbol) for symbol in ledger.positions},
            ledger.cash_micro,
            settled=self.trader.settled and not self._giver.statistics().current_buffer_used,
            left={p.symbol: p.quantity for p in ledger.held if state.stays(p)},
        )

    def _began(self, filled: Mapping[str, int]) -> None:
        assert self.log is not None
        self.log.note(before_row(filled))
        self.log.flush()

    def _met(self, order_id: str, quote: Quote) -> None:
        assert self.log is not None
        self.log.note({"in": "quote", "order_id": order_id, **quote._asdict()})


async def _hear(
    commands: Mailbox[Asked], giver: trio.MemorySendChannel[Input], herald: Herald
) -> None:
    async for given in commands:
        herald.command(given.command, given.actor)
        await giver.send(Said(given.command, given.actor))


async def _stop(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()
