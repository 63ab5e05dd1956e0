"""The REST APIs: refusals with their codes, lists, paging, rate headers, accounts."""

import datetime as dt

import pytest

from tests.actors.exchange.venue import (
    DAY,
    HALF,
    MINUTE,
    Api,
    Trader,
    floor_of,
    quiet_market,
    serving,
    walking_market,
    write_market,
)
from tests.bars import flat


def of(answer):
    """(status, code) of a refusal."""
    return answer.status, answer.body["code"]


BAD = [
    ({"qty": "1.5"}, "fractional"),
    ({"qty": 0}, "qty"),
    ({"qty": "many"}, "qty"),
    ({"side": "hold"}, "side"),
    ({"symbol": "ZZZ"}, "not found"),
    ({"symbol": None}, "symbol"),
    ({"notional": 100}, "notional"),
    ({"type": "trailing_stop"}, "trailing"),
    ({"type": "magic"}, "type"),
    ({"type": "limit"}, "limit price"),
    ({"type": "stop"}, "stop price"),
    ({"limit_price": 50}, "must not have a limit"),
    ({"stop_price": 50}, "must not have a stop"),
    ({"type": "limit", "limit_price": 50.001}, "sub-penny"),
    ({"type": "limit", "limit_price": -1}, "> 0"),
    ({"type": "limit", "limit_price": "NaN"}, "limit_price"),
    ({"time_in_force": "cls"}, "cls"),
    ({"time_in_force": "never"}, "time_in_force"),
    ({"extended_hours": True}, "extended"),
    ({"order_class": "mleg"}, "order_class"),
    ({"order_class": "bracket"}, "take_profit"),
    ({"order_class": "oto"}, "either"),
    ({"take_profit": {"limit_price": 51}}, "no legs"),
    (
        {
            "order_class": "bracket", "take_profit": {"limit_price": 48},
            "stop_loss": {"stop_price": 52},
        },
        "must be greater",
    ),
    (
        {
            "order_class": "oco", "type": "limit", "take_profit": {"limit_price": 52},
            "stop_loss": {"stop_price": 48}, "side": "sell",
        },
        "exit orders",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A market that does not move."""
    return quiet_market(tmp_path_factory.mktemp("bars"))


async def test_orders_that_cannot_be_understood_are_422_and_say_why(bars):
    """Each refusal names what is wrong; nothing enters the books."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        for changes, words in BAD:
            asked = {"symbol": "AAA", "side": "buy", "qty": 10, "type": "market"}
            answer = await api.post("/v2/orders", **{**asked, "time_in_force": "day", **changes})
            assert of(answer) == (422, 42210000), (changes, answer)
            assert words in answer.body["message"]
        long = await api.order(client_order_id="x" * 129)
        assert of(long) == (422, 40010001)
        assert of(await api.ask("POST", "/v2/orders", [1])) == (400, 40010001)
        assert (await api.ledger())["orders"] == []


async def test_a_client_id_is_used_once_for_ever(bars):
    """A duplicate is refused even when the first order is over."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        await api.order(client_order_id="x")
        assert of(await api.order(client_order_id="x")) == (422, 40010001)
        resting = (await api.order(side="sell", kind="limit", limit_price=55)).body
        replaced = await api.ask("PATCH", f"/v2/orders/{resting['id']}", {"client_order_id": "x"})
        assert of(replaced) == (422, 40010001)


async def test_shares_held_by_orders_cannot_be_sold_twice(bars):
    """403 40310000 tells what is available and what is held, until the legs are cancelled."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        await api.order(qty=100)
        legs = (await api.oco(51, 49, qty=60)).body
        refused = await api.order(side="sell", qty=50)
        assert of(refused) == (403, 40310000)
        told = {k: refused.body[k] for k in ("available", "existing_qty", "held_for_orders")}
        assert told == {"available": "40", "existing_qty": "100", "held_for_orders": "60"}
        assert legs["id"] in refused.body["related_orders"]
        assert (await api.order(side="sell", qty=40)).status == 200
        assert of(await api.ask("DELETE", "/v2/positions/AAA")) == (403, 40310000)
        (row,) = (await api.ask("DELETE", "/v2/positions")).body
        assert (row["status"], row["body"]["code"]) == (403, 40310000)
        assert (await api.ask("DELETE", f"/v2/orders/{legs['id']}")).status == 204
        assert (await api.order(side="sell", qty=60)).status == 200
        assert of(await api.ask("DELETE", "/v2/positions/AAA")) == (404, 40410000)


async def test_orders_that_would_trade_with_ones_own_are_422(bars):
    """The wash guard: an opposite order that crosses, or any at the market."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        await api.order(qty=100)
        await api.order(side="sell", kind="limit", limit_price=50.5, qty=50)
        crossing = await api.order(kind="limit", limit_price=50.6)
        assert of(crossing) == (422, 42210000)
        assert "wash trade" in crossing.body["message"]
        assert of(await api.order()) == (422, 42210000)
        assert (await api.order(kind="limit", limit_price=49)).status == 200


async def test_the_account_is_not_leveraged(bars):
    """An order well beyond the buying power is 403; one slightly beyond is filled in part."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        far = await api.order(qty=2200)
        assert of(far) == (403, 40310000)
        assert far.body["buying_power"] == "100000"
        cut = (await api.order(qty=2010)).body
        assert (cut["status"], cut["filled_qty"]) == ("canceled", "1999")
        assert 0 < float((await api.get("/v2/account"))["cash"]) < 60


async def test_what_is_over_cannot_be_changed(bars):
    """Cancelling or replacing a filled order is 422; an unknown one is 404."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        filled = (await api.order(qty=10)).body["id"]
        for method in ("DELETE", "PATCH"):
            assert of(await api.ask(method, f"/v2/orders/{filled}", {})) == (422, 42210000)
            assert of(await api.ask(method, "/v2/orders/none", {})) == (404, 40410000)
        by_id = "/v2/orders:by_client_order_id?client_order_id=none"
        assert of(await api.ask("GET", by_id)) == (404, 40410000)
        assert of(await api.ask("GET", "/v2/assets/ZZZ")) == (404, 40410000)
        assert (await api.ask("GET", "/v2/nothing")).status == 404


async def test_a_replaced_oco_keeps_its_other_leg(bars):
    """Stop and target are moved one after the other; sizes move together; the stop still works."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        await api.order(qty=100)
        first = (await api.oco(52, 48, client_order_id="legs")).body
        stop = first["legs"][0]["id"]
        moved = (await api.ask("PATCH", f"/v2/orders/{stop}", {"stop_price": "49"})).body
        target = {"limit_price": 51, "qty": 80, "client_order_id": "legs2"}
        second = (await api.ask("PATCH", f"/v2/orders/{first['id']}", target)).body
        assert (second["replaces"], second["qty"]) == (first["id"], "80")
        (leg,) = second["legs"]
        assert (leg["id"], leg["qty"], leg["stop_price"]) == (moved["id"], "80", "49")
        old = await api.get("/v2/orders:by_client_order_id?client_order_id=legs")
        assert (old["status"], old["replaced_by"]) == ("replaced", second["id"])
        refused = await api.ask("PATCH", f"/v2/orders/{leg['id']}", {"qty": 10})
        assert "its parent" in refused.body["message"]
        assert of(await api.ask("PATCH", f"/v2/orders/{second['id']}", {"qty": 101})) == (
            403, 40310000,
        )  # fmt: skip
        await api.ask("DELETE", f"/v2/orders/{leg['id']}")
        assert await api.get("/v2/orders") == []


async def test_lists_of_orders(bars):
    """status, symbols, side, after, until, limit, direction and nested choose as Alpaca's do."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        for minute in range(1, 5):
            await trader.until(minute)
            await api.order(("AAA", "BBB")[minute % 2], qty=10, client_order_id=f"m{minute}")
        await api.oco(51, 49, qty=20)

        async def listed(query):
            rows = await api.get(f"/v2/orders?{query}")
            return [r["client_order_id"] for r in rows if r["order_class"] == "simple"], len(rows)

        assert await listed("status=all&direction=asc") == (["m1", "m2", "m3", "m4"], 6)
        assert await listed("status=all&nested=true&limit=2") == (["m4"], 2)
        assert await listed("status=closed&symbols=BBB") == (["m3", "m1"], 2)
        assert await listed("") == ([], 2)
        assert await listed("nested=true") == ([], 1)
        assert await listed("status=all&side=buy&after=2025-07-02T13:32:00Z") == (["m4", "m3"], 2)
        assert (await listed("status=all&until=2025-07-02T09:32:00-04:00"))[0] == ["m1"]
        for wrong in ("limit=0", "limit=x", "limit=501", "after=soon"):
            assert of(await api.ask("GET", f"/v2/orders?{wrong}")) == (422, 42210000)


async def test_bars_are_paged_by_symbol_then_time(tmp_path):
    """Pages of any size, in either order, put together are the whole."""
    floor = floor_of(walking_market(tmp_path, missing=0.2))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(20)
        span = "/v2/stocks/bars?symbols=BBB,AAA&timeframe=1Min&start=2025-07-01T19:30:00Z"

        async def pages(query):
            rows, token, count = [], "", 0
            while token is not None:
                page = await api.get(f"{span}&{query}&page_token={token}")
                found = [(s, bar["t"]) for s, bars in page["bars"].items() for bar in bars]
                assert len(found) <= 7
                rows, token, count = rows + found, page["next_page_token"], count + 1
            return rows, count

        whole = (await api.get(f"{span}&limit=10000"))["bars"]
        up = [(symbol, bar["t"]) for symbol in ("AAA", "BBB") for bar in whole[symbol]]
        rows, count = await pages("limit=7")
        assert rows == up
        assert count == -(-len(up) // 7)
        down = [(symbol, bar["t"]) for symbol in ("AAA", "BBB") for bar in whole[symbol][::-1]]
        assert (await pages("limit=7&sort=desc"))[0] == down
        single = await api.get("/v2/stocks/AAA/bars?start=2025-07-01T19:30:00Z&limit=10000")
        assert single["bars"] == whole["AAA"]


async def test_the_running_minute_is_not_told(bars):
    """Bars end with the last minute that is over; the end of a range is included."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(3.5)
        today = (await api.get("/v2/stocks/bars?symbols=AAA&start=2025-07-02"))["bars"]["AAA"]
        assert [bar["t"][14:16] for bar in today] == ["30", "31", "32"]
        ranged = "start=2025-07-02T13:31:00Z&end=2025-07-02T13:32:00Z"
        some = (await api.get(f"/v2/stocks/AAA/bars?{ranged}"))["bars"]
        assert [bar["t"][14:16] for bar in some] == ["31", "32"]
        latest = (await api.get("/v2/stocks/AAA/bars/latest"))["bar"]
        assert latest["t"] == "2025-07-02T13:32:00Z"
        for wrong in (
            "timeframe=1Day", "limit=0", "limit=10001", "sort=up", "start=x", "page_token=!!",
            "start=2025-07-03&end=2025-07-02", "symbols=",
        ):  # fmt: skip
            answer = await api.ask("GET", f"/v2/stocks/bars?symbols=AAA&{wrong}")
            if wrong != "symbols=":
                assert answer.status == 400, wrong


async def test_keys_are_wanted_and_each_pair_is_an_account(bars):
    """401 without keys, 403 with empty ones; every other pair starts with the capital."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        assert of(await Api(api.url, {}).ask("GET", "/v2/account")) == (401, 40110000)
        empty = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": ""}
        assert (await Api(api.url, empty).ask("GET", "/v2/account")).status == 403
        await api.order(qty=100)
        other = api.with_keys("other")
        assert await other.get("/v2/positions") == []
        assert (await other.get("/v2/account"))["cash"] == "100000"
        basic = Api(api.url, {"Authorization": "Basic a2V5OnNlY3JldA=="})
        assert len(await basic.get("/v2/positions")) == 1
        numbers = {(await a.get("/v2/account"))["account_number"] for a in (api, other, basic)}
        assert len(numbers) == 2


async def test_every_answer_carries_the_rate(bars):
    """Limit, what remains of this session minute, and when it starts anew."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        reset = str(trader.open // 10**9 + 360)
        remaining = []
        for path in ("/v2/account", "/v2/orders/none", "/v2/stocks/quotes/latest?symbols=AAA"):
            headers = (await api.ask("GET", path)).headers
            assert (headers["x-ratelimit-limit"], headers["x-ratelimit-reset"]) == ("200", reset)
            remaining.append(int(headers["x-ratelimit-remaining"]))
        assert remaining == [199, 198, 197]
        await trader.until(6)
        assert (await api.ask("GET", "/v2/clock")).headers["x-ratelimit-remaining"] == "199"
        refused = await Api(api.url, {}).ask("GET", "/v2/account")
        assert "x-ratelimit-limit" in refused.headers


async def test_activities_are_paged_and_add_up_to_the_cash(bars):
    """Fills and their fees, newest first, are what moved the cash."""
    async with serving(floor_of(bars)) as api, Trader(api).connected() as trader:
        await trader.until(5)
        for side in ("buy", "sell", "buy", "sell"):
            await api.order(side=side, qty=777)
        rows, token = [], ""
        while page := await api.get(f"/v2/account/activities?page_size=3&page_token={token}"):
            rows, token = rows + page, page[-1]["id"]
        micro = 0
        for row in rows:
            if row["activity_type"] == "FEE":
                micro += round(float(row["net_amount"]) * 1e6)
            else:
                sign = 1 if row["side"] == "sell" else -1
                micro += sign * int(row["qty"]) * round(float(row["price"]) * 1e6)
        ledger = await api.ledger()
        assert micro == ledger["cash_micro"] - ledger["start_micro"]
        assert len(await api.get("/v2/account/activities/FILL?direction=asc")) == 4


async def test_the_session_of_a_half_day(tmp_path):
    """The clock closes at 13:00, day orders expire, positions stay, and it goes on answering."""
    path = write_market(tmp_path, {HALF: {"AAA": flat(210, 50.0), "BBB": flat(210, 20.0)}})
    async with serving(floor_of(path, day=HALF)) as api, Trader(api).connected() as trader:
        await api.order(client_order_id="early")
        await trader.until(209.5)
        await api.oco(60, 40)
        kept = (await api.order("BBB", kind="limit", limit_price=10, tif="gtc")).body["id"]
        await trader.until(211)
        clock = await api.get("/v2/clock")
        assert not clock["is_open"]
        assert clock["next_open"] == "2025-07-07T09:30:00-04:00"
        assert trader.close - trader.open == 210 * MINUTE
        orders = {o["id"]: o["status"] for o in await api.get("/v2/orders?status=all")}
        assert sorted(orders.values()) == ["expired", "expired", "filled", "new"]
        assert orders[kept] == "new"
        assert [p["qty"] for p in await api.get("/v2/positions")] == ["100"]
        assert (await api.order()).body["status"] == "accepted"
        assert (await api.order(tif="ioc")).body["status"] == "canceled"
        early = await api.get("/v2/orders:by_client_order_id?client_order_id=early")
        assert early["filled_at"] == "2025-07-03T13:30:00Z"


async def test_the_calendar_refuses_what_nobody_knows(bars):
    """A range of dates; a date that is none is 422."""
    async with serving(floor_of(bars)) as api:
        days = await api.get("/v2/calendar?start=2025-07-01&end=2025-07-06")
        assert [(d["date"], d["close"]) for d in days] == [
            ("2025-07-01", "16:00"), ("2025-07-02", "16:00"), ("2025-07-03", "13:00"),
        ]  # fmt: skip
        year = await api.get("/v2/calendar")
        assert (len(year), DAY.isoformat() in {d["date"] for d in year}) == (250, True)
        assert of(await api.ask("GET", "/v2/calendar?start=soon")) == (422, 42210000)


async def test_a_quote_is_the_open_or_the_last_price(tmp_path):
    """Before the bell the close of the day before; without a bar in the minute, the last price."""
    bars = flat(390, 50.0)
    bars[2] = 51.0, 51.5, 50.5, 51.2, 1000
    bars[3] = float("nan")
    floor = floor_of(quiet_market(tmp_path, AAA=bars))
    async with serving(floor) as api, Trader(api).connected() as trader:

        async def middle():
            quote = (await api.get("/v2/stocks/quotes/latest?symbols=AAA,ZZZ"))["quotes"]["AAA"]
            assert quote["ap"] - quote["bp"] == pytest.approx(0.0102, abs=3e-4)
            return round((quote["ap"] + quote["bp"]) / 2, 4)

        assert await middle() == 49.0
        moments = (0, 2, 3, 4, 391)
        seen = []
        for moment in moments:
            await trader.until(moment)
            seen.append(await middle())
        assert seen == [50.0, 51.0, 51.2, 50.0, 50.0]
        assert dt.datetime.fromisoformat((await api.get("/v2/clock"))["timestamp"]).tzinfo
