"""Which frame comes next in which a rule can act; the frames between need no page of Python.

KEY INPUT: a block's ranking, bars and faults; the state.
KEY OUTPUT: the next frame to decide; what happened on the way: refusals counted and those that are
news, stops that moved, equity and exposure of each frame.

It may stop too often, never too seldom: a test decides every frame and finds one journal.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.config import Config
from engine.events import Gate
from engine.learning.signals import STALE
from engine.market.frames import HIGH, LOW, MINUTE_NS, PRESENT, Block, Floats, Ints
from engine.trading.exits import flatten_minute
from engine.trading.legs import stop_touched, target_touched
from engine.trading.ranking import Ranking
from engine.trading.refusals import Refusals
from engine.trading.state import HELD, State
from engine.trading.watch import Faults, ratchet, value

_PASS, _COOLDOWN, _TWIN = int(Gate.PASS), int(Gate.COOLDOWN), int(Gate.TWIN)
_CODES = len(Gate)


@dataclass(frozen=True, slots=True)
class Passed:
    """What happened between two decided frames."""

    found: int
    """The next frame to decide."""
    moves: list[list[int]]
    """[frame, column, stop in micro-dollars], in order."""
    news: list[tuple[int, int, Gate]]
    """(frame, column, gate) of refusals whose gate differs from what was last told, in order."""


def next_frame(
    state: State, block: Block, ranking: Ranking, signals: Floats, wrong: Faults,
    equity: Floats, exposure: Floats, start: int, stop: int, config: Config, refusals: Refusals,
) -> Passed:  # fmt: skip
    """Return the first frame in [start, stop) in which something may act, or `stop`.

    Refusals of the frames that are passed over are counted in `refusals`; their equity and exposure
    (T,) are written, and the state's equity and peak kept.
    """
    # orders of the minute before still count against the order rate
    if state.working or state.risk.orders_minute == block.first + start - 1:
        return Passed(start, [], [])
    if state.risk.rearm_minute is not None:
        stop = min(stop, max(start, state.risk.rearm_minute - block.first))
    expires_ns = state.inbox.expires_ns
    if expires_ns is not None:
        stop = min(stop, max(start, (expires_ns - block.ts_ns(0)) // MINUTE_NS - 1))
    numbers, rules = _numbers(state, block, config)
    frames, symbols = stop - start, len(state.symbols)
    news = np.empty(frames * symbols, np.int64)
    moves = np.empty((frames * max(1, len(state.legs)), 3), np.int64)
    columns = state.columns
    found, told, moved, peak = _scan(
        ranking.gate, ranking.direction, ranking.strength, ranking.rank, signals, block.bars,
        wrong.faulty, columns.quantity, columns.entered, columns.stop_micro.copy(),
        columns.target_micro, columns.trail, columns.barred, columns.twin_held,
        state.cooldown_until, state.told.copy(), start, stop, rules, numbers,
        equity, exposure, refusals.counts, news, moves,
    )  # fmt: skip
    if found > start:
        state.equity = equity.item(found - 1)
        state.risk.peak = peak
    told_news = (divmod(at, _CODES) for at in news[:told].tolist())
    return Passed(
        found,
        moves[:moved].tolist(),
        [(*divmod(at, symbols), Gate(code)) for at, code in told_news],
    )


def _numbers(
    state: State, block: Block, config: Config
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return what the pass compares with, as plain numbers."""
    rules, risk, standing = config.rotation, config.risk, state.risk.tripped
    day = state.risk.day_open * (1 - risk.daily_loss_pct / 100)
    numbers = (
        state.fixed,
        state.risk.peak,
        -np.inf if Gate.DAILY_LOSS in standing else day,
        -np.inf if Gate.DRAWDOWN in standing else 1 - risk.drawdown_pct / 100,
        rules.min_strength_to_hold,
        config.costs.tick_usd,
    )
    whole = (
        rules.min_hold_minutes,
        rules.max_hold_minutes,
        flatten_minute(block.session.minutes, config),
        rules.min_rank_to_hold,
        rules.max_cold_minutes,
        block.first,
        int(state.risk.block or Gate.NONE),
    )
    return numbers, whole


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(  # noqa: C901 - one compiled pass; calls would cost more than they tell
    gate: npt.NDArray[np.int8], direction: npt.NDArray[np.int8], strength: Floats,
    rank: npt.NDArray[np.int16], signals: Floats, bars: Floats, faulty: npt.NDArray[np.bool_],
    quantity: Ints, entered: Ints, stop_micro: Ints, target_micro: Ints, trail: Floats,
    barred: npt.NDArray[np.int8], twin_held: npt.NDArray[np.bool_], free_from: Ints,
    told: npt.NDArray[np.int8], start: int, stop: int, rules: tuple[int, ...],
    numbers: tuple[float, ...], equity: Floats, exposure: Floats, counts: Ints, news: Ints,
    moves: Ints,
) -> tuple[int, int, int, float]:  # fmt: skip
    min_hold, max_hold, flatten, max_rank, max_cold, first, block = rules
    cash, peak, day_floor, drawdown_floor, min_strength, tick_usd = numbers
    symbols = gate.shape[1]
    n = moved = 0
    for t in range(start, stop):
        if faulty[t]:
            return t, n, moved, peak
        minute = t + first
        for s in range(symbols):
            if quantity[s] == 0:
                if (
                    block == 0 and gate[t, s] == _PASS and barred[s] == 0 and not twin_held[s]
                    and minute >= free_from[s]
                ):  # fmt: skip
                    return t, n, moved, peak
                continue
            side = 1 if quantity[s] > 0 else -1
            d = direction[t, s]
            if d == -side or told[s] != HELD or signals[t, s, STALE] > max_cold:
                return t, n, moved, peak
            if minute >= flatten or minute >= entered[s] + max_hold:
                return t, n, moved, peak
            if minute >= entered[s] + min_hold and (
                d != side or strength[t, s] < min_strength or rank[t, s] > max_rank
            ):
                return t, n, moved, peak
            if stop_micro[s] == 0:
                return t, n, moved, peak
            if bars[t, s, PRESENT] != 0.0:
                high, low = bars[t, s, HIGH], bars[t, s, LOW]
                if stop_touched(side, high, low, stop_micro[s]) or target_touched(
                    side, high, low, target_micro[s]
                ):
                    return t, n, moved, peak
        worth, gross = value(bars, t, quantity, cash)
        high_mark = max(peak, worth)
        if not (worth >= day_floor and worth >= high_mark * drawdown_floor):
            return t, n, moved, peak
        peak = high_mark
        equity[t] = worth
        exposure[t] = gross
        moved = ratchet(bars, t, quantity, stop_micro, trail, tick_usd, moves, moved)
        for s in range(symbols):
            g = gate[t, s]
            if quantity[s] != 0 or g < _PASS:
                continue
            if g == _PASS:
                g = block
                if g == 0:
                    g = _COOLDOWN if minute < free_from[s] else _TWIN
                    if barred[s] != 0:
                        g = barred[s]
            counts[g] += 1
            if g != told[s]:
                told[s] = g
                news[n] = (t * symbols + s) * _CODES + g
                n += 1
    return stop, n, moved, peak
