"""A dialog: a framed text above a screen that goes on underneath.

KEY INPUT: lines.
KEY OUTPUT: one frame, centred; what its keys answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from actors.cockpit.views import CockpitView

if TYPE_CHECKING:
    from tui.cockpit.app import Cockpit

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Shows lines in a frame with a title above and a note below."""

    size_class = "-question"
    """How wide it is; the stylesheet's word."""

    @property
    def cockpit(self) -> Cockpit:
        """Return the app."""
        return cast("Cockpit", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the frame; only long texts scroll."""
        with VerticalScroll(id="frame", classes=self.size_class, can_focus=False):
            yield Static(id="lines")

    def redraw(self, view: CockpitView) -> None:
        """Take note of a new view."""

    def frame(self, title: str, note: str, lines: list[str]) -> None:
        """Show a title, a note and lines of plain text."""
        box = self.query_one("#frame")
        box.border_title = Content(f"{title} ").markup
        box.border_subtitle = Content(note).markup
        self.query_one("#lines", Static).update(Text("\n".join(lines), no_wrap=True))
