"""A session in this process: its views pulled directly, requests through a channel into Trio.

KEY INPUT: what the session hands over once it is wired: its cockpit, what answers requests.
KEY OUTPUT: a Source for the screen, which runs in asyncio in the same thread.

Trio calls nothing of the screen's: it sets the future of an answer, and the loop wakes who waits.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import trio

from actors.cockpit.views import CockpitView
from actors.cockpit.watching import Watch
from actors.control import Answer
from actors.restart import Crash, attempt
from engine.errors import BadInputError, RotorError
from tui.cockpit.source import Json

ROOM = 16
"""Requests that may wait; one more is refused."""
ENDED = "the session has ended"
_log = logging.getLogger("rotor")


class Question(NamedTuple):
    """A request, and where its answer goes."""

    request: Mapping[str, Any]
    answer: asyncio.Future[Json]


class Viewed(Protocol):
    """What can be looked at: a cockpit, or the player of a finished run."""

    viewers: int

    def view(self) -> CockpitView | None:
        """Return the newest view; None before there is one."""
        ...


class Inside:
    """The session next door."""

    attached = False

    def __init__(self) -> None:
        self._cockpit: Viewed | None = None
        self._answer: Answer | None = None
        self._last: CockpitView | None = None
        self._crash: Crash | None = None
        """Why the newest view could not be made."""
        self._asked, self._questions = trio.open_memory_channel[Question](ROOM)
        self._waiting: set[asyncio.Future[Json]] = set()

    def open(self, cockpit: Viewed, answer: Answer) -> None:
        """Take what a session hands over; called in Trio."""
        self._cockpit, self._answer = cockpit, answer
        cockpit.viewers += 1

    def latest(self) -> CockpitView | None:
        """Return the newest view; None while the session is not there yet.

        If it cannot be made, the last one stays: trading goes on without.
        """
        if self._cockpit is None:
            return None
        view = attempt(self._cockpit.view)
        if isinstance(view, Crash):
            if view != self._crash:
                _log.error("the view failed: %s", view.error)
            self._crash = view
        else:
            self._last = view
        return self._last

    async def ask(self, request: Mapping[str, Any]) -> Json:
        """Give a request and wait for its answer; called in asyncio."""
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        try:
            self._asked.send_nowait(Question(dict(request), future))
        except trio.WouldBlock:
            raise RotorError("the session is busy; nothing was sent, try again") from None
        except trio.BrokenResourceError:
            raise RotorError(ENDED) from None
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    async def serve(self) -> None:
        """Answer for as long as the session runs; called in Trio."""
        try:
            async with trio.open_nursery() as nursery:
                async for question in self._questions:
                    nursery.start_soon(self._one, question)
        finally:
            self._questions.close()
            for future in self._waiting:
                if not future.done():
                    future.set_exception(RotorError(ENDED))

    async def _one(self, question: Question) -> None:
        request, future = question
        try:
            if self._answer is None:
                raise BadInputError("the session is not there yet")
            found = await self._answer(request)
        except RotorError as error:
            if not future.done():
                future.set_exception(error)
            return
        assert not isinstance(found, Watch)
        if not future.done():
            future.set_result(found)
