"""What one program may take of the exchange, and who may speak to its control port."""

import http.client
import json
import random
import socket
from contextlib import closing
from urllib.parse import quote, urlsplit

import pytest
import trio
import trio.lowlevel
from trio_websocket import ConnectionClosed

from actors.exchange import bounds, connection
from actors.exchange.gate import Gate
from actors.exchange.server import build_app
from tests.actors.exchange.venue import (
    KEYS,
    Api,
    authorize,
    floor_of,
    quiet_market,
    serving,
    wire_to,
)

FOREIGN = [
    {"Host": "rebound.example:8090"},
    {"Host": "127.0.0.1.example"},
    {"Origin": "https://page.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
]

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A market that does not move."""
    return quiet_market(tmp_path_factory.mktemp("bars"))


def raw(url, data, most=65536):
    """Send bytes, return what comes back until the other side closes, or `most` is there."""
    parts, said = urlsplit(url), b""
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as wire:
        wire.sendall(data)
        while b"\r\n\r\n" not in said or len(said) < most:
            more = wire.recv(65536)
            if not more:
                return said
            said += more
            if said.endswith(b"}"):
                return said
    return said


async def in_thread(call, *arguments):
    return await trio.to_thread.run_sync(call, *arguments, abandon_on_cancel=True)


def told(answer):
    """The code and the words of a refusal."""
    return answer.status, answer.body["code"], answer.body["message"]


async def test_a_body_beyond_the_bound_is_not_read(bars):
    """413 in Alpaca's manner, whether its length is told or not; one at the bound is read."""
    async with serving(floor_of(bars)) as api:
        refused = await api.post("/v2/orders", symbol="A" * bounds.BODY_BYTES)
        words = "request body too large: at most 65536 bytes"
        assert told(refused) == (413, 41310000, words)
        head = f"POST /control/fault HTTP/1.1\r\nHost: {urlsplit(api.url).netloc}\r\n"
        chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        said = await in_thread(raw, api.url, chunked + 2 * chunk + b"0\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 413 ")
        body = {"symbol": "AAA", "note": "x" * (bounds.BODY_BYTES - 40)}
        assert (await api.ask("POST", "/v2/orders", body)).status == 422


async def test_a_body_that_never_ends_takes_a_bounded_memory(bars, monkeypatch):
    """What is read of it and thrown away is bounded too; then the connection is closed."""
    monkeypatch.setattr(bounds, "_DRAINED_BYTES", 2 * bounds.BODY_BYTES)
    taken = []

    async def receive():
        taken.append(b" " * 16384)
        return {"type": "http.request", "body": taken[-1], "more_body": True}

    refusal, body = await bounds._body(receive)
    assert (refusal.status_code, body) == (413, b"")
    assert sum(map(len, taken)) <= 4 * bounds.BODY_BYTES


async def test_a_body_that_does_not_come_is_given_up(bars, monkeypatch):
    """408; meanwhile it holds no lockstep time."""
    monkeypatch.setattr(bounds, "BODY_SECONDS", 0.1)
    floor = floor_of(bars)
    async with serving(floor) as api:
        head = f"POST /v2/orders HTTP/1.1\r\nHost: {urlsplit(api.url).netloc}\r\n"
        keys = "".join(f"{name}: {value}\r\n" for name, value in KEYS.items())
        said = await in_thread(raw, api.url, f"{head}{keys}Content-Length: 10\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 408 ")
        assert not floor.clients.state(0)


async def test_headers_are_bounded(bars):
    """431 for too many, for too large ones, and for what is beyond all measure."""
    async with serving(floor_of(bars)) as api:
        many = Api(api.url, KEYS | {f"X-{i}": "1" for i in range(bounds.HEADERS)})
        large = Api(api.url, KEYS | {"X-Large": "x" * bounds.HEADER_BYTES})
        for client in (many, large):
            refused = await client.ask("GET", "/v2/account")
            assert refused.status == 431
            assert refused.body["code"] == 43110000
        huge = b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000
        assert (await in_thread(raw, api.url, huge)).startswith(b"HTTP/1.1 431 ")


async def test_connections_are_bounded(bars, monkeypatch):
    """Of all clients together, and of one account; a place is free again once one is closed."""
    monkeypatch.setattr(bounds, "CONNECTIONS", 4)
    monkeypatch.setattr("actors.exchange.bounds.CONNECTIONS_OF_ACCOUNT", 2)
    floor = floor_of(bars)
    async with serving(floor) as api:
        parts = urlsplit(api.url)

        def hold(key):
            kept = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
            kept.request("GET", "/v2/clock", headers=KEYS | {"APCA-API-KEY-ID": key})
            with kept.getresponse() as answer:
                answer.read()
                return kept, answer.status

        held = [await in_thread(hold, "key") for _ in range(3)]
        assert [status for _, status in held] == [200, 200, 429]
        held.append(await in_thread(hold, "other"))
        assert held[-1][1] == 200
        refused = await api.ask("GET", "/control")
        assert told(refused) == (429, 42910000, "too many connections: 4 are open")
        for kept, _ in held:
            kept.close()
        while len(floor.callers):  # noqa: ASYNC110
            await trio.sleep(0.005)
        assert (await api.ask("GET", "/v2/clock")).status == 200


async def test_a_connection_that_asks_nothing_is_closed(bars, monkeypatch):
    """One that has asked once may stand idle."""
    monkeypatch.setattr("actors.exchange.server.FIRST_REQUEST_SECONDS", 0.1)
    async with serving(floor_of(bars)) as api:
        parts = urlsplit(api.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as wire:
            assert await in_thread(wire.recv, 1) == b""
        kept = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        with closing(kept):
            for _ in range(2):
                await in_thread(kept.request, "GET", "/control")
                answer = await in_thread(kept.getresponse)
                assert await in_thread(answer.read)
                await trio.sleep(0.3)


RUBBISH = (
    b"\xff\x00 no HTTP\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x06\x04rubbish",
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: !!\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nrubbish",
    b"POST /v2/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
    b"GET /v2/account HTTP/1.1\r\nHost: a\r\nAuthorization: Basic gICA\r\n\r\n",
)


async def test_what_is_no_http_ends_its_own_connection_alone(bars, capfd):
    """The exchange goes on, nothing of it stays, and no traceback is printed."""
    floor = floor_of(bars)
    async with serving(floor) as api:
        parts = urlsplit(api.url)
        upgrade = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
        for path in ("/stream", "/v2/iex", "/control/clock?key=k"):
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\n".encode()
            for rubbish in (*RUBBISH, head + b"\x81\x05hello", head + b"\xff\xff"):
                with socket.create_connection((parts.hostname, parts.port), timeout=20) as wire:
                    wire.sendall(rubbish)
                    await trio.lowlevel.checkpoint()
        assert (await api.ask("GET", "/v2/clock")).status == 200
        while len(floor.callers):  # noqa: ASYNC110
            await trio.sleep(0.005)
    assert "Traceback" not in capfd.readouterr().err


async def test_accounts_orders_streams_and_subscriptions_are_bounded(bars, monkeypatch):
    """Each with the refusal that its place has."""
    monkeypatch.setattr("actors.exchange.floor.ACCOUNTS", 2)
    monkeypatch.setattr("actors.exchange.admission.ORDERS_OF_ACCOUNT", 1)
    monkeypatch.setattr("actors.exchange.trade_stream.LISTENERS_OF_ACCOUNT", 1)
    async with serving(floor_of(bars)) as api:
        assert (await api.order()).status == 200
        assert told(await api.order()) == (429, 42910000, "too many orders: 1 a session")
        assert (await api.with_keys("b").ask("GET", "/v2/account")).status == 200
        refused = await api.with_keys("c").ask("GET", "/v2/account")
        assert told(refused) == (403, 40310000, "too many accounts: 1000 are open")
        stream = f"{api.stream_url}/stream"
        async with wire_to(stream) as first, wire_to(stream) as second:
            await authorize(first)
            auth = {"action": "auth", "key": "key", "secret": "secret"}
            await second.send_message(json.dumps(auth))
            await second.get_message()
            listen = {"action": "listen", "data": {"streams": ["trade_updates"]}}
            await second.send_message(json.dumps(listen))
            said = json.loads(await second.get_message())
            assert said["data"] == {"error": "connection limit exceeded"}
            with pytest.raises(ConnectionClosed):
                await second.get_message()


async def test_a_client_that_does_not_read_is_dropped_by_what_waits_for_it(bars, monkeypatch):
    """By bytes as by frames: memory does not grow with what a slow client lets pile up."""
    monkeypatch.setattr(connection, "WAITING_BYTES", 100_000)
    floor = floor_of(bars)
    async with serving(floor) as api, wire_to(f"{api.stream_url}/stream") as wire:
        await authorize(wire)
        (slow,) = floor.trades.connections
        for _ in range(11):
            slow.send(b"x" * 10_000)
        assert slow._waiting > 100_000
        assert slow._severed
        assert not slow.ready


async def test_a_message_of_a_client_is_bounded(bars):
    """1009, and the connection is closed."""
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/stream") as wire:
        await wire.send_message("x" * (bounds.FRAME_BYTES + 1))
        with pytest.raises(ConnectionClosed) as broken:
            await wire.get_message()
        assert broken.value.reason.code == 1009


async def test_an_order_stream_without_keys_is_closed(bars, monkeypatch):
    """As the market stream is, after ten seconds."""
    monkeypatch.setattr("actors.exchange.trade_stream.AUTH_SECONDS", 0.05)
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/stream") as wire:
        with pytest.raises(ConnectionClosed):
            await wire.get_message()


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_control_obeys_no_page_of_another_site(bars, headers):
    """Neither by the page's own address nor by a name that it has pointed here (item: Origin)."""
    floor = floor_of(bars)
    async with serving(floor) as api:
        client = Api(api.url, headers)
        for method, path in (("POST", "/control/pause"), ("GET", "/control/ledger")):
            refused = await client.ask(method, path)
            assert (refused.status, refused.body["code"]) == (403, 40310000)
            assert refused.body["message"].startswith("forbidden: ")
        assert not floor.clock.paused
        if "Host" not in headers:
            for path in ("/control/clock?key=k", "/stream"):
                assert (await Api(api.url, UPGRADE | headers).ask("GET", path)).status == 403


@pytest.mark.parametrize(
    "headers", [{"Host": "localhost:1"}, {"Host": "[::1]:80"}, {"Host": "127.0.0.1"}], ids=str
)
async def test_control_answers_programs_of_this_machine(bars, headers):
    """By whatever name loopback has; its own page too."""
    async with serving(floor_of(bars)) as api:
        host = headers["Host"]
        own = headers | {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        for client in (Api(api.url, headers), Api(api.url, own)):
            assert (await client.ask("POST", "/control/pause")).status == 200


async def test_a_speed_must_be_said(bars):
    """An empty object is not lockstep; neither is true a speed."""
    floor = floor_of(bars, speed=60.0)
    async with serving(floor) as api:
        for asked in ({}, {"spede": 2}, {"speed": True}, {"speed": 0}, {"speed": "2"}):
            assert (await api.ask("POST", "/control/speed", asked)).status == 422
            assert floor.clock.speed == 60.0
        assert (await api.post("/control/speed", speed=None)).body["mode"] == "lockstep"


NUMBERS = (
    "1e400", "1e999999999", "9" * 5000, "1e99999", "²", "1_0", "-5", "0", "1e-9", "nan", "Infinity",
    "", " 1", "1e18", "true", "0x10", "٣",
)  # fmt: skip
"""What is no number, or none that a price, a quantity or a limit can be."""
PLACES = (
    ("POST", "/v2/orders", "qty"), ("POST", "/v2/orders", "limit_price"),
    ("GET", "/v2/orders?limit={}", ""), ("GET", "/v2/account/activities?page_size={}", ""),
    ("GET", "/v2/stocks/AAA/bars?limit={}", ""), ("DELETE", "/v2/positions/AAA?qty={}", ""),
    ("DELETE", "/v2/positions/AAA?percentage={}", ""), ("POST", "/control/fault", "count"),
    ("POST", "/control/fault", "minute"), ("POST", "/control/fault", "seconds"),
)  # fmt: skip
TIMES = ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "²", "1e9", "2025-07-02T99")
DATED = (
    "/v2/stocks/AAA/bars?start={}", "/v2/orders?after={}", "/v2/orders?until={}",
    "/v2/calendar?start={}", "/v2/calendar?end={}",
)  # fmt: skip


HEADERS = KEYS | {"Host": "[::1]"}


async def asked_of(app, method, path, body=None):
    """Ask the application without a socket; the status. What it does not catch is raised."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "client": None, "server": None, "state": {},
        "headers": [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
    }  # fmt: skip
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    said = []

    async def receive():
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message):
        said.append(message)

    await app(scope, receive, send)
    return said[0]["status"]


def app_of(floor):
    return bounds.Bounds(Gate(build_app(floor, trio.Event()), floor))


async def test_no_number_is_too_much(bars):
    """A number that makes no sense is refused: 4xx, no traceback; no order of it is taken."""
    floor = floor_of(bars)
    app = app_of(floor)
    order = {"symbol": "AAA", "side": "buy", "type": "limit", "time_in_force": "day"}
    asked = 0
    for method, path, name in PLACES:
        for number in NUMBERS:
            body = None
            if path == "/v2/orders":
                body = {**order, "qty": "1", "limit_price": "50", name: number}
            elif name:
                body = {"kind": "drop", name: number}
            status = await asked_of(app, method, path.format(quote(number)), body)
            assert 400 <= status < 500, (method, path, name, number, status)
            asked += 1
    for path in DATED:
        for time in TIMES:
            status = await asked_of(app, "GET", path.format(time))
            assert status < 500, (path, time, status)
    assert asked == len(PLACES) * len(NUMBERS)
    (account,) = floor.accounts.values()
    assert not account.orders


async def test_whatever_is_asked_is_answered(bars):
    """Rubbish of a fixed seed, on every route: never a 500, and the books stay whole."""
    rng = random.Random(16)
    floor = floor_of(bars)
    app = app_of(floor)
    paths = [
        "/v2/orders", "/v2/orders/x", "/v2/orders:by_client_order_id", "/v2/positions",
        "/v2/positions/AAA", "/v2/account", "/v2/account/activities", "/v2/calendar", "/v2/clock",
        "/v2/assets/AAA", "/v2/stocks/bars", "/v2/stocks/AAA/bars", "/v2/stocks/quotes/latest",
        "/control/fault", "/control/speed",
    ]  # fmt: skip
    for _ in range(600):
        path = rng.choice(paths)
        query = "&".join(f"{rng.choice(WORDS)}={quote(str(rubbish(rng)))}" for _ in range(2))
        body = {rng.choice(WORDS): rubbish(rng) for _ in range(rng.randint(0, 6))}
        data = json.dumps(body).encode()[: rng.choice((None, 20))]
        method = rng.choice(("GET", "POST", "PATCH", "DELETE"))
        status = await asked_of(app, method, f"{path}?{query}", data)
        assert status < 500, (method, path, query, data)
    (account,) = floor.accounts.values()
    assert all(order.shares > 0 for order in account.orders.values())


WORDS = (
    "symbol", "symbols", "side", "type", "time_in_force", "qty", "limit_price", "stop_price",
    "order_class", "take_profit", "stop_loss", "client_order_id", "limit", "status", "after",
    "until", "start", "end", "timeframe", "page_token", "direction", "kind", "minute", "count",
    "seconds", "speed", "percentage", "notional", "extended_hours", "trail",
)  # fmt: skip


def rubbish(rng, depth=0):
    """Something that a field may hold."""
    words = ("AAA", "buy", "sell", "market", "limit", "day", "ioc", "oco", "bracket", "x" * 200)
    choices = [
        lambda: rng.choice(words), lambda: rng.choice(NUMBERS), lambda: rng.choice((None, True)),
        lambda: rng.choice((0, -1, 1, 10**18, 1.5, 1e308, -0.0)),
        lambda: rng.choice(("²", "\0", "%", "2025-07-02", "0001-01-01", "QUFBfDE=")),
    ]  # fmt: skip
    if depth < 2:
        choices += [
            lambda: {rng.choice(WORDS): rubbish(rng, depth + 1)},
            lambda: [rubbish(rng, depth + 1)],
        ]
    return rng.choice(choices)()
