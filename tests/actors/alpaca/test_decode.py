"""Payloads: exact where they can be read, counted where not, never a crash."""

import pytest
from alpaca.trading.enums import OrderStatus, TradeEvent
from hypothesis import given
from hypothesis import strategies as st

from actors.alpaca.decode import EVENTS, STATUSES, Decoder
from actors.alpaca.scalars import micro, moment, new_york_day, time_ns
from actors.venue import Status
from engine.events import Side
from tests.actors.alpaca.fakes import LEG, bar, order, trade_update

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def test_every_word_that_the_sdk_knows_has_a_status():
    """No status of alpaca-py is missing from the table, and every event is known."""
    assert {status.value for status in OrderStatus} <= STATUSES.keys()
    assert {event.value for event in TradeEvent} <= EVENTS


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("new", "0", Status.WORKING),
        ("new", "3", Status.PARTIAL),
        ("partially_filled", "3", Status.PARTIAL),
        ("pending_cancel", "0", Status.WORKING),
        ("held", "0", Status.PENDING),
        ("done_for_day", "3", Status.EXPIRED),
        ("replaced", "0", Status.REPLACED),
        ("hibernating", "0", Status.WORKING),
    ],
)
def test_a_status_is_read_whatever_its_word(word, filled, status):
    """A word that is new to us counts as working: it is watched, never taken for the end."""
    decoder = Decoder()

    read = decoder.order(order(status=word, filled_qty=filled, filled_avg_price="80"))

    assert read.status is status
    assert read.said == word
    assert decoder.oddities == ({"status hibernating": 1} if word == "hibernating" else {})


def test_an_order_that_ends_for_the_day_alone_is_still_working():
    """done_for_day of a good-till-cancelled order is not its end."""
    read = Decoder().order(order(status="done_for_day", time_in_force="gtc"))

    assert read.status is Status.WORKING


def test_an_order_is_read_whole():
    """Every field that the trader uses, and the legs."""
    leg = order(id=LEG, type="stop", stop_price="78.9", side="sell", status="held")
    read = Decoder().order(
        order(filled_qty="4", filled_avg_price="80.1234565", legs=[leg, None, 3], replaces=LEG)
    )

    assert (read.client_id, read.symbol, read.side, read.kind) == ("R-1", "TQQQ", Side.BUY, "limit")
    assert (read.shares, read.filled, read.filled_price_micro) == (10, 4, 80_123_456)
    assert (read.limit_micro, read.stop_micro) == (80_120_000, None)
    assert read.updated_ns == 1783690261_500000000
    assert read.replaces == LEG
    assert [(each.stop_micro, each.side) for each in read.legs] == [(78_900_000, Side.SELL)]


def test_new_fields_and_fractions_are_counted():
    """Schema drift is seen in the counts; a fraction of a share is cut."""
    decoder = Decoder()

    read = decoder.order(order(qty="10.7", sentiment="good"))

    assert read.shares == 10
    assert decoder.oddities == {"order field sentiment": 1, "shares: a fraction, cut": 1}


def test_a_flood_of_new_words_does_not_grow_the_counts_without_bound():
    """Beyond some kinds they are counted together."""
    decoder = Decoder()
    for number in range(2000):
        decoder.order(order(status=f"word-{number}"))

    assert len(decoder.oddities) <= 501
    assert sum(decoder.oddities.values()) == 2000


@given(JUNK, st.text(max_size=4))
def test_junk_is_never_a_crash(junk, symbol):
    """Whatever comes in place of a payload."""
    decoder = Decoder()
    for read in (decoder.order, decoder.update, decoder.holding, decoder.account):
        read(junk)
    decoder.quote(symbol, junk)
    decoder.bar(symbol, junk)


@given(st.sampled_from(sorted(order())), JUNK)
def test_junk_in_any_field_is_never_a_crash(field, junk):
    """One field at a time, in orders and in updates."""
    payload = order(filled_qty="3", filled_avg_price="80") | {field: junk}

    Decoder().order(payload)
    Decoder().update(trade_update("fill", order=payload, qty=junk, price=junk, timestamp=junk))


@given(
    st.sampled_from(["o", "h", "l", "c", "v", "t"]),
    JUNK.filter(lambda value: not isinstance(value, int | float | str)),
)
def test_a_bar_without_a_number_is_no_bar(field, junk):
    """A price, volume or time that is none: the bar is left out, and counted."""
    decoder = Decoder()

    assert decoder.bar("TQQQ", bar() | {field: junk}) is None
    assert sum(decoder.oddities.values()) == 1


@given(st.integers(-(10**17), 10**17))
def test_money_is_exact(amount):
    """Six decimals as text, of either sign, to the micro-dollar."""
    sign = "-" if amount < 0 else ""
    text = f"{sign}{abs(amount) // 10**6}.{abs(amount) % 10**6:06d}"

    assert micro(text) == amount


def test_times_are_exact_to_the_nanosecond():
    """Z, an offset, fractions of one to nine digits; what is none is None."""
    assert time_ns("2026-07-10T13:31:00.123456789Z") == 1783690260_123456789
    assert time_ns("2026-07-10T09:31:00.5-04:00") == 1783690260_500000000
    assert time_ns("2026-07-10T13:31:00") == 1783690260_000000000
    for junk in (None, 5, "", "2026-13-45T00:00:00Z", "yesterday", "2026-07-10"):
        assert time_ns(junk) is None
    assert moment(1783690260_123456789).isoformat() == "2026-07-10T13:31:00.123456+00:00"
    assert new_york_day(1783690260_000000000 - 10 * 3600 * 10**9) == "2026-07-09"
