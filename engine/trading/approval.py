"""The one place where an order is approved: without it no broker takes one.

KEY INPUT: an order, the sizing behind it, what blocks entries.
KEY OUTPUT: Approved[Order], or Refused with the check, its numbers and advice.

Exits are always approved: nothing that blocks entries may keep a position from being closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engine.errors import InvariantViolation
from engine.events import Approved, Gate, OcoOrder, Order
from engine.trading.sizing import Sizing

AnyOrder = TypeVar("AnyOrder", bound=Order | OcoOrder)

ADVICE = {
    Gate.HALTED: "resume when the reason of the halt is gone",
    Gate.REDUCE_ONLY: "resume to trade again",
    Gate.ORPHAN: "rotor acknowledge SYMBOL, rotor liquidate SYMBOL, or close it at the broker",
    Gate.ACCOUNT: "read the broker's words, put it right there, then resume",
    Gate.BROKER_REFUSES: "read the broker's words; resume, or the next session, tries again",
    Gate.DAILY_LOSS: "wait for the next session; with daily_loss_rearm manual, resume",
    Gate.DRAWDOWN: "look into the losses, then resume (or wait, if drawdown_rearm is session)",
    Gate.CONSECUTIVE_LOSSES: "wait for the cool-down or the next session; if it is manual, resume",
    Gate.STALE_DATA: "check the feed; it re-arms by itself when bars arrive",
    Gate.LOST_STREAM: "check the connection; it re-arms when orders are reconciled",
    Gate.REJECTS: "read the broker's reasons; it re-arms when they stop",
    Gate.PRICES: "check the price; it re-arms when prices are plausible",
    Gate.ORDER_RATE: "raise risk.max_orders_per_minute if this many orders are meant",
    Gate.SIZE: "fewer shares, or more room in the limit that binds",
    Gate.LIQUIDITY: "the symbol trades too thinly for one share at this participation",
    Gate.HEAT: "wait for a stop to move up, or raise risk.max_heat_pct",
    Gate.GROSS_EXPOSURE: "close a position, or raise risk.max_gross_exposure_pct",
    Gate.NET_EXPOSURE: "close a position, or raise risk.max_net_exposure_pct",
    Gate.UNDERLYING: "close what follows the same index, or raise risk.max_underlying_exposure_pct",
    Gate.CORRELATION: "hold something else, or raise risk.max_correlation",
    Gate.MARGIN: "close a position: the intraday requirement leaves nothing",
    Gate.UNMEASURED: "wait until there are enough bars, or switch the check off",
}
"""What to do about a refusal, by its check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An entry that was not approved."""

    check: Gate
    reason: str
    """In words, with its numbers."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """On sizing: the shares that each limit allows."""

    @property
    def advice(self) -> str:
        """Return what to do about it; empty where nothing is to be done."""
        return ADVICE.get(self.check, "")


def approve_entry(order: Order, sizing: Sizing) -> Approved[Order] | Refused:
    """Approve an entry of at most the sizing's shares, at no worse than its price."""
    if sizing.shares < 1:
        return refusal(sizing)
    if order.shares < 1 or order.shares > sizing.shares:
        return Refused(
            check=sizing.gate,
            reason=f"{order.shares} shares against {sizing.shares} by {sizing.binding}",
            numbers=_numbers(sizing),
        )
    if (
        not order.entry
        or order.limit_micro <= 0
        or order.value_micro <= 0
        or order.protection is None
    ):
        raise InvariantViolation(f"{order.order_id}: an entry needs a limit and its protection")
    return Approved(order, Approved._key)


def approve_exit(order: AnyOrder, held: int) -> Approved[AnyOrder]:
    """Approve what closes at most the `held` shares; whatever has tripped."""
    if not 1 <= order.shares <= held:
        raise InvariantViolation(f"{order.order_id}: {order.shares} shares against {held} held")
    return Approved(order, Approved._key)


def refusal(sizing: Sizing) -> Refused:
    """Return the refusal of a trade of which not one share is allowed."""
    if sizing.gate is Gate.UNMEASURED:
        reason = f"{sizing.binding} cannot be measured"
    else:
        reason = f"{sizing.binding} allows no share"
    return Refused(check=sizing.gate, reason=reason, numbers=_numbers(sizing))


def _numbers(sizing: Sizing) -> dict[str, float]:
    return {name: round(shares, 2) for name, _, shares in sizing.limits if abs(shares) < 1e15}
