"""The screen `dashboard`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class DashboardScreen(CockpitScreen):
    """dashboard."""

    number: ClassVar[str] = "1"
    title_word: ClassVar[str] = "dashboard"
