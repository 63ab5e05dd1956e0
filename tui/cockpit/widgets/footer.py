"""The last line: the keys that do something here.

KEY INPUT: (key, word, action) of the active bindings, the most needed first.
KEY OUTPUT: as many of them as there is place for; a click on one is that key.
"""

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message

from tui.cockpit.widgets.lines import Lines, Piece

Pair = tuple[str, str, str]


class Footer(Lines):
    """Keys and what they do."""

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.pairs: tuple[Pair, ...] = ()

    def draw(self, pairs: Sequence[Pair]) -> None:  # type: ignore[override]  # shows no view
        """Show these keys."""
        self.pairs = tuple(pairs)
        self.redraw()

    def redraw(self) -> None:
        """Show as many keys as there is place for."""
        self.show([tuple(piece for pair in self._fitting() for piece in _pieces(pair))])

    def on_click(self, event: Click) -> None:
        """Tell which key was clicked."""
        x = event.x
        for key, word, action in self._fitting():
            x -= _width((key, word, action))
            if x < 0:
                self.post_message(self.Pressed(action))
                return

    def _fitting(self) -> list[Pair]:
        room, fitting = self.size.width, []
        for pair in self.pairs:
            room -= _width(pair)
            if room < -1:
                break
            fitting.append(pair)
        return fitting


def _width(pair: Pair) -> int:
    return len(pair[0]) + len(pair[1]) + (3 if pair[0] else 2)


def _pieces(pair: Pair) -> tuple[Piece, ...]:
    key, word, _ = pair
    return ((f" {key}", "bold info") if key else ("", "")), (f" {word} ", "")
