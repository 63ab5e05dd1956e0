"""The screen `analytics`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class AnalyticsScreen(CockpitScreen):
    """analytics."""

    number: ClassVar[str] = "5"
    title_word: ClassVar[str] = "analytics"
