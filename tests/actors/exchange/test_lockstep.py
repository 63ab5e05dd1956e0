"""Lockstep: a whole day, its determinism, and what holds time."""

import json
import random

import trio

from tests.actors.exchange.venue import (
    MINUTE,
    Trader,
    floor_of,
    market_stream,
    quiet_market,
    serving,
    unpack,
    walking_market,
    wire_to,
)
from tests.bars import flat
from tests.patience import patience


async def stands(floor, seconds=0.15):
    """Whether time stands for a while, which is longer than anybody's silence."""
    now = floor.clock.now_ns
    await trio.sleep(seconds)
    return floor.clock.now_ns == now


async def test_a_day_runs_to_its_close_and_every_bar_is_told_once(tmp_path):
    """A client that is quiet at once sees 390 minutes in order, each bar after its end."""
    floor = floor_of(walking_market(tmp_path))
    async with serving(floor) as api:
        trader = Trader(api)
        late = []

        async def on_bars(bars):
            late.extend(trader.now - bar["t"] for bar in bars)

        trader.on_bars = on_bars
        async with trader.connected():
            await trader.until(391)

    expected = [(s.start_ns, s.symbol) for m in range(390) for s in floor.market.ended(m)]
    assert [(bar["t"], bar["S"]) for bar in trader.bars] == expected
    assert set(late) == {MINUTE}
    first = trader.clock[0]
    assert first["now"] == first["open"] - 5 * MINUTE
    assert (first["mode"], first["speed"], first["paused"]) == ("lockstep", None, False)


async def one_day(path):
    """A day of a trader who draws its orders from a seed; its books at the end."""
    floor = floor_of(path)
    async with serving(floor) as api:
        trader, rng = Trader(api), random.Random(3)

        async def on_bars(bars):
            if rng.random() < 0.2:
                symbol, side = rng.choice("AB") * 3, rng.choice(("buy", "sell"))
                await api.order(symbol, side, rng.randint(1, 50))
            if rng.random() < 0.1:
                await api.ask("DELETE", "/v2/positions?cancel_orders=true")

        trader.on_bars = on_bars
        async with trader.connected():
            await trader.until(120)
            return await api.ledger()


async def test_the_same_day_twice_gives_the_same_books(tmp_path):
    """Ids, times, prices and fees of every order and fill are a function of bars and orders."""
    path = walking_market(tmp_path)
    first, second = await one_day(path), await one_day(path)

    assert len(first["executions"]) > 20
    assert first == second


async def test_time_stands_until_somebody_listens(tmp_path):
    """Requests alone do not start the day."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        await api.get("/v2/account")
        assert await stands(floor)


async def test_a_client_without_a_clock_moves_time_by_its_silence(tmp_path):
    """An outsider on the streams alone sees the day at 20 ms a step, as long as it is silent."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, market_stream(api) as wire:
        bars = []
        while len(bars) < 6:
            bars += [i for i in unpack(await wire.get_message()) if i["T"] == "b"]

    assert [bar["t"] for bar in bars[::2]] == [floor.market.start_ns(m) for m in range(3)]


async def test_a_busy_client_and_a_request_in_flight_hold_time(tmp_path):
    """Time moves only when a client with a clock says, at this moment, that it is idle."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        url = f"{api.stream_url}/control/clock?key=key"
        async with wire_to(url) as wire:
            now = json.loads(await wire.get_message())["now"]

            async def say(**changes):
                word = {"at": now, "timer": None, "bars": 0, "updates": 0, **changes}
                await wire.send_message(json.dumps(word))

            assert await stands(floor)
            await say(busy=True)
            assert await stands(floor)
            await say(at=now - 1)
            assert await stands(floor)
            floor.clients.begin_request("key")
            await say()
            assert await stands(floor)
            floor.clients.end_request("key")
            moved = json.loads(await wire.get_message())
            assert moved["now"] == moved["open"]
            now = moved["now"]
            await say(timer=now + 7)
            assert json.loads(await wire.get_message())["now"] == now + 7


async def test_an_undelivered_item_holds_time(tmp_path):
    """A client that has not counted what was put on its wire is not quiet."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        trader = Trader(api)
        async with trader.connected():
            await trader.until(3)
            trader.items.pop()
            trader.timer, trader.busy = trader.open + 10 * MINUTE, False
            await trader.tell()
            assert await stands(floor)
            trader.items.append(None)
            await trader.tell()
            await trader.reached.wait()


async def test_time_stands_while_a_client_is_away_that_holds_it(tmp_path):
    """With hold=1 in its URL a client that was killed finds the session where it left it."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        async with Trader(api).connected(hold="&hold=1") as trader:
            await trader.until(10)
        await trio.sleep(0.05)
        state = await api.get("/control")
        assert (state["held"], state["paused"]) == (True, True)
        assert await stands(floor)
        async with Trader(api).connected(hold="&hold=1") as trader:
            assert trader.now == floor.market.start_ns(10)
            await trader.until(12)


async def test_a_hold_may_be_for_the_last_minutes_only(tmp_path):
    """hold_minutes=5: away earlier, time goes on, up to five minutes before the close."""
    floor = floor_of(quiet_market(tmp_path), speed=60_000.0)
    async with serving(floor) as api:
        url = f"{api.stream_url}/control/clock?key=key&hold=1&hold_minutes=5"
        async with wire_to(url):
            pass
        with trio.fail_after(patience(20)):
            while not (await api.get("/control"))["held"]:  # noqa: ASYNC110
                await trio.sleep(0.01)
        late = floor.clock.now_ns - floor.market.start_ns(385)
        assert late >= 0
        assert await stands(floor)


async def test_reports_of_a_minute_come_before_its_bars(tmp_path):
    """What rested and was reached is taken by the client before the bars are sent."""
    bars = flat(390, 50.0)
    bars[3, 1] = 51.0
    floor = floor_of(quiet_market(tmp_path, AAA=bars))
    seen = []
    async with serving(floor) as api:
        trader = Trader(api)

        async def on_bars(bars):
            seen.append((trader.now, "bars"))

        async def on_update(update):
            seen.append((trader.now, update["event"]))

        async with trader.connected():
            await trader.until(1)
            await api.order()
            await api.oco(50.5, 49)
            await trader.until(3.5)
            trader.on_bars, trader.on_update = on_bars, on_update
            await trader.until(4.5)

    end = floor.market.start_ns(4)
    assert seen == [(end - 1000, "fill"), (end - 1000, "canceled"), (end, "bars")]
    assert trader.updates[-2]["timestamp"] == "2025-07-02T13:33:59.999999Z"


async def test_pause_and_resume_hold_lockstep_too(tmp_path):
    """The control port stops time whatever the clients say."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await api.post("/control/pause")
        trader.timer, trader.busy = trader.open, False
        await trader.tell()
        assert await stands(floor)
        assert trader.clock[-1]["paused"]
        await api.post("/control/resume")
        await trader.reached.wait()
