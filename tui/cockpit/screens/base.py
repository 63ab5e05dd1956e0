"""What all screens of the cockpit share: header, body, lane, footer, and how they are drawn.

KEY INPUT: the newest view.
KEY OUTPUT: `draw` of the screen; the row that a key acts on.
"""

from typing import ClassVar, Literal, NamedTuple

from textual.screen import Screen

from actors.cockpit.views import CockpitView


class Row(NamedTuple):
    """The row under the cursor."""

    kind: Literal["position", "signal", "decision", "order", "trade", "card", "breaker", "alert"]
    id: str
    """What `explain` asks by: a symbol, a decision's or trade's number, an order's or card's id."""
    symbol: str
    """Empty if it has none."""


class CockpitScreen(Screen[None]):
    """Rows 1 and 2 the header, then the body, the lane and the footer."""

    number: ClassVar[str] = ""
    """The key that opens it."""
    title_word: ClassVar[str] = ""
    """As in the crumb."""

    def draw(self, view: CockpitView) -> None:
        """Show a view; called at most five times a second while the screen is on top."""

    def tick(self, view: CockpitView) -> None:
        """Show what moves without news: clocks, ages, countdowns."""

    @property
    def selected(self) -> Row | None:
        """Return the row under the cursor; None if there is none."""
        return None

    def filter_rows(self, words: str) -> str:  # noqa: ARG002 (a screen without rows)
        """Show only the rows that match; return what is left in words (`fas: 1 of 12`)."""
        return "nothing to filter here"
