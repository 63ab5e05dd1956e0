"""The line that is typed in: `:` for commands, `/` for filters, in the place of the lane.

KEY INPUT: keys.
KEY OUTPUT: the line, or None; meanwhile what would complete it, or what the filter leaves.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from tui.cockpit import command
from tui.cockpit.screens.field import Field
from tui.cockpit.widgets.panel import Panel

MOST_FOUND = 6
BEFORE_FOUND = 42
"""Cells of the sign and the field."""


class Prompt(Field[str | None]):
    """One line."""

    sign: ClassVar[str] = ":"
    BINDINGS: ClassVar = [
        Binding("escape", "close", "cancel"),
        Binding("tab", "complete", "complete"),
        Binding("up", "history(-1)", "before"),
        Binding("down", "history(1)", "after"),
    ]

    def __init__(self, history: list[str], words: str = "") -> None:
        super().__init__()
        self._history = history
        self._at = len(history)
        self._words = words

    def compose(self) -> ComposeResult:
        """Lay out the two last lines, and the field upon the first."""
        yield Panel(id="prompt")  # no more widgets than needed: each takes its time to be made
        yield self.line(self._words)

    def on_mount(self) -> None:
        """Begin to type."""
        self.query_one(Input).focus()
        self.tell(self._words)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what the line would do."""
        self.tell(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line."""
        line = event.value.strip()
        if line and line not in self._history[-1:]:
            self._history.append(line)
        self.dismiss(line)

    def tell(self, line: str) -> None:
        """Show what would complete it, and what it wants."""
        found = command.complete(self.cockpit, line) if line.strip() else []
        shown = "  ".join(item.rpartition(" ")[2] for item in found[:MOST_FOUND])
        self.show(shown, f"tab complete  ↵ run  ↑ history  esc cancel   {command.usage(line)}")

    def show(self, found: str, keys: str) -> None:
        """Show words beside the line and below it."""
        sign = (f" {self.sign}".ljust(BEFORE_FOUND), "info")
        self.query_one(Panel).tell([(sign, (found, "muted")), ((f" {keys}", "muted"),)])

    def action_close(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)

    def action_complete(self) -> None:
        """Complete the line as far as it is certain."""
        line = self.query_one(Input)
        found = command.complete(self.cockpit, line.value)
        if not found:
            return
        line.value = found[0]
        if " " not in found[0] and command.VERBS[found[0]].wants:
            line.value += " "
        line.cursor_position = len(line.value)

    def action_history(self, step: int) -> None:
        """Show a line that was typed before."""
        self._at = max(0, min(len(self._history), self._at + step))
        line = self.query_one(Input)
        line.value = self._history[self._at] if self._at < len(self._history) else ""
        line.cursor_position = len(line.value)


class Filter(Prompt):
    """The filter: rows go as one types."""

    sign = "/"

    def tell(self, line: str) -> None:
        """Filter the rows beneath."""
        left = self.cockpit.filtered(line)
        self.show(left, "↵ keep it  ↑ history  esc clear")

    def action_complete(self) -> None:
        """A filter has no completion."""
