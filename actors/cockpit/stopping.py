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

    async def ask(self, how: object, actor: str) -> None:
        """Return once the session was told to end, flat if that is asked for.

        Raises BadInputError for another word.
        """
        if how not in get_args(How):
            raise BadInputError(f"how {how!r}: flatten or leave")
        self.wanted = True
        if how == "flatten":
            await self._commands.send(Asked(Liquidate(), actor))
            while not self._is_flat():  # noqa: ASYNC110 - neither the state nor the broker has one
                await trio.sleep(LOOK_SECONDS)
        self._stop.set()

    def _is_flat(self) -> bool:
        state = self._desk.state
        sold = state.risk.flattened is not None and not (state.leaves or state.working)
        return sold and self._confirmed_flat()
