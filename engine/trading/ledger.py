"""The book of lots: cash, positions and realised profit, exact to the micro-dollar.

KEY INPUT: fills (shares, price, fee in micro-dollars).
KEY OUTPUT: cash, open lots, and a RoundTrip for each position that came back to zero.

First in, first out. Fees of the entry stay with their lots, so that Σ realised = Δcash when flat.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.cards import Signal
from engine.errors import InvariantViolation
from engine.events import MICRO, Decision, OrderFilled, OrphanFound, RoundTrip, Side


@dataclass(slots=True)
class Lot:
    """Shares bought (or sold short) in one fill."""

    shares: int
    """Positive."""
    value_micro: int
    """shares × price at entry."""
    fee_micro: int


@dataclass(slots=True)
class Position:
    """An open position and what it has cost so far."""

    symbol: str
    direction: int
    entry_ts_ns: int
    lots: deque[Lot] = field(default_factory=deque)
    shares: int = 0
    """Open shares, positive for long and short alike."""
    opened_shares: int = 0
    opened_micro: int = 0
    closed_micro: int = 0
    realised_micro: int = 0
    fee_micro: int = 0
    slippage_micro: int = 0
    reason: str = ""
    """The words of the entry."""
    signal: Signal | None = None
    orphan: bool = False
    """True if Rotor did not open it."""

    @property
    def quantity(self) -> int:
        """Return the signed shares."""
        return self.direction * self.shares

    @property
    def entry_price(self) -> float:
        """Return the average price of the open shares, USD."""
        return sum(lot.value_micro for lot in self.lots) / self.shares / MICRO


class Booking(NamedTuple):
    """What one fill did to the book."""

    entry: bool
    first: bool
    """True if it opened the position."""
    direction: int
    realised_micro: int = 0
    """Net profit of the shares that this fill closed; 0 on entries."""
    cost_basis_micro: int = 0
    """Entry value of the shares that this fill closed; 0 on entries."""
    bars_held: int = 0
    closed: RoundTrip | None = None


class Ledger:
    """Cash and positions of one account."""

    def __init__(self, cash_micro: int) -> None:
        self.cash_micro = cash_micro
        self.positions: dict[str, Position] = {}
        self.realised_micro = 0

    def fill(
        self,
        fill: OrderFilled,
        decision: Decision,
        *,
        reason: str = "",
        signal: Signal | None = None,
    ) -> Booking:
        """Book a fill; raises InvariantViolation if it would turn a position round.

        `reason` are the words of the decision, `signal` what stood behind an entry.
        """
        if fill.shares <= 0 or fill.price_micro <= 0:
            raise InvariantViolation(f"{fill.symbol}: a fill of {fill.shares} @ {fill.price_micro}")
        value = fill.shares * fill.price_micro
        self.cash_micro -= fill.side.sign * value + fill.fee_micro
        position = self.positions.get(fill.symbol)
        if position is None or position.direction == fill.side.sign:
            return self._open(position, fill, value, reason, signal)
        return self._close(position, fill, value, decision, reason)

    def adopt(self, found: OrphanFound) -> None:
        """Take up a position that was not opened here, at what the broker says that it cost."""
        if not found.shares or found.price_micro <= 0 or found.symbol in self.positions:
            raise InvariantViolation(f"{found.symbol}: {found.shares} cannot be adopted")
        shares = abs(found.shares)
        value = shares * found.price_micro
        if found.paid:
            self.cash_micro -= found.value_micro + found.fee_micro
        self.positions[found.symbol] = Position(
            found.symbol,
            1 if found.shares > 0 else -1,
            found.ts_ns,
            lots=deque([Lot(shares, value, found.fee_micro)]),
            shares=shares,
            opened_shares=shares,
            opened_micro=value,
            fee_micro=found.fee_micro,
            reason="held at the broker, not opened by Rotor",
            orphan=True,
        )

    def equity(self, marks: dict[str, float]) -> float:
        """Return cash plus Σ quantity × mark, USD; every open symbol must have a mark."""
        total = self.cash_micro / MICRO
        for symbol in sorted(self.positions):
            total += self.positions[symbol].quantity * marks[symbol]
        return total

    def _open(
        self,
        position: Position | None,
        fill: OrderFilled,
        value: int,
        reason: str,
        signal: Signal | None,
    ) -> Booking:
        first = position is None
        if position is None:
            position = Position(fill.symbol, fill.side.sign, fill.ts_ns)
            position.reason, position.signal = reason, signal
            self.positions[fill.symbol] = position
        position.lots.append(Lot(fill.shares, value, fill.fee_micro))
        position.shares += fill.shares
        position.opened_shares += fill.shares
        position.opened_micro += value
        position.fee_micro += fill.fee_micro
        position.slippage_micro += fill.slippage_micro
        return Booking(entry=True, first=first, direction=position.direction)

    def _close(
        self, position: Position, fill: OrderFilled, value: int, decision: Decision, reason: str
    ) -> Booking:
        if fill.shares > position.shares:
            raise InvariantViolation(
                f"{fill.symbol}: {fill.side} {fill.shares} against {position.shares} held"
            )
        basis, entry_fee = _take(position.lots, fill.shares)
        position.shares -= fill.shares
        realised = position.direction * (value - basis) - entry_fee - fill.fee_micro
        self.realised_micro += realised
        position.realised_micro += realised
        position.closed_micro += value
        position.fee_micro += fill.fee_micro
        position.slippage_micro += fill.slippage_micro
        held = (fill.ts_ns - position.entry_ts_ns) // 60_000_000_000
        closed = None
        if not position.lots:
            del self.positions[fill.symbol]
            closed = _round_trip(position, fill, held, decision, reason)
        return Booking(
            entry=False,
            first=False,
            direction=position.direction,
            realised_micro=realised,
            cost_basis_micro=basis,
            bars_held=held,
            closed=closed,
        )


def _take(lots: deque[Lot], shares: int) -> tuple[int, int]:
    """Take shares from the oldest lots; return their entry value and entry fees, micro-dollars.

    A part of a lot takes its share of the fee rounded down; the lot's last share takes the rest.
    """
    value = fee = 0
    while shares:
        lot = lots[0]
        part = min(shares, lot.shares)
        part_value = lot.value_micro * part // lot.shares
        part_fee = lot.fee_micro * part // lot.shares
        value += part_value
        fee += part_fee
        shares -= part
        if part == lot.shares:
            lots.popleft()
        else:
            lot.shares -= part
            lot.value_micro -= part_value
            lot.fee_micro -= part_fee
    return value, fee


def _round_trip(
    position: Position, fill: OrderFilled, held: int, decision: Decision, reason: str
) -> RoundTrip:
    return RoundTrip(
        symbol=position.symbol,
        direction=position.direction,
        entry_ts_ns=position.entry_ts_ns,
        exit_ts_ns=fill.ts_ns,
        shares=position.opened_shares,
        entry_price=position.opened_micro / position.opened_shares / MICRO,
        exit_price=position.closed_micro / position.opened_shares / MICRO,
        pnl_micro=position.realised_micro,
        fee_micro=position.fee_micro,
        slippage_micro=position.slippage_micro,
        bars_held=held,
        decision=decision,
        forced=fill.forced,
        entry_micro=position.opened_micro,
        exit_micro=position.closed_micro,
        entry_reason=position.reason,
        exit_reason=reason,
        signal=position.signal,
        orphan=position.orphan,
    )


def side_of(direction: int, *, entry: bool) -> Side:
    """Return the side that opens (or closes) a position of this direction."""
    return Side.BUY if (direction > 0) == entry else Side.SELL
