"""The screen `risk`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class RiskScreen(CockpitScreen):
    """risk."""

    number: ClassVar[str] = "6"
    title_word: ClassVar[str] = "risk"
