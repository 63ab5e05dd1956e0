"""The tables: one row per thing that happened, by run and place in its journal.

KEY INPUT: nothing; classes only.
KEY OUTPUT: SQLModel tables. Money is micro-dollars, ratios are fractions; `_ms` are UTC
milliseconds, as in the journal, `_at` UTC moments.

`seq` is the row's number in the run's events.jsonl: unique by run, so that nothing can be doubled.
`backtest_trades`, one of the seeds' tables, is a view over the round trips of replays.
"""

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, false, text
from sqlmodel import Field

from engine.records.store.columns import Table, WithSignal, big, moment, run_key


def _once(*columns: str, name: str) -> UniqueConstraint:
    return UniqueConstraint(*columns, name=f"uq_{name}")


class Run(Table, table=True):
    """A replay, a rehearsal or a live session, known by its folder."""

    __tablename__ = "runs"
    __table_args__ = (
        _once("folder", name="runs_folder"),
        CheckConstraint("kind IN ('replay', 'rehearse', 'live')", name="ck_runs_kind"),
        CheckConstraint("state IN ('running', 'finished', 'interrupted')", name="ck_runs_state"),
    )

    run_id: str = Field(index=True)
    folder: str
    kind: str
    strategy: str = Field(index=True)
    symbols: str
    """Comma-separated, sorted."""
    first_date: dt.date
    last_date: dt.date
    epoch: str
    level: str
    state: str = "running"
    started_at: dt.datetime = moment()
    ended_at: dt.datetime | None = moment(optional=True)
    starting_micro: int = big()
    config_sha256: str
    config_json: str
    journal_sha256: str | None = None
    read_bytes: int = Field(default=0, sa_type=BigInteger)
    """How far its events.jsonl was read."""
    pinned: bool = False
    """True: the backtest that counts for its strategy, whichever is newer."""


class SessionRow(Table, table=True):
    """A session of a run."""

    __tablename__ = "sessions"
    __table_args__ = (_once("run", "date", name="sessions"),)

    run: int = run_key()
    date: dt.date
    minutes: int
    trading: bool
    closing_equity_micro: int | None = big(optional=True)
    pooled_slope: float | None = None


class OrderRow(Table, WithSignal, table=True):
    """An order and what has become of it."""

    __tablename__ = "orders"
    __table_args__ = (
        _once("run", "seq", name="orders_seq"),
        _once("run", "order_id", name="orders_id"),
        CheckConstraint("kind IN ('entry', 'exit', 'oco')", name="ck_orders_kind"),
        CheckConstraint(
            "status IN ('working', 'filled', 'canceled', 'rejected')", name="ck_orders_status"
        ),
    )

    run: int = run_key()
    seq: int
    order_id: str
    symbol: str
    side: str
    kind: str
    shares: int
    decision: int | None = None
    limit_micro: int | None = big(optional=True)
    stop_micro: int | None = big(optional=True)
    target_micro: int | None = big(optional=True)
    status: str = "working"
    filled_shares: int = 0
    reason: str = ""
    submitted_ms: int = big()
    closed_ms: int | None = big(optional=True)


class FillRow(Table, table=True):
    """A fill."""

    __tablename__ = "fills"
    __table_args__ = (_once("run", "seq", name="fills"),)

    run: int = run_key()
    seq: int
    order_id: str
    at_ms: int = big()
    symbol: str
    side: str
    shares: int
    price_micro: int = big()
    fee_micro: int = big()
    slippage_micro: int = big()
    leg: str | None = None
    forced: bool = False
    ambiguous: bool = False


class RoundTripRow(Table, WithSignal, table=True):
    """A closed trade with the signal behind it and what it brought."""

    __tablename__ = "round_trips"
    __table_args__ = (
        _once("run", "seq", name="round_trips"),
        Index("ix_round_trips_exit", "symbol", "exit_ms"),
    )

    run: int = run_key()
    seq: int
    number: int
    symbol: str
    direction: int
    entry_ms: int = big()
    exit_ms: int = big()
    shares: int
    entry_micro: int = big()
    exit_micro: int = big()
    pnl_micro: int = big()
    fee_micro: int = big()
    slippage_micro: int = big()
    bars_held: int
    mae: float
    mfe: float
    decision: int
    entry_reason: str
    exit_reason: str
    forced: bool = False
    by_hand: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Its profit says nothing of the rules: ended by hand, or not opened by Rotor."""


class OutcomeRow(Table, WithSignal, table=True):
    """A shadow: what a signal would have brought."""

    __tablename__ = "outcomes"
    __table_args__ = (
        _once("run", "seq", name="outcomes"),
        Index("ix_outcomes_exit", "symbol", "exit_ms"),
    )

    run: int = run_key()
    seq: int
    symbol: str
    direction: int
    opened_ms: int = big()
    entry_ms: int = big()
    exit_ms: int = big()
    entry_price: float
    exit_price: float
    exit: str
    net_return: float


class CalibrationRow(Table, table=True):
    """A version of the calibration."""

    __tablename__ = "calibrations"
    __table_args__ = (_once("run", "version", name="calibrations"),)

    run: int = run_key()
    seq: int
    version: int
    at_ms: int = big()
    outcomes: int
    brier: float | None = None
    log_loss: float | None = None
    rolled_back: str = ""
    cells: str
    """JSON."""


class InboxItem(Table, WithSignal, table=True):
    """A version of a card and what became of it."""

    __tablename__ = "inbox_items"
    __table_args__ = (_once("run", "card", "version", name="inbox_items"),)

    run: int = run_key()
    seq: int
    card: str
    version: int
    symbol: str
    direction: int
    shares: int
    binding: str
    limit_micro: int = big()
    stop_micro: int = big()
    target_micro: int = big()
    risk_micro: int = big()
    heat_micro: int = big()
    reward_to_risk: float
    evidence: str
    offered_ms: int = big()
    expires_ms: int = big()
    status: str = "open"
    """open, renewed (by the next version), approved, dismissed, snoozed, expired or refused."""
    reason: str = ""
    actor: str = ""
    closed_ms: int | None = big(optional=True)


class AuditRow(Table, table=True):
    """What people and the system itself did to a run: commands, settings, restarts."""

    __tablename__ = "audit"
    __table_args__ = (_once("run", "seq", name="audit"),)

    run: int = run_key()
    seq: int
    at_ms: int = big()
    actor: str
    verb: str
    detail: str
    """JSON."""


class BreakerTrip(Table, table=True):
    """A breaker that stood tripped."""

    __tablename__ = "breaker_trips"
    __table_args__ = (_once("run", "seq", name="breaker_trips"),)

    run: int = run_key()
    seq: int
    breaker: str
    reason: str
    rearms: str
    tripped_ms: int = big()
    rearmed_ms: int | None = big(optional=True)


class ActiveRiskPosition(Table, table=True):
    """A position with its legs; many closed ones of a symbol, one active."""

    __tablename__ = "active_risk_positions"
    __table_args__ = (
        _once("run", "seq", name="active_risk_positions"),
        Index(
            "uq_active_risk_positions_one", "run", "symbol", unique=True,
            sqlite_where=text("status = 'active'"), postgresql_where=text("status = 'active'"),
        ),
        CheckConstraint(
            "status IN ('active', 'stopped_out', 'target_hit', 'manual_close', 'closed')",
            name="ck_active_risk_positions_status",
        ),
    )  # fmt: skip

    run: int = run_key()
    seq: int
    symbol: str
    direction: int
    shares: int
    """Still open."""
    entry_micro: int = big()
    """Value of the entry fills so far."""
    opened_shares: int
    entry_ms: int = big()
    stop_micro: int | None = big(optional=True)
    target_micro: int | None = big(optional=True)
    trailing: float | None = None
    """Fraction."""
    status: str = "active"
    closed_ms: int | None = big(optional=True)


class BacktestResult(Table, table=True):
    """What a finished replay came to."""

    __tablename__ = "backtest_results"
    __table_args__ = (_once("run", name="backtest_results"),)

    run: int = run_key()
    strategy_name: str
    symbols: str
    start_date: dt.date
    end_date: dt.date
    initial_capital_micro: int = big()
    final_capital_micro: int = big()
    total_return_micro: int = big()
    total_return: float
    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate: float | None = None
    profit_factor: float | None = None
    sharpe_ratio: float | None = None
    sharpe_basis: str
    max_drawdown: float
    average_win_micro: int | None = big(optional=True)
    average_loss_micro: int | None = big(optional=True)
    mrd: float | None = None
    mrd_low: float | None = None
    mrd_high: float | None = None
    costs_micro: int = big()
    created_at: dt.datetime = moment()
    summary_json: str
    """Everything in summary.json but times and places, and the forecasts' scores."""


class StrategyPerformance(Table, table=True):
    """Traded results of a strategy by symbol, backtest and live apart."""

    __tablename__ = "strategy_performance"
    __table_args__ = (_once("strategy_name", "symbol", "evidence", name="strategy_performance"),)

    strategy_name: str
    symbol: str
    evidence: str
    """backtest (the designated one) or live."""
    total_signals: int
    signals_taken: int
    winning_trades: int
    losing_trades: int
    total_profit_loss_micro: int = big()
    win_rate: float | None = None
    average_win_micro: int | None = big(optional=True)
    average_loss_micro: int | None = big(optional=True)
    profit_factor: float | None = None
    last_updated: dt.datetime | None = moment(optional=True)


class SignalQuality(Table, table=True):
    """What signals of a direction, symbol and confidence won, traded and shadow apart."""

    __tablename__ = "signal_quality"
    __table_args__ = (
        _once(
            "strategy_name", "symbol", "signal_type", "confidence_range", "evidence",
            name="signal_quality",
        ),
    )  # fmt: skip

    strategy_name: str
    symbol: str
    signal_type: str
    """The direction: LONG or SHORT."""
    confidence_range: str
    """Such as 0.7-0.8."""
    evidence: str
    """backtest, live, shadow-backtest or shadow-live."""
    total: int
    wins: int
    losses: int
    actual_win_rate: float
    expected_win_rate: float
    calibration_error: float
    """Expected less actual."""
    average_return: float
    last_updated: dt.datetime = moment()


class RiskParameter(Table, table=True):
    """A change of a setting: history only, never read back."""

    __tablename__ = "risk_parameters"
    __table_args__ = (_once("folder", "line", "key", name="risk_parameters"),)

    folder: str
    """Its history file; of the one that all kinds of account shared, the folder."""
    line: int
    """Of the history file there."""
    key: str
    old: str
    new: str
    actor: str
    reason: str
    changed_at: dt.datetime = moment()
