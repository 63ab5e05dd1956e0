"""Each fault does what it says, when it says, as often as it says, and nothing else."""

import contextlib
import http.client
import json
from pathlib import Path

import pytest
import trio
from trio_websocket import ConnectionClosed, DisconnectionTimeout

from actors.exchange.fault import read_fault
from actors.exchange.fault_kinds import FAMILIES, KINDS
from actors.exchange.schedule import CALM_MINUTES, draw_schedule, read_script
from engine.errors import BadInputError
from engine.market.calendar import session_on
from tests.actors.exchange.venue import (
    DAY,
    HALF,
    MINUTE,
    Api,
    Trader,
    authorize,
    floor_of,
    market_stream,
    quiet_market,
    serving,
    wire_to,
)
from tests.patience import patience

SESSION = session_on(DAY)


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A market that does not move."""
    return quiet_market(tmp_path_factory.mktemp("bars"))


async def inject(api, kind, **more):
    """Begin a fault now."""
    answer = await api.post("/control/fault", kind=kind, **more)
    assert answer.status == 200, answer
    return answer.body["faults"][-1]


async def ends(wire):
    """Wait for the end of a socket; returns its close code."""
    with trio.fail_after(patience(10)):
        try:
            while True:
                await wire.get_message()
        except ConnectionClosed as broken:
            return broken.reason.code


async def hit(floor):
    """Return when the first fault has hit something."""
    while not floor.faults.schedule[0].hits:  # noqa: ASYNC110
        await trio.sleep(0.005)


async def handshake(api, path):
    """The HTTP status with which a WebSocket is refused."""
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    return (await Api(api.url, headers).ask("GET", path)).status


async def test_504_after_acceptance_leaves_one_order(bars):
    """The order lives; sent again it is a duplicate; a GET is not hit."""
    async with serving(floor_of(bars)) as api:
        await inject(api, "gateway_timeout")
        await api.get("/v2/account")
        assert (await api.order(client_order_id="x")).status == 504
        again = await api.order(client_order_id="x")
        assert (again.status, again.body["code"]) == (422, 40010001)
        assert (await api.get("/v2/orders"))[0]["client_order_id"] == "x"


async def test_429_is_not_obeyed_and_says_when(bars):
    """Remaining 0, the moment of the reset, Retry-After; then it is over."""
    async with serving(floor_of(bars)) as api:
        await inject(api, "rate_limit", count=2, reset_seconds=5)
        for _ in range(2):
            refused = await api.order(client_order_id="x")
            assert (refused.status, refused.body["code"]) == (429, 42910000)
            assert refused.headers["x-ratelimit-remaining"] == "0"
            reset = int(refused.headers["x-ratelimit-reset"])
            assert reset == SESSION.open_ns // 10**9 - 300 + 5
            assert refused.headers["retry-after"] == "5"
        assert (await api.order(client_order_id="x")).status == 200


async def test_502_is_html_and_not_obeyed(bars):
    """No JSON in it."""
    async with serving(floor_of(bars)) as api:
        await inject(api, "html_502")
        refused = await api.order()
        assert refused.status == 502
        assert refused.headers["content-type"].startswith("text/html")
        assert refused.body.startswith("<html>")
        assert await api.get("/v2/orders") == []


@pytest.mark.parametrize("obeyed", [True, False])
async def test_a_stalled_request_holds_no_time(bars, obeyed):
    """The client gives up; the order may or may not live; session time went on."""
    floor = floor_of(bars)
    async with serving(floor) as api, Trader(api).connected() as trader:
        await inject(api, "stall", obeyed=obeyed, stall_seconds=90)
        answers = []

        async def ask():
            answers.append(await api.order(client_order_id="x"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await hit(floor)
            await trader.until(-4)
            assert answers == []
            await trader.until(-3)
        assert answers[0].status == 504
        assert len(await api.get("/v2/orders")) == obeyed


async def test_a_client_that_gives_up_a_stalled_request_is_forgotten(bars):
    """Nothing of it stays in flight."""
    floor = floor_of(bars)
    async with serving(floor) as api:
        await inject(api, "stall")
        host, port = api.url.removeprefix("http://").split(":")
        asking = http.client.HTTPConnection(host, int(port))
        asking.request("GET", "/v2/account", headers=api.headers)
        await hit(floor)
        asking.close()
        assert floor.clients.of("key").in_flight == 0
        await api.get("/v2/account")


@pytest.mark.parametrize("how", ["event", "answer"])
async def test_orders_are_rejected(bars, how):
    """By an event after the acceptance, or by the answer; the legs go with it."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(2)
        await inject(api, "reject", how=how)
        answer = await api.order(client_order_id="x")
        await trader.until(3)
        events = [u["event"] for u in trader.updates]
        assert (answer.status, events) == ((200, ["rejected"]) if how == "event" else (422, []))
        assert (await api.order()).body["status"] == "filled"


async def test_a_restart_drops_all_and_keeps_the_books(bars):
    """Sockets break, requests are 503, handshakes too; afterwards everything is there."""
    floor = floor_of(bars, speed=1.0)
    async with serving(floor) as api, market_stream(api) as market:
        await api.order(client_order_id="x")
        async with wire_to(f"{api.stream_url}/stream") as trades:
            await authorize(trades)
            await inject(api, "restart", seconds=20)
            for wire in (market, trades):
                assert await ends(wire) == 1006
        assert (await api.ask("GET", "/v2/account")).status == 503
        assert await handshake(api, "/stream") == 503
        assert await handshake(api, "/v2/iex") == 503
        assert (await api.get("/control"))["faults"][0]["on"]
        await api.post("/control/speed", speed=6000)
        with trio.fail_after(patience(20)):
            while (await api.ask("GET", "/v2/account")).status == 503:  # noqa: ASYNC110
                await trio.sleep(0.005)
        assert (await api.get("/v2/orders?status=all"))[0]["client_order_id"] == "x"


async def test_the_clock_is_wrong_for_a_while(bars):
    """GET /v2/clock is off by so much; the control port is not."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await inject(api, "skew", skew_seconds=4, seconds=60)
        assert (await api.get("/v2/clock"))["timestamp"] == "2025-07-02T09:31:04-04:00"
        assert (await api.get("/control"))["now"] == trader.now
        await trader.until(2)
        assert (await api.get("/v2/clock"))["timestamp"] == "2025-07-02T09:32:00-04:00"


async def test_unknown_fields_and_words(bars):
    """Answers and events carry what nobody knows; numbers and ids stay what they are."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await inject(api, "unknown", seconds=60)
        resting = (await api.order(kind="limit", limit_price=40)).body
        assert (resting["status"], resting["order_class"]) == ("queued_at_venue", "plain")
        assert resting["regime"]["code"] == 7
        (listed,) = await api.get("/v2/orders")
        assert listed["id"] == resting["id"]
        assert (await api.ask("DELETE", f"/v2/orders/{resting['id']}")).status == 204
        await trader.until(2)
        events = [u["event"] for u in trader.updates]
        assert events == [
            "new", "restated", "pending_cancel", "restated", "canceled", "restated",
        ]  # fmt: skip
        assert trader.updates[0]["order"]["regime"]
        assert "regime" not in (await api.order()).body


async def test_cancellations_take_time_and_may_come_too_late(tmp_path):
    """pending_cancel until then; what is reached meanwhile is filled."""
    bars = [flat_row() for _ in range(390)]
    bars[5][1] = 52.0
    floor = floor_of(quiet_market(tmp_path, AAA=array(bars)))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await inject(api, "slow_cancel", cancel_seconds=90, seconds=600)
        await api.order(qty=20)
        slow = (await api.order(side="sell", kind="limit", limit_price=55, qty=10)).body["id"]
        await api.ask("DELETE", f"/v2/orders/{slow}")
        assert (await api.ask("DELETE", f"/v2/orders/{slow}")).status == 204
        assert (await api.get(f"/v2/orders/{slow}"))["status"] == "pending_cancel"
        await trader.until(3)
        assert (await api.get(f"/v2/orders/{slow}"))["status"] == "canceled"
        await trader.until(5)
        late = (await api.order(side="sell", kind="limit", limit_price=51, qty=10)).body["id"]
        await api.ask("DELETE", f"/v2/orders/{late}")
        await trader.until(7)
        assert (await api.get(f"/v2/orders/{late}"))["status"] == "filled"


async def test_a_mute_socket_answers_pings_and_speaks_again(bars):
    """Nothing is told for a while; what was not told does not come later, and holds no time."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(2)
        await inject(api, "mute", stream="market", seconds=125)
        await trader.until(10)
        minutes = [(b["t"] - trader.open) // MINUTE for b in trader.bars if b["S"] == "AAA"]
        assert minutes == [0, 4, 5, 6, 7, 8]
    async with serving(floor_of(bars)) as api, market_stream(api) as wire:
        await inject(api, "mute", stream="market")
        with trio.fail_after(patience(5)):
            await wire.ping()


async def test_a_dropped_socket_breaks_without_a_close_frame(bars):
    """1006, and the key may connect again at once."""
    async with serving(floor_of(bars)) as api:
        async with market_stream(api) as wire:
            await inject(api, "drop", stream="market")
            assert await ends(wire) == 1006
        async with market_stream(api):
            pass


async def test_a_half_open_socket_hears_and_says_nothing(bars):
    """Not even a pong; it holds no time, and once the client gives it up the key is free."""
    floor = floor_of(bars)
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(2)
        with contextlib.suppress(DisconnectionTimeout):
            async with market_stream(api, "other", disconnect_timeout=0.2) as wire:
                await inject(api, "half_open", stream="market")
                with trio.move_on_after(0.2) as scope:
                    await wire.ping()
                assert scope.cancelled_caught
                seen = len(trader.bars)
                await trader.until(6)
                assert len(trader.bars) == seen
        async with market_stream(api, "other"):
            pass


async def test_new_connections_are_refused_for_90_seconds(bars):
    """406 on the market stream, HTTP 429 on the other, then they are welcome."""
    floor = floor_of(bars)
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(2)
        await inject(api, "connection_limit", stream="all")
        assert await handshake(api, "/stream") == 429
        async with wire_to(f"{api.stream_url}/v2/iex") as wire:
            await wire.get_message()
            await wire.send_message(json.dumps({"action": "auth", "key": "key", "secret": "s"}))
            assert json.loads(await wire.get_message())[0]["code"] == 406
        await trader.until(4)
        async with market_stream(api), wire_to(f"{api.stream_url}/stream") as trades:
            await authorize(trades)


async def events_of(api, trader, minute):
    """Two orders at a minute; the events of both, by their minute of arrival, a minute later."""
    await trader.until(minute)
    seen = []

    async def on_update(update):
        seen.append(((trader.now - trader.open) / MINUTE, update["event"]))

    trader.on_update = on_update
    await api.order(qty=10)
    await trader.until(minute + 1)
    return seen


async def test_events_come_twice_never_late_or_swapped(bars):
    """One kind after the other; the counts that lockstep waits for are of what was sent."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await inject(api, "duplicate", event="fill")
        assert await events_of(api, trader, 1) == [(1, "new"), (1, "fill"), (1, "fill")]
        first, second = trader.updates[1:]
        assert first == second
        await inject(api, "missing", count=2)
        assert await events_of(api, trader, 2) == []
        await inject(api, "late", event="new", late_seconds=30)
        assert await events_of(api, trader, 3) == [(3, "fill"), (3.5, "new")]
        await inject(api, "reorder")
        assert await events_of(api, trader, 4) == [(4, "fill"), (4, "new")]
        await inject(api, "reorder", event="fill", wait_seconds=6)
        assert await events_of(api, trader, 5) == [(5, "new"), (5.1, "fill")]


async def test_a_halted_symbol_does_not_trade(bars):
    """Status H, no bars, no fills, quotes at the last price; status T, and it goes on."""
    floor = floor_of(bars)
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(3)
        await inject(api, "halt", symbol="AAA", seconds=120)
        await trader.until(4.5)
        assert (await api.order(tif="ioc")).body["status"] == "canceled"
        waiting = (await api.order()).body
        assert (waiting["status"], waiting["filled_qty"]) == ("new", "0")
        await trader.until(8)
        minutes = [(b["t"] - trader.open) // MINUTE for b in trader.bars if b["S"] == "AAA"]
        assert minutes == [0, 1, 2, 3, 6]
        statuses = [(i["sc"], i["t"]) for i in trader.items if i["T"] == "s"]
        assert statuses == [
            ("H", floor.market.start_ns(3)), ("T", floor.market.start_ns(6)),
        ]  # fmt: skip
        (fill,) = (await api.ledger())["executions"]
        assert fill["ts_ns"] == floor.market.start_ns(6)


async def test_fills_in_pieces_cost_what_the_whole_costs(bars):
    """Same price, same shares, same fees in the end."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(1)
        other = api.with_keys("other")
        for side in ("buy", "sell"):
            await other.order(side=side, qty=700)
            await inject(api, "partial", pieces=3)
            await api.order(side=side, qty=700)
        mine, theirs = await api.ledger(), await api.ledger("other")
        assert [x["shares"] for x in mine["executions"]] == [233, 233, 234] * 2
        assert mine["cash_micro"] == theirs["cash_micro"]
        assert len(theirs["executions"]) == 2


async def test_a_thin_market_fills_less(bars):
    """Five percent of the tenth of a bar that can be had usually."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(1)
        await inject(api, "thin", share=0.0005, seconds=90)
        order = (await api.order(qty=120)).body
        assert (order["filled_qty"], order["status"]) == ("50", "partially_filled")
        await trader.until(3.5)
        assert (await api.get(f"/v2/orders/{order['id']}"))["filled_qty"] == "120"


async def test_bars_come_late_not_at_all_or_revised(bars):
    """Late ones as they were, revised ones as updatedBars 30 seconds later."""
    async with serving(floor_of(bars)) as api:
        trader = Trader(api)
        told = []

        async def on_bars(bars):
            told.append((trader.now - trader.open, (bars[0]["t"] - trader.open) // MINUTE))

        trader.on_bars = on_bars
        async with trader.connected():
            await trader.until(1.5)
            told.clear()
            await inject(api, "late_bars", late_seconds=3)
            await inject(api, "missing_bars", minute=2.5)
            await inject(api, "revised_bars", minute=3.5)
            await trader.until(5)
        second = 10**9
        assert told == [(123 * second, 1), (240 * second, 3)]
        revised = [i for i in trader.items if i["T"] == "u"]
        assert [(i["S"], i["v"]) for i in revised] == [("AAA", 1_000_100), ("BBB", 1_000_100)]
        assert {(i["t"] - trader.open) // MINUTE for i in revised} == {3}


def test_a_script_says_what_and_when(tmp_path):
    """Minutes or New York times; parameters have defaults."""
    script = tmp_path / "faults.toml"
    script.write_text(
        '[[fault]]\nat = 10:15:30\nkind = "late"\nlate_seconds = 3\n'
        '[[fault]]\nminute = 1.5\nkind = "gateway_timeout"\ncount = 2\n'
        '[[fault]]\nat = "09:31"\nkind = "halt"\nsymbol = "AAA"\n'
    )
    faults = read_script(script, SESSION)
    assert [(f.kind, (f.at_ns - SESSION.open_ns) / MINUTE) for f in faults] == [
        ("halt", 1), ("gateway_timeout", 1.5), ("late", 45.5),
    ]  # fmt: skip
    assert (faults[1].left, faults[2].parameters["late_seconds"]) == (2, 3)
    assert faults[0].seconds == 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[fault]]\nkind = "flood"\nminute = 1', "one of gateway_timeout"),
        ('[[fault]]\nkind = "late"', "needs a minute"),
        ('[[fault]]\nkind = "late"\nminute = 1\nspeed = 2', "has no 'speed'"),
        ('[[fault]]\nkind = "late"\nminute = 1\ncount = 0', "count 0"),
        ('[[fault]]\nkind = "late"\nminute = 1\nlate_seconds = "x"', "late_seconds"),
        ('[[fault]]\nkind = "drop"\nminute = 1\nstream = "x"', "market, trades, all"),
        ('[[fault]]\nkind = "drop"\nat = "noon"', "New York time"),
        ('[[fault]]\nkind = "reject"\nminute = 1\nhow = "x"', "one of event, answer"),
        ("[other]\nx = 1", "nothing else"),
        ("[[fault", "faults.toml"),
    ],
)
def test_a_script_that_cannot_be_used_is_refused_by_name(tmp_path, text, words):
    """The message names the file and what is wrong."""
    script = tmp_path / "faults.toml"
    script.write_text(text)
    with pytest.raises(BadInputError, match=words) as refused:
        read_script(script, SESSION)
    assert str(script) in str(refused.value)


@pytest.mark.parametrize("day", [DAY, HALF])
def test_drawn_schedules_leave_the_end_calm(day):
    """200 seeds: the same twice, every kind somewhere, nothing at work near the close."""
    session, drawn = session_on(day), set()
    calm = session.close_ns - CALM_MINUTES * MINUTE
    for seed in range(200):
        faults = draw_schedule(seed, session, ["AAA", "BBB"])
        again = draw_schedule(seed, session, ["AAA", "BBB"])
        assert [f.shown() for f in faults] == [f.shown() for f in again]
        for fault in faults:
            drawn.add(fault.kind)
            assert session.open_ns < fault.at_ns <= fault.end_ns <= calm
            if fault.kind == "halt":
                assert fault.end_ns <= session.close_ns - 20 * MINUTE
    assert drawn == set(FAMILIES["wire"]) - {"symbol_limit"}


def test_the_page_names_every_kind():
    """docs/exchange.md has a row for each, with its words."""
    page = (Path(__file__).parents[3] / "docs" / "exchange.md").read_text()
    for name, kind in KINDS.items():
        assert f"| `{name}` | {kind.words} |" in page


async def test_a_wrong_fault_by_hand_is_422(bars):
    """The control port says what is wrong."""
    async with serving(floor_of(bars)) as api:
        refused = await api.post("/control/fault", kind="flood")
        assert refused.status == 422
        assert "flood" in refused.body["message"]
        assert (await api.post("/control/speed", speed=-1)).status == 422


def test_a_fault_for_later_waits(bars):
    """It begins at its time."""
    floor = floor_of(bars)
    floor.faults.add([read_fault({"kind": "skew", "minute": 1}, SESSION)])
    assert floor.faults.skew_ns == 0
    floor.clock.jump(floor.market.start_ns(1))
    floor.clock.run_due()
    assert floor.faults.skew_ns == 3 * 10**9


def flat_row():
    """A minute at 50."""
    return [50.0, 50.0, 50.0, 50.0, 1e6]


def array(rows):
    """Rows as bars."""
    import numpy as np

    return np.array(rows)
