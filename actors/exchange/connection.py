"""One WebSocket of a client: an outbox, so that nobody's slowness holds anybody else.

KEY INPUT: frames to send, in order.
KEY OUTPUT: frames on the wire; or silence, a break, a half-open socket when a fault wants it.

Hypercorn answers pings and close frames below the application. To break a socket without a close
frame, or to leave it half open, its stream object is taken from the `send` that it hands to the
application (hypercorn 0.18); the tests pin that.
"""

from typing import Any

import trio
from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.ws_stream import WSStream
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.exchange.bounds import WAITING_BYTES, WAITING_FRAMES
from actors.exchange.clients import Clients, Stream, Wire

AUTH_SECONDS = 10.0
"""Of the wall: how long a client has to authenticate."""


class Connection:
    """A WebSocket that was accepted."""

    def __init__(self, socket: WebSocket, clients: Clients, stream: Stream) -> None:
        self.socket = socket
        self.key = ""
        """The key id, once authenticated."""
        self.muted = False
        """True: it says nothing any more; pings are answered."""
        self._clients = clients
        self._stream = stream
        self._wire: Wire | None = None
        self._out, self._outbox = trio.open_memory_channel[str | bytes | None](WAITING_FRAMES)
        self._waiting = 0
        """Bytes in the outbox."""
        self._severed = False

    @property
    def ready(self) -> bool:
        """Return whether items may be sent to it."""
        return self._wire is not None and self._wire.live

    def listen(self) -> None:
        """Begin to count: the client is authenticated and listens."""
        if self._wire is None:
            self._wire = self._clients.connect(self.key, self._stream)

    def send(self, frame: str | bytes, items: int = 0) -> None:
        """Put a frame into the outbox; `items` stream items are in it."""
        if self.muted or self._severed:
            return
        if items and self._wire is not None:
            self._clients.send(self.key, self._wire, items)
        self._waiting += len(frame)
        if self._waiting > WAITING_BYTES:
            self.drop()
            return
        try:
            self._out.send_nowait(frame)
        except trio.WouldBlock:
            self.drop()

    def unmute(self) -> None:
        """Speak again."""
        self.muted = False

    def close_soon(self) -> None:
        """Close in good order, behind what waits in the outbox."""
        self._close()
        try:
            self._out.send_nowait(None)
        except trio.WouldBlock:
            self.drop()

    def drop(self) -> None:
        """Break the socket: no close frame."""
        self._close()
        self._severed = True
        self._out.close()

    def half_open(self) -> None:
        """Leave TCP open and never say or hear anything again."""
        self._close()
        self._severed = True
        hide(self._under())

    async def pump(self) -> None:
        """Send what the outbox holds, until the connection ends."""
        try:
            async for frame in self._outbox:
                if self._severed:
                    continue
                if frame is None:
                    await self.socket.close()
                    return
                self._waiting -= len(frame)
                if isinstance(frame, bytes):
                    await self.socket.send_bytes(frame)
                else:
                    await self.socket.send_text(frame)
            under = self._under()
            with trio.CancelScope(shield=True):
                # it makes the connection's own reader end, which cancels this task
                await under.send(StreamClosed(stream_id=under.stream_id))
        except (WebSocketDisconnect, RuntimeError):
            return  # the client went away
        finally:
            self._close()

    def _close(self) -> None:
        if self._wire is not None:
            self._clients.disconnect(self.key, self._wire)

    def _under(self) -> WSStream:
        return self.socket.scope["rotor.stream"]  # type: ignore[no-any-return]


def hide(stream: WSStream) -> None:
    """Make hypercorn deaf and dumb on one WebSocket."""

    async def nothing(*_: Any) -> None:
        return

    async def only_the_end(event: Any) -> None:
        if isinstance(event, StreamClosed):
            await WSStream.handle(stream, event)

    stream.handle = only_the_end  # type: ignore[method-assign]
    stream._send_wsproto_event = nothing  # type: ignore[assignment,method-assign]
