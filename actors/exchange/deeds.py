"""Faults that wait for an occasion and then do something to an account.

KEY INPUT: hand_trade, state_lost, trade_bust, trade_correct and cash faults that have begun.
KEY OUTPUT: accounts whose holdings, orders, fills or cash have changed.

Without an occasion (nothing is held, no fill is there) it is looked for again until the fault ends.
"""

from typing import TYPE_CHECKING

from actors.exchange.account import Account
from actors.exchange.fault import Fault
from actors.exchange.fault_kinds import FOR_EVER
from actors.exchange.hands import Hands
from actors.exchange.order import Execution, Move
from actors.exchange.wire import SECOND_NS
from engine.events import MICRO, Side

if TYPE_CHECKING:
    from actors.exchange.floor import Floor

AGAIN_NS = 20 * SECOND_NS
"""When an occasion is looked for again."""
NEXT_NS = 60 * SECOND_NS
"""After a deed, when the next of the same fault may come."""
_OTHER_SHARES = 7
_CENT_MICRO = 10_000


class Deeds:
    """The deeds of one floor's faults."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._hands = Hands(floor)

    def begin(self, fault: Fault) -> None:
        """Do what the fault wants as soon as it can be done, as often as it says."""
        now = self._floor.clock.now_ns
        if not fault.on(now):
            return
        done = [self._do(fault, account) for account in tuple(self._floor.accounts.values())]
        if any(done):
            fault.hit()
        wait = NEXT_NS if any(done) else AGAIN_NS
        if fault.left > 0:
            self._floor.clock.call_at(now + wait, lambda: self.begin(fault))

    def _do(self, fault: Fault, account: Account) -> bool:
        match fault.kind:
            case "hand_trade":
                return self._hands.trade(account, fault.parameters)
            case "cash":
                return self._move_cash(fault, account)
            case "state_lost":
                return self._lose(fault, account)
        return self._amend(fault, account)

    def _move_cash(self, fault: Fault, account: Account) -> bool:
        of = fault.parameters
        out = of["direction"] == "out"
        whole = account.cash_micro if out else account.start_micro
        cents = round(whole * of["pct"] / 100) // _CENT_MICRO
        if cents <= 0:
            return False
        amount = -cents * _CENT_MICRO if out else cents * _CENT_MICRO
        account.move(Move(self._floor.clock.now_ns, of["activity"] or "reset", amount))
        return True

    def _lose(self, fault: Fault, account: Account) -> bool:
        """Have the account come back without its orders, and with nothing held or other things."""
        how, now = fault.parameters["how"], self._floor.clock.now_ns
        if not account.holdings:
            return False
        down = fault.parameters["down_seconds"]
        self._floor.faults.add([Fault("restart", now, FOR_EVER, down, {})])
        for order in account.live():
            account.forget(order, now)
        if how == "orders":
            return True
        for symbol, holding in tuple(account.holdings.items()):
            gone = holding.shares if how == "nothing" else (holding.shares + 1) // 2
            account.move(Move(now, "reset", symbol=symbol, shares=-gone))
        if how == "nothing":
            account.move(Move(now, "reset", account.start_micro - account.cash_micro))
            return True
        free = [s for s in self._floor.market.symbols if not account.shares(s)]
        if free:
            price = round((self._floor.market.price(free[-1]) or 0.0) * MICRO)
            account.move(Move(now, "reset", 0, free[-1], _OTHER_SHARES, price))
        return True

    def _amend(self, fault: Fault, account: Account) -> bool:
        """Undo or change the newest fill that can bear it."""
        of = fault.parameters
        for execution in reversed(account.standing()):
            if not _fits(account, execution, of["of"]):
                continue
            instead = None
            if fault.kind == "trade_correct":
                price = round(execution.price_micro * of["price_factor"] / _CENT_MICRO)
                shares = max(1, round(execution.shares * of["shares_factor"]))
                instead = min(shares, execution.shares), max(1, price) * _CENT_MICRO
            account.undo(execution, instead, self._floor.clock.now_ns)
            return True
        return False


def _fits(account: Account, execution: Execution, of: str) -> bool:
    """Return whether a fill may be undone: its order is over, and nothing becomes short by it."""
    order = execution.order
    if order.live or order.by_hand or execution.corrects:
        return False
    if of != "any" and (of == "entry") != order.opens:
        return False
    return order.side is Side.SELL or account.shares(order.symbol) >= execution.shares
