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
    CashMoved,
    CommandGiven,
    Decided,
    Decision,
    Event,
    ExitRefused,
    FillBusted,
    FillCorrected,
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
    RoundTrip,
    SessionClosed,
    SessionOpened,
    SharesSplit,
    StopMoved,
    StreamLost,
    StreamRestored,
    SymbolQuarantined,
    TradedByHand,
)
from engine.market.frames import MINUTE_NS, Ints
from engine.trading.approval import approve_exit
from engine.trading.inbox import Inbox
from engine.trading.ledger import Ledger, Mended, side_of
from engine.trading.lots import Booking, Position
from engine.trading.orphans import Orphans
from engine.trading.positions import Part
from engine.trading.risk_state import RiskState
from engine.trading.track import TrackRecord
from engine.trading.working import Columns, Legs, Source, Working

NOWHERE = -1
"""The column of a symbol that the session does not trade."""
BY_HAND = "by hand"
"""The reason of what somebody else traded."""
HELD = 100
"""In `State.told`: the last row was a HOLD."""


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
    orphans: Orphans = field(default_factory=Orphans)
    """Held positions that Rotor did not open."""
    past: dict[str, Working | Legs] = field(default_factory=dict)
    """By id: the session's orders that are over, of which the broker may still tell."""
    gone: dict[int, Legs] = field(default_factory=dict)
    """By column: the last legs of a position that is closed."""
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
        """Fold one event in; return the last booking of a fill."""
        match event:
            case OrderFilled():
                return self.fill(event, reason)[-1].booking
            case TradedByHand():
                self.by_hand(event)
            case FillBusted() | FillCorrected():
                self.mend(event)
            case CashMoved():
                self._contribute(event.deposit_micro)
            case SharesSplit():
                self._split(event)
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
                self.columns.barred[self.column[event.symbol]] = Gate.QUARANTINE
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

    def source(self, fill: OrderFilled) -> Source:
        """Return the order of ours that was filled; it may be over. None: it is none of ours."""
        working = self.working.get(fill.order_id)
        if working is not None:
            return working
        legs = self.legs.get(self.column_of(fill.symbol))
        if legs is not None and legs.order.order_id == fill.order_id:
            return legs
        return self.past.get(fill.order_id)

    def leg_decision(self, fill: OrderFilled) -> Decision | None:
        """Return the decision that the fill of a leg stands for; None for other fills."""
        source = self.source(fill)
        return source.decision(fill.leg) if isinstance(source, Legs) else None

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
        others = (p for book in self.ledger.books for s, p in book.items() if s not in self.column)
        return self.cash + sum(p.quantity * p.entry_price for p in others)

    @property
    def mode(self) -> Mode:
        """Return what the trader may do now."""
        return self.risk.mode(flat=not (self.leaves or self.working))

    @property
    def leaves(self) -> list[str]:
        """Return the symbols of which something is held that is to be sold before the close."""
        return [s for s, p in self.ledger.positions.items() if not self.stays(p)]

    def stays(self, position: Position) -> bool:
        """Return whether nothing of ours sells a position."""
        return position.orphan and position.symbol in self.orphans.left

    def _submitted(self, event: OrderSubmitted, reason: str) -> None:
        self.sequence += 1
        order = event.order
        column = self.column_of(order.symbol)
        if isinstance(order, OcoOrder) or not order.entry:
            minute = self.minute(event.ts_ns)
            self.tries[column] = (minute, self.tried(column, minute) + 1)
        if isinstance(order, OcoOrder):
            if column in self.legs:
                self._drop_legs(column)
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

    def fill(self, fill: OrderFilled, reason: str = "") -> list[Part]:
        """Book a fill of an order of ours, however late it is told; return its parts.

        A fill of no order of ours was made by hand.
        """
        self.risk.rejects = 0
        source = self.source(fill)
        if isinstance(source, Legs):
            decision = source.decision(fill.leg)
            self._leg_filled(source, fill, decision, reason)
            return self._book(fill, decision, reason)
        if source is None:
            self._bar(self.column_of(fill.symbol))
            return self._book(fill, Decision.MANUAL_EXIT, reason, by_hand=True)
        source.remaining -= fill.shares
        if fill.order_id in self.working and (fill.final or source.remaining <= 0):
            self.past[fill.order_id] = self.working.pop(fill.order_id)
        order = source.order
        return self._book(fill, order.decision, source.reason, order.signal)

    def by_hand(self, traded: TradedByHand, reason: str = BY_HAND) -> list[Part]:
        """Book what somebody else traded; its price is known. Entries in its symbol end."""
        left = traded.left or self.ledger.ours(traded.symbol) is not None
        parts = self._book(traded.fill, Decision.MANUAL_EXIT, reason, by_hand=True, left=left)
        self._contribute(traded.deposit_micro)
        self._bar(self.column_of(traded.symbol))
        return parts

    def mend(self, event: FillBusted | FillCorrected) -> Mended:
        """Undo or correct a fill; what had closed by it is open again, or the other way round."""
        mended = self.ledger.mend(event.undone, event.instead)
        column = self.column_of(event.symbol)
        for trip in mended.voided:
            self._count(trip, column, back=True)
        for trip in mended.closed:
            self._count(trip, column)
        ours = self.ledger.ours(event.symbol)
        if ours is None or ours.stray:
            self._drop_legs(column)
        elif column not in self.legs and column in self.gone:
            self.legs[column] = self.gone.pop(column)
        if self.ledger.orphan(event.symbol) is None:
            self.orphans.closed(event.symbol)
        elif event.symbol not in self.orphans.by:
            self.orphans.found(event.symbol, left=True)
        self._hold(event.symbol)
        return mended

    def _leg_filled(self, legs: Legs, fill: OrderFilled, decision: Decision, reason: str) -> None:
        column = self.column_of(fill.symbol)
        legs.remaining = max(0, legs.remaining - fill.shares)
        rests = self.legs.get(column) is legs and legs.resting
        if rests and fill.leg is Leg.STOP and not fill.final and legs.remaining:
            self._work_off(legs, column, decision, fill, reason)

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
        self.working[fill.order_id] = Working(
            approve_exit(order, legs.remaining),
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
        reason: str,
        signal: Signal | None = None,
        *,
        by_hand: bool = False,
        left: bool = False,
    ) -> list[Part]:
        parts = self.ledger.book(fill, decision, reason=reason, signal=signal, by_hand=by_hand)
        column = self.column_of(fill.symbol)
        for _, booking in parts:
            if booking.orphan and booking.first:
                self.orphans.found(fill.symbol, left=left)
            if booking.closed is not None:
                self._closed(booking.closed, column)
        self._hold(fill.symbol)
        return parts

    def _closed(self, trip: RoundTrip, column: int) -> None:
        if trip.orphan:
            self.orphans.closed(trip.symbol)
        if column == NOWHERE:
            return
        self.cooldown_until[column] = self.minute(trip.exit_ts_ns) + self.cooldown_minutes
        self._count(trip, column)
        if not trip.orphan:
            self._drop_legs(column)

    def _count(self, trip: RoundTrip, column: int, *, back: bool = False) -> None:
        """Count a round trip that the rules ended, or take it back."""
        if trip.by_hand or column == NOWHERE:
            return
        self.risk.closed(trip, back=back)
        self.track.closed(column, trip.pnl_micro / trip.entry_micro, back=back)

    def _hold(self, symbol: str) -> None:
        """Take what is held of a symbol into its column."""
        if self.orphans.by or self.risk.orphans:
            self.risk.wait_for(self.orphans.unacknowledged)
        column = self.column_of(symbol)
        if column == NOWHERE:
            return
        position = self.ledger.positions.get(symbol)
        self.columns.quantity[column] = self.ledger.quantity(symbol)
        if position is not None:
            self.columns.entered[column] = self.minute(position.entry_ts_ns)
        self._hold_twins(column, held=position is not None)

    def _adopt(self, found: OrphanFound) -> None:
        if not found.shares:
            return
        side = side_of(found.shares, entry=True)
        fill = OrderFilled(
            found.ts_ns, "", found.symbol, side, abs(found.shares), found.price_micro,
            found.fee_micro, slippage_micro=0, final=True,
        )  # fmt: skip
        self._book(fill, Decision.MANUAL_EXIT, BY_HAND, by_hand=True, left=found.left)
        self._contribute(found.deposit_micro)

    def _contribute(self, micro: int) -> None:
        """Add to the account what is no profit; negative for what is taken out."""
        self.ledger.cash_micro += micro
        added = micro / MICRO
        self.equity += added
        self.risk.contribute(added)

    def _split(self, event: SharesSplit) -> None:
        self.ledger.divide(event.symbol, event.before, event.after)
        column = self.column_of(event.symbol)
        if column == NOWHERE:
            return
        self.columns.quantity[column] = self.ledger.quantity(event.symbol)
        self._bar(column)
        if column in self.legs:
            self.legs[column].divide(event.before, event.after)

    def _bar(self, column: int) -> None:
        """End the entries in a symbol for the session."""
        if column != NOWHERE and not self.columns.barred[column]:
            self.columns.barred[column] = Gate.BY_HAND

    def _drop_legs(self, column: int) -> None:
        if column in self.legs:
            self._unrest(column)
            legs = self.gone[column] = self.legs.pop(column)
            self.past[legs.order.order_id] = legs

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
            self.past[event.order_id] = self.working.pop(event.order_id)
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
        if isinstance(command, Acknowledge):
            self.orphans.acknowledge(command, event.actor)
            self.risk.wait_for(self.orphans.unacknowledged)
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
        self.tries, self.past, self.gone = {}, {}, {}
        self.ledger.start_session()
        barred = self.columns.barred
        barred[barred == Gate.BY_HAND] = Gate.NONE
        self.cooldown_until = np.zeros(len(self.symbols), np.int64)
        self.told = np.zeros(len(self.symbols), np.int8)
        if not self.ledger.positions:  # else what is carried stands at its last price
            self.equity = self.cash
        self.risk.day_open = self.risk.session_open = self.equity
        self.risk.orders_minute = -2
        self.risk.start_session()
        self.inbox.start_session()
