"""Soon after the start every screen is mounted: a key that opens one need not wait for that."""

import asyncio
import gc

import pytest

from tests.tui.cockpit.keyboard import at, source
from tests.tui.cockpit.shown import SIZES, Still, text_of
from tests.tui.cockpit.stage import on_stage, opened, play
from tui.cockpit import collector, core
from tui.cockpit.keys import SCREENS


class Pace:
    """How many screens may be mounted, instead of one every 0.1 s; and what else of asyncio."""

    get_running_loop = staticmethod(asyncio.get_running_loop)

    def __init__(self):
        self.screens = len(SCREENS)

    async def sleep(self, seconds):
        assert seconds == core.READY_SECONDS == 0.1
        while not self.screens:  # noqa: ASYNC110 - as the cockpit itself waits
            await asyncio.sleep(seconds)
        self.screens -= 1


@pytest.fixture(autouse=True)
def pace(monkeypatch):
    """The cockpit as it is delivered, but for the time that it takes."""
    monkeypatch.setattr(core.Core, "PRELOAD", True)
    monkeypatch.setattr(core, "asyncio", Pace())
    return core.asyncio


async def ready(app):
    for worker in [one for one in app.workers if one.group == "ready"]:
        await worker.wait()


def looked_at(size, *, first):
    """Look at every screen, once all are ready or as each is first opened; what is seen of each."""
    names = list(SCREENS.values())

    async def scenario():
        async with on_stage("dashboard", size=size, settings=Still()) as (app, pilot):
            if first:
                await ready(app)
                assert [name for name in names if app.get_screen(name).is_mounted] == names
                assert app.shown.word == "dashboard"
            seen = {}
            for name in names:
                await opened(pilot, name)
                seen[name] = text_of(app)
            return seen

    return play(scenario())


@pytest.mark.parametrize("size", SIZES[:2], ids="{0[0]}x{0[1]}".format)
def test_a_screen_that_was_mounted_before_looks_like_one_that_is_mounted_when_opened(
    size, monkeypatch
):
    before = looked_at(size, first=True)
    monkeypatch.setattr(core.Core, "PRELOAD", False)

    assert before == looked_at(size, first=False)


def test_a_question_stays_open_and_is_answered_meanwhile(pace):
    pace.screens = 1

    async def scenario():
        async with at(source()) as press:
            await press("l")
            assert [one.group for one in press.app.workers] == ["ready"]
            pace.screens = len(SCREENS)
            await ready(press.app)
            return await press(), await press("y")

    asked, sent = asyncio.run(scenario())

    assert asked.screens == ["DashboardScreen", "Confirm"]
    assert [request["verb"] for request in sent.sent] == ["liquidate"]
    assert sent.screens == ["DashboardScreen"]


def test_what_is_loaded_is_out_of_the_collectors_sight_until_the_end():
    usual = gc.get_threshold()

    async def scenario():
        async with at(source()) as press:
            await ready(press.app)
            return gc.get_threshold(), gc.get_freeze_count()

    thresholds, frozen = asyncio.run(scenario())

    assert thresholds == collector.SELDOM
    assert frozen > 100_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == (usual, 0)


@pytest.mark.parametrize("screens", range(3))
def test_it_is_left_in_the_middle_of_that(pace, screens):
    """The screens that are still to come are not mounted on an app that is gone."""
    pace.screens = screens

    async def scenario():
        async with at(source("empty")) as press:
            return await press("q")

    assert asyncio.run(scenario()).code == 0
    assert pace.screens == 0
