"""No order without an approval, and none for more than was approved."""

import math

import pytest

from engine.errors import InvariantViolation
from engine.events import Decision, Gate, Order, Protection, Side
from engine.trading.approval import Approved, Refused, approve_entry, approve_exit
from engine.trading.sizing import Sizing

ENTRY = Order(
    "in", "TQQQ", Side.BUY, 10, entry=True, decision=Decision.ENTER_LONG, limit_micro=70_000_000,
    value_micro=700_000_000, protection=Protection(0.015, 0.03, 0.0),
)  # fmt: skip
EXIT = Order("out", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)


def sized(shares):
    return Sizing(
        shares, "cash", Gate.SIZE, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan,
        math.nan, (),
    )  # fmt: skip


@pytest.mark.parametrize(("shares", "allowed"), [(9, 0), (10, 9), (0, 10), (-1, 10)])
def test_an_entry_beyond_its_sizing_is_refused(shares, allowed):
    """Nor is one for nothing approved."""
    found = approve_entry(ENTRY._replace(shares=shares), sized(allowed))
    assert isinstance(found, Refused)
    assert found.check is Gate.SIZE


def test_an_entry_of_all_that_its_sizing_allows_is_approved():
    """Up to the last share."""
    found = approve_entry(ENTRY, sized(10))
    assert isinstance(found, Approved)
    assert found.order is ENTRY


@pytest.mark.parametrize(
    "change", [{"entry": False}, {"limit_micro": 0}, {"value_micro": 0}, {"protection": None}]
)
def test_an_entry_without_limit_or_protection_is_a_bug(change):
    """No check may let it through."""
    with pytest.raises(InvariantViolation, match="in: an entry needs a limit"):
        approve_entry(ENTRY._replace(**change), sized(10))


@pytest.mark.parametrize("held", [9, 0, -10])
def test_an_exit_of_more_than_is_held_is_a_bug(held):
    """It would sell short."""
    with pytest.raises(InvariantViolation, match=f"out: 10 shares against {held} held"):
        approve_exit(EXIT, held)


def test_an_exit_of_what_is_held_or_less_is_approved():
    """And of nothing it is none."""
    assert approve_exit(EXIT, 10).order is EXIT
    assert approve_exit(EXIT, 11).order is EXIT
    with pytest.raises(InvariantViolation):
        approve_exit(EXIT._replace(shares=0), 10)
