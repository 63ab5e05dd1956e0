"""Requests: prices that Alpaca takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.alpaca.orders import dollars, request_of
from engine.events import Decision, Order, Side
from engine.trading.approval import approve_exit
from tests.actors.alpaca.wishes import entry, legs


@pytest.mark.parametrize(
    ("micro", "up", "price"),
    [
        (80_123_456, False, 80.12),
        (80_123_456, True, 80.13),
        (80_120_000, True, 80.12),
        (1_000_000, False, 1.0),
        (999_999, False, 0.9999),
        (999_999, True, 1.0),
        (1, False, 0.0001),
    ],
)
def test_a_price_is_put_on_its_tick(micro, up, price):
    """Cents from one dollar on, hundredths of a cent below, on the side that was asked for."""
    assert dollars(micro, up=up) == price


@given(st.integers(1_000_000, 10**11), st.booleans())
def test_rounding_moves_a_price_by_less_than_a_tick(micro, up):
    """And on the wire it has two decimals."""
    price = dollars(micro, up=up)
    moved = round(price * 1_000_000) - micro

    assert 0 <= (moved if up else -moved) < 10_000
    assert len(repr(price).partition(".")[2]) <= 2


def test_a_limit_is_never_worse_than_it_was_approved():
    """A buy is rounded down, a short sale up."""
    assert request_of(entry(limit=80.129)).limit_price == 80.12
    assert request_of(entry(limit=80.121, side=Side.SELL)).limit_price == 80.13


def test_only_an_exit_without_a_limit_goes_at_the_market():
    """The first try of one that flattens is a limit, immediate or cancel."""
    out = Order("a", "TQQQ", Side.SELL, 5, entry=False, decision=Decision.EOD_EXIT)
    market = request_of(approve_exit(out, 5))
    limit = request_of(approve_exit(out._replace(limit_micro=79_601_000), 5))

    assert (market.type, market.time_in_force) == ("market", "day")
    assert (limit.type, limit.time_in_force, limit.limit_price) == ("limit", "ioc", 79.61)


def test_legs_are_rounded_towards_the_price():
    """Of a long position the stop up and the target down; of a short one the other way."""
    long = request_of(legs(stop=78.901, target=82.509))
    short = request_of(legs(side=Side.BUY, stop=82.509, target=78.901))

    assert (long.stop_loss.stop_price, long.take_profit.limit_price) == (78.91, 82.5)
    assert (short.stop_loss.stop_price, short.take_profit.limit_price) == (82.5, 78.91)
