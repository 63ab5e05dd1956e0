"""The screen `health`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class HealthScreen(CockpitScreen):
    """health."""

    number: ClassVar[str] = "8"
    title_word: ClassVar[str] = "health"
