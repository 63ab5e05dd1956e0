"""What all screens of the cockpit share: header, body, lane, footer, and how they are drawn.

KEY INPUT: the newest view.
KEY OUTPUT: `draw` of the screen; the row that a key acts on; what keys do with rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import DataTable

from actors.cockpit.views import CockpitView
from tui.cockpit import footer_keys, keys
from tui.cockpit.widgets.footer import Footer
from tui.cockpit.widgets.header import Header
from tui.cockpit.widgets.lane import Lane

if TYPE_CHECKING:
    from tui.cockpit.app import Cockpit


class Row(NamedTuple):
    """The row under the cursor."""

    kind: Literal["position", "signal", "decision", "order", "trade", "card", "breaker", "alert"]
    id: str
    """What `explain` asks by: a symbol, a decision's or trade's number, an order's or card's id."""
    symbol: str
    """Empty if it has none."""


class CockpitScreen(Screen[None]):
    """Rows 1 and 2 the header, then the body, the lane and the footer."""

    BLANK = True  # what its parts leave free is background alone, which Textual then draws once
    number: ClassVar[str] = ""
    """The key that opens it."""
    title_word: ClassVar[str] = ""
    """As in the crumb."""
    filtered: str = ""
    """The words that its rows are filtered by now."""
    _shown: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Bind the keys that the table gives this screen beside the app's."""
        if "number" in cls.__dict__:
            own = cls.__dict__.get("BINDINGS", [])
            cls.BINDINGS = [*keys.on_screen(keys.SCREENS[cls.number]), *own]
        super().__init_subclass__(**kwargs)

    @property
    def cockpit(self) -> Cockpit:
        """Return the app."""
        return cast("Cockpit", self.app)

    @property
    def word(self) -> str:
        """Return its name, as in `open trades`."""
        return keys.SCREENS.get(self.number, "")

    def compose(self) -> ComposeResult:
        """Lay out the parts that every screen has."""
        yield Header(id="header")
        yield from self.body()
        yield Lane(id="lane")
        yield Footer(id="footer")

    def body(self) -> ComposeResult:
        """Lay out what is this screen's own."""
        yield from ()

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was on top."""
        self.draw_footer()
        self.cockpit.pull()

    def on_resize(self) -> None:
        """Name as many keys as there is room for."""
        self.draw_footer()

    def draw(self, view: CockpitView) -> None:
        """Show a view; called at most five times a second while the screen is on top."""
        if view.sequence == self._shown:
            self.tick(view)
            return
        self._shown = view.sequence
        self.query_one(Header).draw(view)
        self.draw_lane()
        self.draw_footer()
        self.draw_body(view)

    def tick(self, view: CockpitView) -> None:
        """Show what moves without news: clocks, ages, countdowns."""
        self.query_one(Header).draw(view)
        self.tick_body(view)

    def draw_body(self, view: CockpitView) -> None:
        """Show a view in what is this screen's own."""

    def tick_body(self, view: CockpitView) -> None:
        """Show the clock in what is this screen's own."""

    def draw_lane(self) -> None:
        """Show the answer to the last key, or what the session says."""
        if self.cockpit.view is not None:
            self.query_one(Lane).draw(self.cockpit.view, self.cockpit.said)

    def draw_footer(self) -> None:
        """Show which keys there are."""
        if not self.is_mounted:
            return
        app = self.cockpit
        named = footer_keys.pairs(self.word, app.view, app.settings.keys, self.size.width)
        self.query_one(Footer).draw(named)

    @property
    def selected(self) -> Row | None:
        """Return the row under the cursor; None if there is none."""
        return None

    def move(self, rows: int) -> None:
        """Move the cursor of the focused table."""
        table = self.focused
        if isinstance(table, DataTable):
            table.move_cursor(row=table.cursor_row + rows)
        elif table is not None and hasattr(table, "action_move"):  # a Ladder, which knows Row
            table.action_move(rows)

    def filter_rows(self, words: str) -> str:  # noqa: ARG002 - not every screen has rows
        """Show only the rows that match; return what is left in words (`fas: 1 of 12`)."""
        return "nothing to filter here"

    def open_row(self) -> None:
        """Show the row under the cursor in full."""
        row = self.selected
        if row is not None and row.symbol:
            self.cockpit.open_symbol(row.symbol)

    def order(self, turn: bool) -> None:  # noqa: FBT001 - as the action gives it
        """Order the rows by the next column, or turn the direction."""

    def export(self) -> str:
        """Write what is shown as CSV; return where, in words."""
        return "nothing to export here"

    def zoom(self) -> None:
        """Give the focused panel the whole body, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused, container=False)

    def close_one(self) -> bool:
        """Close the innermost thing that is open; False if there is none."""
        if self.maximized is not None:
            self.minimize()
            return True
        if self.filtered:
            self.filtered = ""
            self.filter_rows("")
            return True
        return False
