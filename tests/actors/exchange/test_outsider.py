"""The real alpaca-py, used as anybody would, knows the exchange for Alpaca."""

import asyncio
import datetime as dt
import threading
from uuid import uuid4

import pytest
import trio
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import StockDataStream
from alpaca.data.requests import (
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
)
from alpaca.trading.stream import TradingStream

from tests.actors.exchange.venue import (
    BEFORE,
    DAY,
    Trader,
    floor_of,
    quiet_market,
    serving,
    walking_market,
)
from tests.patience import patience

BUY, SELL, TODAY = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY
PATIENCE = {
    "open_timeout": patience(5), "close_timeout": 0.5, "ping_interval": 10,
    "ping_timeout": patience(20),
}  # fmt: skip


async def call(function, *arguments, **keywords):
    """Call a blocking function in a thread."""
    return await trio.to_thread.run_sync(lambda: function(*arguments, **keywords))


def trading(api):
    return TradingClient("key", "secret", paper=True, url_override=api.url)


def history(api):
    return StockHistoricalDataClient("key", "secret", url_override=api.url)


def market(symbol="AAA", side=BUY, qty=100, **more):
    return MarketOrderRequest(symbol=symbol, side=side, qty=qty, time_in_force=TODAY, **more)


async def test_a_day_of_orders_over_rest(tmp_path):
    """Account, clock, calendar, assets, orders of every class, positions, closing."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(10)
        client = trading(api)
        account = await call(client.get_account)
        assert (account.cash, account.buying_power, account.multiplier) == ("100000",) * 2 + ("1",)
        assert (await call(client.get_account_configurations)).max_margin_multiplier == "1"
        clock = await call(client.get_clock)
        assert clock.is_open
        assert clock.timestamp.isoformat() == "2025-07-02T09:40:00-04:00"
        assert clock.next_close.isoformat() == "2025-07-02T16:00:00-04:00"
        days = GetCalendarRequest(start=DAY, end=dt.date(2025, 7, 7))
        calendar = await call(client.get_calendar, days)
        assert [(d.date.day, d.close.hour) for d in calendar] == [(2, 16), (3, 13), (7, 16)]
        assert [a.symbol for a in await call(client.get_all_assets)] == ["AAA", "BBB"]

        bought = await call(client.submit_order, market(client_order_id="mine"))
        assert (bought.status.value, bought.filled_qty) == ("filled", "100")
        assert bought.filled_avg_price == "50.00525"
        assert (await call(client.get_order_by_client_id, "mine")).id == bought.id
        legs = LimitOrderRequest(
            symbol="AAA", side=SELL, qty=100, time_in_force=TODAY, order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=51), stop_loss=StopLossRequest(stop_price=49),
        )  # fmt: skip
        oco = await call(client.submit_order, legs)
        assert (oco.limit_price, oco.legs[0].stop_price) == ("51", "49")
        assert (oco.status.value, oco.legs[0].status.value) == ("new", "held")
        with pytest.raises(APIError) as insufficient:
            await call(client.submit_order, market(side=SELL))
        assert (insufficient.value.status_code, insufficient.value.code) == (403, 40310000)
        moved = await call(
            client.replace_order_by_id, oco.legs[0].id, ReplaceOrderRequest(stop_price=49.5)
        )
        assert (moved.stop_price, moved.replaces) == ("49.5", oco.legs[0].id)
        working = GetOrdersRequest(status=QueryOrderStatus.OPEN, nested=True)
        (found,) = await call(client.get_orders, working)
        assert (found.id, found.legs[0].id) == (oco.id, moved.id)
        held = await call(client.get_open_position, "AAA")
        assert (held.qty, held.qty_available, held.avg_entry_price) == ("100", "0", "50.00525")

        await call(client.cancel_order_by_id, oco.id)
        closing = ClosePositionRequest(qty="40")
        closed = await call(client.close_position, "AAA", close_options=closing)
        assert (closed.side, closed.filled_qty) == (SELL, "40")
        stop = StopOrderRequest(symbol="AAA", side=SELL, qty=60, time_in_force=TODAY, stop_price=45)
        await call(client.submit_order, stop)
        rows = await call(client.close_all_positions, cancel_orders=True)
        assert [(row.symbol, row.status) for row in rows] == [("AAA", 200)]
        assert await call(client.get_all_positions) == []
        assert await call(client.cancel_orders) == []
        activities = await call(client.get, "/account/activities", {"activity_types": "FEE"})
        ledger = await api.ledger()
        assert sum(float(row["net_amount"]) for row in activities) == pytest.approx(
            -ledger["fees_micro"] / 1e6
        )


async def test_a_bracket_wakes_its_legs_and_unknown_ids_are_404(tmp_path):
    """The legs of a bracket are held until the entry is filled; then they rest."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(10)
        client = trading(api)
        bracket = market(
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=52),
            stop_loss=StopLossRequest(stop_price=48),
        )
        await call(client.submit_order, bracket)
        every = GetOrdersRequest(status=QueryOrderStatus.ALL, direction="asc")
        orders = await call(client.get_orders, every)
        assert [o.status.value for o in orders] == ["filled", "new", "held"]
        for question in (client.get_order_by_id, client.cancel_order_by_id):
            with pytest.raises(APIError) as missing:
                await call(question, uuid4())
            assert (missing.value.status_code, missing.value.code) == (404, 40410000)
        with pytest.raises(APIError) as missing:
            await call(client.get_open_position, "BBB")
        assert missing.value.code == 40410000


async def test_history_and_quotes(tmp_path):
    """Bars of the day before and of today up to now, page by page; the running minute's quote."""
    floor = floor_of(walking_market(tmp_path, missing=0.1))
    async with serving(floor) as api, Trader(api).connected() as trader:
        await trader.until(30)
        client = history(api)
        span = {"timeframe": TimeFrame.Minute, "start": dt.datetime(2025, 7, 1, tzinfo=dt.UTC)}
        asked = StockBarsRequest(symbol_or_symbols=["AAA", "BBB"], **span)
        bars = await call(client.get_stock_bars, asked)
        for symbol in ("AAA", "BBB"):
            rows = floor.market.shown(symbol, 0, floor.clock.now_ns, 10_000)
            assert [b.timestamp.timestamp() * 1e9 for b in bars[symbol]] == [
                r.start_ns for r in rows
            ]
            assert [(b.open, b.high, b.low, b.close, b.volume) for b in bars[symbol]] == [
                tuple(row.bar) for row in rows
            ]
            assert {b.timestamp.date() for b in bars[symbol]} == {BEFORE, DAY}
        few = StockBarsRequest(symbol_or_symbols="AAA", limit=5, sort="desc", **span)
        newest = (await call(client.get_stock_bars, few))["AAA"]
        assert [b.timestamp for b in newest] == [b.timestamp for b in bars["AAA"]][:-6:-1]

        quotes = await call(
            client.get_stock_latest_quote, StockLatestQuoteRequest(symbol_or_symbols=["AAA"])
        )
        opening = floor.market.opening("AAA", 30)
        assert quotes["AAA"].ask_price == pytest.approx(opening + max(0.005, opening * 1e-4))
        assert quotes["AAA"].bid_price == pytest.approx(opening - max(0.005, opening * 1e-4))
        latest = StockLatestBarRequest(symbol_or_symbols=["AAA"])
        assert (await call(client.get_stock_latest_bar, latest))["AAA"] == bars["AAA"][-1]
        trade = StockLatestTradeRequest(symbol_or_symbols=["AAA"])
        assert (await call(client.get_stock_latest_trade, trade))["AAA"].price == opening


class Running:
    """A stream of alpaca-py in a thread and loop of its own."""

    def __init__(self, stream):
        self.stream = stream
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    async def _main(self):
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._ready.set()
        try:
            await self.stream._run_forever()
        except asyncio.CancelledError:
            await asyncio.wait_for(self.stream.close(), 1)

    async def __aenter__(self):
        self._thread.start()
        await trio.to_thread.run_sync(self._ready.wait)
        return self

    async def __aexit__(self, *_):
        self._loop.call_soon_threadsafe(self._task.cancel)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._thread.join)


async def test_both_streams(tmp_path):
    """StockDataStream and TradingStream: bars, quotes and updates as alpaca-py's own objects."""
    floor = floor_of(quiet_market(tmp_path), speed=1.0)
    async with serving(floor) as api:
        await api.post("/control/pause")
        bars, quotes, updates = [], [], []
        data = StockDataStream(
            "key", "secret", url_override=f"{api.stream_url}/v2/iex", websocket_params=PATIENCE
        )
        trades = TradingStream(
            "key", "secret", url_override=f"{api.stream_url}/stream", websocket_params=PATIENCE
        )

        async def keep(kept, item):
            kept.append(item)

        data.subscribe_bars(lambda_to(keep, bars), "AAA", "BBB")
        data.subscribe_quotes(lambda_to(keep, quotes), "AAA")
        trades.subscribe_trade_updates(lambda_to(keep, updates))
        async with Running(data), Running(trades):
            await until(lambda: floor.data.connections and floor.trades.connections)
            await until(lambda: floor.data.connections[0].wanted["quotes"])
            await api.post("/control/speed", speed=1200)
            await api.post("/control/resume")
            await until(lambda: len(bars) >= 4)
            await api.post("/control/pause")
            await api.order(qty=10, client_order_id="mine")
            await until(lambda: len(updates) >= 2)

    assert [(b.symbol, b.timestamp.minute) for b in bars[:4]] == [
        ("AAA", 30), ("BBB", 30), ("AAA", 31), ("BBB", 31),
    ]  # fmt: skip
    assert (bars[0].open, bars[0].volume) == (50.0, 1e6)
    assert (quotes[0].bid_price, quotes[0].ask_price) == (49.995, 50.005)
    assert [u.event for u in updates[:2]] == ["new", "fill"]
    fill = updates[1]
    assert (fill.qty, fill.position_qty, fill.order.client_order_id) == (10, 10, "mine")
    assert fill.price == pytest.approx(50.005079, abs=1e-6)


def lambda_to(keep, kept):
    """A coroutine function, as alpaca-py wants its handlers."""

    async def handler(item):
        await keep(kept, item)

    return handler


async def until(condition):
    """Return when a condition holds."""
    with trio.fail_after(patience(20)):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.005)
