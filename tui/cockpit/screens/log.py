"""The screen `log`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class LogScreen(CockpitScreen):
    """log."""

    number: ClassVar[str] = "9"
    title_word: ClassVar[str] = "log"
