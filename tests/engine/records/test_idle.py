"""Why nothing is traded: each sentence, and the funnel against a plain count."""

import orjson
import pytest

from actors.system import run
from engine.events import Gate
from engine.learning.slope import PooledSlope
from engine.records.idle import Idle, Tried, idle_of, idle_sentences, told
from tests.actors.test_system import plan
from tests.bars import config, synth_blocks

FIGURES = {
    "signals": 1000, "refusals": {"earned_slope": 40, "edge": 60}, "entries": 0, "gated": True,
    "sessions": 25, "wanted": 20, "slope": 0.32, "lower": -0.2, "warm_rows": 500,
    "min_strength": 0.005, "min_edge_bps": 1.0, "min_win_rate": 0.55, "profile": "cautious",
}  # fmt: skip


def said(**changes):
    return idle_sentences(Idle(**FIGURES | changes))


@pytest.mark.parametrize(
    ("changes", "why", "change"),
    [
        ({"signals": 0, "refusals": {}}, "no minute of a whole session was seen", "bars"),
        ({"refusals": {}}, "no signal pointed in a direction", "buy_threshold"),
        ({"refusals": {"cold": 3, "stale": 2}}, "no predictor was warm", "500 learned minutes"),
        ({"refusals": {"cold": 3, "window": 2}}, "before the close", "no_entries_before_close"),
        ({"refusals": {"strength": 2}}, "the strength of 0.005", "min_strength_to_enter"),
        ({"refusals": {"strength": 2, "rank": 1}}, "among the first in rank", "max_positions"),
        ({"refusals": {"edge": 2}}, "a round trip's costs and 1 bp beside", "min_edge_bps"),
        ({"sessions": 6}, "no slope is believed before 20 sessions", "14 more sessions"),
        ({}, "has not come true so surely", "a bound above 0"),
        ({"lower": 0.0}, "has not come true so surely", "a bound above 0"),
        ({"lower": 0.04}, "a slope of 0.04 at its lower bound leaves no", "a higher bound"),
        (
            {"refusals": {"quality": 2, "edge": 1}},
            "had won less than 55%",
            "win more often, or pay",
        ),
        ({"refusals": {"unproven": 2}}, "unproven, which [quality] unproven hides", "allow"),
        (
            {"refusals": {"daily_loss": 3, "cooldown": 1, "edge": 9}},
            "most of it by daily loss (3 of 4)",
            "docs/risk.md",
        ),
        (
            {"refusals": {"edge": 9}, "entries": 2},
            "decided, and none was filled",
            "entry_limit_pct",
        ),
    ],
)
def test_the_first_gate_that_nothing_passed_is_why(changes, why, change):
    """And what would have to change is told for that gate."""
    sentences = said(**changes)

    assert sentences[0].startswith("Nothing was traded: ")
    assert why in sentences[0]
    assert sentences[3].startswith("What would have to change: ")
    assert change in sentences[3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"slope": 0.3},
            "25 sessions, 20 wanted; slope +0.30, its lower 10% bound -0.20.",
        ),
        ({"sessions": 1}, "1 sessions, 20 wanted; there is no slope yet."),
        ({"gated": False}, "The earned slope is off: forecasts are taken as they are."),
    ],
)
def test_the_evidence_is_told(changes, words):
    """Sessions so far and wanted, slope and bound."""
    assert said(**changes)[1].removeprefix("Evidence for the slope: ") == words


def test_the_funnel_ends_at_the_gate_that_nothing_passed():
    """Signals seen, and those left after each gate in order."""
    refusals = {"cold": 100, "stale": 10, "window": 50, "strength": 30, "rank": 20, "edge": 200}

    assert said(refusals=refusals | {"earned_slope": 40})[2] == (
        "Signals (symbol × minute): 1,000 seen → 450 in a direction that is traded → 340 warm → "
        "290 early enough → 260 strong enough → 240 in rank → 40 worth their costs → "
        "0 after the slope."
    )


EXPLORE = "--profile explore trades on paper what the learner says (rotor config profiles)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"{EXPLORE}; what it costs on these bars: rotor replay --compare."),
        (
            {"tried": Tried(fills=3150, pnl_pct=-0.0995, costs=6368.4)},
            f"{EXPLORE}: on these bars 3,150 fills, -9.95%, of which $6,368 are costs.",
        ),
        (
            {"tried": Tried(fills=0, pnl_pct=0.0, costs=0.0)},
            f"{EXPLORE}: nothing on these bars either, as settings of your own lie over it.",
        ),
        ({"profile": "explore"}, "--profile explore is in force already: it asks for no edge."),
    ],
)
def test_the_option_that_trades_is_told_with_what_it_costs(changes, words):
    """Exactly as it is typed."""
    assert said(**changes)[4] == words


def test_every_gate_is_in_the_funnel_once():
    """Whatever refuses, the stages end at the entries."""
    gates = [gate for gate in Gate if gate > Gate.PASS]
    idle = Idle(**FIGURES | {"refusals": {g.name.lower(): 1 for g in gates}, "entries": 0})
    left = [stage.left for stage in idle.funnel]

    assert left == sorted(left, reverse=True)
    assert left[1] == len(gates)
    assert left[-2] == len(gates) - 9  # seven of the ranking, QUALITY and UNPROVEN
    assert len(idle_sentences(idle)) == 5


def test_the_figures_are_those_of_a_run():
    """Of generated bars without a slope: every candidate is in the funnel; JSON holds it all."""
    blocks, cfg = synth_blocks(2, seed=3, signal=2.0), config("quality.earned_slope=on")
    outcome = run(plan(blocks, cfg=cfg))
    stats = outcome.stats
    seen = stats.frames * len(blocks[0].symbols)
    idle = idle_of(
        cfg, outcome.slope.pooled, signals=seen, refusals=stats.refusals, entries=stats.entries
    )
    found = orjson.loads(orjson.dumps(told(idle)))

    assert stats.fills == stats.entries == 0
    assert [s["left"] for s in found["funnel"]][:2] == [seen, sum(stats.refusals.values())]
    assert "no slope is believed before 20 sessions" in found["said"][0]
    assert (idle.sessions, idle.wanted) == (outcome.slope.pooled.sessions, 20)


def test_entries_are_counted_when_they_are_decided():
    """Filled or not."""
    cfg = config("quality.earned_slope=off", "rotation.min_edge_bps=-50", "learning.warm_rows=50")
    stats = run(plan(synth_blocks(2, seed=3, signal=2.0), cfg=cfg)).stats

    assert stats.entries >= stats.positions_opened > 0


def test_nothing_is_known_before_there_is_a_session():
    """The doctor may ask without any."""
    idle = idle_of(config(), PooledSlope(0.0, 0.0, 0), signals=0, refusals={}, entries=0)

    assert idle.dry.name == "seen"
    assert len(idle_sentences(idle)) == 5
