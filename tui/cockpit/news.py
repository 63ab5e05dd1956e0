"""What happened that the user did not cause: a title, a sentence, a thing to do.

KEY INPUT: views, one after the other.
KEY OUTPUT: what is to be shown as a toast; all of it stands in the log too.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from actors.cockpit.views import CockpitView

SECONDS = 6.0
"""How long a toast stands."""
MOST = 3
"""At one time."""
AGAIN_NS = 600 * 1_000_000_000
"""An alert that comes, goes and comes again is told again after so much session time."""


class Toast(NamedTuple):
    """One piece of news."""

    title: str
    text: str
    severity: Literal["information", "warning", "error"]


class News:
    """Remembers what was told."""

    def __init__(self) -> None:
        self._alerts: frozenset[tuple[str, int]] | None = None
        self._told: dict[str, int] = {}
        """When each alert was told last, by its words without figures."""
        self._message: int | None = None

    def of(self, view: CockpitView, actor: str) -> list[Toast]:
        """Return what is new in a view; nothing of the first, which one has just looked at."""
        fresh = [*self._fresh_alerts(view), *self._fresh_message(view, actor)]
        return fresh[:MOST]

    def _fresh_alerts(self, view: CockpitView) -> Iterator[Toast]:
        standing = frozenset((alert.screen, alert.since_ns) for alert in view.alerts)
        before, self._alerts = self._alerts, standing
        for alert in view.alerts:
            if before is None or (alert.screen, alert.since_ns) in before:
                continue
            words, now_ns = re.sub(r"[\d.,]+ \w+", "", alert.text), view.header.now_ns
            if now_ns >= self._told.get(words, now_ns - AGAIN_NS) + AGAIN_NS:
                self._told[words] = now_ns
                severity: Literal["warning", "error"] = (
                    "error" if alert.severity == "danger" else "warning"
                )
                yield Toast(alert.text, alert.advice, severity)

    def _fresh_message(self, view: CockpitView, actor: str) -> Iterator[Toast]:
        message = view.message
        if message is None:
            return
        before, self._message = self._message, message.id
        if before in (None, message.id) or message.kind != "error":
            return
        if not message.actor.startswith(actor):
            yield Toast(message.actor or "session", message.text, "error")
