"""Screen 1: everything that matters in one look.

KEY INPUT: the newest view.
KEY OUTPUT: its panels; the row that a key acts on.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from actors.cockpit.views import CockpitView
from tui.cockpit.screens.base import CockpitScreen, Row
from tui.cockpit.widgets.board import Board
from tui.cockpit.widgets.curve import Curve
from tui.cockpit.widgets.decisions import Decisions
from tui.cockpit.widgets.flatten import Flatten
from tui.cockpit.widgets.health import Health
from tui.cockpit.widgets.ladder import Ladder
from tui.cockpit.widgets.needs import Divider, Needs
from tui.cockpit.widgets.orders import Orders
from tui.cockpit.widgets.positions import Positions
from tui.cockpit.widgets.risk import Risk, RiskStrip
from tui.cockpit.widgets.signals import Signals
from tui.cockpit.widgets.stats import Stats
from tui.cockpit.widgets.track import Track
from tui.cockpit.widgets.transport import Transport


class DashboardScreen(CockpitScreen):
    """Positions, signals, decisions, orders; equity, session, risk, health."""

    number: ClassVar[str] = "1"
    title_word: ClassVar[str] = "Dashboard"
    AUTO_FOCUS = ""

    def body(self) -> ComposeResult:
        """Lay out the panels; the order is that of the focus."""
        yield Board(
            Track(id="track"),
            Positions(id="positions"),
            Flatten(id="flatten"),
            Signals(id="signals"),
            Decisions(id="decisions"),
            Orders(id="orders"),
            Divider(id="divider"),
            Curve(id="equity"),
            Stats(id="stats"),
            Risk(id="risk"),
            Health(id="health"),
            RiskStrip(id="strip"),
            Transport(id="transport"),
            Needs(id="needs"),
        )

    def draw_body(self, view: CockpitView) -> None:
        """Show a view; the first one decides where the keys go."""
        for ladder in self.query(Ladder):
            ladder.age()
        self.query_one(Board).draw(view)
        if self.focused is None:
            self.set_focus(self.query_one(Positions if view.positions else Signals))

    def tick_body(self, view: CockpitView) -> None:
        """Show what moves with the clock."""
        for ladder in self.query(Ladder):
            ladder.tick()
        for panel in self.query("Track, Flatten"):
            if panel.display and isinstance(panel, Track | Flatten):
                panel.draw(view)

    @property
    def selected(self) -> Row | None:
        """Return the focused panel's row; that of the positions if it has none."""
        focused = self.focused
        ladder = focused if isinstance(focused, Ladder) else self.query_one(Positions)
        return ladder.cursor

    def filter_rows(self, words: str) -> str:
        """Show only the rows of the focused panel that match."""
        focused = self.focused
        ladder = focused if isinstance(focused, Ladder) else self.query_one(Signals)
        return ladder.filter_by(words)

    def zoom(self) -> None:
        """Give the focused panel the place of all, or take it back."""
        board, focused = self.query_one(Board), self.focused
        board.zoom("" if board.zoomed or focused is None else focused.id or "")

    def close_one(self) -> bool:
        """Close the innermost thing that is open; False if there is none."""
        board = self.query_one(Board)
        if board.zoomed:
            board.zoom("")
            return True
        return super().close_one()

    @on(Ladder.Opened)
    def open_clicked(self) -> None:
        """Open the row that was clicked twice."""
        self.open_row()

    @on(Track.Sought)
    def seek_clicked(self, message: Track.Sought) -> None:
        """Go to a minute of a replay."""
        view = self.query_one(Track).view
        if view is not None and view.transport is not None:
            self.cockpit.move("seek", message.minute)
