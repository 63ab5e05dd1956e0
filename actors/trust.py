"""Whether what the broker tells may be acted on: its order stream, and the positions it holds.

KEY INPUT: what is lost, what stands and is reconciled.
KEY OUTPUT: why no entry may be sent; StreamLost and StreamRestored, each told once.
"""

import trio

from actors.orders import Tell
from engine.events import StreamLost, StreamRestored

NOT_CONNECTED = "it has not connected yet"


class Trust:
    """One session's trust in its broker."""

    def __init__(self, tell: Tell) -> None:
        self.down = NOT_CONNECTED
        """Why no entry may be sent; empty if one may."""
        self.ready = trio.Event()
        """Set once the order stream has been reconciled for the first time."""
        self._tell = tell
        self._told = False

    def lose(self, reason: str) -> None:
        """Stop entries; what is lost already is not told again."""
        self.down = reason
        if not self._told:
            self._told = True
            self._tell([StreamLost(ts_ns=0, reason=reason)])

    def doubt(self, reason: str) -> None:
        """Stop entries for a reason that is looked into; nothing is told of it."""
        self.down = reason
        self.ready.set()

    def stand(self) -> None:
        """Let entries go; `restore` tells of it."""
        self.down = ""
        self.ready.set()

    def restore(self) -> None:
        """Tell that what was lost is back."""
        if self._told:
            self._told = False
            self._tell([StreamRestored(ts_ns=0)])
