"""The summary of a run: one JSON object, and what it means in plain sentences.

KEY INPUT: RunStats.
KEY OUTPUT: a dict of JSON values (ratios are fractions, money is USD), and sentences that never
claim an edge that the interval does not show.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from engine.config import Config
from engine.events import MICRO, Gate, RoundTrip
from engine.learning.clusters import interval
from engine.learning.judge import HorizonScore
from engine.learning.slope import PooledSlope
from engine.records.metrics import (
    DAYS_A_YEAR,
    MINUTES_A_YEAR,
    annual_volatility,
    bootstrap_interval,
    calmar,
    daily_returns,
    sharpe,
    sortino,
    trade_figures,
)
from engine.records.stats import MINUTE_DAYS, RunStats, Tripped

Json = dict[str, Any]


RISK = frozenset(gate for gate in Gate if Gate.SIZE <= gate <= Gate.UNMEASURED)
"""The gates that are risk checks."""
_NEW_YORK = ZoneInfo("America/New_York")


def summarise(stats: RunStats, config: Config) -> Json:
    """Return every figure of a run that depends on its decisions alone."""
    start = stats.starting_micro / MICRO
    equity = [start, *(day.equity_micro / MICRO for day in stats.days)]
    returns = daily_returns(equity)
    low, high = bootstrap_interval(returns)
    final = stats.last_equity
    costs_micro = stats.fee_micro + stats.slippage_micro
    pnl_micro = round(final * MICRO) - stats.starting_micro
    sessions = len(stats.days)
    total = pnl_micro / stats.starting_micro
    # figures by the day are of whole days, also when the last one was interrupted
    whole_micro = stats.days[-1].equity_micro - stats.starting_micro if stats.days else 0
    figures = trade_figures(stats.round_trips)
    ratio, basis = _sharpe(stats, start, returns)
    return {
        "sessions": sessions,
        "warmup_sessions": stats.warmup_sessions,
        "first_session": str(stats.days[0].date) if stats.days else None,
        "last_session": str(stats.days[-1].date) if stats.days else None,
        "bars_processed": stats.frames,
        "symbol_bars": stats.symbol_bars,
        "trades_executed": stats.fills,
        "positions_opened": stats.positions_opened,
        "round_trips": figures.round_trips,
        "rotations": stats.rotations,
        "starting_capital": start,
        "total_pnl": pnl_micro / MICRO,
        "total_pnl_pct": total,
        "gross_pnl": (pnl_micro + costs_micro) / MICRO,
        "final_equity": (pnl_micro + stats.starting_micro) / MICRO,
        "max_drawdown": stats.max_drawdown,
        "longest_drawdown_minutes": stats.longest_drawdown_minutes,
        "win_rate": figures.win_rate,
        "wins": figures.wins,
        "losses": figures.losses,
        "profit_factor": figures.profit_factor,
        "expectancy": figures.expectancy,
        "average_win": figures.average_win,
        "average_loss": figures.average_loss,
        "mean_bars_held": figures.mean_bars_held,
        "sharpe_ratio": ratio,
        "sharpe_basis": basis,
        "sortino_ratio": sortino(returns),
        "calmar_ratio": calmar(returns),
        "annual_volatility": annual_volatility(returns),
        "mrd": _per_day(whole_micro, stats),
        "mrd_low": low,
        "mrd_high": high,
        "gross_mrd": _per_day(
            whole_micro + sum(day.fee_micro + day.slippage_micro for day in stats.days), stats
        ),
        "fees_paid": stats.fee_micro / MICRO,
        "slippage_paid": stats.slippage_micro / MICRO,
        "costs_paid": costs_micro / MICRO,
        "turnover_per_day": _per_day(sum(day.traded_micro for day in stats.days), stats),
        "exposure": stats.exposure,
        "break_even_bps": _break_even_bps(pnl_micro + costs_micro, stats),
        "cost_bps": 1e4 * costs_micro / stats.traded_micro if stats.traded_micro else None,
        "refusals": stats.refusals,
        "risk_refusals": {g: n for g, n in stats.refusals.items() if Gate[g.upper()] in RISK},
        "breaker_trips": [_trip(trip) for trip in stats.trips],
        "blocked_since": _moment(stats.blocked_since_ns),
        "blocked_by": stats.blocked_by,
        "forced_closes": stats.forced_closes,
        "ambiguous_bars": stats.ambiguous_bars,
        "restarts": stats.restarts,
        "quarantined": sorted({symbol for symbol, _ in stats.quarantined}),
        **({"crashes": dict(sorted(stats.crashes.items()))} if stats.crashes else {}),
        "interrupted": stats.interrupted,
        "open_positions": stats.open_positions,
        "earned_slope": config.quality.earned_slope,
        "filter": _filter(stats, config),
        "days": _days(stats),
        "months": _months(stats),
        "by_symbol": _table(stats.round_trips, lambda trip: trip.symbol),
        "by_exit_reason": _table(stats.round_trips, lambda trip: trip.decision.name.lower()),
    }


def learning_figures(scores: Mapping[str, Sequence[HorizonScore]], pooled: PooledSlope) -> Json:
    """Return how the forecasts did, over all symbols: mean IC by horizon and the earned slope."""
    horizons: dict[int, list[HorizonScore]] = {}
    for score in (score for rows in scores.values() for score in rows if score.n):
        horizons.setdefault(score.horizon_minutes, []).append(score)
    return {
        "ic": {str(h): sum(x.ic for x in rows) / len(rows) for h, rows in sorted(horizons.items())},
        "slope": pooled.point,
        "slope_lower": pooled.lower,
        "slope_sessions": pooled.sessions,
    }


def learning_sentence(figures: Json) -> str:
    """Return how the forecasts did, in words."""
    if not figures["ic"]:
        return "No forecast has matured yet."
    ics = ", ".join(f"{ic:+.3f} at {h} minutes" for h, ic in figures["ic"].items())
    return (
        f"Forecasts against what came: correlation {ics}; slope {figures['slope']:+.2f}, its lower "
        f"10% bound {figures['slope_lower']:+.2f} after {figures['slope_sessions']} sessions."
    )


def sentences(summary: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Return what the figures mean, in plain words."""
    said = audited(summary)
    if summary["interrupted"]:
        whole = summary["sessions"]
        were = "session was" if whole == 1 else "sessions were"
        said.append(f"Interrupted: {whole} whole {were} replayed.")
    if summary["open_positions"]:
        said.append(f"{summary['open_positions']} positions were open, valued at their last close.")
    if summary["blocked_since"]:
        since = f"{summary['blocked_since']:%Y-%m-%d %H:%M}"
        said.append(f"Entries were blocked from {since} to the end: {summary['blocked_by']}.")
    said += [] if "looks_ahead" in summary else _worth(summary)
    said += filter_sentence(summary["filter"])
    if summary["ambiguous_bars"]:
        said.append(
            f"{summary['ambiguous_bars']} bars touched stop and target; which came first is not "
            "known: [simulation] both_touched chose."
        )
    if summary["forced_closes"]:
        said.append(
            f"{summary['forced_closes']} fills were forced in a session's last minute: the bars "
            "had too little volume to leave before."
        )
    if summary["quarantined"]:
        said.append(f"Quarantined after crashes: {', '.join(summary['quarantined'])}.")
    said += [f"{s}: its predictor crashed: {e}." for s, e in summary.get("crashes", {}).items()]
    better = [row["name"] for row in baselines if (row["mrd"] or 0.0) > (summary["mrd"] or 0.0)]
    if better:
        said.append(f"Better over these sessions: {'; '.join(better)}.")
    return said


def audited(summary: Mapping[str, Any]) -> list[str]:
    """Return what the look-ahead audit of a predictor of the user's own found; empty if nothing."""
    if "looks_ahead" not in summary:
        return []
    why = f"THE PREDICTOR LOOKS AHEAD: {summary['looks_ahead']}."
    return [f"{why} No figure of this run is worth anything; `rotor check` says more."]


def filter_sentence(figures: Mapping[str, Any]) -> list[str]:
    """Return what the quality filter was worth, in words; empty if it refused nothing."""
    n, refused = figures["shadows"], figures["refused"]
    if not refused and not n:
        return []
    said = (
        f"The quality filter ({figures['rule']}) refused {refused:,} candidates (symbol × minute)"
    )
    if not n:
        return [f"{said}; no shadow tells yet what they would have made."]
    said += f": {n:,} shadows of such signals, of which {figures['won']:,} won, made "
    said += f"{figures['mean_bps']:+.1f} bp each after costs"
    if figures["low_bps"] is None:
        return [f"{said}, in one session: nothing can be said about what it was worth."]
    low, high = figures["low_bps"], figures["high_bps"]
    worth = "saved money" if high < 0.0 else "cost money" if low > 0.0 else "is not shown to matter"
    return [f"{said} (95% by session {low:+.1f} to {high:+.1f}): the filter {worth}."]


def _filter(stats: RunStats, config: Config) -> Json:
    """Return what the filter refused, and what the shadows of it made."""
    sessions = list(stats.filtered.values())
    returns = [value for session in sessions for value in session]
    found = interval(sessions)
    return {
        "rule": config.quality.reject,
        "refused": stats.refusals.get("quality", 0),
        "shadows": len(returns),
        "won": sum(value > 0.0 for value in returns),
        "mean_bps": 1e4 * math.fsum(returns) / len(returns) if returns else None,
        "low_bps": None if found is None else 1e4 * found.low,
        "high_bps": None if found is None else 1e4 * found.high,
    }


def _worth(summary: Mapping[str, Any]) -> list[str]:
    refusals = summary["refusals"]
    if "idle" in summary:
        return list(summary["idle"]["said"])
    if summary["trades_executed"] == 0:
        if not refusals:
            return ["Nothing was traded: no signal pointed in a direction that may be traded."]
        gate, most = max(refusals.items(), key=lambda item: item[1])
        total = sum(refusals.values())
        counts = f"{total:,} candidates (symbol × minute) were refused, {most:,} of them by {gate}"
        return [f"Nothing was worth trading: {counts}."]
    if summary["round_trips"] == 0:
        return ["No position was closed yet: nothing can be said about an edge."]
    low, high = summary["mrd_low"], summary["mrd_high"]
    if low is None or summary["sessions"] < MINUTE_DAYS:
        return [f"Fewer than {MINUTE_DAYS} whole sessions say nothing about an edge."]
    interval = f"{100 * low:+.3f}% to {100 * high:+.3f}% a day"
    if low <= 0.0 <= high:
        return [f"The 95% interval of the MRD, {interval}, includes zero: no edge is shown."]
    if high < 0.0:
        return [f"The 95% interval of the MRD, {interval}, lies below zero: this loses money."]
    return [
        f"The 95% interval of the MRD, {interval}, lies above zero on these bars, after costs.",
        "That is no evidence for other days.",
    ]


def _sharpe(stats: RunStats, start: float, returns: Any) -> tuple[float | None, str]:
    if len(stats.days) >= MINUTE_DAYS:
        return sharpe(returns, DAYS_A_YEAR), "daily"
    return sharpe(daily_returns([start, *stats.minute_equity]), MINUTES_A_YEAR), "minute"


def _per_day(micro: int, stats: RunStats) -> float | None:
    return micro / stats.starting_micro / len(stats.days) if stats.days else None


def _break_even_bps(gross_micro: int, stats: RunStats) -> float | None:
    return 1e4 * gross_micro / stats.traded_micro if stats.traded_micro else None


def _trip(trip: Tripped) -> Json:
    return {
        "breaker": trip.breaker.name.lower(),
        "at": _moment(trip.ts_ns),
        "reason": trip.reason,
        "rearms": trip.rearms,
        "rearmed_at": _moment(trip.rearmed_ns),
    }


def _moment(ts_ns: int | None) -> dt.datetime | None:
    """Return New York time."""
    return None if ts_ns is None else dt.datetime.fromtimestamp(ts_ns // 10**9, _NEW_YORK)


def _days(stats: RunStats) -> list[Json]:
    rows = []
    before = stats.starting_micro
    for day in stats.days:
        rows.append(
            {
                "date": str(day.date),
                "minutes": day.minutes,
                "fills": day.fills,
                "pnl": (day.equity_micro - before) / MICRO,
                "equity": day.equity_micro / MICRO,
                "traded": day.traded_micro / MICRO,
                "fees_paid": day.fee_micro / MICRO,
                "slippage_paid": day.slippage_micro / MICRO,
            }
        )
        before = day.equity_micro
    return rows


def _months(stats: RunStats) -> dict[str, Json]:
    months: dict[str, Json] = {}
    before = stats.starting_micro
    opening: dict[str, int] = {}
    for day in stats.days:
        key = f"{day.date:%Y-%m}"
        opening.setdefault(key, before)
        row = months.setdefault(key, {"sessions": 0, "fills": 0, "pnl": 0.0, "mrd": 0.0})
        row["sessions"] += 1
        row["fills"] += day.fills
        row["pnl"] = (day.equity_micro - opening[key]) / MICRO
        row["mrd"] = (day.equity_micro / opening[key] - 1.0) / row["sessions"]
        before = day.equity_micro
    return months


def _table(trips: Sequence[RoundTrip], key: Callable[[RoundTrip], str]) -> dict[str, Json]:
    groups: dict[str, list[RoundTrip]] = {}
    for trip in trips:
        groups.setdefault(key(trip), []).append(trip)
    return {name: asdict(trade_figures(groups[name])) for name in sorted(groups)}
