"""Kernels, compiled or loaded before a bar waits for them.

KEY INPUT: nothing.
KEY OUTPUT: every kernel of a session is ready; a word to the user where that takes long.

After an installation compiling takes half a minute, later loading takes less than a second.
"""

import datetime as dt
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import trio

from actors.crew import innermost
from actors.system import Plan, replay
from engine.config import Config
from engine.market.calendar import session_on
from engine.market.grid import Gridder

SYMBOLS = ("A", "B")
DATE = dt.date(2025, 7, 8)
PATIENCE_SECONDS = 2.0


def warm() -> None:
    """Replay one flat session, in blocks and frame by frame."""
    session = session_on(DATE)
    assert session is not None
    bars = np.full((session.minutes, len(SYMBOLS), 5), 50.0)
    block = Gridder(SYMBOLS, [1.0] * len(SYMBOLS)).block(session, 0, bars)
    plan = Plan(
        config=Config(),
        symbols=SYMBOLS,
        open_blocks=lambda skip: iter([block][skip:]),
        trade_from=None,
        range_label="",
        first_ts_ns=session.open_ns,
    )
    with _announced():
        try:
            for scan in (True, False):
                trio.run(partial(replay, replace(plan, scan=scan), signals=False))
        except BaseExceptionGroup as group:
            raise innermost(group) from None


@contextmanager
def _announced() -> Iterator[None]:
    words = "rotor: compiling, once after an installation (half a minute)\n"
    timer = threading.Timer(PATIENCE_SECONDS, sys.stderr.write, [words])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
