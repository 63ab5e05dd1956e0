"""A live session taken up again, or only looked at again: its inputs, its journal, its orders.

KEY INPUT: a run folder: what the session was made with, its log, its journal.
KEY OUTPUT: the same trader again; orders that are not over, handed to execution.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from actors.crew import make_desk, make_learners, share_out
from actors.execution import Execution
from actors.learned import take_over, take_over_prices
from actors.mailbox import Mailbox
from actors.predictor import Answer, Learner, predictor
from actors.system import Outcome, outcome_of
from actors.trader import Pages, Trader
from actors.views import Views
from engine.config import Config
from engine.market.frames import MINUTE_NS, Arrays, Block, Session
from engine.market.grid import Gridder
from engine.records.inputs import Input, InputLog, Logged, Told, sent_row
from engine.records.journal import Journal
from engine.records.page import Page
from engine.trading.approval import approve_exit
from engine.trading.ledger import side_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A live session as its folder has it."""

    config: Config
    symbols: tuple[str, ...]
    session: Session
    epoch: str
    cash_micro: int
    learned: Arrays | None
    """What earlier sessions had taught; None: nothing."""


async def take_again(recording: Recording, inputs: Sequence[Input], folder: Path) -> Outcome:
    """Give a session its inputs again; its journal is written into `folder`."""
    seen: list[tuple[Trader, Sequence[Learner]]] = []
    with Journal(folder, "full", recording.epoch, recording.session.open_ns) as files:
        await again(recording, inputs, Direct(files), lambda *both: seen.append(both))
    trader, _ = seen[0]
    trader.desk.stats.interrupted = not trader.over
    return outcome_of(trader.desk, files)


async def _go_on(_given: Input) -> None:
    pass


async def again(
    recording: Recording,
    inputs: Sequence[Input],
    pages: Pages,
    begin: Callable[[Trader, Sequence[Learner]], object] = lambda *_: None,
    taken: Callable[[Input], Awaitable[object]] = _go_on,
) -> None:
    """Give a session its inputs again.

    `begin` is called before the first, `taken` after each input.
    """
    r = recording
    learners = make_learners(r.config, r.symbols)
    desk = make_desk(
        r.config, r.symbols, r.epoch, r.cash_micro, learners, scan=False, spans=True, carries=True
    )
    take_over(r.learned, learners, desk)
    signs = [r.config.universe.sign(symbol) for symbol in r.symbols]
    groups = share_out(learners)
    asked = [Mailbox[Block](f"trader→predictor {g}", 1) for g in range(len(groups))]
    answers = [Mailbox[Answer](f"predictor {g}→trader", 1) for g in range(len(groups))]
    trader = Trader(
        desk, r.session,
        take_over_prices(r.learned, Gridder(r.symbols, signs, r.config.risk.max_jump_pct)),
        list(zip(asked, answers, strict=True)), pages, Views(),
    )  # fmt: skip
    begin(trader, learners)
    async with trio.open_nursery() as nursery:
        for group, inbox, outbox in zip(groups, asked, answers, strict=True):
            nursery.start_soon(predictor, group, inbox, outbox, "inline")
        trader.open()
        for given in inputs:
            await trader.take(given)
            await taken(given)
        nursery.cancel_scope.cancel()


class Direct:
    """Pages written at once, while a session is taken up again."""

    def __init__(self, files: Journal) -> None:
        """Write into these files."""
        self._files = files

    async def send(self, message: Page) -> None:
        """Write a page."""
        self._files.write(message)


def take_up(execution: Execution, trader: Trader, now_ns: int, logged: Logged) -> list[str]:
    """Give execution the orders that are not over, and all that the log knows was filled.

    Returns the ids of those that are sent if the broker does not have them.
    """
    state = trader.desk.state
    told = [
        report for given in logged.inputs if isinstance(given, Told) for report in given.reports
    ]
    execution.learn(told, logged.before)
    for orphan in trader.orphans:
        if orphan.paid:
            side = side_of(orphan.shares, entry=True)
            execution.fees.charge(side, abs(orphan.shares), abs(orphan.value_micro))

    sendable: list[str] = []
    for legs in state.legs.values():
        approved = approve_exit(legs.order, legs.order.shares)
        silent, stop = not legs.resting, legs.stop_micro
        execution.restore(approved, silent=silent, stop_micro=stop)
        sendable += [] if silent else [legs.order.order_id]
    for working in state.working.values():
        if working.released:
            sent_ns = trader.session.open_ns + (working.decided_minute + 1) * MINUTE_NS
            stale = working.order.entry and now_ns >= sent_ns + MINUTE_NS
            execution.restore(working.approved, stale=stale)
            sendable += [] if stale else [working.order.order_id]
    return sendable


def note_sent(log: InputLog, logged: Logged, order_ids: Sequence[str]) -> None:
    """Note what is sent now that a kill kept from being noted; all of the log is made durable."""
    for order_id in order_ids:
        if order_id not in logged.sent:
            log.note(sent_row(order_id))
    log.sync()
