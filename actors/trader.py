"""The live supervisor: takes one input after the other, and acts on what the desk says.

KEY INPUT: frames, reports and commands, in the order in which they became known.
KEY OUTPUT: orders, each written down before it is sent; a page per minute for the journal.

A minute is open for reports and commands before its bars are known. The trader is a function of
its inputs: after a kill they are taken again from the log, nothing is sent, and then it goes on.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import trio

from actors.desk import NOTHING, Desk, Given, Outgoing
from actors.heartbeat import Heart
from actors.mailbox import Mailbox
from actors.predictor import Answer
from actors.views import Views
from engine.config import Config
from engine.events import Command, OrderFilled, OrphanFound, Report
from engine.market.frames import (
    AGE,
    CLOSE,
    FIELDS,
    HIGH,
    LOW,
    MINUTE_NS,
    OPEN,
    PRESENT,
    SURPRISE,
    VOLUME,
    Block,
    Session,
)
from engine.market.grid import Gridder
from engine.records.inputs import Frame, Input, InputLog, Reloaded, Said, Told, sent_row
from engine.records.page import Page

Send = Callable[[Outgoing, Sequence[tuple[str, int]]], Awaitable[None]]


class Pages(Protocol):
    """Where pages go."""

    async def send(self, message: Page) -> None:
        """Take a page."""
        ...


@dataclass(slots=True)
class Trader:
    """One session of one account."""

    desk: Desk
    session: Session
    gridder: Gridder
    predictors: Sequence[tuple[Mailbox[Block], Mailbox[Answer]]]
    pages: Pages
    views: Views
    closed: Callable[[Page], None] = lambda _: None
    """Told of every page as soon as it is closed."""
    obeyed: Callable[[Command], None] = lambda _: None
    """Told of every command that was taken."""
    minute: int = 0
    """The minute that is open."""
    frame_ms: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    """How long the last frames took to decide, their signals included."""
    _last: Block | None = None
    orphans: list[OrphanFound] = field(default_factory=list)
    """All that were found in the session."""
    _early: list[Report] = field(default_factory=list)
    _fills: list[OrderFilled] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk.leap = self.gridder.leap

    def open(self) -> None:
        """Open the session's first minute, at the last prices of the sessions before."""
        bars, symbols = self.gridder.carried(), self.desk.state.symbols
        bars.flags.writeable = False
        if self.desk.stats.warmup_sessions:
            self._last = Block(self.session, 0, symbols, bars, np.zeros((1, 2)))
        self.desk.open_minutes(self._blank(), trading=True)

    def due(self, script: deque[Given]) -> Said | None:
        """Return the next command of a script once the minute has come that it is for."""
        if script and not self.over and script[0].ts_ns <= self.ts_ns:
            given = script.popleft()
            return Said(given.command, given.actor)
        return None

    async def take(self, given: Input) -> tuple[Outgoing, list[tuple[str, int]]]:
        """Take one input; return what is to be sent: orders, and stops to move."""
        moves: list[tuple[str, int]] = []
        match given:
            case Frame():
                outgoing, moves = await self._frame(given)
            case Told(reports=reports):
                outgoing = self._fold(reports)
            case Said(command=command, actor=actor):
                self.desk.give(Given(self.ts_ns, command, actor))
                outgoing = self.desk.begin(0)
                self.obeyed(command)
            case Reloaded(actor=actor, config=config, changes=changes):
                kept = self.desk.config.model_dump(include={"database", "alerts"})
                self.desk.reload(Config.model_validate(kept | config), actor, changes)
                self.gridder.max_jump_pct = self.desk.config.risk.max_jump_pct
                outgoing = NOTHING
        if not isinstance(given, Frame) and self._last is not None:
            self.views.latest = self.desk.view()
        return outgoing, moves

    @property
    def over(self) -> bool:
        """Return whether the session's last minute is closed."""
        return self.minute >= self.session.minutes

    @property
    def settled(self) -> bool:
        """Return whether the book has every report that was taken."""
        return not self._early

    @property
    def fills(self) -> list[OrderFilled]:
        """Return all fills of the session, in order."""
        return self._fills

    @property
    def ts_ns(self) -> int:
        """Return when the open minute began."""
        return self.session.open_ns + self.minute * MINUTE_NS

    def _fold(self, reports: Sequence[Report]) -> Outgoing:
        """Fold what belongs to the open minute; what is of a later one waits for it."""
        end_ns = self.ts_ns + MINUTE_NS
        now = [r for r in reports if r.ts_ns < end_ns]
        self._early += [r for r in reports if r.ts_ns >= end_ns]
        self._fills += [r for r in now if isinstance(r, OrderFilled)]
        self.orphans += [r for r in now if isinstance(r, OrphanFound)]
        return self.desk.fold(0, [_stamped(report, self.ts_ns) for report in now])

    async def _frame(self, frame: Frame) -> tuple[Outgoing, list[tuple[str, int]]]:
        assert frame.minute == self.minute
        began = time.perf_counter()
        block = self.gridder.block(self.session, self.minute, frame.bars[None])
        self.desk.close_minutes(block, await self._ask(block))
        self.desk.next_frame(0)
        self.desk.lapse(0)
        outgoing = self.desk.decide(0, late=frame.late, mute=frame.mute)
        moves = self.desk.recorder.take_moves()
        self.frame_ms.append(1e3 * (time.perf_counter() - began))
        self.views.latest = self.desk.view()
        await self._close()
        self._last = block
        self.minute += 1
        if not self.over:
            self.desk.open_minutes(self._blank(), trading=True)
            early, self._early = self._early, []
            more = self._fold(early)
            outgoing = Outgoing(
                (*outgoing.cancels, *more.cancels), (*outgoing.orders, *more.orders)
            )
        return outgoing, moves

    async def _close(self) -> None:
        page = self.desk.close_block()
        self.closed(page)
        await self.pages.send(page)

    async def _ask(self, block: Block) -> list[Answer]:
        for inbox, _ in self.predictors:
            await inbox.send(block)
        return [await outbox.receive() for _, outbox in self.predictors]

    def _blank(self) -> Block:
        """Return the open minute as it is known before its bars: the last prices, carried."""
        last = self._last
        if last is None:
            symbols = self.desk.state.symbols
            nothing = np.zeros((1, len(symbols), FIELDS))
            nothing[:, :, [OPEN, HIGH, LOW, CLOSE]] = np.nan
            return Block(self.session, self.minute, symbols, nothing, np.zeros((1, 2)))
        bars = last.bars[-1:].copy()
        bars[:, :, [OPEN, HIGH, LOW]] = bars[:, :, CLOSE : CLOSE + 1]
        bars[:, :, [VOLUME, PRESENT, SURPRISE]] = 0.0
        bars[:, :, AGE] += 1.0
        bars.flags.writeable = False
        return Block(self.session, self.minute, last.symbols, bars, last.universe[-1:])


async def trade(
    trader: Trader,
    inputs: trio.MemoryReceiveChannel[Input],
    log: InputLog,
    send: Send,
    script: deque[Given],
    heart: Heart,
) -> None:
    """Trade until the session is over; what is to be sent is durable before it is sent."""
    async for given in inputs:
        with heart.at_work():
            await _act(trader, given, log, send)
            while (said := trader.due(script)) is not None:
                await _act(trader, said, log, send)
        if trader.over:
            log.sync()
            return


async def _act(trader: Trader, given: Input, log: InputLog, send: Send) -> None:
    log.append(given)
    log.flush()  # the journal never knows more than the log
    outgoing, moves = await trader.take(given)
    for approved in outgoing.orders:
        log.note(sent_row(approved.order.order_id))
    if outgoing != NOTHING or moves:
        log.sync()
        await send(outgoing, moves)


def _stamped(report: Report, ts_ns: int) -> Report:
    if isinstance(report, OrderFilled):
        return report._replace(ts_ns=ts_ns)
    return replace(report, ts_ns=ts_ns)
