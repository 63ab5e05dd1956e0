"""The line above the footer: a placeholder until the real one is there."""

from textual.widgets import Static

from actors.cockpit.views import CockpitView
from tui.cockpit.said import Said


class Lane(Static):
    """What needs you."""

    DEFAULT_CSS = "Lane { dock: bottom; height: 1; margin-bottom: 1; }"

    def draw(self, view: CockpitView, said: Said | None) -> None:
        """Show the answer to the last key, or the session's message."""
        text = said.text if said else view.message.text if view.message else ""
        self.update(f" {text}", layout=False)
