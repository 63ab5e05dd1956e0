"""The two streams, frame by frame: both encodings, authentication, every error."""

import json

import msgpack
import pytest
import trio
from trio_websocket import ConnectionClosed

from actors.exchange import market_stream as module
from tests.actors.exchange.venue import (
    Trader,
    authorize,
    floor_of,
    market_stream,
    quiet_market,
    serving,
    unpack,
    wire_to,
)
from tests.patience import patience


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A market that does not move."""
    return quiet_market(tmp_path_factory.mktemp("bars"))


class Json:
    """A market stream in JSON."""

    def __init__(self, wire):
        self.wire = wire

    async def say(self, **message):
        """Send a message, and return what comes back."""
        await self.wire.send_message(json.dumps(message))
        return await self.hear()

    async def hear(self):
        """Return the next frame, which is text and an array."""
        frame = await self.wire.get_message()
        assert isinstance(frame, str)
        return json.loads(frame)


def error(code):
    return [{"T": "error", "code": code, "msg": module.ERRORS[code]}]


async def closes(wire):
    """Whether the server closes the socket."""
    with trio.fail_after(patience(10)):
        try:
            while True:
                await wire.get_message()
        except ConnectionClosed:
            return True


async def test_json_from_welcome_to_bars(bars):
    """Welcome, auth, subscribe, unsubscribe; items as text with RFC 3339 times."""
    floor = floor_of(bars)
    async with serving(floor) as api, wire_to(f"{api.stream_url}/v2/sip") as wire:
        stream = Json(wire)
        assert await stream.hear() == [{"T": "success", "msg": "connected"}]
        assert await stream.say(action="subscribe", bars=["AAA"]) == error(401)
        assert await stream.say(action="dance") == error(400)
        await wire.send_message("{")
        assert await stream.hear() == error(400)
        welcome = await stream.say(action="auth", key="k", secret="s")
        assert welcome == [{"T": "success", "msg": "authenticated"}]
        assert await stream.say(action="auth", key="k", secret="s") == error(403)
        floor.clock.pause("test")
        both = await stream.say(action="subscribe", bars=["AAA", "BBB"], quotes=["BBB"])
        assert (both[0]["T"], both[0]["bars"], both[0]["quotes"]) == (
            "subscription", ["AAA", "BBB"], ["BBB"],
        )  # fmt: skip
        left = await stream.say(action="unsubscribe", bars=["AAA"])
        assert left[0]["bars"] == ["BBB"]
        floor.clock.resume("test")
        assert [item["T"] for item in await stream.hear()] == ["q"]
        (quote,), (bar,) = await stream.hear(), await stream.hear()

    assert (quote["bp"], quote["ap"], quote["t"]) == (19.995, 20.005, "2025-07-02T13:31:00Z")
    expected = {
        "T": "b", "S": "BBB", "t": "2025-07-02T13:30:00Z", "o": 20.0, "h": 20.0, "l": 20.0,
        "c": 20.0, "v": 1_000_000, "n": 10_000, "vw": 20.0,
    }  # fmt: skip
    assert bar == expected


async def test_a_binary_frame_switches_to_msgpack(bars):
    """Without the header, the first binary message decides."""
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/v2/test") as wire:
        assert isinstance(await wire.get_message(), str)
        auth = {"action": "auth", "key": "k", "secret": "s"}
        await wire.send_message(msgpack.packb(auth))
        assert unpack(await wire.get_message())[0]["msg"] == "authenticated"


async def test_times_in_msgpack_are_timestamps(bars):
    """As alpaca-py wants them."""
    async with serving(floor_of(bars)) as api, market_stream(api) as wire:
        items = msgpack.unpackb(await wire.get_message())
        assert isinstance(items[0]["t"], msgpack.Timestamp)


async def test_empty_keys_are_402_and_the_socket_closes(bars):
    """Auth failed."""
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/v2/iex") as wire:
        stream = Json(wire)
        await stream.hear()
        assert await stream.say(action="auth", key="", secret="s") == error(402)
        assert await closes(wire)


async def test_silence_is_404_after_a_while(bars, monkeypatch):
    """Who does not authenticate in time is sent away."""
    monkeypatch.setattr(module, "AUTH_SECONDS", 0.05)
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/v2/iex") as wire:
        stream = Json(wire)
        await stream.hear()
        assert await stream.hear() == error(404)
        assert await closes(wire)


async def test_a_second_connection_of_a_key_is_406(bars):
    """One connection per key and feed; another key, or another feed, may; a closed one is free."""
    async with serving(floor_of(bars)) as api:
        async with market_stream(api):
            async with wire_to(f"{api.stream_url}/v2/iex") as wire:
                stream = Json(wire)
                await stream.hear()
                assert await stream.say(action="auth", key="key", secret="secret") == error(406)
                assert await closes(wire)
            async with market_stream(api, "other"), market_stream(api, feed="sip"):
                pass
        async with market_stream(api):
            pass


@pytest.mark.parametrize("code", [402, 409, 500])
async def test_any_error_can_be_asked_for(bars, code):
    """A plan without the feed (409), and others, by a fault."""
    floor = floor_of(bars)
    async with serving(floor) as api:
        await api.post("/control/fault", kind="connection_limit", code=code)
        async with wire_to(f"{api.stream_url}/v2/iex") as wire:
            stream = Json(wire)
            await stream.hear()
            assert await stream.say(action="auth", key="key", secret="secret") == error(code)
            assert await closes(wire)


async def test_too_many_symbols_are_405(bars):
    """The subscription is refused as a whole, the connection stays."""
    async with serving(floor_of(bars)) as api:
        await api.post("/control/fault", kind="symbol_limit", limit=1)
        async with wire_to(f"{api.stream_url}/v2/iex") as wire:
            stream = Json(wire)
            await stream.hear()
            await stream.say(action="auth", key="key", secret="secret")
            assert await stream.say(action="subscribe", bars=["AAA", "BBB"]) == error(405)
            one = await stream.say(action="subscribe", bars=["AAA"])
            assert (one[0]["bars"], one[0]["quotes"]) == (["AAA"], [])


async def test_a_limit_of_one_channel_leaves_the_others(bars):
    """Bars of all symbols, quotes of at most one."""
    async with serving(floor_of(bars)) as api:
        await api.post("/control/fault", kind="symbol_limit", limit=1, channel="quotes")
        async with wire_to(f"{api.stream_url}/v2/iex") as wire:
            stream = Json(wire)
            await stream.hear()
            await stream.say(action="auth", key="key", secret="secret")
            both = await stream.say(action="subscribe", bars=["AAA", "BBB"], quotes=["AAA"])
            assert (both[0]["bars"], both[0]["quotes"]) == (["AAA", "BBB"], ["AAA"])
            assert await stream.say(action="subscribe", quotes=["BBB"]) == error(405)


async def test_who_cannot_keep_up_is_dropped(bars, monkeypatch):
    """A client that lets too much pile up loses its socket; nobody else waits for it."""
    monkeypatch.setattr("actors.exchange.connection.WAITING_FRAMES", 3)
    floor = floor_of(bars)
    async with serving(floor) as api, market_stream(api) as wire:
        floor.data.offer([{"T": "q", "S": "AAA", "t": 1}])
        for _ in range(10):
            for subscriber in floor.data.connections:
                subscriber.offer([{"T": "q", "S": "AAA", "t": 1}])
        assert await closes(wire)
        await api.get("/v2/account")


@pytest.mark.parametrize(
    "auth",
    [
        {"action": "auth", "key": "key", "secret": "secret"},
        {"action": "authenticate", "data": {"key_id": "key", "secret_key": "secret"}},
    ],
)
async def test_both_spellings_authenticate_the_trade_stream(bars, auth):
    """Frames are binary; listening is acknowledged; an event carries the order."""
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/stream") as wire:
        listen = json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}})
        await wire.send_message(listen)
        assert b"not authorized" in await wire.get_message()
        await wire.send_message("nonsense")
        await wire.send_message(json.dumps(auth))
        frame = await wire.get_message()
        assert isinstance(frame, bytes)
        assert json.loads(frame)["data"]["status"] == "authorized"
        await wire.send_message(listen)
        assert json.loads(await wire.get_message()) == {
            "stream": "listening", "data": {"streams": ["trade_updates"]},
        }  # fmt: skip
        await api.order(client_order_id="mine")
        update = json.loads(await wire.get_message())
        assert update["stream"] == "trade_updates"
        assert update["data"]["event"] == "accepted"
        assert update["data"]["order"]["client_order_id"] == "mine"


async def test_wrong_keys_on_the_trade_stream_are_unauthorized(bars):
    """And the socket closes."""
    async with serving(floor_of(bars)) as api, wire_to(f"{api.stream_url}/stream") as wire:
        await wire.send_message(json.dumps({"action": "auth", "key": "", "secret": ""}))
        assert json.loads(await wire.get_message())["data"]["status"] == "unauthorized"
        assert await closes(wire)


async def test_events_go_to_their_own_account(bars):
    """Two listeners of one key hear it, another key does not."""
    async with serving(floor_of(bars)) as api:
        urls = f"{api.stream_url}/stream"
        async with (
            wire_to(urls) as one,
            wire_to(urls) as two,
            wire_to(urls) as other,
        ):
            await authorize(one)
            await authorize(two)
            await authorize(other, "other")
            await api.order()
            for wire in (one, two):
                assert json.loads(await wire.get_message())["data"]["event"] == "accepted"
            with trio.move_on_after(0.1) as scope:
                await other.get_message()
            assert scope.cancelled_caught


async def test_the_life_of_orders_as_events(bars):
    """Partial fills, replacement and cancellation, each with the order after it."""
    floor = floor_of(bars, "simulation.participation_pct=0.005")
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(2)
        await api.order(qty=80)
        await trader.until(3.5)
        limit = (await api.order(side="sell", kind="limit", limit_price=55, qty=80)).body
        await api.ask("PATCH", f"/v2/orders/{limit['id']}", {"limit_price": 54})
        await api.ask("DELETE", "/v2/orders")
        await trader.until(3.6)

    rows = [(u["event"], u["order"]["status"]) for u in trader.updates]
    assert rows == [
        ("new", "new"), ("partial_fill", "partially_filled"), ("fill", "filled"), ("new", "new"),
        ("replaced", "replaced"), ("new", "new"), ("pending_cancel", "pending_cancel"),
        ("canceled", "canceled"),
    ]  # fmt: skip
    part, whole = trader.updates[1], trader.updates[2]
    assert [(u["qty"], u["position_qty"]) for u in (part, whole)] == [("50", "50"), ("30", "80")]
    assert part["execution_id"] != whole["execution_id"]
    assert [u["timestamp"][14:19] for u in (part, whole)] == ["32:00", "33:00"]
    old, new = trader.updates[4]["order"], trader.updates[5]["order"]
    assert (old["replaced_by"], new["replaces"]) == (new["id"], old["id"])
