"""A screen of the cockpit on a fixed view and fixed answers, driven by keys."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import asdict

from tests.patience import patience
from tests.tui.cockpit.answers import ANSWERS, analytics
from tests.tui.cockpit.sample import FixedSource, paper
from tests.tui.cockpit.shown import SIZES, text_of
from tui.cockpit.app import Cockpit
from tui.cockpit.screens.sheets import AskingScreen
from tui.cockpit.settings import Settings

__all__ = ["SIZES", "on_stage", "opened", "play", "settled", "staged", "text_of"]


class Answering(FixedSource):
    """A fixed source that answers analytics by the grouping asked for."""

    async def ask(self, request):
        answer = await super().ask(request)
        if answer is ANSWERS["analytics"]:
            return {"show": asdict(analytics(request["by"]))}
        return answer


def staged(view=None, answers=None, settings=None):
    """Return the app on a fixed source."""
    return Cockpit(Answering(view or paper(), ANSWERS | (answers or {})), settings or Settings())


@asynccontextmanager
async def on_stage(name, *, view=None, answers=None, size=(80, 24), settings=None):
    """Run the app with a screen open and its questions answered; yield it and its pilot."""
    app = staged(view, answers, settings)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await opened(pilot, name)
        yield app, pilot


async def opened(pilot, name):
    """Open a screen and see its answers, drawn again as the next ones would be.

    The first ones may come before Textual has given every panel its place.
    """
    pilot.app.action_open(name)
    await settled(pilot)
    if isinstance(pilot.app.shown, AskingScreen):
        pilot.app.shown.draw_answer()
        await settled(pilot)


async def settled(pilot):
    """Wait until questions are answered and drawn."""
    for _ in range(2):
        await pilot.pause()
        while len(pilot.app.workers):
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()


def play(scenario):
    """Run a scenario to its end."""
    return asyncio.run(asyncio.wait_for(scenario, patience(60)))
