"""The place of the dashboard's panels: puts each where `places` says.

KEY INPUT: the size of the terminal, the shape of the view.
KEY OUTPUT: panels in their places; those that gave way are not shown.
"""

from textual.geometry import Region
from textual.widget import Widget

from actors.cockpit.views import CockpitView
from tui.cockpit.widgets.lines import Lines
from tui.cockpit.widgets.places import Shape, places


class Board(Widget):
    """Panels by place."""

    def __init__(self, *panels: Lines) -> None:
        super().__init__(*panels, id="board")
        self.shape = Shape(symbols=0, max_positions=0)
        self.zoomed = ""
        """The panel that has the whole place; empty if each has its own."""

    def draw(self, view: CockpitView) -> None:
        """Show a view in every panel that has a place."""
        shape = shape_of(view)
        if shape != self.shape:
            self.shape = shape
            self._show_placed()
        for panel in self.query_children(Lines):
            if panel.display:
                panel.draw(view)
            else:
                panel.view = view

    def zoom(self, panel: str) -> None:
        """Give one panel the whole place; an empty name gives each its own again."""
        self.zoomed = panel
        self._show_placed()
        for shown in self.query_children(Lines):
            self.call_after_refresh(shown.redraw)

    def on_resize(self) -> None:
        """Let panels go for which there is no place, and take back others."""
        self._show_placed()

    def _show_placed(self) -> None:
        found = places(self.size.width, self.size.height, self.shape)
        if self.zoomed:
            found = {self.zoomed: Region(0, 0, *self.size)}
        for panel in self.query_children(Lines):
            place = found.get(panel.id or "")
            panel.display = place is not None
            if place is not None:
                panel.styles.offset = place.offset
                panel.styles.width, panel.styles.height = place.size


def shape_of(view: CockpitView) -> Shape:
    """Return what there is to place."""
    return Shape(
        symbols=len(view.signals),
        max_positions=view.max_positions,
        flattening=view.flatten is not None,
        transport=view.transport is not None,
    )
