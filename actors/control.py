"""The control socket of a session: an owner-only Unix socket that answers a line of JSON.

KEY INPUT: requests such as {"verb": "liquidate", "symbol": "TQQQ", "actor": "cli:ann"}.
KEY OUTPUT: replies: {"ok": true, …}, or {"ok": false, "error": …}; each names the session, its
kind of account and its folder.

The socket is served apart from the trading: a client that hangs, lies or dies costs its own task,
never a frame.
"""

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import trio

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.showing import Showing
from actors.cockpit.stopping import Stopping
from actors.cockpit.views import TransportView
from actors.cockpit.watching import Watch
from actors.mailbox import Mailbox
from actors.pacing import Asked
from actors.presence import Kind, announced, socket_path
from actors.reloading import Reloading
from actors.restart import Crash, attempt_async
from actors.views import Views
from engine.errors import BadInputError
from engine.events import (
    Acknowledge,
    Approve,
    Command,
    Dismiss,
    Halt,
    Keep,
    Liquidate,
    Resume,
    Snooze,
)

Json = dict[str, Any]
Answer = Callable[[Mapping[str, Any]], Awaitable[Json | Watch]]
Turn = Callable[[Mapping[str, Any]], TransportView]
MOST_BYTES = 65_536
"""A longer request is refused."""
MOST_MINUTES = 390
"""For which a card may be snoozed."""
BACKLOG = 128
"""Connections that wait until the session has time to answer."""


@asynccontextmanager
async def control(
    run_folder: Path, answer: Answer, kind: Kind = "REPLAY", account: str = ""
) -> AsyncIterator[None]:
    """Serve the socket of `run_folder` for as long as the body runs.

    Raises BadInputError if a session listens there already.
    """
    with announced(run_folder, kind, account) as presence:
        path = socket_path(run_folder)
        path.unlink(missing_ok=True)
        with trio.socket.from_stdlib_socket(_bound(path)) as listening:
            listening.listen(BACKLOG)
            try:
                async with trio.open_nursery() as nursery:
                    listener = trio.SocketListener(listening)
                    nursery.start_soon(_serve, listener, answer, presence.told())
                    yield
                    nursery.cancel_scope.cancel()
            finally:
                path.unlink(missing_ok=True)


def _bound(path: Path) -> socket.socket:
    # not by Trio: it binds in a thread, and the umask is the whole process's
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound


async def _serve(listener: trio.SocketListener, answer: Answer, about: Json) -> None:
    async def one(stream: trio.SocketStream) -> None:
        await _talk(stream, answer, about)

    await trio.serve_listeners(one, [listener])


async def _talk(stream: trio.SocketStream, answer: Answer, about: Json) -> None:
    buffer = b""
    try:
        async with stream:
            while chunk := await stream.receive_some(4096):
                buffer += chunk
                while b"\n" in buffer:
                    line, _, buffer = buffer.partition(b"\n")
                    reply = await _reply(line, answer)
                    if isinstance(reply, Watch):
                        await reply.stream(stream)
                        return
                    await stream.send_all(orjson.dumps(reply | about) + b"\n")
                if len(buffer) > MOST_BYTES:
                    return
    except* (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client went away


async def _reply(line: bytes, answer: Answer) -> Json | Watch:
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return {"ok": False, "error": f"not a line of JSON: {error}"}
    if not isinstance(request, dict):
        return {"ok": False, "error": "a request is an object with a verb"}
    try:
        reply = await answer(request)
        return reply if isinstance(reply, Watch) else {"ok": True, **reply}
    except BadInputError as error:
        return {"ok": False, "error": str(error)}


class Console:
    """What the socket of a session answers."""

    def __init__(
        self,
        symbols: tuple[str, ...],
        views: Views,
        commands: Mailbox[Asked],
        reloading: Reloading | None = None,
        cockpit: Cockpit | None = None,
        stopping: Stopping | None = None,
        turn: Turn | None = None,
        barred: Callable[[], str] = str,
    ) -> None:
        """`barred` says why nothing may be resumed; empty if it may."""
        self._symbols = symbols
        self._views = views
        self._commands = commands
        self._reloading = reloading
        self._cockpit = cockpit
        self._stopping = stopping
        self._turn = turn
        self._barred = barred

    async def answer(self, request: Mapping[str, Any]) -> Json | Watch:
        """Answer one request; raises BadInputError for one that cannot be understood.

        One that breaks what would answer it is refused too: trading goes on.
        """
        answered = await attempt_async(partial(self._answered, request))
        if isinstance(answered, Crash):
            raise BadInputError(f"it cannot be answered: {answered.error}")
        return answered

    async def _answered(self, request: Mapping[str, Any]) -> Json | Watch:
        verb = request.get("verb")
        if verb in ("status", "positions", "inbox"):
            return self._view(whole=verb != "status")
        if verb in ("watch", "show"):
            return self._look(request)
        actor = str(request.get("actor") or "socket")[:80]
        if verb == "stop" and self._stopping is not None:
            await self._stopping.ask(request.get("how"), actor)
            return {"accepted": verb}
        if verb == "transport" and self._turn is not None:
            return {"transport": asdict(self._turn(request))}
        if verb == "reload":
            return self._reload(request, actor)
        command = self._command(request)
        if self._is_over():
            raise BadInputError("the replay is over: it takes no command any more")
        await self._commands.send(Asked(command, actor))
        return {"accepted": verb}

    def _is_over(self) -> bool:
        transport = self._cockpit.outside.transport() if self._cockpit is not None else None
        return transport is not None and transport.ended

    def _look(self, request: Mapping[str, Any]) -> Json | Watch:
        if self._cockpit is None:
            raise BadInputError("this session has no cockpit")
        if request.get("verb") == "show":
            return {"show": Showing(self._cockpit, self._reloading).answer(request)}
        seconds = request.get("seconds")
        return Watch(self._cockpit, float(seconds) if isinstance(seconds, int | float) else 0.0)

    def _reload(self, request: Mapping[str, Any], actor: str) -> Json:
        if self._reloading is None:
            raise BadInputError("a replay keeps the settings that it began with")
        if request.get("revert"):
            changes = self._reloading.revert(actor)
        else:
            changes = self._reloading.reload(actor, dry=bool(request.get("dry")))
        return {"changes": [change.shown() for change in changes]}

    def _view(self, *, whole: bool) -> Json:
        view = self._views.latest
        if view is None:
            return {"state": "warming up"}
        shown = {"state": "trading", **asdict(view)}
        if whole:
            return shown
        return {**shown, "positions": len(view.positions), "inbox": len(view.inbox)}

    def _command(self, request: Mapping[str, Any]) -> Command:
        match request.get("verb"):
            case "halt":
                return Halt(reason=str(request.get("reason") or "")[:200])
            case "resume":
                if barred := self._barred():
                    raise BadInputError(barred)
                return Resume()
            case "liquidate":
                return Liquidate(symbol=self._symbol(request.get("symbol")))
            case "acknowledge":
                keep = _keep(request)
                asked = request.get("symbol")
                symbol = self._orphan(asked) if keep is None else self._name(asked)
                return Acknowledge(symbol=symbol, keep=keep)
            case "approve":
                return Approve(card=_card(request), version=_version(request))
            case "dismiss":
                return Dismiss(card=_card(request), version=_version(request))
            case "snooze":
                minutes = request.get("minutes", 5)
                if not isinstance(minutes, int) or not 1 <= minutes <= MOST_MINUTES:
                    raise BadInputError(f"minutes {minutes!r}: from 1 to {MOST_MINUTES}")
                return Snooze(card=_card(request), version=_version(request), minutes=minutes)
            case verb:
                known = (
                    "status, positions, inbox, liquidate, halt, resume, acknowledge, reload, "
                    "approve, dismiss, snooze, watch, show, stop, transport"
                )
                raise BadInputError(f"{verb!r} is no verb: {known}")

    def _symbol(self, asked: object) -> str | None:
        if asked is None:
            return None
        if asked not in self._symbols and asked not in self._orphans():
            raise BadInputError(
                f"{asked}: not traded in this session, which has {', '.join(self._symbols)}"
            )
        return str(asked)

    def _name(self, asked: object) -> str:
        """Return a symbol of which something may be found later."""
        if not isinstance(asked, str) or not asked:
            raise BadInputError("name the symbol")
        return asked[:20]

    def _orphan(self, asked: object) -> str:
        orphans = self._orphans()
        if asked not in orphans:
            there = ", ".join(orphans) or "none"
            raise BadInputError(f"{asked}: no position that Rotor did not open; there are: {there}")
        return str(asked)

    def _orphans(self) -> list[str]:
        view = self._views.latest
        return [p.symbol for p in view.positions if p.orphan] if view is not None else []


def _keep(request: Mapping[str, Any]) -> Keep | None:
    keep = request.get("keep")
    if keep not in (None, "adopt", "leave"):
        raise BadInputError(f"keep {keep!r}: adopt or leave")
    return keep


def _card(request: Mapping[str, Any]) -> str:
    card = request.get("card")
    if not isinstance(card, str) or not card:
        raise BadInputError("name the card, or its symbol")
    return card[:80]


def _version(request: Mapping[str, Any]) -> int | None:
    version = request.get("version")
    if version is not None and not isinstance(version, int):
        raise BadInputError(f"version {version!r}: a whole number")
    return version
