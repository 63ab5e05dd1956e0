"""What others do to an account: each deed as scripted, told truly by the ledger, drawn by seed."""

import contextlib

import pytest
import trio

from actors.exchange.fault_kinds import FAMILIES, FOR_EVER, KINDS, WHY
from actors.exchange.schedule import CALM_MINUTES, draw_schedule, read_seed
from engine.errors import BadInputError
from engine.market.calendar import session_on
from tests.actors.exchange.venue import DAY, MINUTE, Trader, floor_of, quiet_market, serving

SESSION = session_on(DAY)
CASH = 100_000_000_000


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A market that does not move."""
    return quiet_market(tmp_path_factory.mktemp("bars"))


@contextlib.asynccontextmanager
async def holding(bars, shares=100, legs=True):
    """An exchange within minute 2, and a trader who holds AAA with a stop and a target."""
    floor = floor_of(bars)
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(2.5)
        if shares:
            bought = await api.order(qty=shares, client_order_id="ours-1")
            assert bought.body["status"] == "filled"
        if shares and legs:
            assert (await api.oco(55, 45, shares, client_order_id="ours-2")).status == 200
        yield floor, api, trader


async def inject(api, kind, **more):
    """Begin a fault now; how it stands."""
    answer = await api.post("/control/fault", kind=kind, **more)
    assert answer.status == 200, answer
    return answer.body["faults"][-1]


async def dropped(floor):
    """Wait until no order stream stands."""
    while floor.trades.connections:  # noqa: ASYNC110
        await trio.sleep(0.005)


def balanced(account):
    """The books add up from their rows: what was paid, what came back, what moved."""
    cash, shares = CASH, {}
    for fill in account["executions"]:
        sign = 1 if fill["side"] == "BUY" else -1
        cash -= sign * fill["shares"] * fill["price_micro"] + fill["fee_micro"]
        shares[fill["symbol"]] = shares.get(fill["symbol"], 0) + sign * fill["shares"]
    for row in account["amendments"]:
        sign = 1 if row["side"] == "BUY" else -1
        (was, at, fee), (now, price, paid) = row["was"], row["is"] or (0, 0, 0)
        cash += sign * (was * at - now * price) + fee - paid
        shares[row["symbol"]] += sign * (now - was)
    for move in account["moves"]:
        cash += move["amount_micro"]
        if move["shares"]:
            shares[move["symbol"]] = shares.get(move["symbol"], 0) + move["shares"]
    held = {symbol: row["shares"] for symbol, row in account["positions"].items()}
    assert cash == account["cash_micro"]
    assert {symbol: n for symbol, n in shares.items() if n} == held


@pytest.mark.parametrize(
    ("asked", "held", "sold"),
    [({"what": "part"}, 50, 50), ({"what": "whole"}, 0, 100), ({"what": "all"}, 0, 100)],
)
async def test_a_position_is_sold_by_hand(bars, asked, held, sold):
    """What holds the shares is cancelled first; the ledger marks the order as nobody's of ours."""
    async with holding(bars) as (_, api, trader):
        assert (await inject(api, "hand_trade", **asked))["hits"] == 1
        account = await api.ledger()
        (order,) = [o for o in account["orders"] if o["by_hand"]]
        assert (order["side"], order["filled"], order["status"]) == ("SELL", sold, "filled")
        assert not order["client_order_id"].startswith("ours")
        rows = {o["client_order_id"]: o["status"] for o in account["orders"]}
        assert rows["ours-2"] == "canceled"
        assert account["positions"].get("AAA", {"shares": 0})["shares"] == held
        balanced(account)
        await trader.until(2.6)
        told = [u for u in trader.updates if u["order"]["id"] == order["id"]]
        assert [u["event"] for u in told] == ["new", "fill"]
        assert told[-1]["position_qty"] == str(held)


async def test_shares_are_bought_on_top_by_another_program(bars):
    """Under an id of its own; a stop of ours stays where it is."""
    async with holding(bars) as (_, api, _):
        await inject(api, "hand_trade", what="on_top", program="robot")
        account = await api.ledger()
        assert account["positions"]["AAA"]["shares"] == 150
        (order,) = [o for o in account["orders"] if o["by_hand"]]
        assert order["client_order_id"].startswith("robot-")
        assert [o["status"] for o in account["orders"] if o["order_class"] == "oco"] == [
            "new", "held",
        ]  # fmt: skip
        await inject(api, "hand_trade", what="other")
        assert (await api.ledger())["positions"]["BBB"]["shares"] == 10
        balanced(await api.ledger())


async def test_shares_are_transferred_without_an_order(bars):
    """Out and in; a journal of shares among the activities, no order, no event, no cash."""
    async with holding(bars, legs=False) as (_, api, _):
        cash = (await api.ledger())["cash_micro"]
        await inject(api, "hand_trade", what="part", via="transfer")
        await inject(api, "hand_trade", what="other", via="transfer", symbol="BBB")
        account = await api.ledger()
        assert {s: p["shares"] for s, p in account["positions"].items()} == {"AAA": 50, "BBB": 10}
        assert account["positions"]["BBB"]["cost_micro"] == 10 * 20_000_000
        assert account["cash_micro"] == cash
        assert not [o for o in account["orders"] if o["by_hand"]]
        rows = await api.get("/v2/account/activities/JNLS?direction=asc")
        assert [(r["symbol"], r["qty"], r["net_amount"]) for r in rows] == [
            ("AAA", "-50", "0"), ("BBB", "10", "0"),
        ]  # fmt: skip
        balanced(account)


async def test_a_deed_waits_for_its_occasion(bars):
    """Nothing is held: it is looked for again; then it is done once."""
    async with holding(bars, shares=0) as (_, api, trader):
        fault = await inject(api, "hand_trade", what="whole", seconds=600)
        assert (fault["hits"], fault["on"]) == (0, True)
        await trader.until(4)
        await api.order(qty=10, client_order_id="ours-1")
        await trader.until(5)
        state = (await api.get("/control"))["faults"][-1]
        assert (state["hits"], state["on"]) == (1, False)
        assert (await api.ledger())["positions"] == {}


@pytest.mark.parametrize("why", WHY)
async def test_orders_are_refused(bars, why):
    """Of each kind, in a status, a code and words; noted in the ledger; over when it is over."""
    async with holding(bars, legs=False) as (_, api, trader):
        await inject(api, "refuse", why=why, seconds=30)
        refused = await api.order(qty=1)
        keys = why in ("keys", "forbidden")
        assert refused.status in (401, 403, 422, 429)
        assert refused.body["message"]
        assert (await api.ask("GET", "/v2/account")).status == (refused.status if keys else 200)
        account = await api.ledger()
        told = [(row["why"], row["method"], row["symbol"]) for row in account["refused"]]
        assert told == ([] if keys else [(why, "POST", "AAA")])
        assert bool(account["outages"]["requests"]) == keys
        await trader.until(3)
        assert (await api.order(qty=1)).status == 200


async def test_entries_stops_or_exits_alone_are_refused(bars):
    """And moves of a stop as stops are."""
    async with holding(bars) as (_, api, trader):
        (stop,) = (await api.get("/v2/orders?nested=true"))[0]["legs"]
        move = ("PATCH", f"/v2/orders/{stop['id']}", {"stop_price": 46})
        for orders, statuses in (
            ("entries", (403, 200, 200)), ("stops", (200, 403, 200)), ("exits", (200, 200, 403)),
        ):  # fmt: skip
            await inject(api, "refuse", why="wash_trade", orders=orders, seconds=1)
            moved = await api.ask(*move)
            sold = await api.order(side="sell", qty=1, kind="limit", limit_price=90)
            bought = await api.order("BBB", qty=1)
            # the shares are held by the legs: what no fault refuses is refused for want of them
            wash = [a.status for a in (bought, moved) if "wash" in str(a.body)]
            assert (bought.status, moved.status) == statuses[:2], orders
            assert len(wash) == sum(status == 403 for status in statuses[:2])
            assert ("wash" in sold.body["message"]) == (orders == "exits")
            if moved.status == 200:
                move = ("PATCH", f"/v2/orders/{moved.body['id']}", {"stop_price": 46})
            await trader.until(trader.now / MINUTE - trader.open / MINUTE + 0.1)


async def test_revoked_keys_end_the_streams_too(bars):
    """With `streams`: both drop and are refused."""
    async with holding(bars, shares=0) as (floor, api, _):
        await inject(api, "refuse", why="keys", streams=True, seconds=600)
        await dropped(floor)
        assert floor.faults.keys_refusal(streams=True) is not None
        assert (await api.ask("GET", "/v2/positions")).status == 401


@pytest.mark.parametrize(
    ("how", "held", "cash"),
    [("nothing", {}, CASH), ("other", {"AAA": 50, "BBB": 7}, None), ("orders", {"AAA": 100}, None)],
)
async def test_the_account_comes_back_otherwise(bars, how, held, cash):
    """Orders are unknown, sockets drop, requests are refused for a while; the ledger has it all."""
    async with holding(bars) as (floor, api, _):
        before = await api.ledger()
        await inject(api, "state_lost", how=how)
        await dropped(floor)
        assert (await api.ask("GET", "/v2/positions")).status == 503
        floor.clock.jump(floor.clock.now_ns + 6 * 10**9)
        assert await api.get("/v2/orders") == []
        lost = await api.ask("GET", "/v2/orders:by_client_order_id?client_order_id=ours-2")
        assert lost.status == 404
        account = await api.ledger()
        assert {s: p["shares"] for s, p in account["positions"].items()} == held
        assert account["cash_micro"] == (before["cash_micro"] if cash is None else cash)
        assert len(account["lost"]) == 2
        assert {o["id"] for o in account["orders"]} == {o["id"] for o in before["orders"]}
        balanced(account)


async def test_an_orders_status_is_a_word_that_nobody_knows(bars):
    """In answers, lists, legs and events, of orders that live or are over."""
    async with holding(bars) as (_, api, trader):
        await inject(api, "odd_status", of="final", word="")
        done = await api.get("/v2/orders:by_client_order_id?client_order_id=ours-1")
        assert (done["status"], bool(done["filled_at"])) == ("", True)
        (live,) = await api.get("/v2/orders?nested=true")
        assert live["status"] == "new"
        await inject(api, "odd_status", of="live", word="queued")
        (live,) = await api.get("/v2/orders?nested=true")
        assert (live["status"], live["legs"][0]["status"]) == ("new", "held")  # the first has it
        await api.ask("DELETE", f"/v2/orders/{live['id']}")
        await trader.until(2.6)
        ended = [u["order"] for u in trader.updates if u["event"] == "canceled"]
        assert {order["status"] for order in ended} == {""}
        assert all(order["canceled_at"] for order in ended)


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("no_price", {"AAA": "absent"}), ("null_price", {"AAA": None}),
        ("dust", {"AAA": "50.00525", "BTCUSD": "0.00000004"}),
        ("fraction", {"AAA": "50.00525", "VTI": "250.1"}),
    ],
)  # fmt: skip
async def test_rows_of_positions_are_odd(bars, what, shown):
    """Without a price, or of what is no whole share."""
    async with holding(bars, legs=False) as (_, api, _):
        await inject(api, "odd_positions", what=what)
        rows = {r["symbol"]: r for r in await api.get("/v2/positions")}
        prices = {symbol: row.get("avg_entry_price", "absent") for symbol, row in rows.items()}
        assert prices.keys() == shown.keys()
        assert all(prices[s] == price for s, price in shown.items() if s != "AAA" or "BTC" in shown)
        assert all(float(row["qty"]) > 0 for row in rows.values())


@pytest.mark.parametrize("obeyed", [True, False])
async def test_a_replacement_is_answered_in_html_with_200(bars, obeyed):
    """Obeyed or not."""
    async with holding(bars) as (_, api, _):
        (stop,) = (await api.get("/v2/orders?nested=true"))[0]["legs"]
        await inject(api, "html_ok", obeyed=obeyed)
        said = await api.ask("PATCH", f"/v2/orders/{stop['id']}", {"stop_price": 46})
        assert (said.status, said.body[:6]) == (200, "<html>")
        moved = [o for o in (await api.ledger())["orders"] if o["replaces"]]
        assert len(moved) == obeyed


async def test_an_entry_is_canceled_and_filled_after_all(bars):
    """First the cancellation, then the fill; a leg goes out on what is held."""
    async with holding(bars, shares=0) as (_, api, trader):
        await inject(api, "late_fill", late_seconds=15)
        asked = {"qty": 40, "kind": "limit", "tif": "ioc", "limit_price": 51}
        answer = await api.order(client_order_id="ours-1", **asked)
        assert answer.body["status"] == "canceled"
        assert (await api.ledger())["positions"] == {}
        await trader.until(3)
        told = [(u["event"], u["order"]["status"]) for u in trader.updates]
        assert told == [("new", "new"), ("canceled", "canceled"), ("fill", "filled")]
        account = await api.ledger()
        assert account["orders"][0]["late"]
        assert account["positions"]["AAA"]["shares"] == 40
        assert account["executions"][0]["ts_ns"] - SESSION.open_ns == 2.5 * MINUTE + 15 * 10**9
        balanced(account)


async def test_a_fill_is_busted(bars):
    """By an event that names it; cash, fee, position and activities follow."""
    async with holding(bars, legs=False) as (_, api, trader):
        before = await api.ledger()
        (fill,) = before["executions"]
        assert (await inject(api, "trade_bust", of="exit"))["hits"] == 0
        await inject(api, "trade_bust")
        await trader.until(2.6)
        told = trader.updates[-1]
        assert (told["event"], told["reason"]) == ("trade_bust", "TRADE_BUST")
        assert told["previous_execution_id"] == fill["execution_id"] != told["execution_id"]
        assert (told["qty"], told["price"], told["position_qty"]) == ("100", "50.00525", "0")
        assert told["order"]["filled_qty"] == "0"
        account = await api.ledger()
        assert account["cash_micro"] == CASH
        assert account["positions"] == {}
        assert await api.get("/v2/account/activities") == []
        assert account["amendments"][0]["was"] == [100, fill["price_micro"], fill["fee_micro"]]
        balanced(account)


async def test_an_exits_bust_brings_the_shares_back(bars):
    """At the average of what is held, or at what they were sold for."""
    async with holding(bars, legs=False) as (_, api, _):
        await api.order(side="sell", qty=60, client_order_id="ours-2")
        await inject(api, "trade_bust", of="exit")
        account = await api.ledger()
        held = account["positions"]["AAA"]
        assert (held["shares"], held["cost_micro"]) == (100, 100 * 50_005_250)
        balanced(account)


@pytest.mark.parametrize(("factor", "shares", "position"), [(1.01, 1.0, 100), (0.99, 0.5, 50)])
async def test_a_fill_is_corrected(bars, factor, shares, position):
    """Its price or its shares; what it has cost is what the position has cost."""
    async with holding(bars, legs=False) as (_, api, trader):
        await inject(api, "trade_correct", price_factor=factor, shares_factor=shares)
        await trader.until(2.6)
        told = trader.updates[-1]
        price = round(50.00525 * factor, 2)
        assert told["event"] == "trade_correct"
        assert (float(told["price"]), told["qty"]) == (price, str(position))
        assert "reason" not in told
        account = await api.ledger()
        cost = account["positions"]["AAA"]["cost_micro"]
        assert cost == round(price * position * 1e6)
        rows = await api.get("/v2/account/activities/FILL")
        assert [(row["qty"], float(row["price"])) for row in rows] == [(str(position), price)]
        assert (await inject(api, "trade_bust"))["hits"] == 0  # what was corrected is left alone
        balanced(account)


@pytest.mark.parametrize(
    ("asked", "usd"),
    [
        ({"pct": 30}, -30_000), ({"activity": "CSD", "direction": "in", "pct": 5}, 5_000),
        ({"activity": "JNLC", "pct": 1}, -1_000), ({"activity": "", "pct": 2}, -2_000),
    ],
)  # fmt: skip
async def test_cash_leaves_or_comes_in(bars, asked, usd):
    """The account has it at once; an activity tells it, or none."""
    async with holding(bars, shares=0) as (_, api, _):
        await inject(api, "cash", **asked)
        assert (await api.get("/v2/account"))["cash"] == str(100_000 + usd)
        query = "category=non_trade_activity&after=2025-07-01&direction=asc"
        rows = await api.get(f"/v2/account/activities?{query}")
        activity = asked.get("activity", "CSW")
        assert [(r["activity_type"], r["net_amount"]) for r in rows] == (
            [(activity, str(usd))] if activity else []
        )
        assert await api.get("/v2/account/activities?after=2025-07-02") == []
        assert await api.get("/v2/account/activities?category=trade_activity") == []
        balanced(await api.ledger())


@pytest.mark.parametrize("corrected", [True, False])
async def test_a_held_symbols_bar_is_wrong_for_a_minute(bars, corrected):
    """On the stream and by REST; fills know the true one; it may be corrected 30 s later."""
    async with holding(bars, legs=False) as (_, api, trader):
        await inject(api, "bad_bar", factor=0.5, corrected=corrected)
        await trader.until(3.2)
        wrong, right = trader.bars[-2:]
        assert (wrong["S"], wrong["c"], wrong["l"]) == ("AAA", 25.0, 25.0)
        assert (right["S"], right["c"]) == ("BBB", 20.0)
        query = "/v2/stocks/AAA/bars?start=2025-07-02T13:32:00Z"
        assert (await api.get(query))["bars"][0]["c"] == 25.0
        await trader.until(3.6)
        revised = [item for item in trader.items if item["T"] == "u"]
        assert [item["c"] for item in revised] == ([50.0] if corrected else [])
        assert (await api.get(query))["bars"][0]["c"] == (50.0 if corrected else 25.0)
        start = SESSION.open_ns + 2 * MINUTE
        assert (await api.ledger())["bad_bars"] == [["AAA", start]]
        sold = await api.order(side="sell", qty=100)
        assert float(sold.body["filled_avg_price"]) > 49


def test_families_are_drawn_by_name():
    """Of all: every kind somewhere, the same twice; of some: these alone; 7 is what it was."""
    drawn = set()
    for seed in range(300):
        faults = draw_schedule(seed, SESSION, ["AAA", "BBB"], tuple(FAMILIES))
        again = draw_schedule(seed, SESSION, ["AAA", "BBB"], tuple(FAMILIES))
        assert [f.shown() for f in faults] == [f.shown() for f in again]
        families = {name for name in FAMILIES for f in faults if f.kind in FAMILIES[name]}
        assert 1 <= len(families - {"wire"}) <= 2
        drawn |= {fault.kind for fault in faults}
        calm = SESSION.close_ns - CALM_MINUTES * MINUTE
        assert all(f.end_ns <= calm for f in faults if f.seconds < FOR_EVER)
    assert drawn == set(KINDS) - {"symbol_limit"}
    hands = draw_schedule(3, SESSION, ["AAA"], ("hands", "busts"))
    assert {f.kind for f in hands} <= {"hand_trade", "trade_bust", "trade_correct"}
    assert read_seed("7") == (7, ("wire",))
    assert read_seed("7:hands,busts") == (7, ("hands", "busts"))
    assert read_seed("7:all") == (7, tuple(FAMILIES))
    assert read_seed("faults.toml") is None
    with pytest.raises(BadInputError, match="no family 'feet'"):
        read_seed("7:hands,feet")
