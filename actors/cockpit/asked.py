"""What a screen of the cockpit asks for when it is opened: too large, or too seldom, for 5 Hz.

KEY INPUT: nothing; these are values.
KEY OUTPUT: the answers to the verb `show` of the control socket, by `what`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastView:
    """What a symbol's predictor expects at one horizon."""

    horizon: int
    """Minutes."""
    mean_bps: float
    hit_rate: float | None
    ic: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketView:
    """One confidence bucket: what was expected, what came."""

    low: float
    high: float
    n: int
    won: int
    win_rate: float | None
    """Calibrated, a fraction."""
    rate_low: float | None
    rate_high: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolView:
    """`what=symbol`: one symbol in full."""

    symbol: str
    leverage: float
    twins: tuple[str, ...]
    first_minute: int
    closes_usd: tuple[float | None, ...]
    """By minute of the session from `first_minute`."""
    marks: tuple[tuple[int, bool, float], ...]
    """(minute, True for an entry, price)."""
    forecasts: tuple[ForecastView, ...]
    contributions: tuple[tuple[str, float], ...]
    """(feature, bps), the strongest first."""
    calibration: tuple[BucketView, ...]
    rows_learned: int
    warm: bool
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeagueRow:
    """One row of a league table."""

    key: str
    trades: int
    win_rate: float | None
    low: float | None
    high: float | None
    """Wilson interval, 95%."""
    profit_factor: float | None
    expectancy_usd: float | None
    total_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IcView:
    """How the forecasts of one horizon did against what came, over all symbols."""

    horizon: int
    """Minutes."""
    ic: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineView:
    """What would have come of the session so far without any skill, after costs."""

    name: str
    pct: float
    """Of the equity at the open."""
    percentile: float | None
    """Of random rotation: how many of 100 made less than the closed round trips did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsView:
    """`what=analytics`: the session's round trips by symbol, hour, confidence or reason."""

    by: str
    rows: tuple[LeagueRow, ...]
    calibration: tuple[BucketView, ...]
    brier: float | None
    log_loss: float | None
    outcomes: int
    break_even_bps: float | None
    ic: tuple[IcView, ...]
    day_pct: float
    """The session so far, what is held included."""
    baselines: tuple[BaselineView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One setting that a reload would change."""

    key: str
    old: str
    new: str
    kind: str
    """When it takes effect: at the next minute, next session, restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigView:
    """`what=config`: the settings in force, and what a reload would make of them."""

    settings: tuple[tuple[str, str, str], ...]
    """(section.key, value in force, where it comes from or empty)."""
    error: str
    """Why the file cannot be used, naming file, line and key; empty if it can."""
    changes: tuple[ChangeView, ...]
    history: tuple[str, ...]
    can_reload: bool
    can_revert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the log."""

    id: int
    ns: int
    level: str
    """info, warning or error."""
    actor: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """`what=log`: the newest 1,000 events and diagnostics that match a filter, newest last."""

    lines: tuple[LogLine, ...]
    total: int
    matching: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainView:
    """`what=explain`: everything behind one row, as lines of words and numbers."""

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmView:
    """`what=confirm`: exactly what a command would send now."""

    title: str
    sends: tuple[str, ...]
    """One line per order or cancellation, in their order."""
    then: tuple[str, ...]
    """What follows: no entries until resume, …"""
    gone: str
    """Why there is nothing to confirm any more; empty if there is."""
    about: tuple[str, ...] = ()
    """Beside each of `sends` what moves meanwhile: price, value, P&L."""
    facts: tuple[str, ...] = ()
    """What else one would know: since when it is halted, what goes on blocking."""
