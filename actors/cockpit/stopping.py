"""How a viewer ends a session: flat first, or with the broker's stops left where they are.

KEY INPUT: {"verb": "stop", "how": "flatten" | "leave"}.
KEY OUTPUT: the command to sell everything; the session's stop.
"""

from collections.abc import Callable
from typing import Literal, get_args

import trio

from actors.desk import Desk
from actors.mailbox import Mailbox
from actors.pacing import Asked
from engine.errors import BadInputError
from engine.events import Liquidate

How = Literal["flatten", "leave"]
LOOK_SECONDS = 0.1


class Stopping:
    """Ends one session, once."""

    def __init__(
        self,
        stop: trio.Event,
        desk: Desk,
        commands: Mailbox[Asked],
        confirmed_flat: Callable[[], bool] = lambda: True,
    ) -> None:
        """`confirmed_flat`: whether the broker has said so since the book was."""
        self.wanted = False
        """Whether somebody asked for it: then it is no interruption."""
        self._stop = stop
        self._desk = desk
        self._commands = commands
        self._confirmed_flat = confirmed_flat
        self._flatten = trio.Event()

    async def ask(self, how: object, actor: str) -> None:
        """Begin to end; raises BadInputError for another word."""
        if how not in get_args(How):
            raise BadInputError(f"how {how!r}: flatten or leave")
        self.wanted = True
        if how == "leave":
            self._stop.set()
            return
        await self._commands.send(Asked(Liquidate(), actor))
        self._flatten.set()

    async def run(self) -> None:
        """Wait until it is asked to flatten, and until all is sold; then stop."""
        await self._flatten.wait()
        state = self._desk.state
        while state.risk.flattened is None or state.ledger.positions or state.working:  # noqa: ASYNC110 - nor has the state
            await trio.sleep(LOOK_SECONDS)
        while not self._confirmed_flat():  # noqa: ASYNC110 - the broker has no event
            await trio.sleep(LOOK_SECONDS)
        self._stop.set()
