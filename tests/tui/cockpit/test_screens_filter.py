"""The filter language: all words must hold, what means nothing is refused in words."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.cockpit.filtering import parse
from engine.errors import BadInputError

NUMBERS, TEXTS = ("pnl", "bars"), ("sym", "why")
ROW = {"sym": "TQQQ", "why": "STOP", "pnl": -18.36, "bars": 69}


def holds(words, row=ROW):
    return all(term.holds(row) for term in parse(words, NUMBERS, TEXTS))


@pytest.mark.parametrize(
    "words",
    ["", "tqq", "stop tqqq", "sym:TQ", "why:stop", "pnl<0", "bars>=69", "bars:69", "!why:TRAIL",
     "!pnl>0", "PNL<-18", "pnl>-1000 pnl<-.5"],
)  # fmt: skip
def test_these_words_find_the_row(words):
    assert holds(words)


@pytest.mark.parametrize(
    "words", ["fas", "tqqq trail", "sym:FAS", "pnl>0", "!tqqq", "bars<69", "69", "!pnl<0"]
)
def test_these_do_not(words):
    assert not holds(words)


def test_an_unknown_number_is_neither_above_nor_below():
    unknown = ROW | {"pnl": None}

    assert not holds("pnl<0", unknown)
    assert not holds("pnl>=0", unknown)
    assert holds("!pnl<0", unknown)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pln<0", "no field pln; there are sym, why, pnl, bars"),
        ("pnl<much", "pnl<much: wanted a number after pnl<"),
        ("sym<3", "sym<3: sym is words, ask sym:3"),
        ("!", "! negates the word that follows it"),
    ],
)
def test_words_that_mean_nothing_are_named(words, said):
    with pytest.raises(BadInputError) as refused:
        parse(words, NUMBERS, TEXTS)
    assert str(refused.value).startswith(said)


@given(st.text(max_size=20))
def test_any_words_are_a_filter_or_are_refused_in_words(words):
    with suppress(BadInputError):
        for term in parse(words, NUMBERS, TEXTS):
            opposite = replace(term, negated=not term.negated)
            assert term.holds(ROW) is not opposite.holds(ROW)
