"""The adapter's own limits, after and apart from risk: the last look before the wire.

KEY INPUT: an approved order; what the broker itself has told of prices, positions and equity.
KEY OUTPUT: None, or why it is not sent.

They block entries, and a resting limit that is priced through the market; never another exit.
"""

from dataclasses import dataclass, field

from engine.config import Live
from engine.events import MICRO, Approved, OcoOrder, Order, Side


@dataclass(slots=True)
class HardLimits:
    """The limits of [live], and what is known by which they are judged."""

    live: Live = field(default_factory=Live)
    equity_micro: int | None = None
    """The account's, as last told; what a limit of 0 means."""
    _prices: dict[str, float] = field(default_factory=dict)
    _held: dict[str, int] = field(default_factory=dict)
    _day: str = ""
    _orders: int = 0

    def note_price(self, symbol: str, price: float) -> None:
        """Take in the latest price of a symbol, dollars."""
        self._prices[symbol] = price

    def note_position(self, symbol: str, shares: int) -> None:
        """Take in the signed shares held of a symbol."""
        self._held[symbol] = shares

    def note_holdings(self, held: dict[str, int]) -> None:
        """Take in all positions: what is not among them is flat."""
        self._held = dict(held)

    def note_orders(self, day: str, orders: int) -> None:
        """Take in how many orders the broker has of a day, whoever sent them."""
        self._turn(day)
        self._orders = max(self._orders, orders)

    def sent(self, day: str) -> None:
        """Count an order that was sent."""
        self._turn(day)
        self._orders += 1

    def refusal(self, approved: Approved[Order | OcoOrder], day: str) -> str | None:
        """Return why an order is not sent on a day (New York), or None."""
        self._turn(day)
        order = approved.order
        if isinstance(order, OcoOrder):
            known = order.symbol in self._prices
            return self._collar(order.symbol, order.side, order.target_micro) if known else None
        if not order.entry:
            return None
        return (
            self._count()
            or self._values(order)
            or self._collar(order.symbol, order.side, order.limit_micro)
        )

    def _turn(self, day: str) -> None:
        if day != self._day:
            self._day, self._orders = day, 0

    def _count(self) -> str | None:
        most = self.live.max_orders_per_day
        if self._orders < most:
            return None
        return f"{self._orders} orders were sent today: live.max_orders_per_day is {most}"

    def _values(self, order: Order) -> str | None:
        price = order.limit_micro / MICRO
        after = abs(self._held.get(order.symbol, 0) + order.side.sign * order.shares) * price
        worth = order.shares * price
        for name, usd, limit in (
            ("max_order_usd", worth, self.live.max_order_usd),
            ("max_position_usd", after, self.live.max_position_usd),
        ):
            if not limit and self.equity_micro is None:
                return f"live.{name} is the account's equity, which is not known yet"
            most = limit or (self.equity_micro or 0) / MICRO
            if usd > most:
                return f"{order.symbol}: ${usd:,.2f} is above live.{name} of ${most:,.2f}"
        return None

    def _collar(self, symbol: str, side: Side, limit_micro: int) -> str | None:
        price = self._prices.get(symbol)
        if price is None:
            return f"no price of {symbol} is known to hold its limit against"
        limit = limit_micro / MICRO
        through = side.sign * (limit / price - 1.0) * 100
        most = self.live.price_collar_pct
        if through <= most:
            return None
        return (
            f"{symbol}: a limit of {limit:.2f} is {through:.2f}% through the price {price:.2f},"
            f" beyond live.price_collar_pct of {most:g}%"
        )
