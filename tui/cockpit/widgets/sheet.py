"""A table whose rows seldom change: filtered, ordered, exported, with a cursor that follows a row.

KEY INPUT: rows, frozen views of one kind.
KEY OUTPUT: those that match, in the order asked for; the row under the cursor; a CSV file.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Generic

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable

from actors.cockpit.filtering import Field, Term, parse
from tui.cockpit import format as fmt
from tui.cockpit import theme
from tui.cockpit.widgets.column import Cell, Column, R, fitted, laid_out

MARK = "▸"


class Sheet(DataTable[Text], Generic[R]):
    """Rows in columns of fixed width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("home", "scroll_top", show=False),  # Textual's are for columns
        Binding("end", "scroll_bottom", show=False),
    ]

    class Moved(Message):
        """Another row is under the cursor."""

    class Opened(Message):
        """The row under the cursor is asked for in full."""

    def __init__(
        self,
        columns: tuple[Column[R], ...],
        key: Callable[[R], str],
        *,
        order: str = "",
        descending: bool = False,
        mark: Callable[[R], Cell] = lambda _: (" ", ""),
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(
            cell_padding=0, cursor_type="row", cursor_foreground_priority="renderable", id=id
        )
        self._all_columns = columns
        self._key = key
        self._mark = mark
        self._rows: tuple[R, ...] = ()
        self._shown: list[R] = []
        self._terms: tuple[Term, ...] = ()
        self._laid_out: list[tuple[Column[R], int]] = []
        self._drawn: object = None
        self._dress: tuple[object, ...] = ()
        self.words = ""
        """The filter, as it was typed."""
        self.ordered_by, self.descending = order, descending

    def on_mount(self) -> None:
        """Draw anew in another theme: cells hold colours, not tokens."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours; to draw every cell anew takes a tenth second."""
        if (dress := theme.dress(self)) != self._dress:
            self._dress = dress
            super().notify_style_update()

    def on_resize(self, event: events.Resize) -> None:
        """Show the columns that fit."""
        wanted = laid_out(self._all_columns, event.size.width)
        if wanted != self._laid_out:
            self._laid_out = wanted
            self._draw()

    def give(self, rows: Iterable[R]) -> None:
        """Show these rows instead; the cursor stays on its row, if that is still there."""
        given = tuple(rows)
        if given != self._rows:
            self._rows = given
            self._draw()

    @property
    def row(self) -> R | None:
        """Return the row under the cursor."""
        return self._shown[self.cursor_row] if 0 <= self.cursor_row < len(self._shown) else None

    @property
    def shown(self) -> list[R]:
        """Return the rows that match the filter, in their order."""
        return self._shown

    def filter_rows(self, words: str) -> str:
        """Show only what matches; return what is left in words. Raises BadInputError."""
        texts = [column.field for column in self._all_columns if column.words]
        numbers = [column.field for column in self._all_columns if not column.words]
        self._terms, self.words = parse(words, numbers, texts), words.strip()
        self._draw()
        return f"{self.words}: {len(self._shown)} of {len(self._rows)}"

    def order(self, *, turn: bool) -> None:
        """Order by the next column, or turn the direction."""
        fields = [column.field for column, _ in self._laid_out]
        if turn:
            self.descending = not self.descending
        elif fields:
            at = fields.index(self.ordered_by) if self.ordered_by in fields else -1
            self.ordered_by = fields[(at + 1) % len(fields)]
        self._draw()

    @property
    def order_words(self) -> str:
        """Return the order as in the crumb: `OUT ▼`."""
        headings = {column.field: column.heading for column in self._all_columns}
        return f"{headings.get(self.ordered_by, '')} {'▼' if self.descending else '▲'}"

    def csv(self) -> str:
        """Return what is shown as CSV, with every field, also those that no column shows now."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column.field for column in self._all_columns])
        for row in self._shown:
            writer.writerow([(c.exported or c.value)(row) for c in self._all_columns])
        return out.getvalue()

    def move_to(self, key: str) -> None:
        """Put the cursor on a row, if it is shown."""
        keys = [self._key(row) for row in self._shown]
        if key in keys:
            self.move_cursor(row=keys.index(key), animate=False)

    def action_select_cursor(self) -> None:
        """Open the row: ↵ is the table's own key."""
        self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """Open the row that is clicked twice."""
        if event.chain == 2 and event.y > 0:
            self.post_message(self.Opened())

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Order by the heading that was clicked; a second click turns the direction."""
        if event.column_index == 0:
            return
        field = self._laid_out[event.column_index - 1][0].field
        if field == self.ordered_by:
            self.descending = not self.descending
        self.ordered_by = field
        self._draw()
        self.post_message(self.Moved())

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Move the mark along."""
        event.stop()
        self._change_cells()
        self.post_message(self.Moved())

    def _draw(self) -> None:
        if not self._laid_out:
            return
        before = [self._key(row) for row in self._shown]
        at, top = self.cursor_row, self.scroll_y
        self._shown = self._chosen()
        keys = [self._key(row) for row in self._shown]
        if keys == before and self._drawn == (self._laid_out, self.app.theme):
            self._change_cells()
            return
        self._drawn = (self._laid_out, self.app.theme)
        kept = before[at] if at < len(before) else ""
        at = keys.index(kept) if kept in keys else max(0, min(at, len(keys) - 1))
        self.clear(columns=True)
        self._head()
        for index, row in enumerate(self._shown):
            self.add_row(*self._texts(row, under_cursor=index == at), key=keys[index])
        self.move_cursor(row=at, animate=False, scroll=False)
        self.scroll_to(y=top, animate=False)

    def _change_cells(self) -> None:
        for index, row in enumerate(self._shown):
            texts = self._texts(row, under_cursor=index == self.cursor_row)
            for place, text in enumerate(texts):
                at = Coordinate(index, place)
                if not _same(self.get_cell_at(at), text):
                    self.update_cell_at(at, text)

    def _head(self) -> None:
        self.add_column(Text("  "), width=2)
        last = len(self._laid_out) - 1
        for index, (column, width) in enumerate(self._laid_out):
            heading = fitted(column.heading, width, left=column.left)
            self.add_column(self._text((heading, "muted")), width=width + (index < last))

    def _chosen(self) -> list[R]:
        rows = [row for row in self._rows if all(t.holds(self._fields(row)) for t in self._terms)]
        columns = {column.field: column for column in self._all_columns}
        column = columns.get(self.ordered_by)
        if column is None:
            return rows
        value = column.value
        known = [row for row in rows if value(row) is not None]
        unknown = [row for row in rows if value(row) is None]  # last in either direction
        return sorted(known, key=lambda row: _rank(value(row)), reverse=self.descending) + unknown

    def _fields(self, row: R) -> Mapping[str, Field]:
        return {column.field: column.value(row) for column in self._all_columns}

    def _texts(self, row: R, *, under_cursor: bool) -> list[Text]:
        mark = (MARK, "") if under_cursor else self._mark(row)
        cells = [column.drawn(row, width) for column, width in self._laid_out]
        return [self._text(cell) for cell in (mark, *cells)]

    def _text(self, cell: Cell) -> Text:
        text, tone = cell
        colour = self.app.theme_variables.get(tone) if tone else None
        style = Style(color=Color.parse(colour).rich_color) if colour else Style.null()
        shown = fmt.drawable(text, only_ascii=getattr(self.app, "ascii", False))
        return Text(shown, style=style, no_wrap=True, end="")


def _same(one: Text, other: Text) -> bool:
    return one == other and one.style == other.style  # Text compares no base style


def _rank(value: Field) -> tuple[float, str]:
    return (0.0, value.casefold()) if isinstance(value, str) else (float(value or 0), "")
