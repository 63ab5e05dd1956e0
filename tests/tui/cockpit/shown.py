"""The cockpit on a terminal of any size, without a terminal: its text, and tests of it."""

import asyncio
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from actors.cockpit.views import CockpitView
from tests.tui.cockpit.sample import FixedSource
from tui.cockpit.app import Cockpit
from tui.cockpit.settings import Settings

SIZES = ((80, 24), (120, 40), (160, 50))


class Still(Settings):
    """Settings of a cockpit that pulls only when a test lets it."""

    @property
    def pull_seconds(self) -> float:
        """Return an hour."""
        return 3600.0


def text_of(app: Cockpit) -> list[str]:
    """Return what the terminal shows, line by line."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def drive(
    scenario: Callable[[Cockpit, Pilot[None]], Awaitable[object]],
    view: CockpitView,
    size: tuple[int, int] = (80, 24),
    settings: Settings | None = None,
) -> None:
    """Run a scenario in a cockpit that has drawn this view."""

    async def run() -> None:
        app = Cockpit(FixedSource(view), settings or Still())
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await scenario(app, pilot)

    asyncio.run(run())


def seen(
    view: CockpitView, size: tuple[int, int] = (80, 24), settings: Settings | None = None
) -> list[str]:
    """Return what a cockpit shows of this view."""
    lines: list[str] = []

    async def look(app: Cockpit, pilot: Pilot[None]) -> None:
        lines.extend(text_of(app))

    drive(look, view, size, settings)
    return lines
