"""Resting legs: where they go, whether a bar touches them, how the trailing stop follows.

KEY INPUT: a bar, a position's direction, its stop and target in micro-dollars.
KEY OUTPUT: micro-dollars; booleans.

Levels are rounded to the tick towards the price, so that no loss is larger than was said. The
trailing stop is a ratchet: it moves after its bar was tested, and only towards the price. Compiled
inside the passes of watch.py and scan.py, plain Python for everyone else.
"""

import math

from numba.extending import register_jitable

MICRO = 1_000_000
_EPSILON = 1e-9


@register_jitable
def tick_micro(level: float, tick_usd: float) -> int:
    """Return the tick at a level, micro-dollars: `tick_usd`, below $1 at most a hundredth cent.

    SEC Rule 612: no sub-penny quotes from a dollar on.
    """
    tick = tick_usd if level >= 1.0 else min(tick_usd, 1e-4)
    return max(1, round(tick * MICRO))


@register_jitable
def rounded_up(level: float, tick_usd: float) -> int:
    """Return a level rounded up to its tick; at least one tick."""
    tick = tick_micro(level, tick_usd)
    return max(tick, math.ceil(level * MICRO / tick - _EPSILON) * tick)


@register_jitable
def rounded_down(level: float, tick_usd: float) -> int:
    """Return a level rounded down to its tick; at least one tick."""
    tick = tick_micro(level, tick_usd)
    return max(tick, math.floor(level * MICRO / tick + _EPSILON) * tick)


@register_jitable
def below(level: float, market: float, tick_usd: float) -> int:
    """Return a level on the tick, towards the market and at least one tick below it."""
    tick = tick_micro(level, tick_usd)
    highest = math.ceil(market * MICRO / tick - _EPSILON) * tick - tick
    return max(tick, min(rounded_up(level, tick_usd), highest))


@register_jitable
def above(level: float, market: float, tick_usd: float) -> int:
    """Return a level on the tick, towards the market and at least one tick above it."""
    tick = tick_micro(level, tick_usd)
    lowest = math.floor(market * MICRO / tick + _EPSILON) * tick + tick
    return max(rounded_down(level, tick_usd), lowest)


@register_jitable
def stop_touched(direction: int, high: float, low: float, stop_micro: int) -> bool:
    """Return whether a bar touches the stop."""
    return low <= stop_micro / MICRO if direction > 0 else high >= stop_micro / MICRO


@register_jitable
def target_touched(direction: int, high: float, low: float, target_micro: int) -> bool:
    """Return whether a bar touches the target."""
    return high >= target_micro / MICRO if direction > 0 else low <= target_micro / MICRO


@register_jitable
def trailed(
    direction: int, high: float, low: float, stop_micro: int, trail: float, tick_usd: float
) -> int:
    """Return the stop after a bar that did not touch it: where it was, or nearer to the price."""
    if trail <= 0.0:
        return stop_micro
    if direction > 0:
        return max(stop_micro, below(high * (1.0 - trail), high, tick_usd))
    return min(stop_micro, above(low * (1.0 + trail), low, tick_usd))
