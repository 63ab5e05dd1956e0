"""A screen of the cockpit on a fixed view and fixed answers, driven by keys."""

import asyncio
from contextlib import asynccontextmanager

from tests.tui.cockpit.answers import ANSWERS
from tests.tui.cockpit.sample import FixedSource, paper
from tui.cockpit.app import Cockpit
from tui.cockpit.settings import Settings

SIZES = ((80, 24), (120, 40), (160, 50))


def staged(view=None, answers=None, settings=None):
    """Return the app on a fixed source."""
    return Cockpit(FixedSource(view or paper(), ANSWERS | (answers or {})), settings or Settings())


@asynccontextmanager
async def on_stage(name, *, view=None, answers=None, size=(80, 24), settings=None):
    """Run the app with a screen open and its questions answered; yield it and its pilot."""
    app = staged(view, answers, settings)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.action_open(name)
        await settled(pilot)
        yield app, pilot


async def settled(pilot):
    """Wait until questions are answered and drawn."""
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def play(scenario):
    """Run a scenario to its end."""
    return asyncio.run(asyncio.wait_for(scenario, 60))


def text_of(app):
    """Return what is on the terminal, a line a row."""
    return [
        "".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()
    ]
