"""Everything behind one row: from what was forecast to what was filled.

KEY INPUT: the row that was selected; the session's words on it.
KEY OUTPUT: an overlay; up and down go to the next row of the table beneath.
"""

import textwrap
from typing import ClassVar

from textual.binding import Binding

from actors.cockpit.asked import ExplainView
from engine.errors import RotorError
from tui.cockpit.asking import asked
from tui.cockpit.screens.dialog import Dialog

WIDE = 58
"""Of the lines, beside a scroll bar."""


class Explain(Dialog[None]):
    """One row told in full."""

    size_class = "-text"
    BINDINGS: ClassVar = [
        Binding("escape,q,e", "close", "close"),
        Binding("down,j", "next(1)", "next row"),
        Binding("up,k", "next(-1)", "previous row"),
        Binding("pagedown,space", "scroll('down')", "on"),
        Binding("pageup", "scroll('up')", "back"),
    ]

    def __init__(self, kind: str, id_: str) -> None:
        super().__init__()
        self.asked_for = (kind, id_)

    def on_mount(self) -> None:
        """Ask for the first row."""
        self._ask()

    def _ask(self) -> None:
        self.run_worker(self._told(*self.asked_for), group="ask", exclusive=True)

    async def _told(self, kind: str, id_: str) -> None:
        note = "↑↓ next row  esc closes"
        try:
            told = await asked(self.cockpit.source, ExplainView, "explain", kind=kind, id=id_)
        except RotorError as error:
            self.frame(f"Explain · {id_}", note, textwrap.wrap(str(error), WIDE))
            return
        self.frame(f"Explain · {told.title}", note, list(_lines(told)))

    def action_close(self) -> None:
        """Close it."""
        self.dismiss(None)

    def action_scroll(self, way: str) -> None:
        """Show more of a long story."""
        frame = self.query_one("#frame")
        move = frame.scroll_page_down if way == "down" else frame.scroll_page_up
        move(animate=False)

    def action_next(self, rows: int) -> None:
        """Move the cursor of the table beneath and explain the row there."""
        beneath = self.cockpit.shown
        if beneath is None:
            return
        beneath.move(rows)
        row = beneath.selected
        if row is not None and (row.kind, row.id) != self.asked_for:
            self.asked_for = (row.kind, row.id)
            self._ask()


def _lines(told: ExplainView) -> list[str]:
    lines = []
    names = 1 + max((len(name) for name, _ in told.sections), default=0)
    for name, said in told.sections:
        folded = [line for words in said for line in textwrap.wrap(words, WIDE - names) or [""]]
        lines += [f"{name if i == 0 else '':<{names}}{line}" for i, line in enumerate(folded)]
    return lines
