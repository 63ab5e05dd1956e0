"""Every number has its width: it is whole or `#####`, never cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.cockpit.sample import at
from tui.cockpit import format as fmt

numbers = st.floats(allow_nan=False, allow_infinity=False)
widths = st.integers(1, 30)


@given(numbers | st.none(), widths, st.integers(0, 4))
def test_a_decimal_fills_its_field_and_is_whole(value, width, decimals):
    """What is shown is the number, or ##### of it."""
    text = fmt.decimal(value, decimals, width)

    assert len(text) == width
    shown = text.strip()
    if value is None:
        assert shown == "-"
    elif not set(shown) <= {"#"}:
        assert float(shown) == pytest.approx(value, abs=10.0**-decimals)


@given(numbers | st.none(), st.integers(5, 20))
def test_a_price_fills_its_field(value, width):
    """As wide as the field, whatever the price."""
    assert len(fmt.price(value, width)) == width


@given(st.floats(-1e9, 1e9), st.integers(10, 20))
def test_a_profit_fills_its_field_and_begins_with_its_sign(value, width):
    """▲ or ▼ by the sign that is shown, · for nothing."""
    text = fmt.pnl(value, width)

    assert len(text) == width
    assert text[width - 10] == fmt.arrow(value)
    sign = "+" if fmt.arrow(value) in "▲·" else "-"
    assert sign in text or "#" in text


@given(st.integers(0, 10**12), st.integers(1, 12))
def test_shares_fill_their_field(count, width):
    """With a comma at the thousands, or #####."""
    text = fmt.shares(count, width)

    assert len(text) == width
    assert text.strip().replace(",", "") == str(count) or set(text.strip()) == {"#"}


@given(st.text(max_size=40), st.integers(0, 30))
def test_words_and_ids_fill_their_field(text, width):
    """Words keep their head, ids their tail."""
    assert len(fmt.words(text, width)) == width
    assert len(fmt.tail(text, width)) == width
    if 1 < width < len(text):
        assert fmt.words(text, width) == text[: width - 1] + "…"
        assert fmt.tail(text, width) == "…" + text[len(text) - width + 1 :]


@given(st.lists(st.floats(0.01, 1e5) | st.none(), max_size=30), st.integers(0, 20))
def test_a_sparkline_fills_its_field(values, width):
    """A minute without a close is a blank; the lowest close is the lowest glyph."""
    text = fmt.spark(values, width)
    shown = values[-width:] if width else []

    assert len(text) == width
    assert [glyph == " " for glyph in text[: len(shown)]] == [value is None for value in shown]
    known = [value for value in shown if value is not None]
    if known:
        assert text[shown.index(min(known))] == "▁"


@given(st.floats(-1, 3), st.integers(1, 30))
def test_a_bar_fills_its_field(fraction, width):
    """Never fuller than full, never empty when there is something."""
    text = fmt.bar(fraction, width)

    assert len(text) == width
    assert (set(text) == {"┄"}) == (fraction <= 0)


@given(
    *[st.floats(0, 1e3) | st.none()] * 2,
    *[st.floats(-1, 2) | st.none()] * 2,
    st.sampled_from((8, 15, 19)),
)
def test_a_bracket_fills_its_field(stop, target, entry, last, width):
    """Distance, gauge, distance."""
    text = fmt.bracket(stop, target, entry, last, width)

    assert len(text) == width + 8
    assert text[4] == "├"
    assert text[-5] == "┤"
    assert text.count("●") == (last is not None)


@given(st.text(alphabet="".join(map(chr, fmt.ASCII)) + "abc 12", max_size=60))
def test_ascii_is_ascii_and_as_wide(text):
    """No glyph is left, no column moves; ✓ and the blank after it are ok."""
    found = fmt.ascii_only(text)

    assert found.isascii()
    assert len(found) == len(text)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (fmt.price(82.17), "  82.17"),
        (fmt.price(0.8123), " 0.8123"),
        (fmt.price(12345.6), "  12346"),
        (fmt.price(None), "      -"),
        (fmt.pnl(196.98), "▲  +196.98"),
        (fmt.pnl(-1234.56), "▼-1,234.56"),
        (fmt.pnl(-12345.67), "▼  -12,346"),
        (fmt.pnl(0.001), "·    +0.00"),
        (fmt.percent(0.004), " +0.00"),
        (fmt.percent(-0.004), " +0.00"),
        (fmt.percent(-1234.5), "#####".rjust(6)),
        (fmt.drawdown(-0.001), "0.00%"),
        (fmt.rank(None), " –"),
        (fmt.rank_change(12), "▲9"),
        (fmt.rank_change(0), "  "),
        (fmt.age(22.4), "22s"),
        (fmt.age(75.0), "75s!"),
        (fmt.age(None), "-"),
        (fmt.duration(7_838_000_000_000), "2:10:38"),
        (fmt.duration(-1), "0:00:00"),
        (fmt.clock(at("13:47:22")), "13:47:22"),
        (fmt.tenths(at("13:49:05.2")), "13:49:05.2"),
        (fmt.day("2025-07-02"), "Wed 02 Jul"),
        (fmt.bar(0.58 / 0.8, 8, " "), "━━━━━━  "),
        (fmt.bar(0.0001, 6), "╸┄┄┄┄┄"),
        (fmt.gauge(0.075, 0.26, 8), "├┼●────┤"),
        (fmt.gauge(0.3286, 0.4286, 8), "├──●───┤"),
        (fmt.bracket(0.84, 2.39, 0.075, 0.26, 8), " 0.8├┼●────┤2.4 "),
        (fmt.spark((1.0, None, 2.0), 4), "▁ █ "),
        (fmt.ascii_only("✓ TQQQ ▲ ━╸┄ ├┼●┤"), "okTQQQ ^ =-. [+*]"),
    ],
)
def test_fields_as_the_design_has_them(shown, expected):
    """The widest and the odd cases of each field."""
    assert shown == expected
