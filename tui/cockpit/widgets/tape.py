"""Many lines, one under a cursor: it follows the newest until the cursor goes up.

KEY INPUT: lines with growing ids, oldest first; keys and the wheel.
KEY OUTPUT: those that have room; which one is under the cursor; how many are new below.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.cockpit.widgets.panel import Panel, Told

MARK = "▸"
WHEEL = 3


class Tape(Panel, can_focus=True):
    """A window on lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "top", show=False),
        Binding("end", "follow", show=False),
    ]

    class Moved(Message):
        """Another line is under the cursor, or it follows, or no more."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._all: Sequence[tuple[int, Told]] = ()
        self._top = 0
        self.cursor = 0
        """The place of the line under the cursor."""
        self.follows = True
        self._seen = -1

    @property
    def new_below(self) -> int:
        """Return how many lines came since it stopped following."""
        return 0 if self.follows else sum(id_ > self._seen for id_, _ in self._all)

    def give(self, lines: Sequence[tuple[int, Told]]) -> None:
        """Show these lines; the cursor stays on its line, or goes to the newest if it follows."""
        under = self._all[self.cursor][0] if self.cursor < len(self._all) else -1
        self._all = lines
        last = max(0, len(lines) - 1)
        if self.follows:
            self.cursor = last
        else:
            self.cursor = next((at for at, line in enumerate(lines) if line[0] >= under), last)
        self._window()

    def move_to(self, place: int) -> None:
        """Put the cursor on a line; only on the newest does it follow."""
        last = max(0, len(self._all) - 1)
        self.cursor = min(max(place, 0), last)
        if self.follows and self.cursor < last:
            self._seen = self._all[last][0]
        self.follows = self.cursor == last
        self._window()
        self.post_message(self.Moved())

    def action_move(self, step: int) -> None:
        """Go up or down."""
        self.move_to(self.cursor + step)

    def action_page(self, step: int) -> None:
        """Go up or down by what is seen."""
        self.move_to(self.cursor + step * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """Go to the oldest."""
        self.move_to(0)

    def action_follow(self) -> None:
        """Go to the newest, and follow."""
        self.move_to(len(self._all) - 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go up."""
        event.stop()
        self.move_to(self.cursor - WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go down."""
        event.stop()
        self.move_to(self.cursor + WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Go to the line that was clicked."""
        self.move_to(self._top + event.y)

    def on_resize(self) -> None:
        """Show as many as have room."""
        super().on_resize()
        self._window()

    def ground(self, y: int) -> str:
        """Return what lies under the cursor's line."""
        if self._top + y != self.cursor or not self._all:
            return ""
        return "cursor" if self.has_focus else "faint-cursor"

    def on_focus(self) -> None:
        """Draw the cursor as one that moves."""
        self._window()

    def on_blur(self) -> None:
        """Draw the cursor as one that does not."""
        self._window()

    def _window(self) -> None:
        height = self.size.height
        if not height:
            return
        self._top = min(max(self._top, self.cursor - height + 1), self.cursor)
        self._top = max(0, min(self._top, len(self._all) - height))
        self.lines, self._strips = (), {}  # the cursor's ground moves with it: draw all
        shown = [line for _, line in self._all[self._top : self._top + height]]
        at = self.cursor - self._top
        shown[at : at + 1] = [_marked(line) for line in shown[at : at + 1]]
        self.tell(shown)
        self.refresh()


def _marked(line: Told) -> Told:
    """Return the line with the cursor's mark in the first cell, which lines leave blank."""
    if isinstance(line, str):
        return MARK + line[1:]
    first = line[0]
    rest = (first[0][1:], first[1]) if isinstance(first, tuple) else first[1:]
    return (MARK, rest, *line[1:])
