"""the first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BACKTEST_TRADES = """
CREATE VIEW backtest_trades AS
SELECT t.id, t.run AS backtest_id, t.symbol, t.entry_ms,
       1.0 * t.entry_micro / t.shares / 1000000 AS entry_price, t.exit_ms,
       1.0 * t.exit_micro / t.shares / 1000000 AS exit_price, t.shares,
       CASE WHEN t.direction > 0 THEN 'LONG' ELSE 'SHORT' END AS signal_type, t.confidence,
       t.pnl_micro AS profit_loss_micro, 1.0 * t.pnl_micro / t.entry_micro AS profit_loss,
       t.bars_held AS duration_minutes, t.exit_reason
FROM round_trips t JOIN runs r ON r.id = t.run
WHERE r.kind = 'replay'
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "risk_parameters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("old", sa.String(), nullable=False),
        sa.Column("new", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("folder", "line", "key", name="uq_risk_parameters"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("symbols", sa.String(), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("last_date", sa.Date(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starting_micro", sa.BigInteger(), nullable=False),
        sa.Column("config_sha256", sa.String(), nullable=False),
        sa.Column("config_json", sa.String(), nullable=False),
        sa.Column("journal_sha256", sa.String(), nullable=True),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('replay', 'rehearse', 'live')", name="ck_runs_kind"),
        sa.CheckConstraint("state IN ('running', 'finished', 'interrupted')", name="ck_runs_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("folder", name="uq_runs_folder"),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_runs_strategy"), ["strategy"], unique=False)

    op.create_table(
        "signal_quality",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("strategy_name", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("signal_type", sa.String(), nullable=False),
        sa.Column("confidence_range", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("wins", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("actual_win_rate", sa.Float(), nullable=False),
        sa.Column("expected_win_rate", sa.Float(), nullable=False),
        sa.Column("calibration_error", sa.Float(), nullable=False),
        sa.Column("average_return", sa.Float(), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "strategy_name",
            "symbol",
            "signal_type",
            "confidence_range",
            "evidence",
            name="uq_signal_quality",
        ),
    )
    op.create_table(
        "strategy_performance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("strategy_name", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("total_signals", sa.Integer(), nullable=False),
        sa.Column("signals_taken", sa.Integer(), nullable=False),
        sa.Column("winning_trades", sa.Integer(), nullable=False),
        sa.Column("losing_trades", sa.Integer(), nullable=False),
        sa.Column("total_profit_loss_micro", sa.BigInteger(), nullable=False),
        sa.Column("win_rate", sa.Float(), nullable=True),
        sa.Column("average_win_micro", sa.BigInteger(), nullable=True),
        sa.Column("average_loss_micro", sa.BigInteger(), nullable=True),
        sa.Column("profit_factor", sa.Float(), nullable=True),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("strategy_name", "symbol", "evidence", name="uq_strategy_performance"),
    )
    op.create_table(
        "active_risk_positions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("entry_micro", sa.BigInteger(), nullable=False),
        sa.Column("opened_shares", sa.Integer(), nullable=False),
        sa.Column("entry_ms", sa.BigInteger(), nullable=False),
        sa.Column("stop_micro", sa.BigInteger(), nullable=True),
        sa.Column("target_micro", sa.BigInteger(), nullable=True),
        sa.Column("trailing", sa.Float(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('active', 'stopped_out', 'target_hit', 'manual_close', 'closed')",
            name="ck_active_risk_positions_status",
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "seq", name="uq_active_risk_positions"),
    )
    with op.batch_alter_table("active_risk_positions", schema=None) as batch_op:
        batch_op.create_index(
            "uq_active_risk_positions_one",
            ["run", "symbol"],
            unique=True,
            sqlite_where=sa.text("status = 'active'"),
            postgresql_where=sa.text("status = 'active'"),
        )

    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "seq", name="uq_audit"),
    )
    op.create_table(
        "backtest_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("strategy_name", sa.String(), nullable=False),
        sa.Column("symbols", sa.String(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("initial_capital_micro", sa.BigInteger(), nullable=False),
        sa.Column("final_capital_micro", sa.BigInteger(), nullable=False),
        sa.Column("total_return_micro", sa.BigInteger(), nullable=False),
        sa.Column("total_return", sa.Float(), nullable=False),
        sa.Column("total_trades", sa.Integer(), nullable=False),
        sa.Column("winning_trades", sa.Integer(), nullable=False),
        sa.Column("losing_trades", sa.Integer(), nullable=False),
        sa.Column("win_rate", sa.Float(), nullable=True),
        sa.Column("profit_factor", sa.Float(), nullable=True),
        sa.Column("sharpe_ratio", sa.Float(), nullable=True),
        sa.Column("sharpe_basis", sa.String(), nullable=False),
        sa.Column("max_drawdown", sa.Float(), nullable=False),
        sa.Column("average_win_micro", sa.BigInteger(), nullable=True),
        sa.Column("average_loss_micro", sa.BigInteger(), nullable=True),
        sa.Column("mrd", sa.Float(), nullable=True),
        sa.Column("mrd_low", sa.Float(), nullable=True),
        sa.Column("mrd_high", sa.Float(), nullable=True),
        sa.Column("costs_micro", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary_json", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", name="uq_backtest_results"),
    )
    op.create_table(
        "breaker_trips",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("breaker", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("rearms", sa.String(), nullable=False),
        sa.Column("tripped_ms", sa.BigInteger(), nullable=False),
        sa.Column("rearmed_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "seq", name="uq_breaker_trips"),
    )
    op.create_table(
        "calibrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcomes", sa.Integer(), nullable=False),
        sa.Column("brier", sa.Float(), nullable=True),
        sa.Column("log_loss", sa.Float(), nullable=True),
        sa.Column("rolled_back", sa.String(), nullable=False),
        sa.Column("cells", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "version", name="uq_calibrations"),
    )
    op.create_table(
        "fills",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("price_micro", sa.BigInteger(), nullable=False),
        sa.Column("fee_micro", sa.BigInteger(), nullable=False),
        sa.Column("slippage_micro", sa.BigInteger(), nullable=False),
        sa.Column("leg", sa.String(), nullable=True),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("ambiguous", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "seq", name="uq_fills"),
    )
    op.create_table(
        "inbox_items",
        sa.Column("signal_id", sa.String(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("edge_bps", sa.Float(), nullable=True),
        sa.Column("win_rate", sa.Float(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("binding", sa.String(), nullable=False),
        sa.Column("limit_micro", sa.BigInteger(), nullable=False),
        sa.Column("stop_micro", sa.BigInteger(), nullable=False),
        sa.Column("target_micro", sa.BigInteger(), nullable=False),
        sa.Column("risk_micro", sa.BigInteger(), nullable=False),
        sa.Column("heat_micro", sa.BigInteger(), nullable=False),
        sa.Column("reward_to_risk", sa.Float(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("offered_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "card", "version", name="uq_inbox_items"),
    )
    op.create_table(
        "orders",
        sa.Column("signal_id", sa.String(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("edge_bps", sa.Float(), nullable=True),
        sa.Column("win_rate", sa.Float(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=True),
        sa.Column("limit_micro", sa.BigInteger(), nullable=True),
        sa.Column("stop_micro", sa.BigInteger(), nullable=True),
        sa.Column("target_micro", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("filled_shares", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("submitted_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('entry', 'exit', 'oco')", name="ck_orders_kind"),
        sa.CheckConstraint(
            "status IN ('working', 'filled', 'canceled', 'rejected')", name="ck_orders_status"
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "order_id", name="uq_orders_id"),
        sa.UniqueConstraint("run", "seq", name="uq_orders_seq"),
    )
    op.create_table(
        "outcomes",
        sa.Column("signal_id", sa.String(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("edge_bps", sa.Float(), nullable=True),
        sa.Column("win_rate", sa.Float(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry_ms", sa.BigInteger(), nullable=False),
        sa.Column("exit_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry_price", sa.Float(), nullable=False),
        sa.Column("exit_price", sa.Float(), nullable=False),
        sa.Column("exit", sa.String(), nullable=False),
        sa.Column("net_return", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "seq", name="uq_outcomes"),
    )
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.create_index("ix_outcomes_exit", ["symbol", "exit_ms"], unique=False)

    op.create_table(
        "round_trips",
        sa.Column("signal_id", sa.String(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("edge_bps", sa.Float(), nullable=True),
        sa.Column("win_rate", sa.Float(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("entry_ms", sa.BigInteger(), nullable=False),
        sa.Column("exit_ms", sa.BigInteger(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("entry_micro", sa.BigInteger(), nullable=False),
        sa.Column("exit_micro", sa.BigInteger(), nullable=False),
        sa.Column("pnl_micro", sa.BigInteger(), nullable=False),
        sa.Column("fee_micro", sa.BigInteger(), nullable=False),
        sa.Column("slippage_micro", sa.BigInteger(), nullable=False),
        sa.Column("bars_held", sa.Integer(), nullable=False),
        sa.Column("mae", sa.Float(), nullable=False),
        sa.Column("mfe", sa.Float(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("entry_reason", sa.String(), nullable=False),
        sa.Column("exit_reason", sa.String(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "seq", name="uq_round_trips"),
    )
    with op.batch_alter_table("round_trips", schema=None) as batch_op:
        batch_op.create_index("ix_round_trips_exit", ["symbol", "exit_ms"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("trading", sa.Boolean(), nullable=False),
        sa.Column("closing_equity_micro", sa.BigInteger(), nullable=True),
        sa.Column("pooled_slope", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "date", name="uq_sessions"),
    )

    op.execute(BACKTEST_TRADES)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP VIEW backtest_trades")
    op.drop_table("sessions")
    with op.batch_alter_table("round_trips", schema=None) as batch_op:
        batch_op.drop_index("ix_round_trips_exit")

    op.drop_table("round_trips")
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.drop_index("ix_outcomes_exit")

    op.drop_table("outcomes")
    op.drop_table("orders")
    op.drop_table("inbox_items")
    op.drop_table("fills")
    op.drop_table("calibrations")
    op.drop_table("breaker_trips")
    op.drop_table("backtest_results")
    op.drop_table("audit")
    with op.batch_alter_table("active_risk_positions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_active_risk_positions_one",
            sqlite_where=sa.text("status = 'active'"),
            postgresql_where=sa.text("status = 'active'"),
        )

    op.drop_table("active_risk_positions")
    op.drop_table("strategy_performance")
    op.drop_table("signal_quality")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_strategy"))
        batch_op.drop_index(batch_op.f("ix_runs_run_id"))

    op.drop_table("runs")
    op.drop_table("risk_parameters")
