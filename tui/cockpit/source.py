"""Where the cockpit's views come from and its commands go: the seam between screen and session.

KEY INPUT: a session in this process, one over its control socket, a finished run.
KEY OUTPUT: the newest view, pulled; answers to requests, the same words as on the socket.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from actors.cockpit.views import CockpitView

Json = dict[str, Any]


class Source(Protocol):
    """A session that can be looked at, and perhaps commanded."""

    attached: bool
    """Whether it lives in another process: leaving the screen then leaves it trading."""

    def latest(self) -> CockpitView | None:
        """Return the newest view, never waiting; None before there is one."""
        ...

    async def ask(self, request: Mapping[str, Any]) -> Json:
        """Give a request to the session, such as {"verb": "liquidate", "symbol": "TQQQ"}.

        Raises BadInputError with the session's words if it refuses, RotorError if it is gone.
        """
        ...
