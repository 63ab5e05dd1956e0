"""The screen `inbox`: a placeholder until the real one is there."""

from typing import ClassVar

from tui.cockpit.screens.base import CockpitScreen


class InboxScreen(CockpitScreen):
    """inbox."""

    number: ClassVar[str] = "3"
    title_word: ClassVar[str] = "inbox"
