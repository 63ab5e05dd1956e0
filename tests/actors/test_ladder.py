"""How everything is closed: by a limit, at the market, and asked for until it is flat."""

from functools import partial

import pytest
import trio
import trio.testing

from actors.desk import Outgoing
from actors.orphans import Books
from actors.venue import Accepted, BrokerOrder, Rejected, Status, Unknown
from engine.events import (
    Decision,
    ExitRefused,
    NotFlat,
    Order,
    OrderCanceled,
    OrderFilled,
    RefusalKind,
    Side,
)
from engine.trading.approval import approve_exit
from tests.actors.executing import executing, hold

FLATTEN = Order("e-d-TQQQ-SELL-7-0", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EOD_EXIT)
REST = "e-d-TQQQ-SELL-7-1"
HELD = Books({"TQQQ": 10})


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


def shown(order, filled, status, *, client_id=None):
    return BrokerOrder(
        client_id=client_id or order.order_id, broker_id=f"b-{client_id or order.order_id}",
        symbol="TQQQ", side=Side.SELL, kind="limit" if order.limit_micro else "market",
        shares=order.shares, filled=filled, filled_price_micro=80_000_000 if filled else None,
        status=status, said=str(status), stop_micro=None, limit_micro=order.limit_micro or None,
        updated_ns=7, replaces="",
    )  # fmt: skip


class Desk:
    """A broker that fills what it is told to: shares per order, or an answer."""

    def __init__(self, venue, fills):
        self.sent, self.orders, self.canceled = [], {}, []
        self._fills = list(fills)
        self._others = []
        venue.submit, venue.order = self.submit, self.order
        venue.cancel = self.cancel

    async def submit(self, approved):
        order = approved.order
        self.sent.append(order)
        answer = self._fills.pop(0)
        if not isinstance(answer, int):
            return answer
        whole = answer == order.shares
        status = Status.FILLED if whole else Status.CANCELED
        self.orders[order.order_id] = shown(order, answer, status)
        return Accepted(self.orders[order.order_id])

    async def order(self, client_id):
        return self.orders.get(client_id)

    async def cancel(self, broker_id):
        self.canceled.append(broker_id)


async def flattened(told, fills, order=FLATTEN, *, quoted=True):
    """Flatten ten shares of which the broker fills so many, order by order; what was sent."""
    async with executing(told, lambda: HELD, _unheard) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        desk = Desk(venue, fills)
        if not quoted:
            venue.quotes = _nothing
        await execution.send(Outgoing((), (approve_exit(order, 10),)), [])
        await trio.sleep(20)
    return desk.sent


def _unheard(_execution, venue):
    """Answers tell it all here: that the stream says nothing is no fault of it."""
    venue.drop_orders = lambda _reason: None


async def _nothing(_symbols):
    return {}


async def test_a_limit_through_the_quote_takes_all(mock_clock):
    """Half a per cent below the bid; nothing goes at the market."""
    told = []
    (sent,) = await flattened(told, [10])

    assert sent.order_id == FLATTEN.order_id
    assert sent.limit_micro > 0
    assert [(fill.order_id, fill.shares, fill.final) for fill in told] == [
        (FLATTEN.order_id, 10, True)
    ]


async def test_what_the_limit_leaves_goes_at_the_market(mock_clock):
    """By an id of its own; for the trader it is one order."""
    told = []
    limit, market = await flattened(told, [4, 6])

    assert (limit.shares, market.shares) == (10, 6)
    assert (market.order_id, market.limit_micro) == (REST, 0)
    assert [(fill.order_id, fill.shares, fill.final) for fill in told] == [
        (FLATTEN.order_id, 4, False), (FLATTEN.order_id, 6, True),
    ]  # fmt: skip


@pytest.mark.parametrize("first", [0, Rejected("no", 42_210_000)])
async def test_a_limit_that_fills_nothing_keeps_nothing_up(mock_clock, first):
    """Also where it is refused."""
    told = []
    sent = await flattened(told, [first, 10])

    assert [order.order_id for order in sent] == [FLATTEN.order_id, REST]
    assert [type(report) for report in told] == [OrderFilled]


async def test_without_a_quote_it_goes_at_the_market_at_once(mock_clock):
    """There is nothing to price a limit by."""
    told = []
    (sent,) = await flattened(told, [10], quoted=False)

    assert (sent.order_id, sent.limit_micro) == (FLATTEN.order_id, 0)


async def test_another_exit_goes_at_the_market(mock_clock):
    """The ladder is for what must be closed."""
    told = []
    (sent,) = await flattened(told, [10], FLATTEN._replace(decision=Decision.ROTATE_OUT))

    assert sent.limit_micro == 0


async def test_a_market_order_that_never_arrived_ends_the_exit(mock_clock):
    """The trader hears of it, and decides again."""
    told = []
    sent = await flattened(told, [4, *[Unknown("silence")] * 5])

    assert [order.order_id for order in sent] == [FLATTEN.order_id, *[REST] * 5]
    assert [type(report) for report in told] == [OrderFilled, OrderCanceled]


async def test_a_market_order_that_is_refused_is_told_and_sent_again(mock_clock):
    """With the broker's words, by the same id."""
    told = []
    sent = await flattened(told, [4, Rejected("halted", kind=RefusalKind.NOT_TRADABLE), 6])

    assert [order.order_id for order in sent] == [FLATTEN.order_id, REST, REST]
    assert [type(report) for report in told] == [OrderFilled, ExitRefused, OrderFilled]
    assert (told[1].reason, told[1].kind, told[1].tries) == (
        "halted", RefusalKind.NOT_TRADABLE, 1,
    )  # fmt: skip


async def test_orders_of_others_make_way(mock_clock):
    """They hold the shares: they are cancelled, then it is sent again."""
    told = []
    refused = Rejected("insufficient qty available", kind=RefusalKind.SHARES)
    theirs = shown(FLATTEN, 0, Status.WORKING, client_id="theirs")
    async with executing(told, lambda: HELD, _unheard) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        desk = Desk(venue, [refused] * 3 + [10])
        venue.orders = partial(_listed, [theirs])
        await execution.send(Outgoing((), (approve_exit(FLATTEN, 10),)), [])
        await trio.sleep(10)

    assert desk.canceled == ["b-theirs"]
    assert [type(report) for report in told] == [OrderFilled]


async def _listed(orders, *, since_ns=None):
    return orders


@pytest.mark.parametrize("second", [0, 3])
async def test_after_a_restart_the_rest_follows(mock_clock, second):
    """The snapshot shows what the limit left, and whether the market order went."""
    told = []
    limit = FLATTEN._replace(limit_micro=79_000_000)
    rest = FLATTEN._replace(order_id=REST, shares=6)
    there = [shown(limit, 4, Status.CANCELED)]
    if second:
        there.append(shown(rest, second, Status.PARTIAL))
    async with executing(told, lambda: HELD, begin=partial(_restored, there)) as (_, venue):
        await trio.sleep(20)
        sent = venue.desk.sent

    assert [order.shares for order in sent] == ([] if second else [6])
    assert sum(report.shares for report in told) == 4 + (second or 6)


def _restored(there, execution, venue):
    hold(venue, "TQQQ", 10, 80.0)
    venue.desk = Desk(venue, [6])
    venue.desk.orders = {order.client_id: order for order in there}
    venue.orders = partial(_listed, there)
    execution.restore(approve_exit(FLATTEN, 10))


# --- asked for ----------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [True, False])
async def test_what_is_held_near_the_close_is_told_until_it_is_over(mock_clock, held):
    """From half way between the flatten and the close on, while no exit is under way."""
    told = []
    async with executing(told, lambda: HELD) as (_, venue):
        hold(venue, "TQQQ", 10, 80.0)
        close = (venue.market.session.close_ns - venue.clock.now_ns()) / 1e9
        await trio.sleep(close - 70)
        assert told == []
        if not held:
            venue.books.holdings.clear()
        await trio.sleep(68)

    found = [report for report in told if isinstance(report, NotFlat)]
    assert len(found) == (12 if held else 0)
    assert {report.reason for report in found} <= {"the broker still holds 10 TQQQ"}
