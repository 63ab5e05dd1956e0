"""The state of the trader: what the fold of its events has come to.

KEY INPUT: events, in order.
KEY OUTPUT: State, which `cycle.decide` reads and nothing but `apply` changes (`observe.py` keeps
its equity and its peak, which follow from fills and bars).

Recovery, replay, test and live share this path.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.cards import Signal
from engine.errors import InvariantViolation
from engine.events import (
    MICRO,
    Acknowledge,
    Approve,
    Approved,
    BreakerRearmed,
    BreakerTripped,
    CardClosed,
    CardOffered,
    CardRefused,
    CommandGiven,
    Decided,
    Decision,
    Event,
    ExitRefused,
    Gate,
    Leg,
    Liquidate,
    Mode,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    OrphanFound,
    SessionClosed,
    SessionOpened,
    StopMoved,
    StreamLost,
    StreamRestored,
    SymbolQuarantined,
)
from engine.market.frames import MINUTE_NS, Floats, Ints
from engine.trading.approval import approve_exit
from engine.trading.inbox import Inbox
from engine.trading.ledger import Booking, Ledger
from engine.trading.risk_state import RiskState
from engine.trading.track import TrackRecord

NOWHERE = -1
"""The column of a symbol that the session does not trade."""
HELD = 100
"""In `State.told`: the last row was a HOLD."""


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


@dataclass(slots=True, eq=False)
class Columns:
    """What the compiled passes read of the book, one number per symbol."""

    quantity: Ints
    """Signed shares."""
    entered: Ints
    """Session minute of the first fill."""
    stop_micro: Ints
    """0: no legs rest."""
    target_micro: Ints
    trail: Floats
    twin_held: npt.NDArray[np.bool_]
    """True while an inverse twin is held."""
    barred: npt.NDArray[np.bool_]
    """True once the symbol is quarantined."""

    @classmethod
    def empty(cls, symbols: int) -> "Columns":
        """Return the columns of a flat book."""

        def whole() -> Ints:
            return np.zeros(symbols, np.int64)

        def flags() -> npt.NDArray[np.bool_]:
            return np.zeros(symbols, np.bool_)

        return cls(whole(), whole(), whole(), whole(), np.zeros(symbols), flags(), flags())


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
    """Entries and exits by order id, in order of submission."""
    legs: dict[int, Legs] = field(default_factory=dict)
    """Stop and target of each held column."""
    tries: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By column: (minute, how many legs and exits were submitted in it)."""
    date: str = ""
    """YYYYMMDD of the session."""
    open_ns: int = 0
    sequence: int = 0
    """Orders submitted in this session; part of the next order's id."""
    equity: float = 0.0
    """At the last frame's close, USD."""
    cooldown_until: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """(S,) the first minute of the session in which the symbol may be entered again."""
    told: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    """(S,) what the last decision row of the session said: the gate of a REFUSED, HELD for a HOLD,
    Gate.NONE for any other or none."""
    column: dict[str, int] = field(default_factory=dict)
    twins: list[list[int]] = field(default_factory=list)
    """By column: the columns of its inverse twins."""
    risk: RiskState = field(init=False)
    track: TrackRecord = field(init=False)
    inbox: Inbox = field(default_factory=Inbox)
    orphans: dict[str, str] = field(default_factory=dict)
    """Held positions that Rotor did not open → who has acknowledged them; empty: nobody yet."""
    columns: Columns = field(init=False)

    def __post_init__(self) -> None:
        self.column = {symbol: s for s, symbol in enumerate(self.symbols)}
        self.equity = self.cash
        self.risk = RiskState(self.equity, self.equity)
        self.track = TrackRecord(len(self.symbols))
        self.columns = Columns.empty(len(self.symbols))
        self.pair_twins(self.twin_pairs)
        self._start_session()

    def pair_twins(self, pairs: tuple[tuple[str, str], ...]) -> None:
        """Take the pairs of inverse twins that bar each other from now on."""
        self.twin_pairs = pairs
        self.twins = [[] for _ in self.symbols]
        for pair in pairs:
            if all(symbol in self.column for symbol in pair):
                a, b = (self.column[symbol] for symbol in pair)
                self.twins[a].append(b)
                self.twins[b].append(a)
        for column, twins in enumerate(self.twins):
            held = any(self.symbols[twin] in self.ledger.positions for twin in twins)
            self.columns.twin_held[column] = held

    def apply(self, event: Event, *, reason: str = "") -> Booking | None:  # noqa: C901 - a table
        """Fold one event in; return the ledger's booking of a fill."""
        match event:
            case OrderFilled():
                return self._filled(event, reason)
            case Decided():
                self._tell(event)
            case StopMoved():
                self._move(event)
            case OrderSubmitted():
                self._submitted(event, reason)
            case OrderReleased():
                self.working[event.order_id].released = True
            case OrderCanceled() | OrderRejected():
                self._gone(event)
            case ExitRefused():
                if event.kind.account_wide:
                    self.risk.refused_account(event.reason)
            case SymbolQuarantined():
                self.columns.barred[self.column[event.symbol]] = True
            case BreakerTripped():
                self.risk.trip(event)
            case BreakerRearmed():
                self.risk.rearm(event, self.equity)
            case CommandGiven():
                self._command(event)
            case CardOffered():
                self.inbox.offered(event)
            case CardClosed():
                self.inbox.close(event)
            case CardRefused():
                self.inbox.refused.append(event)
            case StreamLost():
                self.risk.stream_lost = event.reason
            case StreamRestored():
                self.risk.stream_lost = ""
            case OrphanFound():
                self._adopt(event)
            case SessionOpened():
                self.date = event.date.strftime("%Y%m%d")
                self.open_ns = event.ts_ns
                self._start_session()
            case SessionClosed():
                strict = event.trading and event.carried is None
                if strict and (self.ledger.positions or self.working):
                    raise InvariantViolation(f"{event.date}: the session closed with an open book")
            case _:
                pass
        return None

    def minute(self, ts_ns: int) -> int:
        """Return the session minute of a frame."""
        return (ts_ns - self.open_ns) // MINUTE_NS

    def tried(self, column: int, minute: int) -> int:
        """Return how many legs and exits of a column were submitted in a minute."""
        at, tries = self.tries.get(column, (minute, 0))
        return tries if at == minute else 0

    def next_order_id(self, symbol: str, side: str, offset: int) -> str:
        """Return the id of the `offset`-th order from now: a pure function of the journal."""
        return f"{self.epoch}-{self.date}-{symbol}-{side}-{self.sequence + offset}-0"

    def leg_decision(self, fill: OrderFilled) -> Decision | None:
        """Return the decision that the fill of a resting leg stands for; None for other fills."""
        legs = self.legs.get(self.column_of(fill.symbol))
        if fill.leg is None or legs is None or legs.order.order_id != fill.order_id:
            return None
        if fill.leg is Leg.TARGET:
            return Decision.PROFIT_TARGET
        return Decision.TRAILING_STOP if legs.moved else Decision.STOP_LOSS

    def column_of(self, symbol: str) -> int:
        """Return the column of a symbol, NOWHERE if the session does not trade it."""
        return self.column.get(symbol, NOWHERE)

    @property
    def cash(self) -> float:
        """Return settled cash, USD."""
        return self.ledger.cash_micro / MICRO

    @property
    def fixed(self) -> float:
        """Return what no bar moves, USD: cash, and at their cost orphans of other symbols."""
        beside = (p for s, p in self.ledger.positions.items() if s not in self.column)
        return self.cash + sum(p.quantity * p.entry_price for p in beside)

    @property
    def mode(self) -> Mode:
        """Return what the trader may do now."""
        return self.risk.mode(flat=not (self.ledger.positions or self.working))

    def _submitted(self, event: OrderSubmitted, reason: str) -> None:
        self.sequence += 1
        order = event.order
        column = self.column_of(order.symbol)
        if isinstance(order, OcoOrder) or not order.entry:
            minute = self.minute(event.ts_ns)
            self.tries[column] = (minute, self.tried(column, minute) + 1)
        if isinstance(order, OcoOrder):
            self.legs[column] = Legs(order, order.shares, order.stop_micro)
            self.columns.stop_micro[column] = order.stop_micro
            self.columns.target_micro[column] = order.target_micro
            self.columns.trail[column] = order.trail
            return
        if order.replaces:
            self._unrest(column)
        minute = self.minute(event.ts_ns)
        self.risk.sent(minute)
        approved: Approved[Order] = event.approved  # type: ignore[assignment]
        self.working[order.order_id] = Working(
            approved, column, minute, not order.after, order.shares, reason
        )

    def _filled(self, fill: OrderFilled, reason: str) -> Booking:
        self.risk.rejects = 0
        working = self.working.get(fill.order_id)
        if working is None:
            return self._leg_filled(fill, reason)
        working.remaining -= fill.shares
        if working.remaining < 0 or (working.remaining == 0) != fill.final:
            raise InvariantViolation(
                f"{fill.order_id}: filled {fill.shares} of {working.remaining}"
            )
        if fill.final:
            del self.working[fill.order_id]
        order = working.order
        return self._book(fill, order.decision, working.column, working.reason, order.signal)

    def _leg_filled(self, fill: OrderFilled, reason: str) -> Booking:
        column = self.column_of(fill.symbol)
        decision = self.leg_decision(fill)
        if decision is None and fill.symbol in self.orphans:
            return self._book(fill, Decision.MANUAL_EXIT, column, reason)  # sold by hand
        if decision is None:
            raise InvariantViolation(f"{fill.order_id}: a fill of an order that is not known")
        legs = self.legs[column]
        legs.remaining -= fill.shares
        if legs.remaining < 0 or (legs.remaining == 0) != fill.final:
            raise InvariantViolation(f"{fill.order_id}: filled {fill.shares} of {legs.remaining}")
        if fill.leg is Leg.STOP and not fill.final:
            self._work_off(legs, column, decision, fill, reason)
        return self._book(fill, decision, column, reason)

    def _work_off(
        self, legs: Legs, column: int, decision: Decision, fill: OrderFilled, reason: str
    ) -> None:
        # a triggered stop is a market order: what is left of it works like any exit
        order = Order(
            order_id=fill.order_id,
            symbol=fill.symbol,
            side=fill.side,
            shares=legs.remaining,
            entry=False,
            decision=decision,
        )
        minute = self.minute(fill.ts_ns)
        held = self.ledger.positions[fill.symbol].shares
        self.working[fill.order_id] = Working(
            approve_exit(order, held),
            column,
            minute,
            released=True,
            remaining=legs.remaining,
            reason=reason,
        )
        self._unrest(column)

    def _book(
        self,
        fill: OrderFilled,
        decision: Decision,
        column: int,
        reason: str,
        signal: Signal | None = None,
    ) -> Booking:
        booking = self.ledger.fill(fill, decision, reason=reason, signal=signal)
        if booking.closed is not None and self.orphans.pop(fill.symbol, None) is not None:
            self._wait_for_orphans()
        if column == NOWHERE:
            return booking
        columns = self.columns
        columns.quantity[column] += fill.side.sign * fill.shares
        if booking.first:
            columns.entered[column] = self.minute(fill.ts_ns)
            self._hold_twins(column, held=True)
        if booking.closed is not None:
            self.cooldown_until[column] = self.minute(fill.ts_ns) + self.cooldown_minutes
            if not booking.closed.orphan:
                self.risk.closed(booking.closed)
                self.track.closed(column, booking.closed.pnl_micro / booking.closed.entry_micro)
            self._hold_twins(column, held=False)
            self._unrest(column)
            self.legs.pop(column, None)
        return booking

    def _adopt(self, found: OrphanFound) -> None:
        self.ledger.adopt(found)
        self.orphans[found.symbol] = ""
        self._wait_for_orphans()
        added = found.deposit_micro / MICRO
        self.equity += added
        self.risk.day_open += added
        self.risk.session_open += added
        self.risk.peak += added
        column = self.column_of(found.symbol)
        if column != NOWHERE:
            self.columns.quantity[column] = found.shares
            self.columns.entered[column] = self.minute(found.ts_ns)
            self._hold_twins(column, held=True)

    def _wait_for_orphans(self) -> None:
        self.risk.wait_for(tuple(sorted(s for s, actor in self.orphans.items() if not actor)))

    def _hold_twins(self, column: int, *, held: bool) -> None:
        for twin in self.twins[column]:
            self.columns.twin_held[twin] = held or any(
                self.symbols[other] in self.ledger.positions for other in self.twins[twin]
            )

    def _move(self, event: StopMoved) -> None:
        column = self.column[event.symbol]
        legs = self.legs[column]
        legs.stop_micro = event.stop_micro
        legs.moved = True
        self.columns.stop_micro[column] = event.stop_micro

    def _gone(self, event: OrderCanceled | OrderRejected) -> None:
        if isinstance(event, OrderRejected):
            self.risk.rejected(event)
        if event.order_id in self.working:
            del self.working[event.order_id]
            return
        column = self.column_of(event.symbol)
        legs = self.legs.get(column)
        if legs is not None and legs.order.order_id == event.order_id:
            legs.refused = event.reason if isinstance(event, OrderRejected) else ""
            self._unrest(column)

    def _unrest(self, column: int) -> None:
        if column in self.legs:
            self.legs[column].resting = False
        self.columns.stop_micro[column] = self.columns.target_micro[column] = 0

    def _command(self, event: CommandGiven) -> None:
        self.risk.command(event)
        command = event.command
        if isinstance(command, Approve):
            self.inbox.approve(command, event.actor, event.ts_ns)
        if isinstance(command, Acknowledge) and command.symbol in self.orphans:
            self.orphans[command.symbol] = self.orphans[command.symbol] or event.actor
            self._wait_for_orphans()
        if isinstance(command, Liquidate) and command.symbol in self.column:
            until = self.minute(event.ts_ns) + self.cooldown_minutes
            self.cooldown_until[self.column[command.symbol]] = until

    def _tell(self, decided: Decided) -> None:
        if decided.symbol not in self.column:
            return
        said = Gate.NONE
        if decided.decision is Decision.REFUSED:
            said = decided.gate
        self.told[self.column[decided.symbol]] = HELD if decided.decision is Decision.HOLD else said

    def _start_session(self) -> None:
        self.sequence = 0
        self.tries = {}
        self.cooldown_until = np.zeros(len(self.symbols), np.int64)
        self.told = np.zeros(len(self.symbols), np.int8)
        self.equity = self.risk.day_open = self.risk.session_open = self.cash
        self.risk.orders_minute = -2
        self.risk.start_session()
        self.inbox.start_session()
