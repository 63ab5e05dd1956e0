"""A replay that trades nothing says why, and with --compare what trades on the same bars."""

import datetime as dt

import orjson
import pytest

from engine.market.synth import write_parquet
from engine.records.reading import read_rows
from tests.tui.asking import asked


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """Three generated sessions: too few to earn a slope."""
    path = tmp_path_factory.mktemp("bars") / "bars.parquet"
    day, symbols = dt.date(2025, 7, 7), ("SQQQ", "TQQQ")
    write_parquet(path, symbols=symbols, first=day, sessions=3, seed=2, signal=2.0)
    return path


def test_it_says_why_and_what_it_would_cost(rotor, bars):
    """In the JSON as in the table, where brackets stand as they are typed."""
    summary = asked(rotor, "replay", bars, "--compare", "--set", "database.url=")
    idle = summary["idle"]
    code, out, _ = rotor("replay", bars, "--set", "database.url=")
    words = " ".join(out.split())

    assert (code, summary["trades_executed"]) == (0, 0)
    assert [stage["name"] for stage in idle["funnel"] if not stage["left"]][0] == "slope"
    assert (idle["sessions"], idle["wanted"]) == (summary["learning"]["slope_sessions"], 20)
    assert idle["funnel"][0]["left"] == 2 * summary["bars_processed"]
    assert "Nothing was traded: no slope is believed before 20 sessions" in words
    assert "([session] warmup_sessions, --from)" in words
    assert "rotor replay --compare" in words
    told = asked(rotor, "replay", bars, "--profile", "explore", "--set", "database.url=")
    assert idle["tried"]["fills"] == told["trades_executed"] > 0
    assert idle["tried"]["pnl_pct"] == told["total_pnl_pct"]
    assert "idle" not in told


@pytest.mark.parametrize(("gate", "edge"), [("on", 1), ("off", 500)])
def test_settings_over_the_profile_are_named(rotor, bars, gate, edge):
    """With gate and least edge set by hand the profile cannot trade either, which is said."""
    sets = (f"quality.earned_slope={gate}", f"rotation.min_edge_bps={edge}", "database.url=")
    typed = [word for each in sets for word in ("--set", each)]
    summary = asked(rotor, "replay", bars, "--compare", *typed)

    assert summary["idle"]["tried"]["fills"] == 0
    assert "settings of your own lie over it" in summary["idle"]["said"][-1]


def test_the_funnel_is_what_the_journal_counts(rotor, bars, tmp_path):
    """Signals in a traded direction, by the rows of signals.jsonl."""
    summary = asked(rotor, "replay", bars, "--set", "database.url=", "--out", tmp_path / "run")
    rows = [row for row in read_rows(tmp_path / "run" / "signals.jsonl") if row["signal"] == 1]
    sealed = orjson.loads((tmp_path / "run" / "summary.json").read_bytes())

    assert summary["idle"]["funnel"][1]["left"] == len(rows)
    assert sealed["idle"]["said"] == summary["idle"]["said"]
