"""Lines that are told, not made from the view: what a screen has asked for, or computed its place.

KEY INPUT: lines: a text, or pieces of text with the words of their style.
KEY OUTPUT: those lines, words cut on the right with `…`.
"""

from collections.abc import Iterable

from tui.cockpit.widgets.lines import Line, Lines, cut, text_of

Told = str | tuple[str | tuple[str, str], ...]
"""A line: a text, or pieces that are texts or (text, style words)."""


class Panel(Lines):
    """Lines of words and numbers."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.told: tuple[Told, ...] = ()

    def tell(self, lines: Iterable[Told]) -> None:
        """Show these lines instead."""
        self.told = tuple(lines)
        self.show([_cut(_line(line), self.size.width) for line in self.told])

    def on_resize(self) -> None:
        """Cut the lines anew for another width."""
        super().on_resize()
        self.tell(self.told)


def _line(told: Told) -> Line:
    if isinstance(told, str):
        return ((told, ""),)
    return tuple(piece if isinstance(piece, tuple) else (piece, "") for piece in told)


def _cut(line: Line, width: int) -> Line:
    if width < 1 or len(text_of(line)) <= width:
        return line
    return (*cut(line, width - 1), ("…", ""))
