"""What a predictor hands on is checked, and a breach names it."""

from dataclasses import replace

import numpy as np
import pytest

from engine.learning.border import ForecastError, checked
from engine.learning.signals import CONFIDENCE, PROBABILITY, STALE, WARM, Context, neutral
from tests.bars import synth_blocks

BLOCK = synth_blocks(1)[0].slice(100, 110)
CONTEXT = Context("TQQQ", 4, BLOCK.symbols, 1.0, (15, 30, 60))


class Mine:
    """A predictor with one feature."""

    feature_names = ("x",)


def signals():
    return neutral(10, 1)


def broken(part, place, value):
    told = signals()
    getattr(told, part)[place] = value
    return told


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("part", "place", "name"),
    [
        ("values", (3, PROBABILITY), "probability"),
        ("values", (3, CONFIDENCE), "confidence"),
        ("values", (3, WARM), "warm"),
        ("values", (3, STALE), "stale"),
        ("expected", (3, 1), "expected return over 30 minutes"),
        ("sd", (3, 2), "sd over 60 minutes"),
        ("contributions", (3, 0), "contribution 0"),
    ],
)
def test_a_number_that_is_none_is_named(part, place, name, bad):
    """Class, what, value, minute, day and symbol stand in the message."""
    with pytest.raises(ForecastError, match=name) as found:
        checked(broken(part, place, bad), BLOCK, CONTEXT, Mine())
    for words in (f"{Mine.__module__}.Mine", "in minute 103 of", "wanted", "TQQQ", f"{bad:g}"):
        assert words in str(found.value)


@pytest.mark.parametrize(
    ("part", "place", "bad"),
    [
        ("values", (9, PROBABILITY), 1.01), ("values", (9, CONFIDENCE), -0.01),
        ("values", (9, WARM), 0.5), ("values", (9, STALE), -1.0), ("expected", (9, 0), 11.0),
        ("sd", (9, 0), 0.0), ("sd", (9, 0), -1.0),
    ],
)  # fmt: skip
def test_a_number_out_of_its_range_is_refused(part, place, bad):
    """Probability and confidence are fractions, an sd is above 0, and so on."""
    with pytest.raises(ForecastError, match="minute 109"):
        checked(broken(part, place, bad), BLOCK, CONTEXT, Mine())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "NoneType instead of Signals"),
        (neutral(9, 1), "values 9 × 10 of float64 and .* wanted are 10 × 10 and 10 × 1 of"),
        (neutral(10, 1, horizons=2), "values 10 × 8"),
        (neutral(10, 2), "contributions 10 × 2"),
        (replace(signals(), values=signals().values.astype("f4")), "of float32"),
        (replace(signals(), values=[[0.5]]), "values a list"),
    ],
)
def test_other_shapes_and_types_are_refused(answer, words):
    """What is no Signals of the block's shape, in float64, is said to be so."""
    with pytest.raises(ForecastError, match=words):
        checked(answer, BLOCK, CONTEXT, Mine())


def test_what_was_handed_on_cannot_be_changed_afterwards():
    """A predictor that uses one buffer again changes no earlier forecast."""
    told = signals()
    taken = checked(told, BLOCK, CONTEXT, Mine())
    told.values[:] = 7.0

    assert taken.values.max() == 1.0
