"""What the book and the broker do not agree on, though no order explains it.

KEY INPUT: what the broker holds, what the book does; cash; the market.
KEY OUTPUT: OrphanFound for a position of which the book has nothing; TradedByHand, unpriced, for
shares that came or went otherwise.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from actors.venue import Holding
from engine.events import OrphanFound, TradedByHand
from engine.trading.costs import DayFees
from engine.trading.ledger import side_of


class Books(NamedTuple):
    """What the trader holds, as far as it has taken what it was told."""

    shares: Mapping[str, int]
    """Signed, of every open position; what others bought on top of ours is in it."""
    cash_micro: int | None = None
    """None: it is not compared."""
    settled: bool = True
    """False while reports are on their way to it."""
    left: Mapping[str, int] = {}
    """Shares of others that are never sold, by symbol."""


def found(
    held: Mapping[str, Holding],
    symbols: Collection[str],
    prices: Mapping[str, int],
    beside: int,
    fees: DayFees,
    *,
    leaves: bool,
) -> list[OrphanFound]:
    """Return the positions of which the book has nothing, at the prices that they have.

    `beside`: how much more cash the broker has than the book. Where it has as much less, a
    position was paid in this session.
    """
    orphans = []
    for symbol in sorted(symbols):
        shares, price = held[symbol].shares, prices[symbol]
        value = shares * price
        paid = abs(beside + value) < abs(beside)
        if paid:
            beside += value
        side = side_of(shares, entry=True)
        orphans.append(
            OrphanFound(
                ts_ns=0,
                symbol=symbol,
                shares=shares,
                price_micro=price,
                fee_micro=fees.charge(side, abs(shares), abs(value)) if paid else 0,
                paid=paid,
                left=leaves,
            )
        )
    return orphans


def moved(symbol: str, shares: int, *, leaves: bool) -> TradedByHand:
    """Return that shares came or went without an order: a transfer, a split, a reset."""
    return TradedByHand(
        ts_ns=0, order_id="", symbol=symbol, shares=shares, price_micro=0, fee_micro=0,
        unpriced=True, left=leaves,
    )  # fmt: skip
