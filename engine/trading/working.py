"""What works and rests at the broker, and what the compiled passes read of the book.

KEY INPUT: orders.
KEY OUTPUT: Working, Legs, Columns.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.events import Approved, Decision, Leg, OcoOrder, Order
from engine.market.frames import Floats, Ints


@dataclass(slots=True)
class Working:
    """An order that is not finished."""

    approved: Approved[Order]
    column: int
    decided_minute: int
    released: bool
    """False while it waits for the exits in `order.after`."""
    remaining: int
    reason: str
    """The words of the decision behind it."""

    @property
    def order(self) -> Order:
        """Return the order."""
        return self.approved.order


@dataclass(slots=True)
class Legs:
    """The stop and the target of a held position."""

    order: OcoOrder
    remaining: int
    stop_micro: int
    moved: bool = False
    """True once the trailing stop has moved."""
    resting: bool = True
    """False once an exit replaces them; their stop still tells the risk until that has filled."""
    refused: str = ""
    """Why the broker did not take them."""

    def decision(self, leg: Leg | None) -> Decision:
        """Return the decision that a leg's fill stands for."""
        if leg is Leg.TARGET:
            return Decision.PROFIT_TARGET
        return Decision.TRAILING_STOP if self.moved else Decision.STOP_LOSS

    def divide(self, before: int, after: int) -> None:
        """Move the levels with a share split."""
        target = _cents(self.order.target_micro * before // after)
        self.stop_micro = _cents(self.stop_micro * before // after)
        self.order = self.order._replace(target_micro=target)


def _cents(micro: int) -> int:
    return max(1, micro // 10_000) * 10_000


Source = Working | Legs | None
"""The order behind a fill; None: no order of this session."""


@dataclass(slots=True, eq=False)
class Columns:
    """What the compiled passes read of the book, one number per symbol."""

    quantity: Ints
    """Signed shares, ours and others'."""
    entered: Ints
    """Session minute of the first fill."""
    stop_micro: Ints
    """0: no legs rest."""
    target_micro: Ints
    trail: Floats
    twin_held: npt.NDArray[np.bool_]
    """True while an inverse twin is held."""
    barred: npt.NDArray[np.int8]
    """The gate that bars the symbol for the session or the run, whatever else happens; 0: none."""

    @classmethod
    def empty(cls, symbols: int) -> "Columns":
        """Return the columns of a flat book."""

        def whole() -> Ints:
            return np.zeros(symbols, np.int64)

        flags, gates = np.zeros(symbols, np.bool_), np.zeros(symbols, np.int8)
        return cls(whole(), whole(), whole(), whole(), np.zeros(symbols), flags, gates)
