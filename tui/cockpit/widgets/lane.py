"""The line above the footer: the one place for what needs you.

KEY INPUT: the answer to the last key, alerts, the newest message.
KEY OUTPUT: one line; an answer goes before an alert, an alert before a message.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from actors.cockpit.views import AlertView, CockpitView, MessageView
from tui.cockpit import format as fmt
from tui.cockpit.keys import SCREENS
from tui.cockpit.widgets.lines import Line, Lines, cut, plain, spread

if TYPE_CHECKING:
    from tui.cockpit.said import Said

STYLES = {"done": "", "note": "", "error": "danger"}
NUMBERS = {name: number for number, name in SCREENS.items()}


class Lane(Lines):
    """Answers, alerts, messages."""

    def draw(self, view: CockpitView, said: "Said | None" = None) -> None:
        """Show a view, or what was answered to the last key."""
        self.said = said
        super().draw(view)

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return the line."""
        width = self.size.width
        said = getattr(self, "said", None)
        if said is not None:
            mark = "✗ " if said.kind == "error" else ""
            return (cut(plain(f" {mark}{said.text}", STYLES[said.kind]), width),)
        if view.alerts:
            return (alert_line(view.alerts, width),)
        if view.message is None and view.header.recorded:
            return (plain(" recorded run: keys that trade are off", "muted"),)
        return (message_line(view.message),)


def alert_line(alerts: Sequence[AlertView], width: int) -> Line:
    """Return the worst alert, how many more there are, and where to look."""
    worst, more = alerts[0], len(alerts) - 1
    number = NUMBERS.get(worst.screen)
    where = f"{number} {worst.screen}" if number else worst.screen
    end = " · ".join(part for part in (f"+{more} more" if more else "", where) if part)
    badge = "badge-danger bold" if worst.severity == "danger" else "badge-warning bold"
    left: Line = ((" ", ""), ("!", badge), (f" {worst.text}", "bold"))
    return spread(left, plain(f" {end} ", "muted"), width)


def message_line(message: MessageView | None) -> Line:
    """Return when something was done, and what."""
    if message is None:
        return plain()
    return (
        (f" {fmt.clock(message.ns)} ", "muted"),
        (message.text, STYLES[message.kind]),
    )
