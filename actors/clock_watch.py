"""What happens to this machine's clock while a session waits or trades: it is set, or it slept.

KEY INPUT: a WallClock; the broker's clock, asked when there is doubt.
KEY OUTPUT: sentences; a session time that follows the broker's side of the doubt.

A clock that was set by more than a second is not followed at once: minutes would close too early,
or stand still. The broker's clock says which of both is right.
"""

import time
from collections.abc import Awaitable, Callable

import trio

from actors.session_clock import LOOK_SECONDS, SECOND_NS, STEP_NS, WallClock, steady_ns
from actors.venue import Unreachable

Ask = Callable[[], Awaitable[int]]
"""The broker's time, UTC ns; raises Unreachable."""
ASK_AGAIN_SECONDS = 5.0
TOO_FAR_SECONDS = 1.0
_NTP = "set this machine's clock by NTP (timedatectl set-ntp true, or chronyd)"


async def watch_clock(
    clock: WallClock,
    ask: Ask,
    tell: Callable[[str], object],
    awake: Callable[[], object] = lambda: None,
) -> None:
    """Look at the clock for ever; `awake` is called once the machine has slept."""
    asleep, judged = _Sleep(), 0
    while True:
        slept = asleep.look()
        if slept > STEP_NS:
            tell(f"this machine slept for {_span(slept)}: its streams are connected again, and "
                 "the bars of the minutes that it missed are asked for")  # fmt: skip
            awake()
        clock.now_ns()
        if clock.held_ns != judged:
            judged = await _judge(clock, ask, tell)
        await trio.sleep(LOOK_SECONDS)


async def check_clock(clock: WallClock, ask: Ask, tell: Callable[[str], object]) -> None:
    """Tell, before a session, of a clock that is far from the broker's."""
    try:
        before, theirs, after = clock.now_ns(), await ask(), clock.now_ns()
    except Unreachable:
        return  # what follows needs more than this, and says so
    off = min(theirs - before, theirs - after, key=abs) if not before <= theirs <= after else 0
    if abs(off) > TOO_FAR_SECONDS * SECOND_NS:
        way = "behind" if off > 0 else "before"
        tell(f"this machine's clock is {_span(abs(off))} {way} the broker's: {_NTP}")


async def _judge(clock: WallClock, ask: Ask, tell: Callable[[str], object]) -> int:
    """Hear the broker on a clock that was set, and follow its side; return what was judged."""
    held = clock.held_ns
    if abs(held) <= STEP_NS:
        clock.follow()
        tell("this machine's clock was set back to what it was")
        return 0
    way = "forward" if held > 0 else "back"
    tell(f"this machine's clock was set {way} by {_span(abs(held))}: session time goes on as it "
         "was until the broker's clock has been asked")  # fmt: skip
    while True:
        try:
            theirs = await ask()
            break
        except Unreachable:
            await trio.sleep(ASK_AGAIN_SECONDS)
    ours = clock.now_ns()
    if clock.held_ns != held:
        return held  # it was set once more meanwhile, which is judged next
    if abs(ours + held - theirs) < abs(ours - theirs):
        clock.follow()
        tell("the broker's clock agrees with it: session time follows")
        return 0
    tell(f"the broker's clock does not agree: session time goes on as it was; {_NTP}")
    return held


class _Sleep:
    """How long the machine slept between two looks."""

    def __init__(self) -> None:
        self._lead = steady_ns() - time.monotonic_ns()

    def look(self) -> int:
        """Return for how many ns it slept since the last look."""
        lead = steady_ns() - time.monotonic_ns()
        slept, self._lead = lead - self._lead, lead
        return slept


def _span(ns: int) -> str:
    seconds = ns / SECOND_NS
    return f"{seconds:,.1f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
