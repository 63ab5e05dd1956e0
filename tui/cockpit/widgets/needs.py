"""What stands between columns, and what is said when there is no place for them.

KEY INPUT: the size of the terminal.
KEY OUTPUT: a line down; words in a sliver.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView
from tui.cockpit.widgets.lines import Line, Lines, plain
from tui.cockpit.widgets.places import SMALLEST


class Divider(Lines):
    """A line between two columns."""

    def make(self, view: CockpitView) -> Sequence[Line]:  # noqa: ARG002 - always the same
        """Return a line down."""
        return [plain("│", "rule")] * self.size.height


class Needs(Lines):
    """What the dashboard needs."""

    def make(self, view: CockpitView) -> Sequence[Line]:  # noqa: ARG002 - always the same
        """Return what it needs and what it has."""
        needed, size = "×".join(map(str, SMALLEST)), self.app.size
        return (plain(f" needs {needed}, has {size.width}×{size.height}", "warning"),)
