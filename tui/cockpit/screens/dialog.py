"""A dialog: a framed text above a screen that goes on underneath.

KEY INPUT: lines.
KEY OUTPUT: one frame, centred; what its keys answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from actors.cockpit.views import CockpitView
from tui.cockpit import format as fmt

if TYPE_CHECKING:
    from tui.cockpit.app import Cockpit

LEAST_WIDTH, LEAST_HEIGHT = 80, 24
"""Of a window in which a question can be read to its end."""
T = TypeVar("T")


class Above(ModalScreen[T]):
    """Takes the keys, and leaves what is beneath to be seen."""

    HORIZONTAL_BREAKPOINTS = []  # noqa: RUF012 - as in Screen; it looks the same at every size
    VERTICAL_BREAKPOINTS = []  # noqa: RUF012

    def render_lines(self, crop: Region) -> list[Strip]:
        """Show the screen underneath as it stands, untinted: Textual's own way draws it twice."""
        stack = self.app.screen_stack
        strips = stack[stack.index(self) - 1]._compositor.render_strips()[crop.y : crop.bottom]
        x1, x2 = crop.column_span
        whole = (x1, x2) == (0, self.size.width)
        return strips if whole else [strip.crop(x1, x2) for strip in strips]

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leave, once and if nothing is above.

        Of two keys that come together the second finds it gone: Textual would take away whatever
        is shown then, be it the last screen.
        """
        if not self.is_current:
            return AwaitComplete.nothing()  # type: ignore[no-any-return, no-untyped-call]
        return super().dismiss(result)

    @property
    def cockpit(self) -> Cockpit:
        """Return the app."""
        return cast("Cockpit", self.app)

    def drawable(self, text: str) -> str:
        """Return a text with no sign that this terminal cannot draw."""
        return fmt.drawable(text, only_ascii=self.cockpit.ascii)


class Dialog(Above[T]):
    """Shows lines in a frame with a title above and a note below."""

    size_class = "-question"
    """How wide it is; the stylesheet's word."""
    _high = 0

    def compose(self) -> ComposeResult:
        """Lay out the frame; only long texts scroll."""
        with VerticalScroll(id="frame", classes=self.size_class, can_focus=False):
            yield Static(id="lines")

    def redraw(self, view: CockpitView) -> None:
        """Take note of a new view."""

    def readable(self) -> bool:
        """Tell whether the window shows what would be sent; if not, say so."""
        if self.size.width >= LEAST_WIDTH and self.size.height >= LEAST_HEIGHT:
            return True
        least = f"{LEAST_WIDTH}×{LEAST_HEIGHT}"
        self.cockpit.say(f"not sent: too small a window to read it in; {least}", "error")
        return False

    def frame(self, title: str, note: str, lines: list[str]) -> None:
        """Show a title, a note and lines of plain text."""
        box = self.query_one("#frame")
        box.border_title = Content(self.drawable(f"{title} ")).markup
        box.border_subtitle = Content(self.drawable(note)).markup
        text = Text("\n".join(map(self.drawable, lines)), no_wrap=True)
        # the frame is laid out anew only if it grows: that draws the whole screen
        self.query_one("#lines", Static).update(text, layout=len(lines) != self._high)
        self._high = len(lines)
