"""Why nothing is traded, and what to do about it: one function for whoever has the figures.

KEY INPUT: Idle: the evidence for the slope, the candidates that each gate refused, what is asked.
KEY OUTPUT: the funnel of signals; five sentences: why, the evidence, the funnel, what would have to
change, the option with which it trades on paper.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from engine.config import Config
from engine.events import Gate
from engine.learning.slope import PooledSlope

Json = dict[str, Any]
LEARNER = "explore"
"""The profile that trades what the learner says, on paper."""
_STAGES = (
    ("warm", "warm", (Gate.COLD, Gate.STALE)),
    ("time", "early enough", (Gate.WINDOW,)),
    ("strength", "strong enough", (Gate.STRENGTH,)),
    ("rank", "in rank", (Gate.RANK,)),
    ("edge", "worth their costs", (Gate.EDGE,)),
    ("slope", "after the slope", (Gate.EARNED_SLOPE,)),
    ("quality", "past quality", (Gate.QUALITY, Gate.UNPROVEN)),
)
"""The gates of the ranking in the order in which they are asked: engine/trading/ranking.py."""
_IN_STAGES = {gate for _, _, gates in _STAGES for gate in gates}


class Stage(NamedTuple):
    """How many signals have passed everything up to a gate."""

    name: str
    words: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the same bars brought with the profile `explore`."""

    fills: int
    pnl_pct: float
    """A fraction."""
    costs: float
    """USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """The figures."""

    signals: int
    """Symbol × minute."""
    refusals: Mapping[str, int]
    """Candidates, symbol × minute, by the first gate that refused them."""
    entries: int
    gated: bool
    """Whether forecasts are multiplied by the slope that was earned."""
    sessions: int
    """Of evidence for the slope."""
    wanted: int
    slope: float
    lower: float
    """Its lower 10% bound."""
    warm_rows: int
    min_strength: float
    min_edge_bps: float
    min_win_rate: float
    profile: str
    tried: Tried | None = None
    """None if it was not asked."""

    @property
    def funnel(self) -> tuple[Stage, ...]:
        """Return the signals seen and those left after each gate, in order; entries last."""
        left = sum(self.refusals.values()) + self.entries
        stages = [
            Stage("seen", "seen", self.signals),
            Stage("direction", "in a direction that is traded", left),
        ]
        for name, words, gates in _STAGES:
            left -= sum(self.refusals.get(gate.name.lower(), 0) for gate in gates)
            stages.append(Stage(name, words, left))
        return (*stages, Stage("entries", "entries", self.entries))

    @property
    def dry(self) -> Stage | None:
        """Return the first gate that nothing passed; None if something was entered."""
        return next((stage for stage in self.funnel if not stage.left), None)


def idle_of(
    config: Config, pooled: PooledSlope, *, signals: int, refusals: Mapping[str, int], entries: int
) -> Idle:
    """Gather the figures of a run or a session."""
    quality, rotation = config.quality, config.rotation
    return Idle(
        signals=signals,
        refusals=refusals,
        entries=entries,
        gated=quality.earned_slope == "on",
        sessions=pooled.sessions,
        wanted=quality.min_shadow_sessions,
        slope=pooled.point,
        lower=pooled.lower,
        warm_rows=config.learning.warm_rows,
        min_strength=rotation.min_strength_to_enter,
        min_edge_bps=rotation.min_edge_bps,
        min_win_rate=quality.min_win_rate,
        profile=config.profile.name,
    )


def told(idle: Idle, tried: Tried | None = None) -> Json:
    """Return the figures, the funnel and the sentences as JSON values."""
    idle = idle if tried is None else replace(idle, tried=tried)
    funnel = [stage._asdict() for stage in idle.funnel]
    return {**asdict(idle), "funnel": funnel, "said": idle_sentences(idle)}


def idle_sentences(idle: Idle) -> list[str]:
    """Return why nothing was traded, on what evidence, and what to do, in plain words."""
    name = "filled" if idle.dry is None else idle.dry.name
    why, change = _WHY[name](idle)
    return [
        f"Nothing was traded: {why}.",
        _evidence(idle),
        f"Signals (symbol × minute): {_funnel(idle)}.",
        f"What would have to change: {change}.",
        _option(idle),
    ]


def _evidence(idle: Idle) -> str:
    if not idle.gated:
        return "The earned slope is off: forecasts are taken as they are."
    have = f"Evidence for the slope: {idle.sessions} sessions, {idle.wanted} wanted"
    if idle.sessions < 2:
        return f"{have}; there is no slope yet."
    return f"{have}; slope {idle.slope:+.2f}, its lower 10% bound {idle.lower:+.2f}."


def _funnel(idle: Idle) -> str:
    reached = []
    for stage in idle.funnel:
        reached.append(f"{stage.left:,} {stage.words}")
        if not stage.left:
            break
    return " → ".join(reached)


def _option(idle: Idle) -> str:
    if idle.profile == LEARNER:
        return f"--profile {LEARNER} is in force already: it asks for no edge."
    said = f"--profile {LEARNER} trades on paper what the learner says (rotor config profiles)"
    if idle.tried is None:
        return f"{said}; what it costs on these bars: rotor replay --compare."
    tried = idle.tried
    if not tried.fills:
        return f"{said}: nothing on these bars either, as settings of your own lie over it."
    return (
        f"{said}: on these bars {tried.fills:,} fills, {100 * tried.pnl_pct:+.2f}%, of which "
        f"${tried.costs:,.0f} are costs."
    )


def _no_bars(_: Idle) -> tuple[str, str]:
    return "no minute of a whole session was seen", "bars"


def _no_direction(_: Idle) -> tuple[str, str]:
    return (
        "no signal pointed in a direction that may be traded",
        "probabilities beyond [signal] buy_threshold; [rotation] allow_short for those below",
    )


def _cold(idle: Idle) -> tuple[str, str]:
    return (
        "no predictor was warm when its signal pointed anywhere",
        f"{idle.warm_rows:,} learned minutes a symbol ([learning] warm_rows): more sessions before",
    )


def _late(_: Idle) -> tuple[str, str]:
    return (
        "signals came only in the minutes before the close in which nothing is entered",
        "[session] no_entries_before_close_minutes, or more of the day",
    )


def _weak(idle: Idle) -> tuple[str, str]:
    return (
        f"no signal had the strength of {idle.min_strength:g} that an entry takes",
        "surer forecasts, or [rotation] min_strength_to_enter",
    )


def _unranked(_: Idle) -> tuple[str, str]:
    return (
        "no strong signal was among the first in rank",
        "[rotation] max_positions, or fewer symbols",
    )


def _unworthy(idle: Idle) -> tuple[str, str]:
    return (
        f"no forecast was worth a round trip's costs and {idle.min_edge_bps:g} bp beside",
        "larger forecasts or lower costs; [rotation] min_edge_bps below 0 trades at a loss",
    )


def _unearned(idle: Idle) -> tuple[str, str]:
    missing = idle.wanted - idle.sessions
    if missing > 0:
        return (
            f"no slope is believed before {idle.wanted} sessions of evidence",
            f"{missing} more sessions ([session] warmup_sessions, --from), then a bound above 0",
        )
    if idle.lower <= 0.0:
        return (
            "what was forecast has not come true so surely that money is put on it",
            "a bound above 0, by forecasts that come true; no setting does it",
        )
    return (
        f"a slope of {idle.lower:.2f} at its lower bound leaves no forecast worth its costs",
        "a higher bound, larger forecasts or lower costs",
    )


def _rejected(idle: Idle) -> tuple[str, str]:
    unproven = idle.refusals.get("unproven", 0) > idle.refusals.get("quality", 0)
    if unproven:
        return (
            "what was left is unproven, which [quality] unproven hides",
            "more outcomes of such signals, or unproven = allow",
        )
    return (
        f"what was left had won less than {100 * idle.min_win_rate:g}% of the time",
        "shadows of such signals that win more often, or pay",
    )


def _refused(idle: Idle) -> tuple[str, str]:
    by_gate = {Gate[name.upper()]: n for name, n in idle.refusals.items()}
    left = {gate: n for gate, n in by_gate.items() if gate not in _IN_STAGES}
    most = max(left, key=lambda gate: left[gate])
    words = most.name.lower().replace("_", " ")
    share = f"{left[most]:,} of {sum(left.values()):,}"
    return (
        f"what was left was refused by the book or by risk, most of it by {words} ({share})",
        f"{words}; docs/risk.md says what stands in an entry's way",
    )


def _unfilled(_: Idle) -> tuple[str, str]:
    return (
        "entries were decided, and none was filled",
        "bars in the minute after a decision, at a price within [risk] entry_limit_pct",
    )


_WHY = {
    "seen": _no_bars,
    "direction": _no_direction,
    "warm": _cold,
    "time": _late,
    "strength": _weak,
    "rank": _unranked,
    "edge": _unworthy,
    "slope": _unearned,
    "quality": _rejected,
    "entries": _refused,
    "filled": _unfilled,
}
"""By the first gate that nothing passed: why, and what would have to change."""
