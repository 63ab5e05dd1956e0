"""Shadows: what each signal that passed its thresholds would have brought, traded or not.

KEY INPUT: a block's bars, signals and ranking; the rules of the session.
KEY OUTPUT: the shadows that closed, frame by frame. One at a time per symbol and no book: it
enters at the next minute's open, leaves at the stop, the target, the horizon or before the close,
and pays a round trip's cost.

One compiled pass; what is open is carried from block to block.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.config import Config
from engine.events import Gate
from engine.learning.signals import CONFIDENCE, PROBABILITY, STALE, WARM
from engine.market.frames import CLOSE, HIGH, LOW, OPEN, PRESENT, Block, Floats
from engine.trading.ranking import Ranking, RankingRules

# what is kept of an open shadow, and told of a closed one
(
    _SIDE, _OPENED, _ENTERED, _ENTRY, _DUE, _STOP, _TARGET,
    _PROBABILITY, _CONFIDENCE, _STRENGTH, _RANK, _EDGE, _GATE,
) = range(13)  # fmt: skip
_KEPT = 13
_EXIT, _EXITED, _HOW, _FRAME, _COLUMN, _RETURN = range(_KEPT, _KEPT + 6)
_TOLD = _KEPT + 6
HOW = ("horizon", "stop", "target", "close")
_HORIZON, _BY_STOP, _BY_TARGET, _BY_CLOSE = range(4)


class Closed(NamedTuple):
    """A shadow that has ended."""

    t: int
    """The frame of the block in which it ended."""
    column: int
    direction: int
    opened_minute: int
    entry_minute: int
    exit_minute: int
    entry_price: float
    exit_price: float
    how: str
    """One of HOW."""
    net_return: float
    """After a round trip's cost, a fraction."""
    probability: float
    confidence: float
    strength: float
    rank: int
    edge_bps: float
    gate: Gate
    """The ranking's gate of the signal that opened it."""


class Shadows:
    """The open shadows of all symbols."""

    def __init__(self, symbols: int) -> None:
        self._open = np.zeros((symbols, _KEPT))

    def run(
        self, block: Block, signals: Floats, ranking: Ranking, rules: RankingRules, config: Config
    ) -> list[Closed]:
        """Return the shadows that close in a block, in order of frame and column."""
        if block.first == 0:
            self._open[:] = 0.0
        told = np.empty((len(block) * len(block.symbols), _TOLD))
        horizons, risk = config.learning.horizons, config.risk
        numbers = (
            risk.stop_loss_pct / 100,
            risk.take_profit_pct / 100,
            config.rotation.min_strength_to_enter,
            *rules.numbers[5:9].tolist(),
        )
        whole = (
            block.first,
            block.session.minutes,
            block.session.minutes - config.session.flatten_before_close_minutes,
            rules.last_entry_minute,
            round(sum(horizons) / len(horizons)),
            int(config.simulation.both_touched == "stop"),
        )
        count = _run(
            block.bars, signals, ranking.direction, ranking.strength, ranking.rank,
            ranking.edge_bps, ranking.gate, self._open, numbers, whole, told,
        )  # fmt: skip
        return [_closed(row) for row in told[:count].tolist()]


def _closed(row: list[float]) -> Closed:
    return Closed(
        t=int(row[_FRAME]),
        column=int(row[_COLUMN]),
        direction=int(row[_SIDE]),
        opened_minute=int(row[_OPENED]),
        entry_minute=int(row[_ENTERED]),
        exit_minute=int(row[_EXITED]),
        entry_price=row[_ENTRY],
        exit_price=row[_EXIT],
        how=HOW[int(row[_HOW])],
        net_return=row[_RETURN],
        probability=row[_PROBABILITY],
        confidence=row[_CONFIDENCE],
        strength=row[_STRENGTH],
        rank=int(row[_RANK]),
        edge_bps=row[_EDGE],
        gate=Gate(int(row[_GATE])),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    bars: Floats, signals: Floats, direction: npt.NDArray[np.int8], strength: Floats,
    rank: npt.NDArray[np.int16], edge: Floats, gate: npt.NDArray[np.int8], opened: Floats,
    numbers: tuple[float, ...], whole: tuple[int, ...], told: Floats,
) -> int:  # fmt: skip
    stop, target, min_strength, half_bps, tick, trip_bps, trip_usd = numbers
    first, minutes, flatten, last_entry, horizon, stop_first = whole
    frames, symbols = strength.shape
    n = 0
    for t in range(frames):
        minute = first + t
        for s in range(symbols):
            kept = opened[s]
            if kept[_SIDE] != 0.0:
                how = _step(bars[t, s], kept, minute, minutes, flatten, horizon, stop,
                            target, stop_first)  # fmt: skip
                if how >= 0:
                    row = told[n]
                    row[:_KEPT] = kept
                    row[_EXITED], row[_HOW], row[_FRAME], row[_COLUMN] = minute, how, t, s
                    row[_EXIT] = _exit_price(bars[t, s], kept, how, minute)
                    price = kept[_ENTRY]
                    trip = 2.0 * max(half_bps, 5e3 * tick / price) + trip_bps
                    trip += 1e4 * trip_usd / price
                    row[_RETURN] = kept[_SIDE] * (row[_EXIT] / price - 1.0) - trip * 1e-4
                    kept[_SIDE] = 0.0
                    n += 1
            if (
                kept[_SIDE] == 0.0 and direction[t, s] != 0 and minute <= last_entry
                and signals[t, s, WARM] != 0.0 and signals[t, s, STALE] == 0.0
                and strength[t, s] >= min_strength
            ):  # fmt: skip
                kept[_SIDE], kept[_OPENED], kept[_ENTERED] = direction[t, s], minute, -1.0
                kept[_PROBABILITY] = signals[t, s, PROBABILITY]
                kept[_CONFIDENCE] = signals[t, s, CONFIDENCE]
                kept[_STRENGTH], kept[_RANK] = strength[t, s], rank[t, s]
                kept[_EDGE], kept[_GATE] = edge[t, s], gate[t, s]
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _step(
    bar: Floats, kept: Floats, minute: int, minutes: int, flatten: int, horizon: int,
    stop: float, target: float, stop_first: int,
) -> int:  # fmt: skip
    """Enter, or return how the shadow ends in this bar; −1 if it does not."""
    side, there = kept[_SIDE], bar[PRESENT] != 0.0
    if kept[_ENTERED] < 0.0:
        if not there:  # an entry without a bar in its minute lapses
            kept[_SIDE] = 0.0
            return -1
        kept[_ENTERED], kept[_ENTRY] = minute, bar[OPEN]
        kept[_DUE] = minute + horizon
        kept[_STOP] = bar[OPEN] * (1.0 - side * stop)
        kept[_TARGET] = bar[OPEN] * (1.0 + side * target)
    if there:
        if minute >= kept[_DUE]:
            return _HORIZON
        if minute >= flatten:
            return _BY_CLOSE
        stopped = bar[LOW] <= kept[_STOP] if side > 0 else bar[HIGH] >= kept[_STOP]
        reached = bar[HIGH] >= kept[_TARGET] if side > 0 else bar[LOW] <= kept[_TARGET]
        if stopped and (stop_first == 1 or not reached):
            return _BY_STOP
        if reached:
            return _BY_TARGET
    return _BY_CLOSE if minute == minutes - 1 else -1


@njit(cache=True, nogil=True, error_model="numpy")
def _exit_price(bar: Floats, kept: Floats, how: int, minute: int) -> Any:
    # a gap through a level fills at the open; what no bar closed is valued at the last close
    side, opens = kept[_SIDE], bar[OPEN]
    if how == _BY_STOP:
        return min(kept[_STOP], opens) if side > 0 else max(kept[_STOP], opens)
    if how == _BY_TARGET:
        return max(kept[_TARGET], opens) if side > 0 else min(kept[_TARGET], opens)
    if bar[PRESENT] == 0.0 or minute == kept[_ENTERED]:
        return bar[CLOSE]
    return opens
