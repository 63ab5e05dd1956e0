"""What a column of a sheet is: a field of the rows, and how a cell of it reads.

KEY INPUT: a row, a frozen view.
KEY OUTPUT: its value for filter, order and export; its cell, exactly as wide as the column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from actors.cockpit.filtering import Field
from tui.cockpit import format as fmt

R = TypeVar("R")
Cell = tuple[str, str]
"""Text, and the token of its colour; empty for the foreground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """One column."""

    field: str
    """Its word in a filter, and its heading in an export."""
    heading: str
    width: int
    """0: all that is left of the sheet's."""
    value: Callable[[R], Field]
    cell: Callable[[R], str | Cell]
    left: bool = False
    """Words are on the left and cut with `…`; numbers on the right, and never cut."""
    least: int = 0
    """The sheet's width from which it is shown."""
    words: bool = False
    """Whether its values are words, for a filter."""
    exported: Callable[[R], Field] | None = None
    """Its value in an export, if that is another: a time is UTC there."""

    def drawn(self, row: R, width: int) -> Cell:
        """Return the cell, `width` wide."""
        cell = self.cell(row)
        text, tone = (cell, "") if isinstance(cell, str) else cell
        return fitted(text, width, left=self.left), tone


def fitted(text: str, width: int, *, left: bool) -> str:
    """Return the text `width` wide: words are cut, a number that does not fit is all `#`."""
    return fmt.words(text, width) if left else fmt.number(text, width)


def laid_out(columns: tuple[Column[R], ...], width: int) -> list[tuple[Column[R], int]]:
    """Return the columns that a sheet of this width has, and how wide they are there."""
    shown = [column for column in columns if column.least <= width]
    taken = sum(column.width + 1 for column in shown if column.width) + 2  # the mark and its gap
    return [(column, column.width or max(0, width - taken)) for column in shown]
