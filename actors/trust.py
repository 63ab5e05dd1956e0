"""Whether what the broker tells may be acted on: its order stream, its orders, what it holds.

KEY INPUT: what is lost and by what, what stands again.
KEY OUTPUT: why no entry may be sent; StreamLost and StreamRestored, each told once.
"""

from typing import Literal

import trio

from actors.orders import Tell
from engine.events import StreamLost, StreamRestored

NOT_CONNECTED = "it has not connected yet"

Cause = Literal["stream", "orders", "positions"]
"""What is not to be trusted; each is given back by itself."""


class Trust:
    """One session's trust in its broker."""

    def __init__(self, tell: Tell) -> None:
        self.ready = trio.Event()
        """Set once the order stream has been reconciled for the first time."""
        self._causes: dict[Cause, str] = {"stream": NOT_CONNECTED}
        self._tell = tell
        self._told = ""
        """The reason that was told of what is lost; empty while nothing is."""

    @property
    def down(self) -> str:
        """Return why no entry may be sent; empty if one may."""
        return next(iter(self._causes.values()), "")

    @property
    def connected(self) -> bool:
        """Return whether the order stream stands and is reconciled."""
        return "stream" not in self._causes

    def lose(self, reason: str, cause: Cause = "stream", *, final: bool = False) -> None:
        """Stop entries; while something is lost already, only a `final` reason is told again."""
        self._causes[cause] = reason
        if not self._told or (final and reason != self._told):
            self._told = reason
            self._tell([StreamLost(ts_ns=0, reason=reason)])

    def doubt(self, reason: str, cause: Cause) -> None:
        """Stop entries for a reason that is looked into; nothing is told of it."""
        self._causes[cause] = reason

    def stand(self, cause: Cause = "stream") -> None:
        """Take a cause back; `restore` tells of it."""
        self._causes.pop(cause, None)
        if cause == "stream":
            self.ready.set()

    def restore(self) -> None:
        """Tell that what was lost is back, if all of it is."""
        if self._told and not self._causes:
            self._told = ""
            self._tell([StreamRestored(ts_ns=0)])
