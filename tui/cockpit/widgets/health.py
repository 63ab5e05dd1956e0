"""The machinery in three lines.

KEY INPUT: HealthView.
KEY OUTPUT: actors, frames, feed.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.lines import Line, Lines, rule


class Health(Lines):
    """Whether everything runs."""

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return title and three lines."""
        width = self.size.width
        actors, style = _actors(view)
        return (
            rule("Health", "8 health", width),
            ((" actors  ", "muted"), (fmt.words(actors, width - 9), style)),
            ((" frame   ", "muted"), (_frame(view), "")),
            ((" feed    ", "muted"), (fmt.words(_feed(view), width - 9), "")),
        )


def _actors(view: CockpitView) -> tuple[str, str]:
    actors = view.health.actors
    ill = [actor for actor in actors if actor.state == "quarantined"]
    restarts = sum(actor.restarts for actor in actors)
    fullest = max(actors, key=lambda actor: actor.peak / max(actor.capacity, 1), default=None)
    parts = [
        f"{len(actors) - len(ill)} up" + (f", {len(ill)} quarantined" if ill else ""),
        f"restarts {restarts}",
        *([f"mailbox max {fullest.peak} of {fullest.capacity}"] if fullest else []),
    ]
    return " · ".join(parts), "danger" if ill else "warning" if restarts else ""


def _frame(view: CockpitView) -> str:
    return " · ".join(
        f"{name} {'-' if value is None else f'{value:.1f} ms'}"
        for name, value in (("p50", view.health.frame_p50_ms), ("p99", view.health.frame_p99_ms))
    )


def _feed(view: CockpitView) -> str:
    links = {"up": "●", "connecting": "◦", "down": "✗ down", "none": "-"}
    parts = [
        f"{links[view.header.feed_link]} last bar {fmt.minute(view.header.last_bar_ns)}",
        *(f"{name} {count}" for name, count in view.health.counts if count),
    ]
    return " · ".join(parts)
