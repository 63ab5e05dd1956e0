"""Prices over minutes in braille: entries ▲ and exits ▼ below, stop and target as dotted lines.

KEY INPUT: closes by minute, marks, levels, a place of so many cells.
KEY OUTPUT: its lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tui.cockpit.screens.cells import price
from tui.cockpit.widgets.column import Cell
from tui.cockpit.widgets.lines import Piece
from tui.cockpit.widgets.panel import Told

LABEL = 9
"""Cells of the axis on the left."""
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Of a braille character, by column and row."""


class Mark(NamedTuple):
    """An entry or exit."""

    minute: int
    entry: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn."""

    first: int
    """Minute of the first close."""
    closes: Sequence[float | None]
    marks: Sequence[Mark] = ()
    levels: Sequence[float] = ()
    """Stop and target, drawn where they lie between the lowest and the highest close."""

    def lines(self, width: int, height: int, clocks: Sequence[tuple[int, str]]) -> list[Told]:
        """Return the chart with `clocks` (minute, words) below it."""
        known = [close for close in self.closes if close is not None]
        cells, rows = width - LABEL - 1, height - 2
        if not known or cells < 2 or rows < 1:
            return [(("  no prices yet", "muted"),)] if height else []
        low, high = min(known), max(known)
        drawn = braille(self.closes, cells, rows, low, high)
        out: list[Told] = [
            (self._label(row, rows, low, high), *self._row(text, row, rows, low, high))
            for row, text in enumerate(drawn)
        ]
        marks = [
            (self._cell(mark.minute, cells), f"{'▲' if mark.entry else '▼'} {mark.words}")
            for mark in self.marks
            if self.first <= mark.minute < self.first + len(self.closes)
        ]
        axis = [(self._cell(minute, cells), words) for minute, words in clocks]
        indent = " " * LABEL
        below = ((placed(marks, cells), "info"), (placed(axis, cells), "muted"))
        return [*out, *((indent, piece) for piece in below)]

    def _row(self, text: str, row: int, rows: int, low: float, high: float) -> tuple[Piece, ...]:
        if any(_row_of(level, rows, low, high) == row for level in self.levels):
            return tuple(
                ("┄" * len(part), "muted") if part.isspace() else (part, "info")
                for part in re.split(r"( +)", text)
                if part
            )
        return ((text, "info"),)

    def _label(self, row: int, rows: int, low: float, high: float) -> Cell:
        shown = {0: high, rows - 1: low, rows // 2: high - (high - low) * (rows // 2) / (rows - 1)}
        value = shown.get(row) if rows > 1 else high
        return f"{price(value) if value is not None else '':>7} ┤", "muted"

    def _cell(self, minute: int, cells: int) -> int:
        return round((minute - self.first) * (cells - 1) / max(1, len(self.closes) - 1))


def braille(
    values: Sequence[float | None], cells: int, rows: int, low: float, high: float
) -> list[str]:
    """Return a curve through the values that are known, two by four dots a cell."""
    wide, tall = 2 * cells - 1, 4 * rows - 1
    dots = [[0] * cells for _ in range(rows)]
    last: tuple[int, int] | None = None
    for index, value in enumerate(values):
        if value is None:
            last = None
            continue
        x = round(index * wide / max(1, len(values) - 1))
        y = round((high - value) * tall / (high - low)) if high > low else tall // 2
        for column, line in _between(last or (x, y), (x, y)):
            dots[line // 4][column // 2] |= _DOTS[column % 2][line % 4]
        last = (x, y)
    return ["".join(chr(0x2800 + dot) if dot else " " for dot in row) for row in dots]


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            start[0] + round((end[0] - start[0]) * step / steps),
            start[1] + round((end[1] - start[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]


def _row_of(level: float, rows: int, low: float, high: float) -> int:
    if not low <= level <= high or high <= low:
        return -1
    return round((high - level) * (4 * rows - 1) / (high - low)) // 4


def placed(words: Sequence[tuple[int, str]], cells: int) -> str:
    """Return words at their cells, on the left of it where they would not fit; none overlaps."""
    line = [" "] * cells
    for cell, text in words:
        start = min(cell, cells - len(text))
        if start >= 0 and all(c == " " for c in line[max(0, start - 1) : start + len(text) + 1]):
            line[start : start + len(text)] = text
    return "".join(line).rstrip()
