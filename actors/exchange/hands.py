"""What somebody else does in the account: trades by hand, transfers, from another program.

KEY INPUT: a hand_trade fault, an account.
KEY OUTPUT: orders with a foreign id, or shares that come and go; False while there is no occasion.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actors.exchange.account import Account
from actors.exchange.order import Force, Kind, Move, Order
from actors.exchange.refusal import Refusal
from actors.exchange.tickets import Ticket
from engine.events import MICRO, Side

if TYPE_CHECKING:
    from actors.exchange.floor import Floor

_OTHER_SHARES = 10
_CENT_MICRO = 10_000
_THROUGH = 1.01
"""How far a purchase by hand is priced through the quote."""
_PART_OF_POWER = 0.9


class Hands:
    """Somebody with the account's keys."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor

    def trade(self, account: Account, wanted: Mapping[str, Any]) -> bool:
        """Trade as a fault wants it; return False if there is nothing to trade now."""
        if not self._floor.market.open:
            return False
        if wanted["what"] == "other":
            return self._buy(account, self._other(account, wanted["symbol"]), wanted)
        symbols = self._held(account, wanted["symbol"])
        if wanted["what"] == "on_top":
            return self._buy(account, symbols[0] if symbols else "", wanted)
        chosen = symbols if wanted["what"] == "all" else symbols[:1]
        done = [self._sell(account, symbol, wanted) for symbol in chosen]
        return any(done)

    def _held(self, account: Account, symbol: str) -> list[str]:
        """Return what is held, the most valuable first."""
        held = [s for s, h in account.holdings.items() if h.shares > 0 and symbol in ("", s)]
        return sorted(held, key=lambda s: (-account.holdings[s].cost_micro, s))

    def _other(self, account: Account, symbol: str) -> str:
        free = [s for s in self._floor.market.symbols if not account.shares(s)]
        free = [s for s in free if not account.live(s) and symbol in ("", s)]
        return free[0] if free else ""

    def _sell(self, account: Account, symbol: str, wanted: Mapping[str, Any]) -> bool:
        held = account.shares(symbol)
        shares = max(1, held // 2) if wanted["what"] == "part" else held
        if wanted["via"] == "transfer":
            self._move(account, symbol, -shares)
            return True
        if wanted["cancel"]:
            for order in account.live(symbol):
                if order.live and not order.opens:
                    self._floor.broker.cancel_now(account, order)
        return self._submit(account, symbol, Side.SELL, shares, None, wanted) is not None

    def _buy(self, account: Account, symbol: str, wanted: Mapping[str, Any]) -> bool:
        quote = self._floor.market.quote(symbol) if symbol else None
        if quote is None:
            return False
        shares = max(1, account.shares(symbol) // 2) or _OTHER_SHARES
        if not account.shares(symbol):
            shares = _OTHER_SHARES
        if wanted["via"] == "transfer":
            self._move(account, symbol, shares)
            return True
        power = self._floor.broker.admission.buying_power(account)
        shares = min(shares, int(power * _PART_OF_POWER / (quote[1] * MICRO)))
        limit = round(quote[1] * _THROUGH * MICRO) // _CENT_MICRO * _CENT_MICRO
        if shares < 1:
            return False
        return self._submit(account, symbol, Side.BUY, shares, limit, wanted) is not None

    def _move(self, account: Account, symbol: str, shares: int) -> None:
        now, price = self._floor.clock.now_ns, self._floor.market.price(symbol) or 0.0
        move = Move(now, "JNLS", 0, symbol, shares, round(price * MICRO))
        account.move(move)

    def _submit(
        self,
        account: Account,
        symbol: str,
        side: Side,
        shares: int,
        limit_micro: int | None,
        wanted: Mapping[str, Any],
    ) -> Order | None:
        program = wanted["program"]
        ticket = Ticket(
            symbol=symbol,
            side=side,
            kind=Kind.MARKET if limit_micro is None else Kind.LIMIT,
            force=Force.DAY if limit_micro is None else Force.IOC,
            shares=shares,
            client_id=f"{program}-{len(account.orders)}" if program else None,
            order_class="simple",
            limit_micro=limit_micro,
            stop_micro=None,
            extended_hours=False,
        )
        try:
            return self._floor.broker.submit(account, ticket, by_hand=True)
        except Refusal:
            return None
