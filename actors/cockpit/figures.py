"""The session in figures: its curve, its statistics.

KEY INPUT: a Scene.
KEY OUTPUT: CurveView, StatsView; every figure is the engine's own.
"""

from actors.cockpit.labels import usd
from actors.cockpit.scene import Scene
from actors.cockpit.views import CurveView, StatsView
from engine.records.metrics import (
    MINUTES_A_YEAR,
    daily_returns,
    max_drawdown,
    sharpe,
    trade_figures,
)


def curve_view(scene: Scene) -> CurveView:
    """Return the equity by minute."""
    day = scene.day
    return CurveView(
        minutes=day.session.minutes,
        equity_usd=tuple(day.equity),
        marks=tuple(day.marks),
    )


def stats_view(scene: Scene) -> StatsView:
    """Return the session's statistics so far."""
    desk, day, stats, base = scene.desk, scene.day, scene.desk.stats, scene.day.base
    start, equity = scene.session_open, scene.equity
    returns = daily_returns([start, *day.equity])
    figures = trade_figures(stats.round_trips[base.round_trips :])
    costs = stats.fee_micro + stats.slippage_micro - base.cost_micro
    days = len(stats.days) + (day.minute < day.session.minutes)
    return StatsView(
        bars=day.minute,
        symbol_bars=stats.symbol_bars - base.symbol_bars,
        fills=stats.fills - base.fills,
        opened=stats.positions_opened - base.opened,
        rotations=stats.rotations - base.rotations,
        round_trips=figures.round_trips,
        wins=figures.wins,
        losses=figures.losses,
        win_rate=figures.win_rate,
        total_usd=equity - start,
        costs_usd=usd(costs),
        max_drawdown_pct=-100 * max_drawdown(returns) if day.equity else 0.0,
        profit_factor=figures.profit_factor,
        sharpe=sharpe(returns, MINUTES_A_YEAR),
        mrd_pct=100 * (equity / usd(stats.starting_micro) - 1) / max(1, days),
        turnover=usd(stats.traded_micro - base.traded_micro) / start,
        refusals=int(desk.refusals.counts.sum()) - sum(base.refusals),
        forced=stats.forced_closes - base.forced,
        symbols=len(scene.state.symbols),
    )
