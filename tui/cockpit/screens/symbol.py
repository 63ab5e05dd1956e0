"""The screen `symbol`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class SymbolScreen(CockpitScreen):
    """symbol."""

    number: ClassVar[str] = "4"
    title_word: ClassVar[str] = "symbol"
