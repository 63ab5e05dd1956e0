"""The cockpit's app: pulls views, switches screens, gives commands.

KEY INPUT: a Source.
KEY OUTPUT: what is on the terminal; requests to the session.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.app import App
from textual.screen import Screen

from actors.cockpit.views import CockpitView
from tui.cockpit.screens.base import CockpitScreen
from tui.cockpit.source import Source

PULL_SECONDS = 0.2


class Cockpit(App[None]):
    """One session on one terminal."""

    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {}

    def __init__(self, source: Source, *, pull_seconds: float = PULL_SECONDS) -> None:
        super().__init__()
        self.source = source
        self.view: CockpitView | None = None
        self._pull_seconds = pull_seconds

    def on_mount(self) -> None:
        """Begin to pull."""
        self.set_interval(self._pull_seconds, self.pull)

    def pull(self) -> None:
        """Draw the newest view, if it is another one; else only what moves with the clock."""
        view, before = self.source.latest(), self.view
        if view is None or not isinstance(self.screen, CockpitScreen):
            return
        self.view = view
        if before is None or view.sequence != before.sequence:
            self.screen.draw(view)
        else:
            self.screen.tick(view)

    def give(self, request: Mapping[str, Any]) -> None:
        """Give a request to the session; its answer, or what is wrong, is told in the lane."""
        raise NotImplementedError
