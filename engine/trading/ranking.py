"""From signals to a ranking: direction, strength, rank, edge after costs, first refusing gate.

KEY INPUT: a block's bars and the gathered signals, as arrays.
KEY OUTPUT: Ranking, arrays of shape (T, S); everything here depends on signals, time and
configuration alone. What depends on the book (cooldown, twin, slots, size) is decided in cycle.py.

One compiled pass, so that a frame alone (live) and a session at once (replay) cost little and
give the same bytes.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.config import Config
from engine.learning.calibration import BUCKETS
from engine.learning.signals import (
    CONFIDENCE,
    EXPECTED,
    PROBABILITY,
    STALE,
    WARM,
)
from engine.market.frames import CLOSE, Block, Floats, Ints
from engine.trading.costs import round_trip_terms
from engine.trading.quality import Quality

MAX_SIGNAL_AGE = 2
"""Minutes: an older signal opens nothing."""
FRESHNESS_MINUTES = 15.0
"""A carried forecast loses its strength over these minutes, linearly."""

# engine.events.Gate as plain integers, for the kernel; a test holds them equal
_NONE, _PASS, _COLD, _STALE, _WINDOW, _STRENGTH, _RANK, _EDGE, _EARNED_SLOPE = range(9)
_BUCKETS = BUCKETS


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The ranked signals of a block."""

    direction: npt.NDArray[np.int8]
    """(T, S): 1 LONG, 0 NEUTRAL, −1 SHORT, by the thresholds on probability."""
    strength: Floats
    """(T, S) in [0, …): 0 when NEUTRAL."""
    rank: npt.NDArray[np.int16]
    """(T, S): 1 is the strongest direction that may be traded; ties by symbol; a permutation of
    1…S in every frame."""
    edge_bps: Floats
    """(T, S): expected return of the signal's side after the earned slope, less a round trip."""
    gate: npt.NDArray[np.int8]
    """(T, S): engine.events.Gate up to EARNED_SLOPE, or QUALITY or UNPROVEN; PASS if none of
    these refuses."""


_NO_CODES: npt.NDArray[np.int8] = np.empty((0, 0), np.int8)
NO_RANKING = Ranking(
    _NO_CODES, np.empty((0, 0)), np.empty((0, 0), np.int16), np.empty((0, 0)), _NO_CODES
)
"""Of a block whose bars are not known yet."""


@dataclass(frozen=True, slots=True, eq=False)
class RankingRules:
    """What ranking needs of the configuration, as plain numbers, for one session."""

    numbers: Floats
    boost: Floats
    """(S,) leverage boost."""
    last_entry_minute: int
    allow_short: bool
    refused: npt.NDArray[np.int8]
    """(S, 2, buckets): the gate that refuses signals of a cell, 0 if none."""


def ranking_rules(
    config: Config, symbols: tuple[str, ...], day: dt.date, minutes: int, quality: Quality
) -> RankingRules:
    """Gather the rules of one session of `minutes` minutes."""
    rotation, costs = config.rotation, config.costs
    participation = config.simulation.participation_pct / 100
    trip_bps, trip_usd = round_trip_terms(day, costs, participation)
    numbers = np.array(
        [
            config.signal.buy_threshold,
            config.signal.sell_threshold,
            rotation.min_strength_to_enter,
            rotation.max_positions,
            rotation.min_edge_bps,
            costs.min_half_spread_bps,
            costs.tick_usd,
            trip_bps,
            trip_usd,
        ]
    )
    boost = np.array([leverage_boost(config, symbol) for symbol in symbols])
    last_entry = last_entry_minute(config, minutes)
    return RankingRules(numbers, boost, last_entry, rotation.allow_short, quality.refused())


def last_entry_minute(config: Config, minutes: int) -> int:
    """Return the last minute of a session of `minutes` minutes in which an entry is decided."""
    quiet = max(
        config.session.no_entries_before_close_minutes, config.session.flatten_before_close_minutes
    )
    # decided in minute m, filled at the open of m + 1, which must lie before the quiet minutes
    return minutes - quiet - 2


def leverage_boost(config: Config, symbol: str) -> float:
    """Return the factor on a symbol's strength: 1.5 at 3x, 1.3 at 2x and for volatility, else 1."""
    if config.universe.underlying.get(symbol) == "VIX":
        return 1.3
    leverage = abs(config.universe.leverage.get(symbol, 1.0))
    return 1.5 if leverage >= 3 else 1.3 if leverage >= 2 else 1.0


def rank(block: Block, signals: Floats, slope: Floats, rules: RankingRules) -> Ranking:
    """Rank a block's signals (T, S, 6); `slope` (S,) is the earned slope in force."""
    frames, symbols = signals.shape[:2]
    direction = np.empty((frames, symbols), np.int8)
    strength = np.empty((frames, symbols))
    ranks = np.empty((frames, symbols), np.int16)
    edge = np.empty((frames, symbols))
    gate = np.empty((frames, symbols), np.int8)
    _rank(
        block.bars, signals, slope, rules.boost, rules.numbers, rules.refused,
        rules.last_entry_minute - block.first, rules.allow_short,
        direction, strength, ranks, edge, gate,
    )  # fmt: skip
    return Ranking(direction, strength, ranks, edge, gate)


@njit(cache=True, nogil=True, error_model="numpy")
def _rank(
    bars: Floats, signals: Floats, slope: Floats, boost: Floats, numbers: Floats,
    refused: npt.NDArray[np.int8], last_entry: int, allow_short: bool,
    direction: npt.NDArray[np.int8], strength: Floats, ranks: npt.NDArray[np.int16],
    edge: Floats, gate: npt.NDArray[np.int8],
) -> None:  # fmt: skip
    buy, sell, min_strength = numbers[0], numbers[1], numbers[2]
    max_positions, min_edge = numbers[3], numbers[4]
    half_bps, tick, trip_bps, trip_usd = numbers[5], numbers[6], numbers[7], numbers[8]
    frames, symbols = strength.shape
    order = np.empty(symbols, np.int64)
    merit = np.empty(symbols)
    for t in range(frames):
        for s in range(symbols):
            p = signals[t, s, PROBABILITY]
            side = 1 if p > buy else -1 if p < sell else 0
            fresh = max(0.0, 1.0 - signals[t, s, STALE] / FRESHNESS_MINUTES)
            value = abs(2.0 * p - 1.0) * signals[t, s, CONFIDENCE] * boost[s] * fresh
            direction[t, s] = side
            strength[t, s] = value if side != 0 else 0.0
            merit[s] = value if side == 1 or (side == -1 and allow_short) else 0.0
        _order(merit, order)
        for place in range(symbols):
            ranks[t, order[place]] = place + 1
        for s in range(symbols):
            expected = signals[t, s, EXPECTED]
            side = direction[t, s]
            toward = side if side != 0 else (1 if expected >= 0 else -1)
            price = bars[t, s, CLOSE]
            trip = 2.0 * max(half_bps, 5e3 * tick / price) + trip_bps + 1e4 * trip_usd / price
            gross = toward * expected * 1e4
            edge[t, s] = gross * slope[s] - trip
            gate[t, s] = _first_gate(
                side, allow_short, signals[t, s, WARM], signals[t, s, STALE],
                t > last_entry, strength[t, s], min_strength, ranks[t, s], max_positions,
                gross - trip, edge[t, s], min_edge,
            )  # fmt: skip
            if gate[t, s] == _PASS:
                bucket = min(_BUCKETS - 1, int(signals[t, s, CONFIDENCE] * _BUCKETS))
                no = refused[s, 0 if side > 0 else 1, bucket]
                if no != 0:
                    gate[t, s] = no
            if price != price:
                edge[t, s] = 0.0
                gate[t, s] = _NONE


@njit(cache=True, nogil=True, error_model="numpy")
def _first_gate(
    side: int, allow_short: bool, warm: float, stale: float, late: bool, strength: float,
    min_strength: float, place: int, max_positions: float, ungated: float, edge: float,
    min_edge: float,
) -> int:  # fmt: skip
    if side == 0 or (side < 0 and not allow_short):
        return _NONE
    if warm == 0.0:
        return _COLD
    if stale > MAX_SIGNAL_AGE:
        return _STALE
    if late:
        return _WINDOW
    if strength < min_strength:
        return _STRENGTH
    if place > max_positions:
        return _RANK
    if edge >= min_edge:
        return _PASS
    return _EDGE if ungated < min_edge else _EARNED_SLOPE


@njit(cache=True, nogil=True, error_model="numpy")
def _order(merit: Floats, order: Ints) -> None:
    # stable, descending; insertion is faster than argsort for the sizes of a universe
    symbols = len(merit)
    if symbols > 48:
        order[:] = np.argsort(-merit, kind="mergesort")
        return
    for s in range(symbols):
        at = s
        while at > 0 and merit[order[at - 1]] < merit[s]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = s
