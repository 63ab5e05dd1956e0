"""The screen `config`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class ConfigScreen(CockpitScreen):
    """config."""

    number: ClassVar[str] = "7"
    title_word: ClassVar[str] = "config"
