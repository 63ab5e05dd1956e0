import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.system import run
from engine.events import MICRO
from engine.records.baselines import SEEDS, baselines
from engine.records.stats import RunStats
from engine.records.summary import (
    learning_figures,
    learning_sentence,
    sentences,
    summarise,
)
from tests.actors.test_system import plan
from tests.bars import config, synth_blocks


@pytest.fixture(scope="module")
def blocks():
    return synth_blocks(6, signal=2.5, seed=5)


@pytest.fixture(scope="module")
def outcome(blocks):
    return run(plan(blocks))


def test_the_summary_adds_up(outcome):
    """Gross = net + costs, tables add up to the total, MRD is total return over days (B18, B20)."""
    summary = summarise(outcome.stats, config())

    assert summary["round_trips"] > 10
    assert summary["gross_pnl"] == pytest.approx(summary["total_pnl"] + summary["costs_paid"])
    assert summary["costs_paid"] == pytest.approx(summary["fees_paid"] + summary["slippage_paid"])
    assert summary["mrd"] == pytest.approx(summary["total_pnl_pct"] / summary["sessions"])
    assert summary["final_equity"] == pytest.approx(100_000 + summary["total_pnl"])
    for table in ("by_symbol", "by_exit_reason"):
        rows = summary[table].values()
        assert sum(r["total_pnl"] for r in rows) == pytest.approx(summary["total_pnl"])
        assert sum(r["gross_pnl"] for r in rows) == pytest.approx(summary["gross_pnl"])
        assert sum(r["round_trips"] for r in rows) == summary["round_trips"]
    assert sum(m["pnl"] for m in summary["months"].values()) == pytest.approx(summary["total_pnl"])
    days = summary["days"]
    assert [day["date"] for day in days] == [str(day.date) for day in outcome.stats.days]
    assert days[-1]["equity"] == pytest.approx(summary["final_equity"])
    assert sum(day["pnl"] for day in days) == pytest.approx(summary["total_pnl"])
    assert sum(day["fills"] for day in days) == summary["trades_executed"]
    assert sum(day["fees_paid"] for day in days) == pytest.approx(summary["fees_paid"])
    assert sum(day["slippage_paid"] for day in days) == pytest.approx(summary["slippage_paid"])


@given(st.lists(st.integers(-50_000, 300_000), max_size=12))
def test_a_summary_is_json_whatever_became_of_the_equity(closes):
    """Flat, ruined or a hundredfold, of no day or many: no NaN, no infinity, no warning."""
    stats = RunStats(1_000 * MICRO)
    for i, close in enumerate(closes):
        stats.mark(np.array([float(close)]), np.array([0.0]))
        stats.close_day(dt.date(2025, 6, 2) + dt.timedelta(days=i), 1, close * MICRO)
    summary = summarise(stats, config())

    json.dumps(summary, allow_nan=False)
    assert sentences(summary)


def test_a_short_run_says_where_its_sharpe_ratio_comes_from(blocks):
    """Below five days it is made of minutes, and labelled so."""
    short = summarise(run(plan(blocks[:3])).stats, config())

    assert short["sharpe_basis"] == "minute"
    assert summarise(run(plan(blocks)).stats, config())["sharpe_basis"] == "daily"


def test_nothing_worth_trading_is_said_with_its_gate(blocks):
    """Without a trade the summary says how many candidates were refused, and by what."""
    cfg = config("quality.earned_slope=on")
    summary = summarise(run(plan(blocks, cfg=cfg)).stats, cfg)

    assert summary["round_trips"] == 0
    assert summary["refusals"]["earned_slope"] > 0
    assert "Nothing was worth trading" in sentences(summary)[0]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.1, 0.1, "includes zero"), (-0.2, -0.1, "below zero"), (0.1, 0.2, "no evidence")],
)
def test_the_sentence_never_claims_more_than_the_interval(outcome, low, high, words):
    """Including zero, below it, above it: each in plain words."""
    summary = summarise(outcome.stats, config()) | {"mrd_low": low, "mrd_high": high}
    few = " ".join(sentences(summary | {"sessions": 4}))

    assert words in " ".join(sentences(summary))
    assert "Fewer than 5 whole sessions say nothing" in few
    assert words not in few


def test_an_open_position_is_not_nothing_traded(outcome):
    """Interrupted with a position and no round trip yet: it does not say nothing was traded."""
    summary = summarise(outcome.stats, config()) | {
        "interrupted": True, "open_positions": 1, "trades_executed": 1, "round_trips": 0,
    }  # fmt: skip
    text = " ".join(sentences(summary))

    assert "No position was closed yet" in text
    assert "Nothing was" not in text


def test_how_the_forecasts_did_is_said(outcome):
    """The mean IC by horizon and the slope, of all symbols, in figures and in words."""
    figures = learning_figures(outcome.scores, outcome.slope.pooled)
    by_hand = [row[1].ic for row in outcome.scores.values()]

    assert list(figures["ic"]) == ["15", "30", "60"]
    assert figures["ic"]["30"] == pytest.approx(sum(by_hand) / len(by_hand))
    assert f"{figures['ic']['30']:+.3f} at 30 minutes" in learning_sentence(figures)
    assert "No forecast" in learning_sentence(learning_figures({}, outcome.slope.pooled))


def test_interruption_and_quarantine_are_said(outcome):
    """What went wrong stands in the sentences."""
    summary = summarise(outcome.stats, config()) | {
        "interrupted": True, "quarantined": ["TQQQ"], "forced_closes": 2,
    }  # fmt: skip
    text = " ".join(sentences(summary))

    assert "Interrupted" in text
    assert "TQQQ" in text
    assert "forced" in text


def test_baselines_equal_a_naive_computation(blocks, outcome):
    """Never trading is zero; buy-and-hold is shares × (last − first) less its costs."""
    rows = {
        row["name"]: row
        for row in baselines(iter(blocks), config(), outcome.stats.round_trips, 0.0)
    }
    gross = 0.0
    for s in range(6):
        first = next(b.bars[t, s, 0] for b in blocks for t in range(390) if b.bars[t, s, 5])
        gross += int(100_000 / 6 / first) * (blocks[-1].bars[-1, s, 3] - first)
    hold = rows["buy and hold, equal weight"]

    assert rows["never trading"]["total_pnl"] == 0.0
    assert hold["gross_mrd"] == pytest.approx(gross / 100_000 / 6)
    assert hold["total_pnl"] < gross
    assert (
        rows["equal weight, open to flatten"]["mrd"]
        < (rows["equal weight, open to flatten"]["gross_mrd"])
    )


def test_random_rotation_has_the_runs_turnover_and_no_skill(blocks, outcome):
    """Twenty seeds of the same number of trades cost about what the run paid; any result has its
    place among them."""
    stats = outcome.stats
    rows = baselines(iter(blocks), config(), stats.round_trips, stats.last_equity - 100_000)
    random = rows[-1]
    costs = (random["gross_mrd"] - random["mrd"]) * 100_000 * 6
    paid = (stats.fee_micro + stats.slippage_micro) / 1e6

    assert random["seeds"] == SEEDS
    assert costs == pytest.approx(paid, rel=0.5)
    places = [
        baselines(iter(blocks), config(), stats.round_trips, pnl)[-1]["percentile"]
        for pnl in (-1e9, random["total_pnl"], 1e9)
    ]
    assert places[0] == 0.0
    assert 0.2 < places[1] < 0.8
    assert places[2] == 1.0
