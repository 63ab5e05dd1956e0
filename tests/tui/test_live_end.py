"""The end tells the truth: what is held, what differs, what is not ours."""

import pytest

from actors.live import Book
from tui.live_end import Ending, compared

CASH = 100_000_000_000
UNIVERSE = ("SSO", "TQQQ")


def book(cash_micro=CASH, fills=4, fee_micro=250_000, theirs=None, **ours):
    return Book(ours, theirs or {}, cash_micro, fills, fee_micro)


def held(**shares):
    return shares


def test_flat_and_equal_is_sound():
    """Nothing is said."""
    found = compared({}, CASH, book(), UNIVERSE)
    assert found == Ending(True)
    assert found.sound


def test_what_is_still_held_is_named():
    """Ours, whether the book knows it or not."""
    found = compared(held(SSO=193), CASH, book(SSO=193), UNIVERSE)
    assert (found.flat, found.problems) == (False, ("THE BROKER STILL HOLDS 193 SSO",))
    found = compared(held(SSO=-384), CASH, book(), UNIVERSE)
    assert found.problems == (
        "THE BROKER STILL HOLDS -384 SSO",
        "positions differ: the broker holds -384 SSO, the book nothing",
    )


def test_a_book_that_holds_what_the_broker_does_not_is_no_flat_end():
    """All positions were closed by hand, and nobody booked it."""
    found = compared({}, CASH, book(SSO=10), UNIVERSE)
    assert found.flat is True
    assert not found.sound
    assert found.problems == ("positions differ: the broker holds nothing, the book 10 SSO",)


@pytest.mark.parametrize(
    ("apart", "said"),
    [(40_000, ""), (-40_000, ""), (290_000, ""), (300_001, "+0.30"), (-50_001, "-0.05"),
     (-712_630_000, "-712.63")],
)  # fmt: skip
def test_cash_may_differ_by_a_cent_a_fill_and_by_fees_not_posted_yet(apart, said):
    """The broker may have more by what it will take, never less."""
    found = compared({}, CASH + apart, book(), UNIVERSE)
    assert [words.split(":")[0] for words in found.problems] == (
        [f"cash differs by {said}"] if said else []
    )


def test_what_is_not_the_sessions_is_told_and_is_no_alarm():
    """Other symbols, in the book or not, and what was left to others."""
    found = compared(held(KO=7, TQQQ=5), CASH, book(theirs={"TQQQ": 5}), UNIVERSE)
    assert found.sound
    assert found.others == ("7 KO", "5 TQQQ")
    assert compared(held(KO=7), CASH, book(KO=7), UNIVERSE) == found._replace(others=("7 KO",))


def test_ours_beside_what_was_left_to_others_is_still_to_be_sold():
    """Flat means flat of ours."""
    found = compared(held(TQQQ=8), CASH, book(theirs={"TQQQ": 5}, TQQQ=3), UNIVERSE)
    assert found.problems == ("THE BROKER STILL HOLDS 3 TQQQ",)
