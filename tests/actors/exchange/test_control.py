"""The control port: state, speed, stop; the clock at a speed; what the ledger says."""

import contextlib
import json
from functools import partial

import trio
from trio_websocket import ConnectionClosed

from actors.exchange.server import run_exchange
from tests.actors.exchange.venue import (
    MINUTE,
    Api,
    Trader,
    floor_of,
    quiet_market,
    serving,
    wire_to,
)
from tests.patience import patience


async def test_the_state_tells_how_it_stands(tmp_path):
    """Time, pace, connections, accounts; without any keys."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(3)
        state = await Api(api.url, {}).get("/control")
        told = {k: state[k] for k in ("minute", "session_open", "mode", "symbols", "connections")}
        assert told == {
            "minute": 3, "session_open": True, "mode": "lockstep", "symbols": ["AAA", "BBB"],
            "connections": {"market": ["key"], "trades": ["key"], "clock": 1},
        }  # fmt: skip
        assert state["now"] == trader.now == state["open"] + 3 * MINUTE


async def test_the_clock_tells_each_minute_and_each_change(tmp_path):
    """At a speed: at connect, at pause, resume and a new speed, and at every minute."""
    floor = floor_of(quiet_market(tmp_path), speed=600.0)
    async with serving(floor) as api, wire_to(f"{api.stream_url}/control/clock?key=k") as wire:
        said = [json.loads(await wire.get_message())]
        assert (said[0]["mode"], said[0]["speed"]) == ("speed", 600.0)
        await api.post("/control/speed", speed=3000)
        while said[-1]["now"] < said[0]["open"] + 3 * MINUTE:
            said.append(json.loads(await wire.get_message()))
        await api.post("/control/pause")
        while not said[-1]["paused"]:
            said.append(json.loads(await wire.get_message()))
        await trio.sleep(0.05)
        assert (await api.get("/control"))["now"] == said[-1]["now"]
        await api.post("/control/resume")
        assert not json.loads(await wire.get_message())["paused"]
    times = [word["now"] for word in said]
    assert times == sorted(times)
    assert len(said) >= 6


async def test_pace_may_change_while_it_runs(tmp_path):
    """From a speed to lockstep and back; session time never jumps back."""
    floor = floor_of(quiet_market(tmp_path), speed=6000.0)
    async with serving(floor) as api:
        first = (await api.get("/control"))["now"]
        stopped = (await api.post("/control/speed", speed=None)).body
        assert stopped["mode"] == "lockstep"
        assert stopped["now"] >= first
        await trio.sleep(0.05)
        assert (await api.get("/control"))["now"] == stopped["now"]
        flowing = (await api.post("/control/speed", speed=6000)).body
        assert flowing["now"] >= stopped["now"]
        with trio.fail_after(patience(20)):
            while (await api.get("/control"))["minute"] < 2:  # noqa: ASYNC110
                await trio.sleep(0.005)


async def test_a_clock_without_a_key_is_refused_and_nonsense_is_no_word(tmp_path):
    """A word that cannot be read does not make a client quiet."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        assert (await api.ask("GET", "/control/clock")).status == 404
        async with wire_to(f"{api.stream_url}/control/clock?key=k") as wire:
            await wire.get_message()
            for nonsense in ("{", "[1]", '{"at": "x"}', '{"bars": []}'):
                await wire.send_message(nonsense)
            await trio.sleep(0.05)
            assert not floor.clients.of("k").quiet_at(floor.clock.now_ns)


async def test_stop_ends_the_exchange(tmp_path):
    """POST /control/stop: sockets close, the server returns."""
    floor = floor_of(quiet_market(tmp_path))
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(run_exchange, floor, 0))
        api = Api(url)
        async with wire_to(f"{api.stream_url}/control/clock?key=k") as wire:
            await wire.get_message()
            assert (await api.post("/control/stop")).body == {"stopping": True}
            with trio.fail_after(patience(10)):
                with contextlib.suppress(ConnectionClosed):
                    await wire.get_message()


async def test_the_ledger_has_every_pair_by_name(tmp_path):
    """Two secrets of one key id are two accounts; integers add up."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await api.order(qty=10, client_order_id="mine")
        await api.with_keys("key", "another").order(qty=20)
        books = (await api.get("/control/ledger"))["accounts"]
        assert sorted(books) == ["key", "key#2"]
        one = books["key"]
        (order,), (fill,) = one["orders"], one["executions"]
        assert (order["client_order_id"], order["status"]) == ("mine", "filled")
        value = fill["shares"] * fill["price_micro"]
        assert one["positions"] == {
            "AAA": {"shares": 10, "cost_micro": value, "price_micro": 50_000_000}
        }
        assert one["cash_micro"] == one["start_micro"] - value - fill["fee_micro"]
        assert one["fees_micro"] == fill["fee_micro"]
        assert set((await api.get("/control/ledger?key=none"))["accounts"]) == set()


async def test_the_ledger_tells_when_an_account_was_cut_off(tmp_path):
    """No order stream until one listens; requests from a fault to the next sound answer."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await api.post("/control/fault", kind="html_502")
        await api.ask("GET", "/v2/account")
        hit = trader.now
        await trader.until(2)
        await api.get("/v2/account")
        outages = (await api.ledger())["outages"]
        assert outages["requests"] == [[hit, trader.now]]
        ((_, listened),) = outages["order_stream"]
        assert listened <= hit

        await api.post("/control/fault", kind="mute", stream="trades", seconds=10)
        muted = trader.now
        await trader.until(3)
        await api.post("/control/fault", kind="drop", stream="trades")
        dropped = trader.now
        await trader.until(4)
        outages = (await api.ledger())["outages"]
        assert outages["silence"] == [[muted, muted + 10_000_000_000]]
        assert outages["order_stream"][1] == [dropped, None]
