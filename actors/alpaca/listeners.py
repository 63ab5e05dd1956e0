"""alpaca-py's two streams, made to say what they hide.

KEY INPUT: a bridge; symbols.
KEY OUTPUT: Up when subscribed, Heard per message, Broken (with Alpaca's own code) on any fault.

As they come, they swallow every error and connect again by themselves, without a word to the
application. Here each frame is seen before they see it (a text frame is turned into what they
read, what would make them drop a frame's rest is left out and counted), the first fault ends the
connection, and whoever runs it decides when to connect again.
"""

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgpack
from alpaca.data.enums import DataFeed
from alpaca.data.live.stock import StockDataStream
from alpaca.trading.stream import TradingStream
from websockets.exceptions import ConnectionClosed
from websockets.legacy.client import WebSocketClientProtocol

from actors.alpaca.connection import Bridge, Broken, End, Heard, Kept, Up
from actors.alpaca.keys import Keys
from actors.alpaca.names import unresolved
from actors.alpaca.quotes import Quotes, keep_quotes

FATAL = {402: "keys refused", 405: "symbol limit", 409: "insufficient subscription"}
"""Codes after which connecting again is no use."""

NO_QUOTES = (405, 409, 410)
"""Codes by which the feed refuses quotes while it grants bars."""

CONNECTION_LIMIT = 406
UNAUTHORIZED = 401

PING_SECONDS = (10.0, 20.0)
"""How often a socket is tried, and how long its answer may take: a half-open one ends in 30 s."""

OPENING_SECONDS = 5.0
"""How long a socket may take to open, to greet and to acknowledge, each."""
_QUIET = logging.getLogger("rotor.alpaca.wire")
_QUIET.setLevel(logging.WARNING)  # below it, websockets writes frames out, and one has the secret
for _logger in (_QUIET, logging.getLogger("alpaca")):
    _logger.addHandler(logging.NullHandler())


class _Tapped(WebSocketClientProtocol):
    """A socket whose every message is seen, and mended, first."""

    def __init__(self, *args: Any, tap: Callable[[Any], Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tap = tap

    async def recv(self) -> Any:
        # frames that hold nothing for alpaca-py cost it nothing
        while (seen := self._tap(await super().recv())) is None:
            pass
        return seen


def _socket(tap: Callable[[Any], Any], opening: float) -> dict[str, Any]:
    return {
        "ping_interval": PING_SECONDS[0],
        "ping_timeout": PING_SECONDS[1],
        "max_queue": 1024,
        "open_timeout": opening,
        "close_timeout": 0.5,
        "logger": _QUIET,
        "create_protocol": partial(_Tapped, tap=tap),
    }


class _Faults:
    """What both streams share: the first fault ends the connection, and says what it was."""

    _running: bool
    _bridge: Bridge
    _opening: float

    def _begin(self, bridge: Bridge, oddities: Counter[str], opening: float) -> None:
        self._bridge = bridge
        self._oddities = oddities
        self._opening = opening
        self._said: End | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def verdict(self) -> End:
        """Return why the connection ended: what the server said, if it said anything."""
        return self._said or End("stopped")

    async def _wait_before_reconnect(self, retries: int) -> None:  # noqa: ARG002
        raise Broken(self._said or End(_in_words(sys.exception())))

    async def _start_ws(self) -> None:
        await asyncio.wait_for(super()._start_ws(), self._opening)  # type: ignore[misc]
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._opening, self._unacknowledged, task)

    async def _consume(self) -> Any:
        try:
            return await super()._consume()  # type: ignore[misc]
        finally:
            self._running = False  # so that any fault leads to _wait_before_reconnect

    def _unacknowledged(self, task: asyncio.Task[Any]) -> None:
        self._said = End("the subscription was not acknowledged in time")
        task.cancel()

    def _up(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._bridge.offer(Up())


class BarListener(_Faults, StockDataStream):
    """Minute bars and their revisions, of some symbols; their quotes if the feed takes them too.

    Bars are subscribed to first, then quotes, so that a symbol limit refuses only these. Quotes are
    put away before alpaca-py sees them; with `counted` it is told how many came.
    """

    def __init__(
        self,
        bridge: Bridge,
        keys: Keys,
        symbols: Sequence[str],
        quotes: Quotes,
        *,
        url: str | None,
        feed: str,
        counted: bool,
        data_timeout: float | None,
        oddities: Counter[str],
        opening: float,
    ) -> None:
        super().__init__(
            keys.key_id,
            keys.secret,
            raw_data=True,
            feed=DataFeed(feed),
            websocket_params=_socket(self._mend, opening),
            url_override=url,
            data_timeout=data_timeout,
        )
        self._begin(bridge, oddities, opening)
        self._symbols = symbols
        self._quotes = quotes
        self._newest = quotes.begin()
        self._counted = counted
        self._granted = self._stands = False
        self.subscribe_bars(self._hand_over, *symbols)
        self.subscribe_updated_bars(self._hand_over, *symbols)

    async def _hand_over(self, message: Any) -> None:
        self._bridge.offer(Heard(message))

    async def _send_subscribe_msg(self) -> None:
        await super()._send_subscribe_msg()
        if not self._quotes.refused:
            asked = {"action": "subscribe", "quotes": list(self._symbols)}
            await self._ws.send(msgpack.packb(asked))  # type: ignore[attr-defined]

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        if msg["T"] == "error":
            if not self._granted or self._stands or msg.get("code") not in NO_QUOTES:
                raise Broken(self.verdict())
            self._said = None
            self._quotes.refuse(f"{msg.get('msg')} ({msg['code']})")
            self._stand()
        elif msg["T"] == "subscription":
            self._subscribed(msg)
        else:
            await super()._dispatch(msg)

    def _unacknowledged(self, task: asyncio.Task[Any]) -> None:
        if self._granted:
            self._quotes.refuse("their subscription was not acknowledged")
        super()._unacknowledged(task)

    def _subscribed(self, said: dict[str, Any]) -> None:
        if self._granted:
            self._stand()
            return
        bars = said.get("bars")
        granted = set(map(str, bars)) if isinstance(bars, list) else set()
        missing = [] if "*" in granted else sorted(set(self._symbols) - granted)
        if missing:
            raise Broken(End(f"not subscribed to: {', '.join(missing)}"))
        self._granted = True
        if self._quotes.refused:
            self._stand()

    def _stand(self) -> None:
        if not self._stands:
            self._stands = True
            self._up()

    def _mend(self, frame: Any) -> bytes | None:
        try:
            read = json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)
        except (ValueError, msgpack.UnpackException):
            read = None
        came: list[Any] = read if isinstance(read, list) else [None]
        items = keep_quotes(came, self._newest)
        if len(items) < len(came):
            if self._counted:
                self._bridge.offer(Kept(len(came) - len(items)))
            if not items:
                return None
        sound: list[dict[str, Any]] = [item for item in items if _sound(item)]
        if len(sound) < len(items):
            self._oddities["bar stream: unreadable"] += len(items) - len(sound)
        for item in sound:
            if item["T"] == "error":
                self._said = self._judge(item)
        return msgpack.packb(sound)  # type: ignore[no-any-return]

    def _judge(self, item: dict[str, Any]) -> End:
        code = item.get("code")
        number = code if isinstance(code, int) else 0
        reason = f"{item.get('msg') or 'an error without a message'} ({code})"
        if number == 405:
            reason += f": {len(self._symbols)} symbols are more than this plan's stream takes"
        return End(reason, number, number in FATAL)


class OrderListener(_Faults, TradingStream):
    """What happens to the account's orders."""

    def __init__(
        self,
        bridge: Bridge,
        keys: Keys,
        *,
        url: str | None,
        paper: bool,
        oddities: Counter[str],
        opening: float,
    ) -> None:
        super().__init__(
            keys.key_id,
            keys.secret,
            paper=paper,
            raw_data=True,
            url_override=url,  # type: ignore[arg-type]
            websocket_params=_socket(self._mend, opening),
        )
        self._begin(bridge, oddities, opening)
        self.subscribe_trade_updates(self._hand_over)

    async def _hand_over(self, message: Any) -> None:
        self._bridge.offer(Heard(message))

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        if msg.get("stream") == "listening":
            streams = msg["data"].get("streams")
            if not isinstance(streams, list) or "trade_updates" not in streams:
                raise Broken(End("not listening to trade_updates"))
            self._up()
        elif msg.get("stream") == "trade_updates":
            await super()._dispatch(msg)
        elif "error" in (msg.get("stream"), msg.get("action")) or "error" in msg["data"]:
            said = msg["data"].get("error") or msg["data"].get("error_message") or "an error"
            raise Broken(End(f"the server said: {said}"))

    def _mend(self, frame: Any) -> str:
        try:
            read = json.loads(frame)
        except ValueError:
            read = None
        if not isinstance(read, dict) or not isinstance(read.get("data"), dict):
            self._oddities["order stream: unreadable"] += 1
            read = {"data": {}}
        if read["data"].get("status") == "unauthorized":
            self._said = End("keys refused", UNAUTHORIZED, fatal=True)
        return json.dumps(read)


def _sound(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("T"), str)


def _in_words(error: BaseException | None) -> str:
    if error is None:
        return "no data in time"
    if isinstance(error, ConnectionClosed):
        return f"the connection broke: {error}"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return unresolved(error) or f"{type(error).__name__}: {error}"
