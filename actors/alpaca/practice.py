"""Orders of one share on paper, with everything that is said about them: for the doctor.

KEY INPUT: keys of a paper account, an endpoint (a local exchange) or none.
KEY OUTPUT: Said for every answer and every event of the order stream, as they came.

It speaks through the same hardened clients as a session does, and knows no real money: its address
is Alpaca's paper one, or this machine's.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json import loads
from typing import Any
from urllib.parse import urlsplit

import requests
import trio
from alpaca.trading.client import TradingClient

from actors.alpaca.connection import Bridge
from actors.alpaca.keys import Keys
from actors.alpaca.listeners import OPENING_SECONDS, OrderListener
from actors.alpaca.outcome import Outcome
from actors.alpaca.rest import Clock, Deadlines, Rest
from actors.alpaca.streams import BackOff, Stream
from actors.venue import Connected, Lost

Json = dict[str, Any]
Call = Callable[[TradingClient], Any]
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CAPACITY = 4096
_PATIENT = Deadlines(connect=10.0, read=30.0, whole=60.0)
_LIMITED = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer."""

    step: str
    method: str
    path: str
    """Ids in it are {id}."""
    status: int
    body: Any


class Practice:
    """One paper account, and a record of what is said about it."""

    def __init__(self, keys: Keys, endpoint: str | None, clock: Clock) -> None:
        self.said: list[Said] = []
        self.events: list[Json] = []
        """Trade updates of the account, in the order in which they came."""
        self.up = False
        """True once the order stream has stood."""
        self.broke = ""
        """Why the order stream broke last."""
        self._keys = keys
        self._endpoint = endpoint
        self._step = ""
        self._news = trio.Event()
        self._rest = Rest(keys, paper=True, endpoint=endpoint, deadlines=_PATIENT, clock=clock)
        self._rest.trading.client._session.hooks["response"].append(self._hear)

    async def listen(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Hear the order stream; started once it stands, or cannot (`broke` says why)."""
        out, heard = trio.open_memory_channel[Json | Connected | Lost](_CAPACITY)
        stream: Stream[Json] = Stream(
            self._listener, _update, lambda _: None, back_off=BackOff(), capacity=_CAPACITY
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_run, stream, out)
            async for item in heard:
                if isinstance(item, Connected):
                    if not self.up:
                        self.up = True
                        task_status.started()
                elif isinstance(item, Lost):
                    self.broke = item.reason
                else:
                    self.events.append(item)
                self._news, news = trio.Event(), self._news
                news.set()
        if not self.up:
            task_status.started()

    async def ask(self, step: str, call: Call) -> Outcome:
        """Make one call; its answer is recorded under the step's name."""
        self._step = step
        return await self._rest.trading.send(call, urgent=True)

    async def heard(self, client_id: str, events: Sequence[str], seconds: float) -> str:
        """Return which of some events of an order came first, empty for none; wait so long."""
        with trio.move_on_after(seconds):
            while not self._came(client_id, events):
                await self._news.wait()
        return self._came(client_id, events)

    def _came(self, client_id: str, events: Sequence[str]) -> str:
        for told in self.events:
            order = told.get("order")
            if isinstance(order, dict) and order.get("client_order_id") == client_id:
                event = str(told.get("event"))
                if event in events:
                    return event
        return ""

    def _listener(self, bridge: Bridge) -> OrderListener:
        streams = None
        if self._endpoint is not None:
            streams = f"{self._endpoint.rstrip('/').replace('http', 'ws', 1)}/stream"
        return OrderListener(
            bridge,
            self._keys,
            url=streams,
            paper=True,
            oddities=Counter(),
            opening=OPENING_SECONDS,
        )

    def _hear(self, response: requests.Response, **_: object) -> None:
        if response.status_code == _LIMITED:
            return  # it is asked again
        asked = response.request
        path = _ID.sub("{id}", urlsplit(asked.url or "").path)
        try:
            body = loads(response.text) if response.text else None
        except ValueError:
            body = response.text
        self.said.append(
            Said(
                step=self._step,
                method=str(asked.method),
                path=path,
                status=response.status_code,
                body=body,
            )
        )


async def _run(stream: Stream[Json], out: trio.MemorySendChannel[Json | Connected | Lost]) -> None:
    async with out:
        await stream.run(out)


def _update(payload: Any) -> Json | None:
    told = payload.get("data", payload) if isinstance(payload, dict) else None
    return told if isinstance(told, dict) else None
