"""What every frame is watched for, decided or passed over: equity, peak, trailing stops, faults.

KEY INPUT: bars, the book's columns, cash.
KEY OUTPUT: equity and exposure at each close, stops that move, data faults. One compiled pass that
`scan.py` runs over the frames in which nothing acts, and the desk over those that are decided.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.market.frames import AGE, CLOSE, HIGH, LOW, PRESENT, Block, Floats, Ints
from engine.trading.legs import trailed


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """What is wrong with the data of each frame of a block."""

    data_age: Floats
    """(T,) minutes since any symbol had a bar."""
    bad_price: npt.NDArray[np.int16]
    """(T,) the first column whose price crossed or jumped; −1 for none."""
    faulty: npt.NDArray[np.bool_]
    """(T,) either of them, by the limits."""


def faults(block: Block, stale_minutes: int) -> Faults:
    """Find stale data, and the bars that were not believed."""
    data_age = block.bars[:, :, AGE].min(axis=1)
    bad = np.full(len(block), -1, np.int16)
    for doubt in reversed(block.doubts):
        bad[doubt.t] = doubt.column
    return Faults(data_age, bad, (data_age >= stale_minutes) | (bad >= 0))


@njit(cache=True, nogil=True, error_model="numpy")
def value(bars: Floats, t: int, quantity: Ints, cash: float) -> tuple[float, float]:
    """Return (equity, gross exposure) at the close of frame t, USD."""
    # in symbol order, one product at a time: the same bytes for one frame and for many
    equity = cash
    exposure = 0.0
    for s in range(len(quantity)):
        if quantity[s] != 0:
            amount = bars[t, s, CLOSE] * quantity[s]
            equity += amount
            exposure += abs(amount)
    return equity, exposure


@njit(cache=True, nogil=True, error_model="numpy")
def ratchet(
    bars: Floats, t: int, quantity: Ints, stop_micro: Ints, trail: Floats, tick_usd: float,
    moves: Ints, count: int,
) -> int:  # fmt: skip
    """Move the stops that frame t moves, in `stop_micro`; append (t, column, stop) to `moves`."""
    for s in range(len(quantity)):
        if stop_micro[s] == 0 or trail[s] <= 0.0 or bars[t, s, PRESENT] == 0.0:
            continue
        direction = 1 if quantity[s] > 0 else -1
        stop = trailed(
            direction, bars[t, s, HIGH], bars[t, s, LOW], stop_micro[s], trail[s], tick_usd
        )
        if stop != stop_micro[s]:
            stop_micro[s] = stop
            moves[count, 0] = t
            moves[count, 1] = s
            moves[count, 2] = stop
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _observe(
    bars: Floats, t: int, quantity: Ints, stop_micro: Ints, trail: Floats, tick_usd: float,
    cash: float, equity: Floats, exposure: Floats, moves: Ints,
) -> int:  # fmt: skip
    equity[t], exposure[t] = value(bars, t, quantity, cash)
    return ratchet(bars, t, quantity, stop_micro, trail, tick_usd, moves, 0)


def observe(
    bars: Floats, t: int, quantity: Ints, stop_micro: Ints, trail: Floats, tick_usd: float,
    cash: float, equity: Floats, exposure: Floats,
) -> list[list[int]]:  # fmt: skip
    """Value frame t into `equity` and `exposure`; return the stops that move, [t, column, stop]."""
    moves = np.empty((len(quantity), 3), np.int64)
    count = _observe(
        bars, t, quantity, stop_micro.copy(), trail, tick_usd, cash, equity, exposure, moves
    )
    found: list[list[int]] = moves[:count].tolist()
    return found
