"""Why a replay traded nothing, and what the profile that trades on paper makes of the same bars.

KEY INPUT: a Request, what was prepared of it, the run's outcome.
KEY OUTPUT: the summary's `idle`.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from actors.system import Outcome, Plan, run
from engine.config import Config
from engine.records.idle import LEARNER, Idle, Tried, idle_of, told
from engine.records.summary import summarise
from tui.history import learn_first
from tui.live_start import say
from tui.prepare import Prepared, Request, prepare

Json = dict[str, Any]


def idle_figures(prepared: Prepared, outcome: Outcome) -> Idle:
    """Return what a run's evidence, gates and settings came to."""
    stats = outcome.stats
    return idle_of(
        prepared.config,
        outcome.slope.pooled,
        signals=stats.frames * len(prepared.source.symbols),
        refusals=stats.refusals,
        entries=stats.entries,
    )


def idle_json(request: Request, prepared: Prepared, outcome: Outcome, *, compare: bool) -> Json:
    """Return the summary's `idle`, empty if something was traded; `compare` asks what trades."""
    if outcome.stats.fills:
        return {}
    idle = idle_figures(prepared, outcome)
    asked = compare and idle.profile != LEARNER
    return {"idle": told(idle, _tried(request) if asked else None)}


def without_records(prepared: Prepared, config: Config) -> Json:
    """Return the summary of the same bars under another configuration."""
    prepared = replace(prepared, config=config)
    learned, _ = learn_first(prepared, None, say)
    outcome = run(
        Plan(
            config=config,
            symbols=prepared.source.symbols,
            open_blocks=partial(prepared.open_blocks, learned=learned),
            trade_from=None,
            range_label=prepared.range_label,
            first_ts_ns=prepared.first_ts_ns,
            learned=learned,
        )
    )
    if outcome.stats.interrupted:
        raise KeyboardInterrupt
    return summarise(outcome.stats, config)


def _tried(request: Request) -> Tried:
    """Replay what was asked for with the profile that trades what the learner says."""
    prepared = prepare(replace(request, profile=LEARNER))
    found = without_records(prepared, prepared.config)
    return Tried(
        fills=found["trades_executed"], pnl_pct=found["total_pnl_pct"], costs=found["costs_paid"]
    )
