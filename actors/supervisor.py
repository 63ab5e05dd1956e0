"""The supervisor: gathers the signals of a block and walks it frame by frame.

KEY INPUT: blocks, the predictors' answers, the broker's reports.
KEY OUTPUT: orders, and a page per block for the journal.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from actors.broker import BrokerPort
from actors.desk import Desk
from actors.mailbox import Mailbox
from actors.predictor import Answer
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
) -> None:
    """Trade every block from `trade_from` on; earlier sessions only warm the learners."""
    try:
        async for block in blocks:
            # the barrier: always in the order of the symbols, whoever is ready first
            gathered = [await mailbox.receive() for mailbox in answers]
            trading = trade_from is None or block.session.date >= trade_from
            desk.open_block(block, gathered, trading=trading)
            await _walk(desk, block, broker)
            await journal.send(desk.close_block())
            progress(block, desk)
    finally:
        broker.close()
        journal.close_sender()


async def _walk(desk: Desk, block: Block, broker: BrokerPort) -> None:
    t = desk.next_frame(0)
    while t < len(block):
        if desk.waiting:
            released = desk.fold(t, await broker.match(block, t))
            if released:
                await broker.submit(released)
                desk.fold(t, await broker.match(block, t))
            desk.lapse(t)
        orders = desk.decide(t)
        if orders:
            await broker.submit(orders)
        t = desk.next_frame(t + 1)
