"""A viewer on the socket: the parts of the view that changed, for as long as it looks.

KEY INPUT: a Cockpit; how often the viewer wants to be told.
KEY OUTPUT: lines {"ok": true, "view": {…}}, the first with every part; an empty one every two
seconds while nothing changes, so that silence means a session that stands still.

A viewer that does not read holds up nobody but itself: what it has missed is never sent, the next
line holds what has changed since the last that was.
"""

from dataclasses import fields
from typing import Any

import orjson
import trio

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.views import CockpitView
from actors.restart import Crash, attempt

LEAST_SECONDS = 0.2
MOST_SECONDS = 60.0
BEAT_SECONDS = 2.0
"""A viewer is told something at least so often, if it does not want to be told more seldom."""
_NAMES = tuple(field.name for field in fields(CockpitView))
Json = dict[str, Any]


class Watch:
    """What one viewer has been told."""

    def __init__(self, cockpit: Cockpit, seconds: float) -> None:
        self._cockpit = cockpit
        self._seconds = min(MOST_SECONDS, max(LEAST_SECONDS, seconds))
        self._told: CockpitView | None = None

    def news(self) -> Json:
        """Return the parts that changed since it was last asked; empty if none did."""
        view, told = self._cockpit.view(), self._told
        self._told = view
        if view is None:
            return {}
        return {
            name: getattr(view, name)
            for name in _NAMES
            if told is None or getattr(view, name) is not getattr(told, name)
        }

    async def stream(self, stream: trio.SocketStream) -> None:
        """Tell the viewer until it is gone."""
        with self._cockpit.viewed():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_gone, stream, nursery.cancel_scope)
                told = trio.current_time()
                while True:
                    news = attempt(self.news)
                    if isinstance(news, Crash):  # trading goes on without viewers
                        await stream.send_all(_failed(news))
                        nursery.cancel_scope.cancel()
                    elif news or trio.current_time() >= told + BEAT_SECONDS:
                        await stream.send_all(orjson.dumps({"ok": True, "view": news}) + b"\n")
                        told = trio.current_time()
                    await trio.sleep(self._seconds)


def _failed(crash: Crash) -> bytes:
    return orjson.dumps({"ok": False, "error": f"the view failed: {crash.error}"}) + b"\n"


async def _until_gone(stream: trio.SocketStream, scope: trio.CancelScope) -> None:
    try:
        while await stream.receive_some(4096):
            pass  # a viewer has nothing to say; it asks on a connection of its own
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    scope.cancel()
