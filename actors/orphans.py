"""Positions that Rotor did not open: found at the broker, and closed there by hand.

KEY INPUT: what the broker holds and the book does not, or no longer; cash; orders of others.
KEY OUTPUT: OrphanFound; the fills that closed one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from actors.venue import BrokerOrder, Holding
from engine.events import MICRO, OrderFilled, OrphanFound, Side
from engine.trading.costs import DayFees
from engine.trading.ledger import side_of


class Books(NamedTuple):
    """What the trader holds, as far as it has taken what it was told."""

    shares: Mapping[str, int]
    """Signed, of every open position."""
    cash_micro: int = 0
    orphans: Mapping[str, float] = {}
    """Those positions that it did not open, with their average price, USD."""
    settled: bool = True
    """False while reports are on their way to it."""


def found(
    held: Mapping[str, Holding], books: Books, cash_micro: int, fees: DayFees
) -> list[OrphanFound]:
    """Return the positions of which the book has nothing; `cash_micro` is the broker's.

    Where the broker has as much less cash than the book, a position was paid in this session.
    """
    beside = cash_micro - books.cash_micro
    orphans = []
    for symbol, holding in sorted(held.items()):
        if books.shares.get(symbol):
            continue
        value = holding.shares * holding.entry_price_micro
        paid = abs(beside + value) < abs(beside)
        if paid:
            beside += value
        side = side_of(holding.shares, entry=True)
        orphans.append(
            OrphanFound(
                ts_ns=0,
                symbol=symbol,
                shares=holding.shares,
                price_micro=holding.entry_price_micro,
                fee_micro=fees.charge(side, abs(holding.shares), abs(value)) if paid else 0,
                paid=paid,
            )
        )
    return orphans


def closed_by_hand(
    held: Mapping[str, Holding], books: Books, others: Sequence[BrokerOrder], fees: DayFees
) -> list[OrderFilled]:
    """Return what was sold of orphans by orders that are not ours, at the prices these had."""
    fills = []
    for symbol, cost in sorted(books.orphans.items()):
        ours = books.shares[symbol]
        left = held[symbol].shares if symbol in held else 0
        gone = abs(ours) - abs(left)
        if gone <= 0 or ours * left < 0:
            continue
        side = side_of(ours, entry=False)
        price = _price(others, symbol, side, gone, cost)
        fills.append(
            OrderFilled(
                ts_ns=0,
                order_id="by-hand",
                symbol=symbol,
                side=side,
                shares=gone,
                price_micro=price,
                fee_micro=fees.charge(side, gone, gone * price),
                slippage_micro=0,
                final=not left,
            )
        )
    return fills


def _price(others: Sequence[BrokerOrder], symbol: str, side: Side, shares: int, cost: float) -> int:
    """Return the average price of the last shares sold; at cost where no order tells."""
    value, left = 0, shares
    for order in sorted(_parts(others), key=lambda each: -each.updated_ns):
        if order.symbol == symbol and order.side is side and order.filled_price_micro is not None:
            part = min(left, order.filled)
            value += part * order.filled_price_micro
            left -= part
    return round((value + left * cost * MICRO) / shares)


def _parts(orders: Sequence[BrokerOrder]) -> Iterator[BrokerOrder]:
    for order in orders:
        yield order
        yield from order.legs
