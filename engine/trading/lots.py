"""Lots and positions: what is held, what it has cost, and what closing some of it brings.

KEY INPUT: fills.
KEY OUTPUT: Position, whose oldest lots leave first; Booking; RoundTrip.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.cards import Signal
from engine.events import MICRO, Decision, OrderFilled, RoundTrip

BY_HAND = "held at the broker, not opened by Rotor"
"""The words of the entry of a position that Rotor did not open."""


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
    by_hand: bool = False
    """True once some of it was sold by hand: its profit says nothing of the rules."""
    stray: bool = False
    """True if no decision opened it: an exit filled beyond what was held."""

    @property
    def quantity(self) -> int:
        """Return the signed shares."""
        return self.direction * self.shares

    @property
    def entry_price(self) -> float:
        """Return the average price of the open shares, USD."""
        return sum(lot.value_micro for lot in self.lots) / self.shares / MICRO

    def opens(self, fill: OrderFilled) -> None:
        """Add a lot."""
        value = fill.shares * fill.price_micro
        self.lots.append(Lot(fill.shares, value, fill.fee_micro))
        self.shares += fill.shares
        self.opened_shares += fill.shares
        self.opened_micro += value
        self.fee_micro += fill.fee_micro
        self.slippage_micro += fill.slippage_micro

    def closes(self, fill: OrderFilled) -> tuple[int, int]:
        """Take shares from the oldest lots; return what they brought and had cost, micro-dollars.

        What they brought is net: the fees of their entry and of this fill are paid.
        """
        value = fill.shares * fill.price_micro
        basis, entry_fee = _take(self.lots, fill.shares)
        realised = self.direction * (value - basis) - entry_fee - fill.fee_micro
        self.shares -= fill.shares
        self.realised_micro += realised
        self.closed_micro += value
        self.fee_micro += fill.fee_micro
        self.slippage_micro += fill.slippage_micro
        return realised, basis

    def divide(self, before: int, after: int) -> None:
        """Make `after` shares of each `before`, at the same cost in all (a share split)."""
        value = sum(lot.value_micro for lot in self.lots)
        fee = sum(lot.fee_micro for lot in self.lots)
        self.shares = self.shares * after // before
        self.opened_shares = max(self.shares, self.opened_shares * after // before)
        self.lots = deque([Lot(self.shares, value, fee)])


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
    orphan: bool = False
    """True if it was a position that Rotor did not open."""


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


def round_trip(
    position: Position, fill: OrderFilled, held: int, decision: Decision, reason: str
) -> RoundTrip:
    """Return what a position came to, whose last shares a fill has closed."""
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
        by_hand=position.by_hand or position.orphan or position.stray,
    )
