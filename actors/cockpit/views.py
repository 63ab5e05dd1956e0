"""What the cockpit draws, five times a second: one frozen tree, the same in-process and attached.

KEY INPUT: nothing; these are values.
KEY OUTPUT: CockpitView and its parts; a viewer over the socket gets the parts that changed.

Names end in their unit: `_ns` UTC int64, `_usd` rounded for the screen, `_pct` percent, `_bps`
basis points. None means not known, or does not apply.
"""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["paper", "live", "replay"]
Phase = Literal["warming", "before", "open", "no_entries", "flattening", "closed"]
Link = Literal["up", "connecting", "down", "none"]
Held = Literal["held", "exiting", "flat", "orphan", "cold"]
Step = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderView:
    """Mode and clock."""

    mode: Mode
    readonly: bool
    """No command is taken, whoever looks."""
    recorded: bool
    """A finished run: it can be looked at, not commanded."""
    trading_mode: str
    """ACTIVE, REDUCE_ONLY, FLATTENING or HALTED."""
    halted_by: str
    halted_ns: int | None
    blocked_by: str
    """What refuses entries now, in words; empty if nothing does."""
    strategy: str
    account: str
    """Masked; empty in a replay."""
    run_id: str
    session_date: str
    phase: Phase
    now_ns: int
    """Of the session's clock, when the view was made."""
    open_ns: int
    no_entries_ns: int
    flatten_ns: int
    close_ns: int
    last_bar_ns: int | None
    """UTC start of the newest bar."""
    data_age_s: float | None
    """Since the newest bar's end."""
    feed_link: Link
    orders_link: Link
    inbox_open: int
    viewers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyView:
    """What the account stands at."""

    equity_usd: float
    day_start_usd: float
    day_usd: float
    day_pct: float
    realised_usd: float
    """What is closed, and the fees of what is open."""
    unrealised_usd: float
    """Σ pnl_usd of what is held."""
    drawdown_pct: float
    """From the peak, ≤ 0."""
    max_drawdown_pct: float
    cash_usd: float
    exposure_pct: float
    equity_spark: tuple[float | None, ...]
    """16 points over the session."""
    run_pct: float | None = None
    """Of a replay: since the run's start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One slot of the book; a position keeps its slot for as long as it is held."""

    slot: int
    symbol: str
    side: Literal["long", "short"]
    shares: int
    entry_usd: float
    last_usd: float
    value_usd: float
    value_pct: float
    """Of equity."""
    pnl_usd: float
    """Shares × (last − entry), as positions.jsonl has it; of a flat one, net."""
    pnl_pct: float
    bars_held: int
    mae_pct: float
    mfe_pct: float
    stop_usd: float | None
    stop_trailing: bool
    stop_pct: float | None
    """Distance from the last price, ≥ 0 while the stop is not touched."""
    target_usd: float | None
    target_pct: float | None
    gauge_entry: float | None
    """Where the entry lies between stop (0) and target (1)."""
    gauge_last: float | None
    rank: int | None
    rank_change: int
    strength: float
    state: Held
    spark: tuple[float | None, ...]
    """The last 20 closes, newest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalView:
    """One symbol's signal; ranked symbols first, then the others in the universe's order."""

    symbol: str
    rank: int | None
    """None: not ranked."""
    rank_change: int
    """Ranks gained since the last bar."""
    held: bool
    direction: int
    strength: float
    probability: float | None
    confidence: float | None
    win_rate: float | None
    """What such signals won, a fraction."""
    win_n: int
    verdict: str
    """pass, reject, unproven or quarantined."""
    edge_bps: float | None
    why: str
    """Why it is not traded, in at most 11 characters; `held` if it is."""
    age_minutes: int
    """Of its newest bar."""
    warm: bool
    rows_learned: int = 0
    rows_needed: int = 0
    """To be warm; 0 if not told."""
    last_usd: float | None
    spark: tuple[float | None, ...]
    """The last 20 closes, newest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """One decision in words."""

    id: int
    """Its place in the session; what `explain` asks by."""
    at_ns: int
    """When: of what a bar decides, at the bar's end."""
    label: str
    """ENTER, EXIT, ROTATE, STOP, TARGET, TRAIL, TIME, EOD, MANUAL, RISK, REFUSE, HOLD, …"""
    symbol: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """One order as the broker has it; an OCO order is two rows."""

    id: str
    sent_ns: int
    symbol: str
    side: str
    type: str
    """market, limit or stop."""
    shares: int
    filled: int
    price_usd: float | None
    """Of a limit or stop; of a fill, its average."""
    state: str
    """held, sent, working, filled, canceled, rejected."""
    purpose: str
    """Such as `stop, trailing 1.0%`, `target, OCO`, `rotate out`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveView:
    """The session's equity by minute."""

    minutes: int
    """Of the session."""
    equity_usd: tuple[float, ...]
    """At the end of each minute so far."""
    marks: tuple[tuple[int, bool], ...]
    """(minute, True for an entry, False for an exit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsView:
    """The session so far in figures."""

    bars: int
    """Minutes of the session so far."""
    symbol_bars: int
    fills: int
    opened: int
    rotations: int
    round_trips: int
    wins: int
    losses: int
    win_rate: float | None
    """A fraction."""
    total_usd: float
    costs_usd: float
    max_drawdown_pct: float
    profit_factor: float | None
    sharpe: float | None
    """Of minute returns, annualised."""
    mrd_pct: float | None
    turnover: float
    """Traded value over equity."""
    refusals: int
    forced: int
    symbols: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """One measure against its limit."""

    name: str
    """heat, exposure, day loss, drawdown, losses, orders."""
    measure: float
    limit: float
    unit: str
    """% or a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerView:
    """One breaker."""

    name: str
    tripped: bool
    reason: str
    rearms: str
    since_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """Limits and breakers."""

    limits: tuple[LimitView, ...]
    breakers: tuple[BreakerView, ...]
    refusals_by_gate: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """A condition that lasts; the worst comes first."""

    severity: Literal["warning", "danger"]
    text: str
    """At most 56 characters."""
    advice: str
    since_ns: int
    screen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """Something that was done or refused, for the lane."""

    id: int
    ns: int
    text: str
    kind: Literal["done", "note", "error"]
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One rung of a liquidation."""

    name: str
    state: Step
    at_ns: int | None
    done: int
    """Shares."""
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenView:
    """A liquidation under way, to the confirmed end."""

    scope: str
    """Symbols, or all."""
    by: str
    started_ns: int
    steps: tuple[StepView, ...]
    lines: tuple[str, ...]
    """Per symbol: what was sold, what is left."""
    confirmed_ns: int | None
    left: str
    """What could not be sold for a minute; empty if nothing."""
    left_ns: int | None = None
    """When the first of that was to be sold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """An entry that waits for approval."""

    id: str
    version: int
    symbol: str
    direction: int
    shares: int
    binding: str
    limit_usd: float
    stop_usd: float
    target_usd: float
    risk_usd: float
    reward_to_risk: float
    heat_after_usd: float
    heat_limit_usd: float
    confidence: float
    win_rate: float
    verdict: str
    evidence: str
    rotates_out: str
    expires_ns: int
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCardView:
    """What became of a card."""

    id: str
    version: int
    symbol: str
    status: str
    reason: str
    actor: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeView:
    """One round trip of the session."""

    number: int
    in_ns: int
    out_ns: int
    symbol: str
    direction: int
    shares: int
    entry_usd: float
    exit_usd: float
    pnl_usd: float
    pnl_pct: float
    costs_usd: float
    bars: int
    label: str
    entry_reason: str
    exit_reason: str
    mae_pct: float
    mfe_pct: float
    said_win_rate: float | None
    said_edge_bps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorView:
    """One actor's health."""

    name: str
    state: str
    """up, restarted, quarantined."""
    restarts: int
    mailbox: int
    capacity: int
    """0: it has no mailbox of its own."""
    peak: int
    p50_ms: float | None = None
    """Over a message; None where it is not measured."""
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """The machinery."""

    actors: tuple[ActorView, ...]
    frame_ms: tuple[float, ...]
    """How long the last 60 frames took to decide."""
    frame_p50_ms: float | None
    frame_p99_ms: float | None
    memory_mb: float
    disk_free_gb: float
    inputs: int
    counts: tuple[tuple[str, int], ...]
    """Of the feed: late bars, backfilled bars, reconnects, …"""
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportView:
    """Where a replay stands."""

    playing: bool
    speed: float | None
    """Minutes per minute; None: as fast as it goes."""
    minute: int
    """How many of the session have been shown."""
    minutes: int
    session_index: int
    """From 1."""
    sessions: int
    trades: int
    """Round trips so far."""
    can_step_back: bool
    ended: bool = False
    """No minute comes after the one that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CockpitView:
    """All that the cockpit draws without asking."""

    sequence: int
    """Grows with every change; the header's clock aside."""
    header: HeaderView
    money: MoneyView
    max_positions: int
    positions: tuple[PositionView, ...]
    signals: tuple[SignalView, ...]
    decisions: tuple[DecisionView, ...]
    """The newest 50, newest first."""
    orders: tuple[OrderView, ...]
    """Working ones first, then the newest done."""
    curve: CurveView
    stats: StatsView
    risk: RiskView
    alerts: tuple[AlertView, ...]
    message: MessageView | None
    flatten: FlattenView | None
    inbox: tuple[CardView, ...]
    inbox_closed: tuple[ClosedCardView, ...]
    trades: tuple[TradeView, ...]
    """The session's round trips, newest first."""
    health: HealthView
    transport: TransportView | None
