"""From the book to what sizing asks: the account as an entry would find it, and the trade itself.

KEY INPUT: the state, a frame, the positions that stay, pending entries, the tape.
KEY OUTPUT: Exposure and Request.
"""

import math
from collections.abc import Iterable, Mapping

from engine.config import Config, Universe
from engine.events import MICRO, Gate, Order
from engine.trading.approval import Refused
from engine.trading.frame import FrameView
from engine.trading.legs import rounded_down, rounded_up
from engine.trading.lots import Position
from engine.trading.sizing import Exposure, Request, margin_rate
from engine.trading.state import State
from engine.trading.tape import Tape


def measure(
    state: State,
    frame: FrameView,
    bound: Iterable[tuple[int, Position]],
    entering: Mapping[int, Order],
    universe: Universe,
    *,
    free_slots: int,
    sent: int,
) -> Exposure:
    """Return the account once all but the `bound` positions have left, `sent` orders from now.

    Positions stand at their last price, orphans without bars at their cost, pending entries at the
    price that sized them.
    """
    gross = net = heat = margin = 0.0
    under: dict[str, float] = {}
    parts = [_held(state, frame, s, position) for s, position in bound]
    parts += [_pending(order) for order in entering.values()]
    parts += [_without_stop(state, frame, position) for position in _others(state)]
    for symbol, signed, at_risk in parts:
        leverage = universe.leverage.get(symbol, 1.0)
        gross += abs(signed)
        net += signed
        heat += at_risk
        margin += abs(signed) * margin_rate(leverage, 1 if signed > 0 else -1)
        name = universe.underlying.get(symbol)
        if name is not None:
            under[name] = under.get(name, 0.0) + leverage * signed
    equity = state.fixed
    for symbol in sorted(state.ledger.positions.keys() & state.column.keys()):
        equity += state.ledger.quantity(symbol) * frame.price(state.column[symbol])
    return Exposure(
        equity=equity,
        # unlevered: what positions, entries and the cover of shorts do not bind
        cash=equity - gross,
        buying_power=equity - gross,
        gross=gross,
        net=net,
        heat=heat,
        margin=margin,
        underlying=under,
        free_slots=free_slots,
        orders_this_minute=state.risk.orders_in(frame.minute) + sent,
    )


def heat_of(state: State, column: int, position: Position, price: float) -> float:
    """Return what the position loses from `price` to its stop, USD; all of it without a stop."""
    legs = None if position.orphan else state.legs.get(column)
    if legs is None:
        return position.shares * price
    return max(0.0, position.quantity * (price - legs.stop_micro / MICRO))


def request(
    frame: FrameView,
    tape: Tape,
    column: int,
    others: Mapping[int, int],
    config: Config,
) -> Request | Refused:
    """Return the entry that a candidate asks for; Refused if its stop cannot be placed.

    `others`: the columns of positions and pending entries, with their directions.
    """
    symbol, direction = frame.block.symbols[column], frame.direction(column)
    risk, price = config.risk, frame.price(column)
    stop = risk.stop_loss_pct / 100
    if risk.stop_atr_multiple > 0:
        atr = tape.atr(frame.t, column)
        if not atr:
            words = "stop distance: the ATR cannot be measured yet"
            return Refused(check=Gate.UNMEASURED, reason=words)
        stop = min(1.0, risk.stop_atr_multiple * atr / price)
    return Request(
        symbol=symbol,
        direction=direction,
        # the worst in value: a long's limit, and as much above the price for a short
        price=limit_micro(price, 1, config) / MICRO,
        stop=stop,
        target=risk.take_profit_pct / 100,
        leverage=config.universe.leverage.get(symbol, 1.0),
        underlying=config.universe.underlying.get(symbol, ""),
        recent_volume=tape.recent_volume(frame.t, column),
        closing_volume=tape.closing_volume(column),
        daily_volatility=(
            tape.daily_volatility(frame.t, column) if risk.volatility_target_pct > 0 else None
        ),
        correlation=(
            0.0 if risk.max_correlation >= 1.0 else _correlation(frame, tape, column, others)
        ),
    )


def limit_micro(price: float, direction: int, config: Config) -> int:
    """Return the worst price of a marketable limit, micro-dollars, on the tick."""
    tick, away = config.costs.tick_usd, config.risk.entry_limit_pct / 100
    if direction > 0:
        return rounded_down(price * (1 + away), tick)
    return rounded_up(price * (1 - away), tick)


def _held(
    state: State, frame: FrameView, column: int, position: Position
) -> tuple[str, float, float]:
    price = frame.price(column)
    return position.symbol, position.quantity * price, heat_of(state, column, position, price)


def _others(state: State) -> list[Position]:
    """Return what has no bars here, and what others bought of what we hold."""
    held = state.ledger.positions
    without = [position for symbol, position in held.items() if symbol not in state.column]
    return without + list(state.ledger.beside.values())


def _without_stop(state: State, frame: FrameView, position: Position) -> tuple[str, float, float]:
    """Count a position that no stop protects: all of it at risk, without bars at its cost."""
    column = state.column.get(position.symbol)
    price = position.entry_price if column is None else frame.price(column)
    value = position.quantity * price
    return position.symbol, value, abs(value)


def _pending(order: Order) -> tuple[str, float, float]:
    assert order.protection is not None
    value = order.value_micro / MICRO
    return order.symbol, order.side.sign * value, value * order.protection.stop


def _correlation(
    frame: FrameView, tape: Tape, column: int, others: Mapping[int, int]
) -> float | None:
    highest = -1.0
    for other, direction in others.items():
        found = tape.correlation(frame.t, column, other)
        if found is None or math.isnan(found):
            return None
        highest = max(highest, found * frame.direction(column) * direction)
    return highest
