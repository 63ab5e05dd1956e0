"""The grid: the one place where missing minutes are masked, prices carried, bars doubted.

KEY INPUT: a session's OHLCV, NaN where there was no bar.
KEY OUTPUT: a Block (see frames.py); what must outlive the block is kept between calls, so that a
session in one call or minute by minute gives the same bytes.

A bar that is crossed, or whose open or close jumps too far from the last believed close of the
session, is not believed: its minute has no bar. The next bar of its symbol that lies near it makes
its level the market's, and is believed. A night is no minute: a session's first bar is measured by
its own open.
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
    Doubt,
    Floats,
    Ints,
    Session,
)

NEVER = 1e9
"""The AGE of a symbol that has never traded."""
_LAST, _AGE, _VARIANCE, _STARTED, _DOUBTED, _LEAP = range(6)
_RATE = 1.0 - 2.0 ** (-1.0 / 30.0)
_LEAST_VARIANCE = 1e-10
_CLIP = 4.0


class Gridder:
    """Turns sessions' OHLCV into blocks, in order of time."""

    def __init__(
        self, symbols: Sequence[str], signs: Sequence[float], max_jump_pct: float = math.inf
    ) -> None:
        """Start before the first session; `signs` are +1 or −1 by symbol (see Block.universe).

        Without `max_jump_pct` every bar is believed.
        """
        self.max_jump_pct = max_jump_pct
        self._symbols = tuple(symbols)
        self._signs = np.array(signs, np.float64)
        self._state = np.empty((len(symbols), 6))
        self._state[:] = (math.nan, NEVER, 1e-6, 0.0, math.nan, math.nan)

    def block(self, session: Session, first_minute: int, ohlcv: Floats) -> Block:
        """Return the block of (T, S, 5) OHLCV that starts at `first_minute` of the session."""
        frames, symbols = ohlcv.shape[:2]
        bars = np.empty((frames, symbols, FIELDS))
        universe = np.empty((frames, 2))
        if first_minute == 0:
            self._state[:, _STARTED] = 0.0
            self._state[:, [_DOUBTED, _LEAP]] = math.nan
        ohlcv = np.ascontiguousarray(ohlcv)
        doubted = np.empty((symbols * frames, 2), np.int64)
        jump = self.max_jump_pct / 100
        found = _fill(ohlcv, self._state, self._signs, jump, bars, universe, doubted)
        bars.flags.writeable = False
        universe.flags.writeable = False
        places = doubted[:found].tolist()
        doubts = tuple(Doubt(t, s, tuple(ohlcv[t, s].tolist())) for t, s in places)
        return Block(session, first_minute, self._symbols, bars, universe, doubts)

    def leap(self, symbol: str) -> float:
        """Return by what the price was multiplied in the session's last jump that was not refuted.

        NaN if there was none.
        """
        if symbol not in self._symbols:
            return math.nan
        return self._state.item(self._symbols.index(symbol), _LEAP)

    def carried(self) -> Floats:
        """Return what is known before a bar, (1, S, FIELDS): last prices and ages."""
        bars = np.zeros((1, len(self._symbols), FIELDS))
        bars[0, :, [OPEN, HIGH, LOW, CLOSE]] = self._state[:, _LAST]
        bars[0, :, AGE] = self._state[:, _AGE]
        return bars

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
def _far(open_: float, close: float, base: float, jump: float) -> bool:
    low, high = base * (1.0 - jump), base * (1.0 + jump)
    return not (low <= open_ <= high and low <= close <= high)


@njit(cache=True, nogil=True, error_model="numpy")
def _doubt(open_: float, close: float, base: float, kept: Floats, jump: float) -> bool:
    """Return whether a jump is not believed; keep its level, that the next bar may confirm."""
    level = kept[_DOUBTED]
    if level == level and not _far(open_, close, level, jump):
        kept[_DOUBTED] = math.nan
        return False
    kept[_DOUBTED] = close
    kept[_LEAP] = close / base
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(
    ohlcv: Floats, state: Floats, signs: Floats, jump: float, bars: Floats, universe: Floats,
    doubted: Ints,
) -> int:  # fmt: skip
    frames, symbols = ohlcv.shape[:2]
    found = 0
    for t in range(frames):
        total = 0.0
        count = 0.0
        for s in range(symbols):
            close = ohlcv[t, s, 3]
            bar = bars[t, s]
            kept = state[s]
            open_ = ohlcv[t, s, 0]
            base = kept[_LAST] if kept[_STARTED] != 0.0 else open_
            there = close == close
            if there and jump < math.inf:
                high, low = ohlcv[t, s, 1], ohlcv[t, s, 2]
                straight = (
                    0.0 < low <= min(open_, close) and high >= max(open_, close)
                    and ohlcv[t, s, 4] >= 0.0
                )  # fmt: skip
                if not straight:
                    there = False
                    kept[_DOUBTED] = math.nan
                elif _far(open_, close, base, jump):
                    there = not _doubt(open_, close, base, kept, jump)
                elif kept[_DOUBTED] == kept[_DOUBTED]:  # what was doubted is refuted
                    kept[_DOUBTED] = kept[_LEAP] = math.nan
                if not there:
                    doubted[found, 0], doubted[found, 1] = t, s
                    found += 1
            if not there:
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
            change = math.log(close / base)
            z = change / math.sqrt(max(kept[_VARIANCE], _LEAST_VARIANCE))
            z = min(_CLIP, max(-_CLIP, z))
            kept[_VARIANCE] += _RATE * (change * change - kept[_VARIANCE])
            kept[_LAST] = close
            kept[_AGE] = 0.0
            kept[_STARTED] = 1.0
            bar[OPEN] = open_
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
    return found
