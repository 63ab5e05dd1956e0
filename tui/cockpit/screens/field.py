"""What is typed into above a screen: one line, that loses no letter however fast it comes.

KEY INPUT: keys.
KEY OUTPUT: what they make of the line, for a prompt or a palette to act on.
"""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.widgets import Input

from tui.cockpit.screens.dialog import Above

T = TypeVar("T")


class Field(Above[T]):
    """A screen with one line to type in."""

    def line(self, words: str = "", *, hint: str = "") -> Input:
        """Return the line, for `compose`."""
        line = Input(words, placeholder=hint, id="line", compact=True, select_on_focus=False)
        line.cursor_blink = False
        return line

    def takes(self, event: events.Key) -> bool:
        """Take a letter that was typed before the line was there; False if it is no letter."""
        if not event.is_printable and event.key != "enter":
            return False
        self.post_message(events.Key(event.key, event.character))
        return True

    async def on_key(self, event: events.Key) -> None:
        """Write what came past the line: it had not the focus yet."""
        line = self.query_one(Input)
        if event.key == "enter":
            event.stop()
            await line.action_submit()
        elif event.character is not None and event.is_printable:
            event.stop()
            line.insert_text_at_cursor(event.character)
