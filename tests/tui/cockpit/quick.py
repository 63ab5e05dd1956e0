"""What makes many cockpits in one process cheap: no needless waits, style sheets or screens.

Textual's pilot takes an app to be idle when its process used little CPU for 20 ms, twice a key.
Here it is idle as soon as its event loop has nothing to do and no timer that is due within a frame:
the same, known at once, however busy the machine is.
"""

import asyncio
import gc
from contextlib import contextmanager
from functools import cache

from textual import app, pilot
from textual.css.stylesheet import Stylesheet

from tui.cockpit.core import Core

FRAME_SECONDS = 0.02
"""Longer than the pause before Textual draws what has changed."""
SELDOM = 20_000
"""Objects after which Python looks for garbage: as many as one screen makes, not 700."""


async def idle(min_sleep=0.0, max_sleep=1.0):
    """Wait until nothing is to be done and nothing is due within a frame, as `wait_for_idle`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + max_sleep
    while loop.time() < end:
        await asyncio.sleep(0)
        due = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=end)
        if loop._ready:
            continue
        if due - loop.time() > FRAME_SECONDS:
            return
        await asyncio.sleep(max(due - loop.time(), 0.0))


_parse = Stylesheet._parse_rules


@cache
def _rules(variables, source):
    return _parse(Stylesheet(variables=dict(variables)), *source)


def parsed_once(sheet, css, read_from, is_default_rules=False, tie_breaker=0, scope=""):
    """Return the rules of a style sheet that no app before has parsed; nobody changes rules."""
    source = (css, read_from, is_default_rules, tie_breaker, scope)
    return _rules(tuple(sorted(sheet._variables.items())), source)


@contextmanager
def hurry(patch):
    """Make it so for as long as the body runs."""
    for module in (app, pilot):
        patch.setattr(module, "wait_for_idle", idle)
    patch.setattr(Stylesheet, "_parse_rules", parsed_once)
    patch.setattr(Core, "PRELOAD", False)
    before = gc.get_threshold()
    gc.set_threshold(SELDOM)
    yield
    gc.set_threshold(*before)
