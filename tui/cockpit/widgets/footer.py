"""The last line: a placeholder until the real one is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message
from textual.widgets import Static


class Footer(Static):
    """Which keys there are."""

    DEFAULT_CSS = "Footer { dock: bottom; height: 1; }"

    @dataclass
    class Pressed(Message):
        """A key of the footer was clicked."""

        action: str

    def draw(self, pairs: Sequence[tuple[str, str, str]]) -> None:
        """Show keys and what they do."""
        words = (f"{key} {word}".strip() for key, word, _ in pairs)
        self.update(" " + "  ".join(words), layout=False)
