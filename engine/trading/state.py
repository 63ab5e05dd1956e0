"""The state of the trader: what the fold of its events has come to.

KEY INPUT: events, in order.
KEY OUTPUT: State, which `cycle.decide` reads and nothing but `apply` changes.

Recovery, replay, test and live share this path.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.errors import InvariantViolation
from engine.events import (
    MICRO,
    Decided,
    Decision,
    Event,
    Gate,
    Order,
    OrderCanceled,
    OrderFilled,
    OrderReleased,
    OrderSubmitted,
    SessionClosed,
    SessionOpened,
    SymbolQuarantined,
)
from engine.market.frames import MINUTE_NS
from engine.trading.ledger import Booking, Ledger

HELD = 100
"""In `State.told`: the last row was a HOLD."""


@dataclass(slots=True)
class Working:
    """An order that is not finished."""

    order: Order
    column: int
    decided_minute: int
    released: bool
    """False while it waits for the exits in `order.after`."""
    remaining: int
    reason: str
    """The words of the decision behind it."""


@dataclass(slots=True)
class State:
    """All that the trader knows about itself."""

    epoch: str
    """8 hex digits; every order id starts with them."""
    symbols: tuple[str, ...]
    ledger: Ledger
    cooldown_minutes: int
    twin_pairs: tuple[tuple[str, str], ...] = ()
    working: dict[str, Working] = field(default_factory=dict)
    """By order id, in order of submission."""
    quarantined: set[int] = field(default_factory=set)
    """Columns."""
    date: str = ""
    """YYYYMMDD of the session."""
    open_ns: int = 0
    sequence: int = 0
    """Orders submitted in this session; part of the next order's id."""
    cooldown_until: list[int] = field(default_factory=list)
    """By column: the first minute of the session in which the symbol may be entered again."""
    told: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    """(S,) what the last decision row of the session said: the gate of a REFUSED, HELD for a HOLD,
    Gate.NONE for any other or none."""
    column: dict[str, int] = field(default_factory=dict)
    twins: list[list[int]] = field(default_factory=list)
    """By column: the columns of its inverse twins."""

    def __post_init__(self) -> None:
        self.column = {symbol: s for s, symbol in enumerate(self.symbols)}
        self.twins = [[] for _ in self.symbols]
        for pair in self.twin_pairs:
            if all(symbol in self.column for symbol in pair):
                a, b = (self.column[symbol] for symbol in pair)
                self.twins[a].append(b)
                self.twins[b].append(a)
        self._start_session()

    def apply(self, event: Event, *, reason: str = "") -> Booking | None:
        """Fold one event in; return the ledger's booking of a fill."""
        match event:
            case OrderFilled():
                return self._filled(event)
            case OrderSubmitted(order=order):
                self.sequence += 1
                minute = self.minute(event.ts_ns)
                self.working[order.order_id] = Working(
                    order, self.column[order.symbol], minute, not order.after, order.shares, reason
                )
            case OrderReleased():
                self.working[event.order_id].released = True
            case OrderCanceled():
                del self.working[event.order_id]
            case Decided():
                self._tell(event)
            case SymbolQuarantined():
                self.quarantined.add(self.column[event.symbol])
            case SessionOpened():
                self.date = event.date.strftime("%Y%m%d")
                self.open_ns = event.ts_ns
                self._start_session()
            case SessionClosed():
                if event.trading and (self.ledger.positions or self.working):
                    raise InvariantViolation(f"{event.date}: the session closed with an open book")
            case _:
                pass
        return None

    def minute(self, ts_ns: int) -> int:
        """Return the session minute of a frame."""
        return (ts_ns - self.open_ns) // MINUTE_NS

    def next_order_id(self, symbol: str, side: str, offset: int) -> str:
        """Return the id of the `offset`-th order from now: a pure function of the journal."""
        return f"{self.epoch}-{self.date}-{symbol}-{side}-{self.sequence + offset}-0"

    @property
    def cash(self) -> float:
        """Return settled cash, USD."""
        return self.ledger.cash_micro / MICRO

    def _filled(self, fill: OrderFilled) -> Booking:
        working = self.working[fill.order_id]
        working.remaining -= fill.shares
        if working.remaining < 0 or (working.remaining == 0) != fill.final:
            raise InvariantViolation(
                f"{fill.order_id}: filled {fill.shares} of {working.remaining}"
            )
        if fill.final:
            del self.working[fill.order_id]
        booking = self.ledger.fill(fill, working.order.decision)
        if booking.closed is not None:
            self.cooldown_until[working.column] = self.minute(fill.ts_ns) + self.cooldown_minutes
        return booking

    def _tell(self, decided: Decided) -> None:
        said = Gate.NONE
        if decided.decision is Decision.REFUSED:
            said = decided.gate
        self.told[self.column[decided.symbol]] = HELD if decided.decision is Decision.HOLD else said

    def _start_session(self) -> None:
        self.sequence = 0
        self.cooldown_until = [0] * len(self.symbols)
        self.told = np.zeros(len(self.symbols), np.int8)
