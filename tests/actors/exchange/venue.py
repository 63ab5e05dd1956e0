"""An exchange for tests: a small market, and clients that talk to it over real sockets."""

import contextlib
import datetime as dt
import http.client
import json
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import msgpack
import numpy as np
import pandas as pd
import trio
from trio_websocket import ConnectionClosed, open_websocket_url

from actors.exchange.floor import Floor
from actors.exchange.market import Market
from actors.exchange.server import run_exchange
from engine.market.calendar import session_on
from engine.market.sources import open_source
from tests.bars import config, flat, walk
from tests.patience import patience

DAY = dt.date(2025, 7, 2)
BEFORE = dt.date(2025, 7, 1)
HALF = dt.date(2025, 7, 3)
SYMBOLS = ("AAA", "BBB")
KEYS = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}
MINUTE = 60_000_000_000


def write_market(folder, sessions):
    """Write {date: {symbol: (minutes, 5) bars}} as one Parquet file; NaN rows are left out."""
    frames = []
    for day, by_symbol in sessions.items():
        start = session_on(day).open_ns
        for symbol, bars in by_symbol.items():
            rows = np.flatnonzero(~np.isnan(bars[:, 0]))
            frames.append(
                pd.DataFrame(
                    {
                        "timestamp": pd.to_datetime(start + rows * MINUTE, utc=True),
                        "symbol": symbol,
                        **{name: bars[rows, i] for i, name in enumerate(FIELDS)},
                    }
                )
            )
    frame = pd.concat(frames).sort_values(["timestamp", "symbol"], kind="stable")
    frame.to_parquet(folder / "bars.parquet", index=False)
    return folder / "bars.parquet"


FIELDS = ("open", "high", "low", "close", "volume")


def quiet_market(folder, **bars):
    """A market of two symbols: AAA at 50, BBB at 20, or the bars given; the day before likewise."""
    day = {"AAA": flat(390, 50.0), "BBB": flat(390, 20.0), **bars}
    before = {"AAA": flat(390, 49.0), "BBB": flat(390, 19.0)}
    return write_market(folder, {BEFORE: before, DAY: day})


def walking_market(folder, seed=1, missing=0.02):
    """A market of two random walks."""
    days = {}
    for i, day in enumerate((BEFORE, DAY)):
        days[day] = {
            symbol: np.round(walk(390, seed=seed + 10 * i + j, missing=missing, price=price), 2)
            for j, (symbol, price) in enumerate(zip(SYMBOLS, (50.0, 20.0), strict=True))
        }
    for by_symbol in days.values():
        for bars in by_symbol.values():
            bars[:, 1] = np.maximum(bars[:, 1], bars[:, [0, 3]].max(axis=1))
            bars[:, 2] = np.minimum(bars[:, 2], bars[:, [0, 3]].min(axis=1))
    return write_market(folder, days)


def floor_of(path, *sets, day=DAY, speed=None):
    """A floor over a bar file; lockstep unless it has a speed."""
    settings = config(*sets)
    return Floor(Market(open_source(path), day, settings), settings, speed=speed)


@contextlib.asynccontextmanager
async def wire_to(url, **more):
    """Yield a WebSocket; its TCP connection is closed afterwards, whoever closed it first."""
    more.setdefault("disconnect_timeout", patience(1))
    async with open_websocket_url(url, **more) as wire:
        try:
            yield wire
        finally:
            if wire.closed:
                # trio-websocket leaves it open when the other side closed first
                with trio.CancelScope(shield=True):
                    await wire._stream.aclose()


@contextlib.asynccontextmanager
async def serving(floor):
    """Serve a floor for as long as the body runs; yields an Api."""
    async with trio.open_nursery() as nursery:
        stop = trio.Event()
        url = await nursery.start(partial(run_exchange, floor, 0, stop=stop))
        api = Api(url)
        try:
            yield api
        finally:
            api.close()
            nursery.cancel_scope.cancel()


class Api:
    """Plain HTTP, in a thread, with a key pair."""

    def __init__(self, url, headers=KEYS):
        self.url = url
        self.headers = dict(headers)
        self.stream_url = url.replace("http", "ws", 1)
        parts = urlsplit(url)
        self._make = partial(
            http.client.HTTPConnection, parts.hostname, parts.port, timeout=patience(20)
        )
        self._made = []

    def with_keys(self, key, secret="secret"):
        """The same exchange, another account."""
        return Api(self.url, {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret})

    def _one(self, method, path, body):
        connection = self._make()
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, self.headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        with contextlib.suppress(ValueError):
            return Answer(response.status, json.loads(text) if text else None, headers)
        return Answer(response.status, text, headers)

    async def ask(self, method, path, body=None):
        """Send one request; returns an Answer."""
        return await trio.to_thread.run_sync(self._one, method, path, body, abandon_on_cancel=True)

    async def get(self, path):
        """GET what must be there."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def post(self, path, **body):
        """POST an object; returns an Answer."""
        return await self.ask("POST", path, body)

    async def order(self, symbol="AAA", side="buy", qty=100, kind="market", tif="day", **more):
        """Submit an order; returns an Answer."""
        asked = {"symbol": symbol, "side": side, "qty": qty, "type": kind, "time_in_force": tif}
        return await self.ask("POST", "/v2/orders", {**asked, **more})

    async def oco(self, target, stop, qty=100, symbol="AAA", side="sell", **more):
        """Submit the legs of a position; returns an Answer."""
        legs = {"take_profit": {"limit_price": target}, "stop_loss": {"stop_price": stop}}
        return await self.order(symbol, side, qty, "limit", order_class="oco", **legs, **more)

    async def ledger(self, name="key"):
        """The account's books."""
        return (await self.get(f"/control/ledger?key={name}"))["accounts"][name]

    def close(self):
        """Nothing is kept open."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: object
    headers: dict = field(repr=False, default_factory=dict)


class Trader:
    """A client with a clock connection and both streams: quiet as soon as it has taken all."""

    def __init__(self, api, key="key", secret="secret"):
        self.api = api
        self.key, self.secret = key, secret
        self.now = self.open = self.close = 0
        self.clock = []
        self.bars, self.updates, self.items = [], [], []
        self.timer = None
        self.busy = True
        self.reached = trio.Event()
        self.on_bars = self.on_update = None
        self._taken_updates = 0
        self._wire = None

    async def tell(self):
        """Say how things stand."""
        word = {
            "at": self.now, "timer": self.timer, "bars": len(self.items),
            "updates": self._taken_updates, "busy": self.busy,
        }  # fmt: skip
        await self._wire.send_message(json.dumps(word))

    @contextlib.asynccontextmanager
    async def connected(self, hold="", symbols=("*",), feed="iex"):
        """Connect the clock and both streams; time moves in `until` and nowhere else."""
        url = f"{self.api.stream_url}/control/clock?key={self.key}{hold}"
        async with wire_to(url) as wire, trio.open_nursery() as nursery:
            self._wire = wire
            self.take_clock(await wire.get_message())
            async with (
                wire_to(f"{self.api.stream_url}/stream") as trades,
                market_stream(self.api, self.key, self.secret, symbols, feed) as market,
            ):
                await authorize(trades, self.key, self.secret)
                nursery.start_soon(self._hear_updates, trades)
                nursery.start_soon(self._hear_bars, market)
                nursery.start_soon(self._hear_clock, wire)
                try:
                    yield self
                finally:
                    nursery.cancel_scope.cancel()

    def take_clock(self, text):
        """Take a clock message."""
        said = json.loads(text)
        self.clock.append(said)
        self.now, self.open, self.close = said["now"], said["open"], said["close"]
        if self.timer is not None and self.timer <= self.now:
            self.timer, self.busy = None, True
            self.reached.set()

    async def until(self, minute):
        """Let time run to the start of a minute of the session; hold it there."""
        moment = self.open + round(minute * MINUTE)
        if self.now >= moment:
            return
        self.timer, self.reached = moment, trio.Event()
        self.busy = False
        await self.tell()
        await self.reached.wait()

    async def _hear_clock(self, wire):
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.take_clock(await wire.get_message())
                await self.tell()

    async def _hear_updates(self, wire):
        with contextlib.suppress(ConnectionClosed):
            while True:
                update = json.loads(await wire.get_message())["data"]
                self.updates.append(update)
                if self.on_update is not None:
                    await self.on_update(update)
                self._taken_updates += 1
                await self.tell()

    async def _hear_bars(self, wire):
        with contextlib.suppress(ConnectionClosed):
            while True:
                items = [item for item in unpack(await wire.get_message()) if item["T"] in "bqus"]
                bars = [item for item in items if item["T"] == "b"]
                self.bars += bars
                if bars and self.on_bars is not None:
                    await self.on_bars(bars)
                self.items += items
                await self.tell()


def unpack(frame):
    """Read a msgpack frame of the market stream."""
    return msgpack.unpackb(frame, timestamp=2)


async def authorize(wire, key="key", secret="secret"):
    """Authenticate and listen on a trade stream."""
    await wire.send_message(json.dumps({"action": "auth", "key": key, "secret": secret}))
    said = json.loads(await wire.get_message())
    assert said["data"]["status"] == "authorized"
    listen = {"action": "listen", "data": {"streams": ["trade_updates"]}}
    await wire.send_message(json.dumps(listen))
    assert json.loads(await wire.get_message())["stream"] == "listening"


@contextlib.asynccontextmanager
async def market_stream(api, key="key", secret="secret", symbols=("*",), feed="iex", **more):
    """Yield an authenticated market stream in msgpack, subscribed to all its channels."""
    url = f"{api.stream_url}/v2/{feed}"
    headers = [("Content-Type", "application/msgpack")]
    async with wire_to(url, extra_headers=headers, **more) as wire:
        assert unpack(await wire.get_message()) == [{"T": "success", "msg": "connected"}]
        await wire.send_message(msgpack.packb({"action": "auth", "key": key, "secret": secret}))
        assert unpack(await wire.get_message()) == [{"T": "success", "msg": "authenticated"}]
        wanted = {c: list(symbols) for c in ("bars", "quotes", "updatedBars", "statuses")}
        await wire.send_message(msgpack.packb({"action": "subscribe", **wanted}))
        assert unpack(await wire.get_message())[0]["T"] == "subscription"
        yield wire
