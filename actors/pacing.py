"""A replay at a human pace: one frame at a time, with operators' commands heard in between.

KEY INPUT: the speed (1 is real time), commands from the control socket.
KEY OUTPUT: waits; commands for the desk; the latest view.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from actors.mailbox import Mailbox
from actors.views import Views
from engine.events import Command

MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that came in, and who gave it."""

    command: Command
    actor: str


@dataclass(slots=True)
class Pacing:
    """How a paced session waits for its frames."""

    speed: float
    stop: trio.Event
    """Once set, nothing waits any more."""
    commands: Mailbox[Asked] = field(default_factory=lambda: Mailbox("control→supervisor", 16))
    views: Views = field(default_factory=Views)
    _began: float | None = None
    _frames: int = 0

    async def wait(self, hear: Callable[[Asked], None]) -> None:
        """Return when the next frame is due; every command until then is heard."""
        if self._began is None:
            self._began = trio.current_time()
        self._frames += 1
        due = self._began + self._frames * MINUTE_SECONDS / self.speed
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = due
            nursery.start_soon(self._until_stopped, nursery.cancel_scope)
            while True:
                hear(await self.commands.receive())

    async def _until_stopped(self, scope: trio.CancelScope) -> None:
        await self.stop.wait()
        scope.cancel()
