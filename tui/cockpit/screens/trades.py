"""The screen `trades`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class TradesScreen(CockpitScreen):
    """trades."""

    number: ClassVar[str] = "2"
    title_word: ClassVar[str] = "trades"
