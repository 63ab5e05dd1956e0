"""Admission: what Alpaca checks before it takes an order.

KEY INPUT: an account's books, the market's prices; a ticket or a change.
KEY OUTPUT: nothing, or a Refusal with Alpaca's status and code.
"""

from actors.exchange.account import Account
from actors.exchange.bounds import ORDERS_OF_ACCOUNT
from actors.exchange.market import Market
from actors.exchange.order import Kind, Order, Status
from actors.exchange.refusal import DUPLICATE, INSUFFICIENT, INVALID, TOO_MANY, Refusal, invalid
from actors.exchange.tickets import Change, Ticket
from actors.exchange.wire import usd
from engine.events import MICRO

_SLACK = 1.05
"""How far an order may be beyond the buying power: it is filled as far as the account covers."""


class Admission:
    """The checks."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def admit(self, account: Account, ticket: Ticket) -> bool:
        """Let an order in; return whether it opens or adds to a position. Raises Refusal."""
        if ticket.symbol not in self._market.symbols:
            raise Refusal(422, INVALID, f'asset "{ticket.symbol}" not found')
        if len(account.orders) >= ORDERS_OF_ACCOUNT:
            raise Refusal(429, TOO_MANY, f"too many orders: {ORDERS_OF_ACCOUNT} a session")
        if ticket.client_id is not None and ticket.client_id in account.by_client_id:
            raise Refusal(422, DUPLICATE, "client_order_id must be unique")
        held = account.shares(ticket.symbol)
        opens = held * ticket.side.sign >= 0
        if ticket.order_class == "oco" and opens:
            raise invalid("oco orders must be exit orders")
        if ticket.order_class in ("bracket", "oto") and not opens:
            raise invalid(f"{ticket.order_class} orders must be entry orders")
        self._check_wash(account, ticket)
        if opens:
            self._check_power(account, ticket)
        else:
            self._check_available(account, ticket.symbol, ticket.shares, held)
        return opens

    def check_change(self, account: Account, order: Order, change: Change) -> None:
        """Let a replacement in; raises Refusal."""
        if not order.live:
            raise invalid(f'order is already in "{order.status}" state')
        if change.client_id is not None and change.client_id in account.by_client_id:
            raise Refusal(422, DUPLICATE, "client_order_id must be unique")
        if change.limit_micro is not None and order.limit_micro is None:
            raise invalid(f"{order.kind} orders have no limit price")
        if change.stop_micro is not None and order.stop_micro is None:
            raise invalid(f"{order.kind} orders have no stop price")
        if order.at_market:
            raise invalid("market orders cannot be replaced")
        if change.shares is None:
            return
        if change.shares <= order.filled:
            raise invalid("qty must be greater than what is filled")
        if order.parent is not None:
            raise invalid("the qty of a leg cannot be replaced: replace its parent's")
        more = change.shares - order.shares
        if more > 0 and not order.opens:
            self._check_available(account, order.symbol, more, account.shares(order.symbol))

    def buying_power(self, account: Account) -> int:
        """Return what the account may still spend, micro-dollars: no leverage, less what waits."""
        free = account.cash_micro
        for symbol, holding in account.holdings.items():
            if holding.shares < 0:
                free += 2 * holding.shares * self._price_micro(symbol)
        for order in account.live():
            if order.opens:
                free -= order.remaining * (order.limit_micro or self._price_micro(order.symbol))
        return max(0, free)

    def _check_available(self, account: Account, symbol: str, shares: int, held: int) -> None:
        waiting = account.held(symbol)
        available = abs(held) - waiting
        if shares <= available:
            return
        raise Refusal(
            403,
            INSUFFICIENT,
            f"insufficient qty available for order (requested: {shares}, available: {available})",
            available=str(available),
            existing_qty=str(abs(held)),
            held_for_orders=str(waiting),
            symbol=symbol,
            related_orders=[o.order_id for o in account.live(symbol) if not o.opens],
        )

    def _check_power(self, account: Account, ticket: Ticket) -> None:
        price = self._price_micro(ticket.symbol)
        if ticket.limit_micro is not None:
            price = min(price, ticket.limit_micro) if price else ticket.limit_micro
        power = self.buying_power(account)
        if ticket.shares * price > power * _SLACK:
            raise Refusal(
                403,
                INSUFFICIENT,
                "insufficient buying power",
                buying_power=usd(power),
                cost_basis=usd(ticket.shares * price),
            )

    def _check_wash(self, account: Account, ticket: Ticket) -> None:
        for other in account.live(ticket.symbol):
            if other.side is ticket.side or other.dormant or other.status is Status.HELD:
                continue
            if _crosses(ticket, other):
                raise Refusal(
                    422,
                    INVALID,
                    "potential wash trade detected. use complex orders",
                    existing_order_id=other.order_id,
                    reject_reason=f"opposite side {other.kind} order exists",
                )

    def _price_micro(self, symbol: str) -> int:
        return round((self._market.price(symbol) or 0.0) * MICRO)


def _crosses(ticket: Ticket, other: Order) -> bool:
    """Return whether an order could trade with one of the same account."""
    if ticket.order_class != "simple" and not other.opens:
        return False
    mine = ticket.limit_micro if ticket.kind is Kind.LIMIT else None
    theirs = other.limit_micro if other.kind is Kind.LIMIT else None
    if mine is None or theirs is None:
        return True
    return ticket.side.sign * (mine - theirs) >= 0
