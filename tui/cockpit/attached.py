"""A session in another process, over its control socket: it may be left, killed and found again.

KEY INPUT: the path of a session's socket.
KEY OUTPUT: a Source for the screen. While nobody answers, the last view stays, with an alert.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from actors.cockpit.views import AlertView, CockpitView
from engine.errors import RotorError
from tui.cockpit.source import Json
from tui.find_session import silent
from tui.session import reply_of

LONGEST_LINE = 2**26
AGAIN_SECONDS = 1.0
"""Between tries to reach a session that does not answer."""
SILENT_SECONDS = 6.0
"""Without a line from a session that has one every two: it stands still."""
ANSWER_SECONDS = 30.0
GONE = "the session does not answer; it is asked again"
ENDED = "the session has ended, or was killed; q leaves"
_NAMES = frozenset(field.name for field in fields(CockpitView))


class Attached:
    """One session as another process has it."""

    attached = True

    def __init__(self, path: Path, *, seconds: float = 0.2) -> None:
        """`seconds`: how often it is to tell what has changed."""
        self._path = path
        self._seconds = seconds
        self._parts: dict[str, Any] = {}
        self._view: CockpitView | None = None
        self._before = 0
        """The last sequence of an earlier connection."""

    def latest(self) -> CockpitView | None:
        """Return the newest view; None before the first."""
        return self._view

    async def run(self) -> None:
        """Be told for ever; connects again whenever it is lost."""
        while True:
            with suppress(OSError, asyncio.LimitOverrunError, ValueError):  # gone, or killed
                await self._watch()
            self._lost()
            await asyncio.sleep(AGAIN_SECONDS)

    async def ask(self, request: Mapping[str, Any]) -> Json:
        """Ask on a connection of its own."""
        # a session that flattens first answers when it is flat
        seconds = None if request.get("verb") == "stop" else ANSWER_SECONDS
        try:
            async with asyncio.timeout(seconds):
                line = await self._exchange(request)
        except TimeoutError:
            raise RotorError(
                "the session did not answer; whether it was done is not known"
            ) from None
        except (ConnectionRefusedError, FileNotFoundError):
            raise RotorError(f"nothing was sent: {silent(self._path)}") from None
        except (OSError, ValueError):
            raise RotorError(f"whether it was done is not known: {silent(self._path)}") from None
        if not line and request.get("verb") == "stop":
            return {}
        if not line:
            raise RotorError(f"whether it was done is not known: {silent(self._path)}")
        return reply_of(line)

    async def _exchange(self, request: Mapping[str, Any]) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
        try:
            writer.write(orjson.dumps(request) + b"\n")
            return await reader.readline()
        finally:
            writer.close()

    async def _watch(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
        try:
            writer.write(orjson.dumps({"verb": "watch", "seconds": self._seconds}) + b"\n")
            while line := await self._line(reader):
                self._take(orjson.loads(line))
        finally:
            writer.close()

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """Return the next line, whenever it comes; meanwhile a silence is told."""
        coming = asyncio.ensure_future(reader.readline())
        try:
            if not (await asyncio.wait([coming], timeout=SILENT_SECONDS))[0]:
                self._warn(GONE)
            return await coming
        finally:
            coming.cancel()

    def _take(self, told: Json) -> None:
        if not told.get("ok"):
            raise ConnectionError(told.get("error", ""))
        news = {name: part for name, part in told["view"].items() if name in _NAMES}
        self._parts |= {name: _read(name, part) for name, part in news.items()}
        if self._parts.keys() == _NAMES:
            view = CockpitView(**self._parts)
            self._view = replace(view, sequence=self._before + view.sequence)

    def _lost(self) -> None:
        """Forget what the next connection tells whole."""
        self._parts = {}
        self._warn(GONE if self._path.exists() else ENDED)

    def _warn(self, words: str) -> None:
        """Say on the view that stays that no other comes."""
        view = self._view
        if view is None:
            return
        others = tuple(alert for alert in view.alerts if alert.text not in (GONE, ENDED))
        alert = AlertView(
            severity="danger",
            text=words,
            advice="its orders rest at the broker; rotor status says how it stands",
            since_ns=view.header.now_ns,
            screen="8",
        )
        if view.alerts != (alert, *others):
            warned = view.sequence + 1
            self._view = replace(view, sequence=warned, alerts=(alert, *others))
            # the same connection may go on where it was, and its view is then another one
            self._before = warned + 1


def _read(name: str, part: Any) -> Any:
    try:
        return _adapter(name).validate_python(part)
    except ValidationError as error:
        raise ConnectionError(f"{name}: {error.errors()[0]['msg']}") from None


@cache
def _adapter(name: str) -> "TypeAdapter[Any]":
    return TypeAdapter(get_type_hints(CockpitView)[name])
