"""Cash and open positions: what each fill opens and closes of them.

KEY INPUT: fills, ours and others'.
KEY OUTPUT: cash, positions, realised profit; a Booking for each position that a fill changed.

A symbol has at most two positions: ours, and one that Rotor did not open (an orphan). Nothing that
a broker may say is refused: what closes more than is held turns the position round.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.cards import Signal
from engine.events import MICRO, Decision, OrderFilled
from engine.trading.lots import BY_HAND, Booking, Position, round_trip

ENTRIES = (Decision.ENTER_LONG, Decision.ENTER_SHORT)


class Part(NamedTuple):
    """Of a fill: what it did to one position."""

    fill: OrderFilled
    booking: Booking


class Filled(NamedTuple):
    """A fill and what stands behind it."""

    fill: OrderFilled
    decision: Decision
    reason: str = ""
    """The words of the decision."""
    signal: Signal | None = None
    """Behind an entry."""
    by_hand: bool = False
    """True: it is taken from what others hold before it is taken from ours."""


@dataclass(slots=True)
class Positions:
    """Cash, positions, realised profit."""

    cash_micro: int
    positions: dict[str, Position] = field(default_factory=dict)
    """By symbol: ours, or an orphan where nothing of ours is held."""
    beside: dict[str, Position] = field(default_factory=dict)
    """By symbol: what others bought of what we hold."""
    realised_micro: int = 0

    def ours(self, symbol: str) -> Position | None:
        """Return the position that Rotor opened."""
        position = self.positions.get(symbol)
        return None if position is None or position.orphan else position

    def orphan(self, symbol: str) -> Position | None:
        """Return the position that Rotor did not open."""
        position = self.positions.get(symbol)
        return position if position is not None and position.orphan else self.beside.get(symbol)

    def quantity(self, symbol: str) -> int:
        """Return the signed shares of a symbol, ours and others'."""
        return sum(book[symbol].quantity for book in self.books if symbol in book)

    @property
    def books(self) -> tuple[dict[str, Position], dict[str, Position]]:
        """Return both kinds of positions by symbol."""
        return self.positions, self.beside

    @property
    def held(self) -> list[Position]:
        """Return all positions by symbol, ours before others'."""
        return [
            book[symbol]
            for symbol in sorted(self.positions)
            for book in self.books
            if symbol in book
        ]

    def equity(self, marks: dict[str, float]) -> float:
        """Return cash plus Σ quantity × mark, USD; every open symbol must have a mark."""
        total = self.cash_micro / MICRO
        for position in self.held:
            total += position.quantity * marks[position.symbol]
        return total

    def take(self, filled: Filled) -> list[Part]:
        """Take a fill; return its parts, one for each position that it changed."""
        fill = filled.fill
        self.cash_micro -= cost(fill)
        shares = self._split(fill.symbol, fill.side.sign * fill.shares, by_hand=filled.by_hand)
        fills = [fill] if len(shares) == 1 else cut(fill, [part for _, part in shares])
        return [
            Part(part, self._change(filled, part, others=others))
            for (others, _), part in zip(shares, fills, strict=True)
        ]

    def _split(self, symbol: str, signed: int, *, by_hand: bool) -> list[tuple[bool, int]]:
        """Return whose shares a fill closes or opens, and how many: (True for others', shares)."""
        found = []
        for others in (by_hand, not by_hand):
            position = self.orphan(symbol) if others else self.ours(symbol)
            if position is not None and position.direction * signed < 0:
                shares = min(abs(signed), position.shares)
                found.append((others, shares))
                signed += position.direction * shares
        return [*found, (by_hand, abs(signed))] if signed else found

    def _change(self, filled: Filled, fill: OrderFilled, *, others: bool) -> Booking:
        position = self.orphan(fill.symbol) if others else self.ours(fill.symbol)
        if position is not None and position.direction != fill.side.sign:
            return self._close(position, filled, fill)
        first = position is None
        if position is None:
            position = self._opened(filled, others=others)
        position.opens(fill)
        return Booking(entry=True, first=first, direction=position.direction, orphan=others)

    def _opened(self, filled: Filled, *, others: bool) -> Position:
        fill = filled.fill
        position = Position(fill.symbol, fill.side.sign, fill.ts_ns, orphan=others)
        position.stray = not others and filled.decision not in ENTRIES
        position.reason = BY_HAND if others else filled.reason
        position.signal = None if others else filled.signal
        there = self.positions.get(fill.symbol)
        if there is None or not others:
            if there is not None:  # an orphan: ours stands before it
                self.beside[fill.symbol] = there
            self.positions[fill.symbol] = position
        else:
            self.beside[fill.symbol] = position
        return position

    def _close(self, position: Position, filled: Filled, fill: OrderFilled) -> Booking:
        realised, basis = position.closes(fill)
        self.realised_micro += realised
        position.by_hand |= filled.by_hand or filled.decision is Decision.MANUAL_EXIT
        held = (fill.ts_ns - position.entry_ts_ns) // 60_000_000_000
        closed = None
        if not position.lots:
            self._remove(position)
            closed = round_trip(position, fill, held, filled.decision, filled.reason)
        return Booking(
            entry=False,
            first=False,
            direction=position.direction,
            realised_micro=realised,
            cost_basis_micro=basis,
            bars_held=held,
            closed=closed,
            orphan=position.orphan,
        )

    def _remove(self, position: Position) -> None:
        symbol = position.symbol
        if self.beside.get(symbol) is position:
            del self.beside[symbol]
            return
        del self.positions[symbol]
        if symbol in self.beside:
            self.positions[symbol] = self.beside.pop(symbol)


def cost(fill: OrderFilled) -> int:
    """Return what a fill takes from cash, micro-dollars; negative if it brings some."""
    return fill.side.sign * fill.shares * fill.price_micro + fill.fee_micro


def cut(fill: OrderFilled, shares: list[int]) -> list[OrderFilled]:
    """Return a fill in parts; each has its share of fee and slippage, the last the rest."""
    fee, slippage = fill.fee_micro, fill.slippage_micro
    parts = []
    for place, part in enumerate(shares):
        last = place == len(shares) - 1
        paid = fee if last else fill.fee_micro * part // fill.shares
        slipped = slippage if last else fill.slippage_micro * part // fill.shares
        fee, slippage = fee - paid, slippage - slipped
        final = fill.final and last
        parts.append(
            fill._replace(shares=part, fee_micro=paid, slippage_micro=slipped, final=final)
        )
    return parts
