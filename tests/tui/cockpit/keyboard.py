"""Keys pressed on a cockpit without a terminal, and what was to be seen afterwards."""

import asyncio
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.tui.cockpit.sample import STATES, FixedSource
from tui.cockpit.app import Cockpit
from tui.cockpit.settings import Settings

CONFIRM = {
    "show": {
        "title": "Liquidate TQQQ?",
        "sends": ["SELL 402 TQQQ"],
        "about": ["last 82.17, about 33,032"],
        "then": ["entries in TQQQ are barred for 10 minutes", "cancel its 2 resting orders"],
        "facts": ["P&L if filled at last  +196.98 +0.60%"],
        "gone": "",
    }
}
EXPLAIN = {
    "show": {
        "title": "TQQQ",
        "sections": [
            ["signal", ["p 0.531, confidence 0.62"]],
            ["order", ["3f9a1c02, market " + "and so on " * 200]],
        ],
    }
}


def source(state="paper", attached=False, **answers):
    """A source of one of the sample's states that answers the dialogs' questions."""
    return FixedSource(
        STATES[state](), {"confirm": CONFIRM, "explain": EXPLAIN, **answers}, attached=attached
    )


class Seen(NamedTuple):
    """What was there after the last key."""

    text: str
    said: str
    kind: str
    screens: list[str]
    """Their classes' names, the lowest first."""
    word: str
    """The screen below the dialogs."""
    code: int | None
    theme: str
    sent: list[dict]
    """What these keys asked of the session, but for questions."""


@asynccontextmanager
async def at(source, own=None, size=(80, 24)):
    """Yield a function that presses keys, with the app and its pilot."""
    app = Cockpit(source, own or Settings())
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()

        async def press(*keys):
            before = len(source.requests)
            for key in keys:
                await pilot.press(key)
                await settled(app, pilot)
            return seen(app, since=before)

        press.app, press.pilot = app, pilot
        yield press


async def settled(app, pilot):
    """Wait until what a key began has ended."""
    await pilot.pause()
    if app.is_running and app._exit is False:
        if begun := [worker for worker in app.workers if worker.group in ("give", "ask")]:
            await app.workers.wait_for_complete(begun)  # of none it would wait for all
        await pilot.pause()


def screen_text(app):
    """What stands on the screen, line by line."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)


def seen(app, *, session=False, since=0):
    """Look at it; a real session's source does not note what is asked."""
    word = app.shown.word if app.shown is not None else ""
    said = app.said or ("", "")
    asked = [] if session else app.source.requests[since:]
    sent = [request for request in asked if request["verb"] != "show"]
    names = [type(screen).__name__ for screen in app.screen_stack[1:]]  # beneath is a blank one
    text = screen_text(app) if app._exit is False else ""
    return Seen(text, said[0], said[1], names, word, app.return_code, app.theme, sent)


def press(source, *keys, own=None, size=(80, 24)):
    """Press keys on a new cockpit; what was to be seen afterwards."""
    return in_turn(source, keys, own=own, size=size)[0]


def in_turn(source, *groups, own=None, size=(80, 24)):
    """Press groups of keys in turn on one new cockpit; what was to be seen after each."""

    async def scenario():
        async with at(source, own, size) as press_these:
            return [await press_these(*keys) for keys in groups]

    return asyncio.run(scenario())


def each(source, cases, *, back=("escape",), own=None, size=(80, 24)):
    """Press the keys of each case on one cockpit; what was to be seen after each.

    Between the cases `back` is pressed, and the cockpit must look as it did at its start.
    """

    async def scenario():
        found = []
        async with at(source, own, size) as press_these:
            start = seen(press_these.app).text
            for keys in cases:
                found.append(await press_these(*keys))
                assert (await press_these(*back)).text == start, (keys, found[-1])
        return found

    return asyncio.run(scenario())


def typed(line):
    """The keys of a line."""
    names = {" ": "space", ":": "colon", "/": "slash", "+": "plus", "-": "minus", ".": "full_stop"}
    return [names.get(letter, letter) for letter in line]
