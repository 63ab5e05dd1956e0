import datetime as dt
import io

import numpy as np
import pytest
from rich.console import Console

from engine.events import MICRO, Decision, RoundTrip
from engine.records.stats import RunStats
from engine.records.summary import sentences, summarise
from tests.bars import config
from tui.summary_table import render

ROWS = (
    {"name": "never trading", "total_pnl": 0.0, "mrd": 0.0, "gross_mrd": 0.0},
    {
        "name": "random rotation, equal turnover", "total_pnl": -1234.5, "mrd": -0.01,
        "gross_mrd": 0.002, "percentile": 0.35, "seeds": 20,
    },
)  # fmt: skip


def account(scale=1):
    """Return the account of a run of two days; `scale` multiplies its money."""
    stats = RunStats(100_000 * MICRO * scale)
    equity = 100_000 * scale
    for day, pnl in ((dt.date(2025, 6, 30), -2_750), (dt.date(2025, 7, 1), 1_500)):
        equity += pnl * scale
        stats.mark(np.array([float(equity)]), np.array([equity / 2]))
        stats.close_day(day, 390, equity * MICRO)
    for decision in (Decision.TRAILING_STOP, Decision.EOD_EXIT, Decision.EXIT):
        stats.round_trips.append(
            RoundTrip(
                symbol="TQQQ", direction=1, entry_ts_ns=0, exit_ts_ns=1, shares=10, entry_price=5.0,
                exit_price=6.0, pnl_micro=-416_666_667 * scale, fee_micro=10_000, slippage_micro=5,
                bars_held=30, decision=decision, forced=False,
            )
        )  # fmt: skip
    stats.fills = stats.positions_opened = 6
    stats.fee_micro, stats.slippage_micro = 30_000 * scale, 15 * scale
    stats.traded_micro = 500_000 * MICRO * scale
    stats.refusals = {"earned_slope": 123_456, "edge": 7_890}
    return stats


def shown(stats, *, encoding="utf-8", rows=ROWS, comparison=None, **options):
    """Return what is printed at 80 columns, decoded strictly."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    summary = summarise(stats, config())
    render(
        summary, Console(file=file, width=80, **options), baselines=rows, comparison=comparison,
        said=sentences(summary, rows),
    )  # fmt: skip
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("scale", [1, 10, 100, 1_000, 10_000])
def test_no_figure_is_cut_at_80_columns(scale):
    """From a hundred thousand dollars to a billion: no line too long, no cell cut short."""
    text = shown(account(scale), comparison=summarise(account(), config()))
    lines = text.splitlines()

    assert max(len(line) for line in lines) <= 80
    assert [line[:15] for line in lines if "…" in line] == ["Session summary"]
    assert f"▼-${1_250 * scale:,.2f}" in text


def test_everything_that_was_asked_for_is_there():
    """Baselines, gate off, months, symbols, exit reasons, gates and sentences."""
    text = shown(account(), comparison=summarise(account(), config()))

    for words in (
        "2025-06-30 … 2025-07-01", "never trading", "this run beats 35%", "earned-slope gate off",
        "2025-06 ", "2025-07 ", "TQQQ", "trailing_stop", "eod_exit", "earned_slope", "94.0%",
        "Break-even cost", "Turnover a day", "MRD 95% low", "Exposure",
        "Fewer than 5 whole sessions", "Better over these sessions: never trading.",
    ):  # fmt: skip
        assert words in text, words


def test_numbers_stand_under_each_other():
    """The months' P&L and MRD end in one column each."""
    lines = [line for line in shown(account()).splitlines() if line.startswith("2025-0")]

    assert len(lines) == 2
    assert len({line.index(".") for line in lines}) == 1
    assert len({line.index("%") for line in lines}) == 1


def test_direction_is_not_told_by_colour_alone():
    """Without a terminal there is no escape; without colour the signs remain."""
    plain = shown(account())
    terminal = shown(account(), force_terminal=True, no_color=True)

    assert "\x1b" not in plain
    assert "▼-$1,250.00" in plain
    assert "▼-$1,250.00" in terminal
    assert not any(f"\x1b[{code}m" in terminal for code in range(30, 50))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_unicode_is_still_written(encoding):
    """Arrows and bullets become ASCII of the same width; nothing else changes."""
    unicode, plain = shown(account()), shown(account(), encoding=encoding)

    assert plain.isascii()
    assert "v-$1,250.00" in plain
    assert [len(a) for a in plain.splitlines()] == [len(a) for a in unicode.splitlines()]


def test_a_run_without_a_whole_session_has_a_table():
    """Interrupted within its first session: it says so, and nothing is made up."""
    stats = RunStats(100_000 * MICRO)
    stats.interrupted = True
    text = shown(stats, rows=())

    assert "no whole session" in text
    assert "None" not in text
    assert "nan" not in text


def test_next_to_nothing_is_not_shown_as_a_loss():
    """What rounds to zero has neither arrow nor minus."""
    row = {"name": "tiny", "total_pnl": -0.001, "mrd": -1e-9, "gross_mrd": 1e-9}
    lines = shown(account(), rows=(row,)).splitlines()

    (line,) = (line for line in lines if line.startswith("tiny"))
    assert line.split() == ["tiny", "+0.000%", "+0.000%", "+$0.00"]
