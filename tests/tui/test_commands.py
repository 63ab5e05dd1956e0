"""Scripted commands: moments, verbs, and errors that name the text."""

import datetime as dt

import pytest

from engine.errors import BadInputError
from engine.events import Halt, Liquidate, Resume
from tests.bars import SIX
from tui.commands import scripted

LAST = dt.date(2025, 7, 10)


def test_moments_are_new_york_unless_they_carry_an_offset():
    """14:30 in New York in July is 18:30 UTC; an offset is taken as it is."""
    plain, zulu = scripted(
        ["2025-07-02T14:30 liquidate all", "2025-07-02T18:31Z resume"], SIX, LAST
    )

    assert plain.ts_ns == int(dt.datetime(2025, 7, 2, 18, 30, tzinfo=dt.UTC).timestamp()) * 10**9
    assert zulu.ts_ns - plain.ts_ns == 60 * 10**9


def test_verbs():
    """Each verb with its argument; in order of time, and of writing at one moment."""
    texts = [
        "2025-07-03T10:00 resume",
        "2025-07-02T14:30 halt the cat sleeps",
        "2025-07-02T14:30 liquidate tqqq",
        "2025-07-02T14:30   liquidate  ALL",
    ]

    assert [given.command for given in scripted(texts, SIX, LAST)] == [
        Halt(reason="the cat sleeps"), Liquidate(symbol="TQQQ"), Liquidate(), Resume(),
    ]  # fmt: skip
    assert {given.actor for given in scripted(texts, SIX, LAST)} == {"script"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no moment"),
        ("liquidate all", "no moment"),
        ("2025-07-02 liquidate all", "a moment has a time"),
        ("2025-07-02T14:30", "write"),
        ("2025-07-02T14:30 sell all", "write"),
        ("2025-07-02T14:30 liquidate", "write"),
        ("2025-07-02T14:30 resume now", "write"),
        ("2025-07-02T14:30 liquidate AAPL", "AAPL is not traded"),
        ("2025-07-10T16:00 halt", "after the last session, 2025-07-10"),
    ],
)
def test_what_cannot_be_used_is_named(text, words):
    """The error holds the text and says how to write it."""
    with pytest.raises(BadInputError) as raised:
        scripted([text], SIX, LAST)

    assert repr(text) in str(raised.value)
    assert words in str(raised.value)
