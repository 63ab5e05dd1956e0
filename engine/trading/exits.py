"""Why a held position leaves: the rules of DESIGN.md §6, in their order.

KEY INPUT: the frame, the position's column, direction and minutes held.
KEY OUTPUT: (decision, reason in words) or None.
"""

from engine.config import Config
from engine.events import MICRO, Approved, Decision, Leg, Order, OrderFilled
from engine.market.frames import HIGH, LOW, OPEN, PRESENT, Floats
from engine.trading.approval import approve_exit
from engine.trading.frame import FrameView
from engine.trading.ledger import side_of
from engine.trading.legs import stop_touched, target_touched
from engine.trading.state import State
from engine.trading.working import Legs

Verdict = tuple[Decision, str]
EVERYTHING = (Decision.EOD_EXIT, Decision.MANUAL_EXIT)
"""Exits that sell what was adopted beside ours, too."""


def exit_rule(
    frame: FrameView, column: int, direction: int, held_minutes: int, config: Config
) -> Verdict | None:
    """Return the first rule that makes the position leave; `min_hold` delays only the last two.

    A bar that is not believed delays all but the first two.
    """
    rules = config.rotation
    over = before_close(frame, config)
    if over is not None:
        return over
    stale = frame.stale_minutes(column)
    if stale > rules.max_cold_minutes:
        return (
            Decision.RISK_EXIT,
            f"no forecast for {stale} minutes (at most {rules.max_cold_minutes})",
        )
    if frame.doubted(column):
        return None  # its legs protect it; the next bar near it is believed
    if held_minutes >= rules.max_hold_minutes:
        return Decision.TIME_EXIT, f"held {held_minutes} minutes (at most {rules.max_hold_minutes})"
    if frame.cold(column):
        return None  # a crashed predictor says nothing; the position waits for max_cold_minutes
    if frame.direction(column) == -direction:
        return Decision.EXIT, f"reversal: the signal is {_word(-direction)}"
    if held_minutes < rules.min_hold_minutes:
        return None
    strength = frame.own_strength(column, direction)
    if strength < rules.min_strength_to_hold:
        return Decision.EXIT, f"strength {strength:.4f} < {rules.min_strength_to_hold:g} to hold"
    rank = frame.rank(column)
    if rank > rules.min_rank_to_hold:
        return Decision.EXIT, f"rank {rank} > {rules.min_rank_to_hold} to hold"
    return None


def before_close(frame: FrameView, config: Config) -> Verdict | None:
    """Return the rule that ends every position before the session's close."""
    minutes = frame.block.session.minutes
    if frame.minute < flatten_minute(minutes, config):
        return None
    left = minutes - frame.minute - 1
    return Decision.EOD_EXIT, f"flat before the close: {left} minutes left"


def exit_order(state: State, symbol: str, decision: Decision, offset: int) -> Approved[Order]:
    """Return the order that closes a position; it replaces the legs that hold its shares."""
    position = state.ledger.positions[symbol]
    side = side_of(position.direction, entry=False)
    legs = state.legs.get(state.column_of(symbol))
    shares = position.shares
    beside = state.ledger.beside.get(symbol)
    if beside is not None and decision in EVERYTHING and not state.stays(beside):
        shares += beside.shares
    order = Order(
        order_id=state.next_order_id(symbol, side, offset),
        symbol=symbol,
        side=side,
        shares=shares,
        entry=False,
        decision=decision,
        replaces=legs.order.order_id if legs is not None and legs.resting else "",
    )
    return approve_exit(order, shares)


def leg_touched(bars: Floats, t: int, column: int, legs: Legs) -> bool:
    """Return whether frame `t` touches a resting stop or target."""
    direction = -legs.order.side.sign
    high, low = bars.item(t, column, HIGH), bars.item(t, column, LOW)
    return bars.item(t, column, PRESENT) != 0.0 and (
        stop_touched(direction, high, low, legs.stop_micro)
        or target_touched(direction, high, low, legs.order.target_micro)
    )


def leg_words(state: State, fill: OrderFilled, legs: Legs, decision: Decision) -> str:
    """Return the reason of an exit that a resting leg made."""
    ours = state.ledger.ours(fill.symbol)
    stop = fill.leg is Leg.STOP
    level = (legs.stop_micro if stop else legs.order.target_micro) / MICRO
    name = {Decision.PROFIT_TARGET: "target", Decision.TRAILING_STOP: "trailing stop"}
    words = f"{name.get(decision, 'stop')} {level:g} touched"
    if ours is not None:
        words += f" ({100 * (level / ours.entry_price - 1):+.2f}%)"
    return words + touched_both(fill) if fill.ambiguous else words


def touched_both(fill: OrderFilled) -> str:
    """Return what is added to the reason where the bar does not tell which leg came first."""
    return f"; the bar touched both, {fill.leg} first by [simulation] both_touched"


def ambiguous(
    bars: Floats, t: int, column: int, direction: int, stop_micro: int, target_micro: int
) -> bool:
    """Return whether frame `t` touches stop and target, and its open neither."""
    open_, high, low = (bars.item(t, column, field) for field in (OPEN, HIGH, LOW))
    return (
        bars.item(t, column, PRESENT) != 0.0
        and stop_touched(direction, high, low, stop_micro)
        and target_touched(direction, high, low, target_micro)
        and not stop_touched(direction, open_, open_, stop_micro)
        and not target_touched(direction, open_, open_, target_micro)
    )


def flatten_minute(session_minutes: int, config: Config) -> int:
    """Return the session minute whose frame decides the flatten."""
    return session_minutes - config.session.flatten_before_close_minutes - 1


def _word(direction: int) -> str:
    return "LONG" if direction > 0 else "SHORT"
