"""The session's round trips, cut by symbol, hour, confidence or reason; its signals' calibration.

KEY INPUT: round trips and shadows of the session.
KEY OUTPUT: AnalyticsView, made of engine.records.analytics.
"""

from collections.abc import Callable, Sequence
from typing import Any

from actors.cockpit.asked import AnalyticsView, BucketView, LeagueRow
from actors.cockpit.beside import Beside, ic_views
from actors.cockpit.scene import Scene
from engine.errors import BadInputError
from engine.events import RoundTripClosed, ShadowClosed
from engine.learning.calibration import BUCKETS, bucket_of
from engine.records import analytics
from engine.records.outcomes import Shadow, Trip

Json = dict[str, Any]


def _confidence(trip: Trip) -> str:
    if trip.signal is None:
        return "none"
    bucket = bucket_of(trip.signal.confidence)
    return f"{bucket / BUCKETS:.1f}-{(bucket + 1) / BUCKETS:.1f}"


KEYS: dict[str, Callable[[Trip], Any]] = {
    "symbol": analytics.symbol,
    "hour": analytics.hour,
    "confidence": _confidence,
    "reason": analytics.exit_reason,
}


def analytics_view(
    scene: Scene,
    by: str,
    closed: Sequence[RoundTripClosed],
    shadows: Sequence[ShadowClosed],
    beside: Beside,
) -> AnalyticsView:
    """Return the league table of a key, all round trips last; raises BadInputError for no key."""
    if by not in KEYS:
        raise BadInputError(f"by {by!r}: {', '.join(KEYS)}")
    trips = [_trip(one) for one in closed]
    table = analytics.table(trips, KEYS[by])
    told = analytics.reliability([_shadow(s) for s in shadows], analytics.calibrated_probability)
    traded = scene.desk.stats.traded_micro - scene.day.base.traded_micro
    gross = sum(trip.gross_micro for trip in trips)
    rows = [_row(key, figures) for key, figures in table.items()]
    rows.sort(key=lambda row: (-row.total_usd, row.key) if by == "symbol" else (0.0, ""))
    return AnalyticsView(
        by=by,
        rows=(*rows, _row("all", analytics.figures(trips))) if trips else (),
        calibration=tuple(_bucket(row) for row in told["bins"]),
        brier=told["brier"],
        log_loss=told["log_loss"],
        outcomes=told["n"],
        break_even_bps=1e4 * gross / traded if traded else None,
        ic=ic_views(scene),
        day_pct=100 * (scene.equity / scene.session_open - 1),
        baselines=beside.views(scene, [one.trip for one in closed]),
    )


def _row(key: str, figures: Json) -> LeagueRow:
    return LeagueRow(
        key=key,
        trades=figures["round_trips"],
        win_rate=figures["win_rate"],
        low=figures["win_rate_low"],
        high=figures["win_rate_high"],
        profit_factor=figures["profit_factor"],
        expectancy_usd=figures["expectancy"],
        total_usd=figures["total_pnl"],
    )


def _bucket(row: Json) -> BucketView:
    return BucketView(
        low=row["from"],
        high=row["to"],
        n=row["n"],
        won=round(row["win_rate"] * row["n"]),
        win_rate=row["predicted"],
        rate_low=row["win_rate_low"],
        rate_high=row["win_rate_high"],
        verdict="",
    )


def _trip(closed: RoundTripClosed) -> Trip:
    trip = closed.trip
    return Trip(
        number=closed.number,
        symbol=trip.symbol,
        direction=trip.direction,
        entry_ms=trip.entry_ts_ns // 1_000_000,
        exit_ms=trip.exit_ts_ns // 1_000_000,
        shares=trip.shares,
        entry_micro=trip.entry_micro,
        exit_micro=trip.exit_micro,
        pnl_micro=trip.pnl_micro,
        fee_micro=trip.fee_micro,
        slippage_micro=trip.slippage_micro,
        bars_held=trip.bars_held,
        mae=closed.mae,
        mfe=closed.mfe,
        decision=int(trip.decision),
        entry_reason=trip.entry_reason,
        exit_reason=trip.exit_reason,
        forced=trip.forced,
        signal=trip.signal,
        by_hand=trip.by_hand,
    )


def _shadow(event: ShadowClosed) -> Shadow:
    return Shadow(
        symbol=event.symbol,
        direction=event.direction,
        opened_ms=event.opened_ns // 1_000_000,
        entry_ms=event.entry_ns // 1_000_000,
        exit_ms=event.exit_ns // 1_000_000,
        entry_price=event.entry_price,
        exit_price=event.exit_price,
        exit=event.how,
        net_return=event.net_return,
        signal=event.signal,
    )
