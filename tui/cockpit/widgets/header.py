"""Rows 1 to 3: a placeholder until the real one is there."""

from textual.widgets import Static

from actors.cockpit.views import CockpitView


class Header(Static):
    """Mode, clock, money."""

    DEFAULT_CSS = "Header { dock: top; height: 2; }"

    def draw(self, view: CockpitView) -> None:
        """Show a view."""
        header = view.header
        self.update(f" {header.mode.upper()}  {header.trading_mode}\n", layout=False)
