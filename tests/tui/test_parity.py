"""What fills cost beside the quotes that their orders met."""

import pytest

from engine.records.inputs import Met
from tui.parity import _at_quotes


def fill(order_id, price, action="ENTRY", direction="LONG", shares=10):
    """A row of trades.jsonl."""
    return {
        "order_id": order_id, "action": action, "direction": direction,
        "shares": shares, "value": price * shares,
    }  # fmt: skip


def met(bid, ask, *, streamed=True):
    """A quote."""
    return Met("TQQQ", bid, ask, 0, streamed)


def test_fills_are_held_against_the_middle_of_their_quote():
    """Who buys above it, or sells below it, pays; an order's fills count once, by their average."""
    trades = [
        fill("long", 100.02, shares=30), fill("long", 100.06, shares=10),
        fill("long-out", 99.98, "EXIT"),
        fill("short", 99.98, direction="SHORT"),
        fill("short-out", 99.99, "EXIT", "SHORT"),
        fill("legs", 95.0, "EXIT"),
    ]  # fmt: skip
    quotes = {
        name: met(99.98, 100.02) for name in ("long", "long-out", "short", "short-out", "refused")
    }
    quotes["refused"] = met(90.0, 110.0, streamed=False)

    found = _at_quotes(trades, quotes)

    assert (found["quotes"], found["quotes_streamed"], found["orders_at_a_quote"]) == (5, 4, 4)
    assert found["worst_slippage_bps"] == pytest.approx(3.0)
    assert found["median_slippage_bps"] == pytest.approx(2.0)  # of 3, 2, 2 and -1
    assert found["median_spread_bps"] == pytest.approx(4.0)


def test_without_an_order_there_is_nothing_to_say():
    """No figure where there is none."""
    found = _at_quotes([fill("legs", 95.0)], {})

    assert found["orders_at_a_quote"] == 0
    assert found["median_slippage_bps"] is None
