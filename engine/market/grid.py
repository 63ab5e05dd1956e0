"""The grid: the one place where missing minutes are masked and prices are carried.

KEY INPUT: a session's OHLCV, NaN where there was no bar.
KEY OUTPUT: a Block (see frames.py); what must outlive the block is kept between calls, so that a
session in one call or minute by minute gives the same bytes.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit

from engine.market.frames import (
    AGE,
    CLOSE,
    FIELDS,
    HIGH,
    LOW,
    OPEN,
    PRESENT,
    SURPRISE,
    VOLUME,
    Block,
    Floats,
    Session,
)

NEVER = 1e9
"""The AGE of a symbol that has never traded."""
_LAST, _AGE, _VARIANCE, _STARTED = range(4)
_RATE = 1.0 - 2.0 ** (-1.0 / 30.0)
_LEAST_VARIANCE = 1e-10
_CLIP = 4.0


class Gridder:
    """Turns sessions' OHLCV into blocks, in order of time."""

    def __init__(self, symbols: Sequence[str], signs: Sequence[float]) -> None:
        """Start before the first session; `signs` are +1 or −1 by symbol (see Block.universe)."""
        self._symbols = tuple(symbols)
        self._signs = np.array(signs, np.float64)
        self._state = np.empty((len(symbols), 4))
        self._state[:] = (math.nan, NEVER, 1e-6, 0.0)

    def block(self, session: Session, first_minute: int, ohlcv: Floats) -> Block:
        """Return the block of (T, S, 5) OHLCV that starts at `first_minute` of the session."""
        frames, symbols = ohlcv.shape[:2]
        bars = np.empty((frames, symbols, FIELDS))
        universe = np.empty((frames, 2))
        if first_minute == 0:
            self._state[:, _STARTED] = 0.0
        _fill(np.ascontiguousarray(ohlcv), self._state, self._signs, bars, universe)
        bars.flags.writeable = False
        universe.flags.writeable = False
        return Block(session, first_minute, self._symbols, bars, universe)

    def checkpoint(self) -> bytes:
        """Return what is kept between blocks."""
        return self._state.tobytes()

    def restore(self, state: bytes) -> None:
        """Take up a checkpoint of the same symbols."""
        self._state[:] = np.frombuffer(state).reshape(self._state.shape)


def session_blocks(sessions: Iterator[tuple[Session, Floats]], gridder: Gridder) -> Iterator[Block]:
    """Yield one block per session."""
    for session, ohlcv in sessions:
        yield gridder.block(session, 0, ohlcv)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(ohlcv: Floats, state: Floats, signs: Floats, bars: Floats, universe: Floats) -> None:
    frames, symbols = ohlcv.shape[:2]
    for t in range(frames):
        total = 0.0
        count = 0.0
        for s in range(symbols):
            close = ohlcv[t, s, 3]
            bar = bars[t, s]
            kept = state[s]
            if close != close:
                last = kept[_LAST]
                kept[_AGE] = min(NEVER, kept[_AGE] + 1.0)
                bar[OPEN] = last
                bar[HIGH] = last
                bar[LOW] = last
                bar[CLOSE] = last
                bar[VOLUME] = 0.0
                bar[PRESENT] = 0.0
                bar[AGE] = kept[_AGE]
                bar[SURPRISE] = 0.0
                continue
            base = kept[_LAST] if kept[_STARTED] != 0.0 else ohlcv[t, s, 0]
            change = math.log(close / base)
            z = change / math.sqrt(max(kept[_VARIANCE], _LEAST_VARIANCE))
            z = min(_CLIP, max(-_CLIP, z))
            kept[_VARIANCE] += _RATE * (change * change - kept[_VARIANCE])
            kept[_LAST] = close
            kept[_AGE] = 0.0
            kept[_STARTED] = 1.0
            bar[OPEN] = ohlcv[t, s, 0]
            bar[HIGH] = ohlcv[t, s, 1]
            bar[LOW] = ohlcv[t, s, 2]
            bar[CLOSE] = close
            bar[VOLUME] = ohlcv[t, s, 4]
            bar[PRESENT] = 1.0
            bar[AGE] = 0.0
            bar[SURPRISE] = z
            total += signs[s] * z
            count += 1.0
        universe[t, 0] = total
        universe[t, 1] = count
