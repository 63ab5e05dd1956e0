"""The held positions, each on its slot.

KEY INPUT: a Scene; the liquidation under way.
KEY OUTPUT: PositionViews.
"""

from actors.cockpit.flatten import Flattening
from actors.cockpit.labels import usd
from actors.cockpit.scene import Scene
from actors.cockpit.views import Held, PositionView
from actors.views import position_view
from engine.events import RoundTripClosed
from engine.trading.lots import Position


def position_views(
    scene: Scene, flattening: Flattening | None, trips: list[RoundTripClosed]
) -> tuple[PositionView, ...]:
    """Return the positions by slot, those that a liquidation has closed among them."""
    held = scene.state.ledger.positions
    rows = [_held(scene, slot, held[s]) for s, slot in scene.slots.of.items() if s in held]
    if flattening is not None:
        taken = {row.slot for row in rows}
        free = [slot for slot in range(len(taken) + len(flattening.sold)) if slot not in taken]
        gone = [s for s in sorted(flattening.sold) if s not in held]
        last = {trip.trip.symbol: trip for trip in trips}
        rows += [
            _flat(scene, slot, last[s]) for s, slot in zip(gone, free, strict=False) if s in last
        ]
    return tuple(sorted(rows, key=lambda row: row.slot))


def _held(scene: Scene, slot: int, position: Position) -> PositionView:
    state, symbol, equity = scene.state, position.symbol, scene.equity
    column = state.column_of(symbol)
    rank, change, spark = scene.ranked(column)
    plain = position_view(state, scene.block, scene.frame.t, position)
    stop, target, last = plain.stop, plain.target, plain.price
    legs = state.legs.get(column)
    worst, best = scene.desk.evidence.excursion(column, position.entry_price, position.direction)
    value = position.quantity * last
    return PositionView(
        slot=slot,
        symbol=symbol,
        side="long" if position.direction > 0 else "short",
        shares=position.shares,
        entry_usd=plain.entry_price,
        last_usd=last,
        value_usd=value,
        value_pct=100 * value / equity,
        pnl_usd=round(plain.pnl, 2),
        pnl_pct=100 * plain.pnl_pct,
        bars_held=max(0, plain.bars_held),
        mae_pct=100 * worst,
        mfe_pct=100 * best,
        stop_usd=stop,
        stop_trailing=legs is not None and legs.moved,
        stop_pct=None if stop is None else 100 * position.direction * (last - stop) / last,
        target_usd=target,
        target_pct=None if target is None else 100 * position.direction * (target - last) / last,
        gauge_entry=_gauge(plain.entry_price, stop, target),
        gauge_last=_gauge(last, stop, target),
        rank=rank,
        rank_change=change,
        strength=scene.own_strength(column, position.direction),
        state=_state(scene, column, position, leaving=plain.leaving),
        spark=spark,
    )


def _state(scene: Scene, column: int, position: Position, *, leaving: bool) -> Held:
    if leaving:
        return "exiting"
    if position.orphan:
        return "orphan"
    return "cold" if scene.frame.cold(column) else "held"


def _gauge(value: float, stop: float | None, target: float | None) -> float | None:
    if stop is None or target is None or stop == target:
        return None
    return min(1.0, max(0.0, (value - stop) / (target - stop)))


def _flat(scene: Scene, slot: int, closed: RoundTripClosed) -> PositionView:
    trip, column = closed.trip, scene.state.column_of(closed.trip.symbol)
    rank, change, spark = scene.ranked(column)
    return PositionView(
        slot=slot,
        symbol=trip.symbol,
        side="long" if trip.direction > 0 else "short",
        shares=0,
        entry_usd=trip.entry_price,
        last_usd=trip.exit_price,
        value_usd=0.0,
        value_pct=0.0,
        pnl_usd=round(usd(trip.pnl_micro), 2),
        pnl_pct=100 * trip.pnl_micro / trip.entry_micro,
        bars_held=trip.bars_held,
        mae_pct=100 * closed.mae,
        mfe_pct=100 * closed.mfe,
        stop_usd=None,
        stop_trailing=False,
        stop_pct=None,
        target_usd=None,
        target_pct=None,
        gauge_entry=None,
        gauge_last=None,
        rank=rank,
        rank_change=change,
        strength=scene.own_strength(column, trip.direction),
        state="flat",
        spark=spark,
    )
