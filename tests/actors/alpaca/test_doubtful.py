"""Alpaca's word read with doubt: statuses, missing fields, parts of shares, undone fills, cash."""

import datetime as dt

import pytest

from actors.alpaca.decode import Decoder
from actors.alpaca.words import ended_by
from actors.venue import Rejected, Status, Unreachable
from tests.actors.alpaca.fakes import ID, Answer, order, trade_update

AT = "2026-07-10T13:31:02Z"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "frobnicated", "canceled_at": AT}, Status.CANCELED),
        ({"status": "", "expired_at": AT}, Status.EXPIRED),
        ({"status": None, "filled_at": AT, "filled_qty": "10"}, Status.FILLED),
        ({"status": "new", "canceled_at": AT}, Status.CANCELED),
        ({"status": "pending_cancel", "canceled_at": AT}, Status.WORKING),
        ({"status": "new", "filled_at": AT, "filled_qty": "4"}, Status.PARTIAL),
        ({"status": "rejected", "filled_at": AT}, Status.REJECTED),
    ],
)
def test_an_end_is_known_from_its_moment(changes, status):
    """Whatever its status says, unless it says that the end is under way."""
    read = Decoder().order(order(**changes))

    assert (read.status, read.doubtful) == (status, False)


@pytest.mark.parametrize("word", ["frobnicated", "", None, 7])
def test_a_word_that_is_none_is_doubtful(word):
    """It counts as working, and is marked."""
    decoder = Decoder()
    read = decoder.order(order(status=word))

    assert (read.status, read.doubtful) == (Status.WORKING, True)
    assert read.said == (word if isinstance(word, str) else "")
    assert sum(decoder.oddities.values()) == 1


def test_an_event_says_what_its_order_does_not():
    """The event's own word ends an order whose status is empty."""
    update = Decoder().update(trade_update("canceled", order=order(status="")))

    assert (update.order.status, update.order.doubtful) == (Status.CANCELED, False)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ('order is already in "filled" state', Status.FILLED),
        ("order is already canceled", Status.CANCELED),
        ("order is already in pending_cancel state", None),
        ("order not found", None),
        ("insufficient qty available", None),
    ],
)
def test_a_refusal_says_that_an_order_is_over(reason, status):
    """In Alpaca's own words."""
    assert ended_by(reason) is status


async def test_a_refused_cancel_carries_the_end(rest, venue):
    """From the answer to a DELETE."""
    words = 'order is already in "canceled" state'
    rest.will("DELETE", f"/v2/orders/{ID}", Answer(422, {"code": 42210000, "message": words}))

    answer = await venue.cancel(ID)
    assert isinstance(answer, Rejected)
    assert (answer.reason, answer.ended) == (words, Status.CANCELED)


def position(**changes):
    return {"symbol": "TQQQ", "qty": "10", "side": "long", "avg_entry_price": "80.5"} | changes


@pytest.mark.parametrize("price", ["", None, "0", "0.0000000001", "nonsense"])
def test_a_position_without_a_price_is_read(price):
    """What the market pays stands beside it, where it is told."""
    read = Decoder().holding(position(avg_entry_price=price, current_price="81.25"))

    assert (read.shares, read.entry_price_micro, read.market_micro) == (10, None, 81_250_000)


def test_a_position_whose_field_is_missing_is_read():
    """No row of the list may hide the others."""
    payload = position()
    del payload["avg_entry_price"]

    assert Decoder().holding(payload).entry_price_micro is None


@pytest.mark.parametrize(
    ("qty", "shares", "fraction"),
    [("0.5", 0, True), ("10.25", 10, True), ("10", 10, False), ("0.00000012", 0, True)],
)
def test_a_part_of_a_share_is_told_apart(qty, shares, fraction):
    """Whole shares are counted; the part is marked."""
    read = Decoder().holding(position(qty=qty))

    assert (read.shares, read.fraction) == (shares, fraction)


async def test_a_position_whose_shares_cannot_be_read_is_no_answer(rest, venue):
    """It is not nothing that is held."""
    rest.will("GET", "/v2/positions", Answer(200, [position(qty="many")]))

    with pytest.raises(Unreachable, match="a position cannot be read"):
        await venue.holdings()


def test_an_options_contract_counts_for_its_hundred_shares():
    """In a position, an order and a fill."""
    option = {"symbol": "SPY260918C00600000", "asset_class": "us_option"}
    held = Decoder().holding(position(**option, qty="-2", side="short", avg_entry_price="1.25"))
    filled = order(**option, filled_qty="2", filled_avg_price="1.25")
    update = Decoder().update(trade_update("fill", order=filled, qty="2", price="1.25"))

    assert (held.shares, held.entry_price_micro) == (-2, 125_000_000)
    assert (update.price_micro, update.order.filled_price_micro) == (125_000_000, 125_000_000)


@pytest.mark.parametrize("event", ["trade_bust", "trade_correct"])
def test_an_undone_fill_names_the_one_before(event):
    """With shares and price, and the position after it."""
    update = Decoder().update(
        trade_update(
            event, qty="4", price="80.1", execution_id="x2", previous_execution_id="x1",
            position_qty="6",
        )
    )  # fmt: skip

    assert (update.event, update.execution_id, update.previous_id) == (event, "x2", "x1")
    assert (update.shares, update.price_micro, update.position) == (4, 80_100_000, 6)


def activity(number, **changes):
    return {
        "id": f"20260710000000000::{number}",
        "activity_type": "CSW",
        "date": "2026-07-10",
        "net_amount": "-500.25",
        "description": "ACH",
    } | changes


async def test_activities_come_page_by_page(rest, venue):
    """Fills, and what has no amount, are left out."""
    first = [activity(n) for n in range(100)]
    second = [
        activity(100, net_amount="12"), activity(101, activity_type="FILL", price="3", qty="1"),
        activity(102, net_amount=None), activity(103, description=None, activity_type="FEE"),
    ]  # fmt: skip
    rest.will("GET", "/v2/account/activities", Answer(200, first), Answer(200, second))

    found = await venue.activities(dt.date(2026, 7, 10))

    asked = [query for _, query, _ in rest.sent("GET")]
    assert [query.get("page_token") for query in asked] == [None, first[-1]["id"]]
    assert asked[0]["after"] == "2026-07-09"
    assert asked[0]["category"] == "non_trade_activity"
    assert len(found) == 102
    assert (found[0].kind, found[0].amount_micro, found[0].words) == (
        "CSW", -500_250_000, "CSW: ACH",
    )  # fmt: skip
    assert found[-1].words == "FEE"


async def test_activities_that_cannot_be_read_are_no_answer(rest, venue):
    """As any question's."""
    rest.will("GET", "/v2/account/activities", Answer(200, {"odd": 1}))

    with pytest.raises(Unreachable):
        await venue.activities(dt.date(2026, 7, 10))
