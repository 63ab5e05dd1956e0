"""The recorder: folds events into the state and puts them on the block's page, in one step.

KEY INPUT: events and fills, by frame.
KEY OUTPUT: the state after them; a Page for the journal; the running statistics.

What is not recorded did not happen: nothing else changes the state.
"""

from collections.abc import Sequence
from dataclasses import replace

from engine.events import (
    Approved,
    BreakerRearmed,
    BreakerTripped,
    CashMoved,
    Decided,
    Decision,
    Event,
    FillBusted,
    FillCorrected,
    OcoOrder,
    Order,
    OrderFilled,
    OrderSubmitted,
    OrphanFound,
    PredictorRestarted,
    StopMoved,
    SymbolQuarantined,
    TradedByHand,
)
from engine.records.page import Held, Page, Span, Trade
from engine.records.stats import RunStats, Tripped
from engine.trading.ledger import Mended
from engine.trading.positions import Part
from engine.trading.state import BY_HAND, State

_COUNTED = (
    OrphanFound, CashMoved, BreakerTripped, BreakerRearmed, SymbolQuarantined, PredictorRestarted,
)  # fmt: skip


ENTRIES = (Decision.ENTER_LONG, Decision.ENTER_SHORT)


class Recorder:
    """State, page and statistics, kept in step."""

    def __init__(self, state: State, stats: RunStats, *, spans: bool) -> None:
        """`spans` keeps what positions.jsonl is made of."""
        self._state = state
        self._stats = stats
        self._spans = spans
        self._moves: dict[str, int] = {}

    def open_page(self, page: Page) -> None:
        """Record on this page from now on."""
        self._page = page
        self._marked = 0

    def record(self, t: int, event: Event, reason: str = "") -> None:
        """Record an event; `reason` are the words of the decision behind it."""
        self._state.apply(event, reason=reason)
        self._page.entries.append((t, event))
        if isinstance(event, _COUNTED):
            self._count(event)

    def record_all(self, t: int, events: Sequence[Event]) -> list[Approved[Order | OcoOrder]]:
        """Record events; return the orders among them that are to be sent now."""
        reason = ""
        orders: list[Approved[Order | OcoOrder]] = []
        for event in events:
            if isinstance(event, Decided):
                reason = event.reason
                self._stats.rotations += event.decision is Decision.ROTATE_OUT
                self._stats.entries += event.decision in ENTRIES
            self.record(t, event, reason)
            if isinstance(event, OrderSubmitted):
                order = event.order
                if isinstance(order, OcoOrder) or not order.after:
                    orders.append(event.approved)
        return orders

    def fill(
        self, t: int, fill: OrderFilled, decision: Decision, reason: str, *, by_hand: bool = False
    ) -> list[Part]:
        """Book a fill; return what it did to each position."""
        parts = self._state.fill(fill, reason)
        self._trades(t, parts, decision, reason, by_hand=by_hand)
        return parts

    def traded_by_hand(self, t: int, traded: TradedByHand) -> list[Part]:
        """Book what somebody else traded; return what it did to each position."""
        parts = self._state.by_hand(traded)
        self._trades(
            t, parts, Decision.MANUAL_EXIT, BY_HAND, by_hand=True, unpriced=traded.unpriced
        )
        self._stats.contributed(traded.deposit_micro)
        return parts

    def mend(self, t: int, event: FillBusted | FillCorrected) -> Mended:
        """Undo or correct a fill; return what it changed."""
        mended = self._state.mend(event)
        self._stats.mended(event, mended)
        told = replace(event, realised_micro=mended.realised_micro)
        self._page.entries.append((t, told))
        return mended

    def _trades(
        self,
        t: int,
        parts: Sequence[Part],
        decision: Decision,
        reason: str,
        *,
        by_hand: bool,
        unpriced: bool = False,
    ) -> None:
        for fill, booking in parts:
            trade = Trade(fill, decision, booking, reason, by_hand, unpriced)
            self._page.entries.append((t, trade))
            self._stats.booked(fill, booking)

    def move(self, move: list[int]) -> None:
        """Move a trailing stop: [frame, column, stop in micro-dollars]."""
        t, column, stop_micro = move
        order = self._state.legs[column].order
        event = StopMoved(
            ts_ns=self._page.block.ts_ns(t),
            order_id=order.order_id,
            symbol=order.symbol,
            stop_micro=stop_micro,
        )
        self._state.apply(event)
        self._page.entries.append((t, event))
        self._moves[order.order_id] = stop_micro

    def take_moves(self) -> list[tuple[str, int]]:
        """Return the stops that moved since it was last asked: (order id, micro-dollars)."""
        moves = list(self._moves.items())
        self._moves.clear()
        return moves

    def span(self, stop: int) -> None:
        """End the span of frames up to `stop`, in which the book was as it is now."""
        start, self._marked = self._marked, stop
        if stop > start and self._spans:
            cash = self._state.ledger.cash_micro
            self._page.spans.append(Span(start, stop, cash, self._held()))

    def _held(self) -> tuple[Held, ...]:
        return tuple(
            Held(
                position.symbol,
                self._state.column_of(position.symbol),
                position.direction,
                position.shares,
                position.entry_price,
                position.entry_ts_ns,
                position.orphan,
            )
            for position in self._state.ledger.held
        )

    def _count(self, event: Event) -> None:
        match event:
            case OrphanFound() | CashMoved():
                self._stats.contributed(event.deposit_micro)
            case BreakerTripped():
                self._stats.trips.append(
                    Tripped(event.breaker, event.ts_ns, event.reason, event.rearms)
                )
            case BreakerRearmed():
                self._stats.rearmed(event.breaker, event.ts_ns)
            case SymbolQuarantined():
                self._stats.quarantined.append((event.symbol, event.ts_ns))
            case PredictorRestarted():
                self._stats.restarts += 1
                self._stats.crashes[event.symbol] = event.error
