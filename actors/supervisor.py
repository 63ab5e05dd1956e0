"""The supervisor: gathers the signals of a block and walks it frame by frame.

KEY INPUT: blocks, the predictors' answers, the broker's reports.
KEY OUTPUT: orders, and a page per block for the journal.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial

from actors.broker import BrokerPort
from actors.desk import NOTHING, Desk, Given, Outgoing
from actors.mailbox import Mailbox
from actors.pacing import Asked, Pacing
from actors.predictor import Answer
from engine.events import Order
from engine.market.frames import Block
from engine.records.page import Page

Progress = Callable[[Block, Desk], None]
"""Called after each block, for progress bars."""


async def supervisor(
    desk: Desk,
    blocks: Mailbox[Block],
    answers: Sequence[Mailbox[Answer]],
    broker: BrokerPort,
    journal: Mailbox[Page],
    trade_from: dt.date | None,
    progress: Progress,
    pacing: Pacing | None = None,
) -> None:
    """Trade every block from `trade_from` on; earlier sessions only warm the learners.

    With `pacing`, blocks hold one frame each, and commands are heard while waiting for the next.
    """
    try:
        async for block in blocks:
            trading = trade_from is None or block.session.date >= trade_from
            if pacing is not None:
                if trading:
                    await pacing.wait(block, desk.stats.fills, partial(_hear, desk, block))
                pacing.due.release()
            # the barrier: always in the order of the symbols, whoever is ready first
            gathered = [await mailbox.receive() for mailbox in answers]
            desk.open_block(block, gathered, trading=trading)
            await _walk(desk, block, broker)
            page = desk.close_block()
            if pacing is not None:
                pacing.close(page)
            await journal.send(page)
            if pacing is not None and trading:
                pacing.views.latest = desk.view()
            progress(block, desk)
    finally:
        broker.close()
        journal.close_sender()


def _hear(desk: Desk, block: Block, asked: Asked) -> None:
    # it belongs to the minute that comes next, before whose open it was given
    desk.give(Given(block.ts_ns(0), asked.command, asked.actor))


async def _walk(desk: Desk, block: Block, broker: BrokerPort) -> None:
    t = desk.next_frame(0)
    while t < len(block):
        if desk.commanded(t):
            await _send(broker, desk.begin(t))
        if desk.waiting:
            await _open(desk, block, t, broker)
        if desk.touched(t):
            await broker.replace(desk.recorder.take_moves())
            await _send(broker, desk.fold(t, await broker.close_bar(block, t)))
        outgoing = desk.decide(t)
        if outgoing != NOTHING:
            await _send(broker, outgoing)
        t = desk.next_frame(t + 1)


async def _open(desk: Desk, block: Block, t: int, broker: BrokerPort) -> None:
    """Trade the frame's open: exits fill, and release the entries that waited for them."""
    outgoing = desk.fold(t, await broker.match(block, t))
    await _send(broker, outgoing)
    if any(isinstance(approved.order, Order) for approved in outgoing.orders):
        await _send(broker, desk.fold(t, await broker.match(block, t)))
    desk.lapse(t)


async def _send(broker: BrokerPort, outgoing: Outgoing) -> None:
    if outgoing.cancels:
        await broker.cancel(outgoing.cancels)
    if outgoing.orders:
        await broker.submit(outgoing.orders)
