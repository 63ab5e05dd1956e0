"""Header and money: where a session stands, and what its account is worth.

KEY INPUT: a Scene; before the first page, what is known of the session.
KEY OUTPUT: HeaderView, MoneyView.
"""

from collections.abc import Sequence

from actors.cockpit.scene import About, Outside, Scene
from actors.cockpit.views import HeaderView, MoneyView, Phase, PositionView
from actors.desk import Desk
from engine.market.frames import MINUTE_NS, Session
from engine.records.metrics import daily_returns, max_drawdown
from engine.trading.exits import flatten_minute
from engine.trading.ranking import last_entry_minute

POINTS = 16


def header_view(
    about: About, outside: Outside, desk: Desk, session: Session, last_bar_ns: int | None,
    *, warming: bool, viewers: int, now_ns: int,
) -> HeaderView:  # fmt: skip
    """Return the header; its times are the session's."""
    risk, config = desk.state.risk, desk.config
    stopped = risk.halt or risk.flattened
    flatten_ns = session.open_ns + (flatten_minute(session.minutes, config) + 1) * MINUTE_NS
    quiet_ns = session.open_ns + (last_entry_minute(config, session.minutes) + 2) * MINUTE_NS
    age = None if last_bar_ns is None else (now_ns - last_bar_ns - MINUTE_NS) / 1e9
    return HeaderView(
        mode=about.mode,
        readonly=about.readonly,
        recorded=about.recorded,
        trading_mode="HALTED" if risk.halt is not None else str(desk.state.mode),
        halted_by=stopped.actor if stopped is not None else "",
        halted_ns=stopped.ts_ns if stopped is not None else None,
        blocked_by=risk.words(),
        strategy=config.strategy.name,
        account=about.account,
        run_id=about.run_id,
        session_date=str(session.date),
        phase="warming" if warming else _phase(session, quiet_ns, flatten_ns, now_ns),
        now_ns=now_ns,
        open_ns=session.open_ns,
        no_entries_ns=quiet_ns,
        flatten_ns=flatten_ns,
        close_ns=session.close_ns,
        last_bar_ns=last_bar_ns,
        data_age_s=None if age is None else max(0.0, age),
        feed_link=outside.feed(),
        orders_link=outside.orders(),
        inbox_open=len(desk.state.inbox.open),
        viewers=viewers,
    )


def _phase(session: Session, quiet_ns: int, flatten_ns: int, now_ns: int) -> Phase:
    for phase, until_ns in (
        ("before", session.open_ns), ("open", quiet_ns), ("no_entries", flatten_ns),
        ("flattening", session.close_ns),
    ):  # fmt: skip
        if now_ns < until_ns:
            return phase  # type: ignore[return-value]
    return "closed"


def money_view(scene: Scene, positions: Sequence[PositionView]) -> MoneyView:
    """Return what the account is worth at the last prices.

    Unrealised is the sum of the rows that are held, to the cent; the day less that is realised:
    round trips, and the fees of what is open, which are paid.
    """
    state, day, start = scene.state, scene.day, scene.session_open
    equity, peak = scene.equity, max(scene.state.risk.peak, scene.equity)
    earned = round(equity - start, 2)
    unrealised = round(sum(row.pnl_usd for row in positions if row.state != "flat"), 2)
    worst = max_drawdown(daily_returns([start, *day.equity])) if day.equity else 0.0
    return MoneyView(
        equity_usd=equity,
        day_start_usd=start,
        day_usd=earned,
        day_pct=100 * (equity / start - 1),
        realised_usd=round(earned - unrealised, 2),
        unrealised_usd=unrealised,
        drawdown_pct=-100 * (1 - equity / peak),
        max_drawdown_pct=-100 * worst,
        cash_usd=state.cash,
        exposure_pct=100 * scene.exposure().gross / equity,
        equity_spark=day.equity_spark(POINTS, start),
        run_pct=_run_pct(scene, equity) if scene.about.mode == "replay" else None,
    )


def _run_pct(scene: Scene, equity: float) -> float:
    return 100 * (equity * 1e6 / scene.desk.stats.starting_micro - 1)
