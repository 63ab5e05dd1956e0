"""Rows under a heading with a cursor that follows what the row is about, not its place.

KEY INPUT: a Table made from the newest view.
KEY OUTPUT: lines; the row under the cursor.

A DataTable draws itself anew for every changed cell, which at 5 Hz is the whole budget; this draws
the lines that changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from actors.cockpit.views import CockpitView
from tui.cockpit.screens.base import Row
from tui.cockpit.widgets.lines import Line, Lines, plain, rule, text_of

K = TypeVar("K")
FLASH_PULLS = 2
"""A changed cell is bold for so many pulls, 0.4 s …"""
FLASH_EVERY_PULLS = 5
"""… and not again within so many."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a ladder shows; rows without a Row cannot be selected."""

    left: str
    """The title."""
    right: str
    """One fact, at the title's right end."""
    heading: Line | None
    rows: Sequence[tuple[Row | None, Line]]


class Ladder(Lines, can_focus=True):
    """A titled table that is drawn line by line."""

    newest_first: ClassVar[bool] = False
    """Whether a cursor on the first row stays on the first row when rows arrive."""

    counted: bool = True
    """Whether the title says how many rows are out of sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", id="row.up", show=False),
        Binding("down,j", "move(1)", "down", id="row.down", show=False),
        Binding("pageup", "page(-1)", "page up", id="row.page_up", show=False),
        Binding("pagedown", "page(1)", "page down", id="row.page_down", show=False),
        Binding("home", "move(-1000000)", "first row", id="row.first", show=False),
        Binding("end", "move(1000000)", "last row", id="row.last", show=False),
    ]

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.cursor: Row | None = None
        self.filter_words = ""
        self._keys: tuple[Row, ...] = ()
        self._top = 0
        self._first_row = 2
        self._shown: tuple[Row | None, ...] = ()
        self._texts: dict[tuple[Row, int], str] = {}
        self._flashes: dict[tuple[Row, int], int] = {}

    def table(self, view: CockpitView) -> Table:
        """Return the rows of a view."""
        raise NotImplementedError

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return title, heading and the rows that there is place for."""
        table = self.table(view)
        rows = [row for row in table.rows if self._matches(row[1])]
        self._follow(tuple(key for key, _ in rows if key is not None))
        self._first_row = 1 if table.heading is None else 2
        place = max(self.size.height - self._first_row, 0)
        self._keep_in_sight(rows, place)
        shown = rows[self._top : self._top + place]
        self._shown = tuple(key for key, _ in shown)
        right = self._counted(table.right, place, len(rows), len(table.rows))
        lines = [rule(table.left, right, self.size.width, bold=self.has_focus)]
        lines += [table.heading] if table.heading is not None else []
        return lines + [self._row(key, line) for key, line in shown]

    def age(self) -> bool:
        """Count a pull, by which what is new becomes usual; tell whether that can be seen."""
        ageing = bool(self._flashes)
        self._flashes = fewer(self._flashes)
        return ageing

    def tick(self) -> None:
        """Count a pull that brought nothing."""
        if self.age():
            self.redraw()

    def filter_by(self, words: str) -> str:
        """Show only rows that have all the words; return what is left, in words."""
        self.filter_words = words.casefold()
        self.redraw()
        if not words or self.view is None:
            return "filter cleared"
        rows = self.table(self.view).rows
        return f"{words}: {sum(self._matches(line) for _, line in rows)} of {len(rows)}"

    def ground(self, y: int) -> str:
        """Return what lies under the cursor's row."""
        if self.cursor is None or self._key_at(y) != self.cursor:
            return ""
        return "cursor" if self.has_focus else "faint-cursor"

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        if self._keys:
            place = self._keys.index(self.cursor) if self.cursor in self._keys else 0
            self._select(self._keys[min(max(place + rows, 0), len(self._keys) - 1)])

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is in sight."""
        self.action_move(pages * max(self.size.height - self._first_row, 1))

    def on_click(self, event: Click) -> None:
        """Select a row; open it at the second click."""
        key = self._key_at(event.y)
        if key is not None:
            self._select(key)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move on."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move back."""
        event.stop()
        self.action_move(-1)

    def moved(self) -> None:
        """Note that the cursor was moved by hand."""

    def _select(self, key: Row) -> None:
        self.cursor = key
        self.moved()
        self.repaint()

    def _key_at(self, y: int) -> Row | None:
        place = y - self._first_row
        return self._shown[place] if 0 <= place < len(self._shown) else None

    def _matches(self, line: Line) -> bool:
        text = text_of(line).casefold()
        return all(word in text for word in self.filter_words.split())

    def _follow(self, keys: tuple[Row, ...]) -> None:
        before, self._keys = self._keys, keys
        if not keys:
            self.cursor = None
        elif self.newest_first and before[:1] == (self.cursor,):
            self.cursor = keys[0]
        elif self.cursor not in keys:
            place = before.index(self.cursor) if self.cursor in before else 0
            self.cursor = keys[min(place, len(keys) - 1)]

    def _keep_in_sight(self, rows: Sequence[tuple[Row | None, Line]], place: int) -> None:
        keys = [key for key, _ in rows]
        at = keys.index(self.cursor) if self.cursor in keys else 0
        self._top = min(max(self._top, at - place + 1), at, max(len(rows) - place, 0))

    def _counted(self, right: str, place: int, rows: int, total: int) -> str:
        if self.filter_words:
            return f"filter {self.filter_words}: {rows} of {total}"
        if rows <= place or not self.counted:
            return right
        return f"{place} of {rows} {'↓' if rows > self._top + place else '↑'}"

    def _row(self, key: Row | None, line: Line) -> Line:
        if key is None:
            return line
        if key == self.cursor and self.has_focus and line[0][0][:1] == " ":
            line = (("▸" + line[0][0][1:], line[0][1]), *line[1:])
        return self._flashed(key, line)

    def _flashed(self, key: Row, line: Line) -> Line:
        cells = list(line)
        for place, (text, style) in enumerate(line):
            if not style.startswith("live"):
                continue
            cell = (key, place)
            if self._texts.get(cell, text) != text and cell not in self._flashes:
                self._flashes[cell] = FLASH_EVERY_PULLS + 1
            self._texts[cell] = text
            if self._flashes.get(cell, 0) > FLASH_EVERY_PULLS - FLASH_PULLS:
                cells[place] = (text, style + " bold")
        return tuple(cells)


def fewer(pulls: dict[K, int]) -> dict[K, int]:
    """Return what is left of each after a pull."""
    return {key: left - 1 for key, left in pulls.items() if left > 1}


def free(text: str) -> tuple[None, Line]:
    """Return a row that cannot be selected."""
    return None, plain(text, "muted")
