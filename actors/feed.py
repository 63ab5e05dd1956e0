"""The feed: blocks of bars, in order, to every predictor and to the supervisor.

KEY INPUT: an iterator of session blocks.
KEY OUTPUT: the same frames, cut to blocks of at most `size_of`, to every outlet.

With a pace the first outlet, the supervisor's, has a frame before the predictors do: they get it
when it is due, or a screen would show what they expect of a minute that has not come.

When reading fails in a way that is not the user's input, the feed starts again behind the last
session it delivered, with back-off, until its budget is spent.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import trio

from actors.mailbox import Mailbox
from actors.restart import Crash, Intensity, attempt
from engine.errors import RotorError
from engine.market.frames import Block

OpenBlocks = Callable[[int], Iterator[Block]]
"""Open the source behind its first n sessions: one block per session."""

_BACK_OFF_SECONDS = 0.05


async def feed(
    open_blocks: OpenBlocks,
    outlets: Sequence[Mailbox[Block]],
    size_of: Callable[[Block], int],
    stop: trio.Event,
    due: trio.Semaphore | None = None,
) -> None:
    """Send every frame once, until the source ends or `stop` is set (at a block's border).

    With `due`, one of it is taken for each frame that goes beyond the first outlet.
    """
    delivered = crashes = 0
    intensity = Intensity()
    try:
        blocks = open_blocks(0)
        while not stop.is_set():
            block = attempt(partial(next, blocks, None))
            if block is None:
                return
            if isinstance(block, Crash):
                crashes = intensity.crashed(delivered)
                if intensity.spent:
                    raise RotorError(f"the feed gave up after {crashes} crashes: {block.error}")
                await trio.sleep(_BACK_OFF_SECONDS * 2**crashes)
                blocks = open_blocks(delivered)
                continue
            await _deliver(block.split(size_of(block)), outlets, stop, due)
            delivered += 1
    finally:
        for outlet in outlets:
            outlet.close_sender()


async def _deliver(
    pieces: Sequence[Block],
    outlets: Sequence[Mailbox[Block]],
    stop: trio.Event,
    due: trio.Semaphore | None,
) -> None:
    first, *others = outlets
    for piece in pieces:
        if stop.is_set():
            return
        await first.send(piece)
        if due is not None:
            await due.acquire()
        for outlet in others:
            await outlet.send(piece)
