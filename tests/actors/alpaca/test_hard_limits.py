"""The adapter's own limits: entries only, and a collar on limits."""

import re

import pytest

from actors.alpaca.hard_limits import HardLimits
from actors.venue import Rejected
from engine.config import Live
from engine.events import Side
from tests.actors.alpaca.wishes import entry, leave, legs

DAY = "2026-07-10"


def limits(**live):
    """Return limits that know an equity of 100,000 and a price of 80."""
    known = HardLimits(Live(**live), equity_micro=100_000_000_000)
    known.note_price("TQQQ", 80.0)
    return known


def test_the_defaults_let_a_sized_entry_pass():
    """A third of the equity, half a per cent through the quote."""
    assert limits().refusal(entry(shares=400, limit=80.4), DAY) is None


@pytest.mark.parametrize(
    ("live", "wish", "words"),
    [
        ({"max_order_usd": 500.0}, entry(), r"max_order_usd of \$500"),
        ({}, entry(shares=1300), r"max_order_usd of \$100,000"),
        ({"max_position_usd": 1200.0}, entry(), r"max_position_usd"),
        ({}, entry(limit=81.7), r"2\.12% through"),
        ({}, entry(limit=78.3, side=Side.SELL), r"2\.12% through"),
        ({}, legs(target=78.0), r"2\.50% through"),
        ({}, entry(symbol="SPY"), r"no price of SPY"),
    ],
)
def test_each_limit_refuses_in_words(live, wish, words):
    """What was asked, against which key of [live]."""
    judged = limits(**live)
    judged.note_position("TQQQ", 10)

    assert re.search(words, judged.refusal(wish, DAY))


def test_an_unknown_equity_refuses_entries():
    """A limit of 0 means the equity: without it nothing is opened."""
    judged = HardLimits()
    judged.note_price("TQQQ", 80.0)

    assert "not known yet" in judged.refusal(entry(), DAY)


def test_orders_a_day_are_counted_and_start_again():
    """Ours, and what the broker says there were before a restart."""
    judged = limits(max_orders_per_day=3)
    judged.note_orders(DAY, 2)
    assert judged.refusal(entry(), DAY) is None
    judged.sent(DAY)

    assert "3 orders were sent today" in judged.refusal(entry(), DAY)
    assert judged.refusal(leave(), DAY) is None
    assert judged.refusal(entry(), "2026-07-13") is None


def test_an_exit_is_never_blocked():
    """Whatever its size, without a price, without an equity; nor are legs away from the price."""
    blind = HardLimits(Live(max_order_usd=1.0, max_position_usd=1.0, max_orders_per_day=1))
    blind.sent(DAY)

    assert blind.refusal(leave(shares=10_000), DAY) is None
    assert blind.refusal(legs(shares=10_000), DAY) is None
    assert limits().refusal(legs(stop=60.0, target=99.0), DAY) is None


def test_an_exit_makes_room():
    """A position that was closed does not count."""
    judged = limits(max_position_usd=1200.0)
    judged.note_holdings({"TQQQ": 10})
    assert judged.refusal(entry(), DAY) is not None
    judged.note_holdings({})

    assert judged.refusal(entry(), DAY) is None


async def test_a_refusal_never_reaches_the_wire(rest, venue):
    """It comes back as Rejected."""
    assert isinstance(await venue.submit(entry()), Rejected)
    assert rest.requests == []
