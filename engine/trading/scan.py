"""Which frame comes next in which a rule can act; the frames between need no page of Python.

KEY INPUT: a block's ranking, who is held since when, what was last told.
KEY OUTPUT: the next frame to decide; the refusals counted, and those that are news, on the way.

It may stop too often, never too seldom: a test decides every frame and finds one journal.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.config import Config
from engine.events import Gate
from engine.learning.signals import STALE
from engine.market.frames import Floats, Ints
from engine.trading.exits import flatten_minute
from engine.trading.ranking import Ranking
from engine.trading.refusals import Refusals
from engine.trading.state import HELD, State

_PASS, _COOLDOWN, _QUARANTINE = int(Gate.PASS), int(Gate.COOLDOWN), int(Gate.QUARANTINE)
_CODES = len(Gate)


def next_frame(
    state: State, ranking: Ranking, signals: Floats, start: int, stop: int, first: int,
    minutes: int, config: Config, refusals: Refusals,
) -> tuple[int, list[tuple[int, int, Gate]]]:  # fmt: skip
    """Return the first frame in [start, stop) in which something may act, or `stop`.

    Beside it, (frame, column, gate) of the refusals on the way whose gate differs from what was
    last told. `first` is the session minute of the block's first frame; refusals of the frames that
    are passed over are counted in `refusals`.
    """
    if state.working:
        return start, []
    rules = config.rotation
    side = np.zeros(len(state.symbols), np.int8)
    hold_from = np.zeros(len(state.symbols), np.int64)
    for symbol, position in state.ledger.positions.items():
        column = state.column[symbol]
        entered = state.minute(position.entry_ts_ns)
        side[column] = position.direction
        hold_from[column] = entered + rules.min_hold_minutes - first
        due = min(entered + rules.max_hold_minutes, flatten_minute(minutes, config)) - first
        stop = min(stop, max(start, due))
    symbols = len(state.symbols)
    barred, free_from = _bars(state, side, first)
    news = np.empty((stop - start) * symbols, np.int64)
    found, count = _scan(
        ranking.gate, ranking.direction, ranking.strength, ranking.rank, signals,
        side, hold_from, barred, free_from, state.told.copy(), start, stop,
        rules.min_strength_to_hold, rules.min_rank_to_hold, rules.max_cold_minutes,
        refusals.counts, news,
    )  # fmt: skip
    told = (divmod(at, _CODES) for at in news[:count].tolist())
    return found, [(*divmod(at, symbols), Gate(code)) for at, code in told]


def _bars(
    state: State, side: npt.NDArray[np.int8], first: int
) -> tuple[npt.NDArray[np.int8], Ints]:
    """Return what bars each symbol while the book stays as it is (see Book.barred), and until when.

    A quarantine, else the inverse twin; beside it the frame from which the cooldown is over.
    """
    barred = np.zeros(len(side), np.int8)
    for column, twins in enumerate(state.twins):
        if any(side[twin] for twin in twins):
            barred[column] = Gate.TWIN
    for column in state.quarantined:
        barred[column] = Gate.QUARANTINE
    return barred, np.array(state.cooldown_until, np.int64) - first


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(  # noqa: C901 - one compiled pass; calls would cost more than they tell
    gate: npt.NDArray[np.int8],
    direction: npt.NDArray[np.int8],
    strength: Floats,
    rank: npt.NDArray[np.int16],
    signals: Floats,
    side: npt.NDArray[np.int8],
    hold_from: Ints,
    barred: npt.NDArray[np.int8],
    free_from: Ints,
    told: npt.NDArray[np.int8],
    start: int,
    stop: int,
    min_strength: float,
    max_rank: int,
    max_cold: int,
    counts: Ints,
    news: Ints,
) -> tuple[int, int]:
    symbols = gate.shape[1]
    n = 0
    for t in range(start, stop):
        for s in range(symbols):
            if side[s] == 0:
                if gate[t, s] == _PASS and barred[s] == 0 and t >= free_from[s]:
                    return t, n
                continue
            d = direction[t, s]
            if d == -side[s] or told[s] != HELD or signals[t, s, STALE] > max_cold:
                return t, n
            if t >= hold_from[s] and (
                d != side[s] or strength[t, s] < min_strength or rank[t, s] > max_rank
            ):
                return t, n
        for s in range(symbols):
            g = gate[t, s]
            if side[s] != 0 or g < _PASS:
                continue
            if g == _PASS:
                cooling = t < free_from[s] and barred[s] != _QUARANTINE
                g = _COOLDOWN if cooling else barred[s]
            counts[g] += 1
            if g != told[s]:
                told[s] = g
                news[n] = (t * symbols + s) * _CODES + g
                n += 1
    return stop, n
