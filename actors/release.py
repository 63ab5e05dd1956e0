"""Before an exit goes: whatever of ours holds the shares is cancelled, and is over.

KEY INPUT: an order that is about to be sent; the legs that rest in its symbol.
KEY OUTPUT: why it must not go, in words; empty once the shares are free.
"""

from collections.abc import Sequence

from actors.holdings import Holdings
from actors.inquiry import PATIENCE_SECONDS, Inquiry
from actors.intents import Intent
from actors.orders import Orders
from actors.session_clock import SECOND_NS, SessionClock, move_on_after
from actors.venue import Status, Unreachable

FILLED_FIRST = "a stop or target filled first"


class Release:
    """Frees the shares of one session's symbols."""

    def __init__(
        self, clock: SessionClock, orders: Orders, inquiry: Inquiry, holdings: Holdings
    ) -> None:
        self._clock = clock
        self._orders = orders
        self._inquiry = inquiry
        self._holdings = holdings
        self._told = ""
        """Why the broker refuses whatever the account asks for, as it was told; empty if it does
        not."""

    async def of(self, intent: Intent) -> str:
        """Cancel whatever legs hold the shares; return why the order must not go all the same.

        While they are held nothing can be sold, so that it takes as long as it takes; but no
        longer than a minute where the broker's word for them says nothing.
        """
        symbol = intent.order.symbol
        holding = [
            other
            for other in self._orders
            if other is not intent and other.resting and other.order.symbol == symbol
            if other.live
        ]
        before = sum(legs.filled for legs in holding)
        for legs in holding:
            legs.silent = True
        since_ns, refusal = self._clock.now_ns(), ""
        while waiting := [legs for legs in holding if legs.live]:
            for legs in waiting:
                refusal = await self._cancel(legs, intent)
            async with move_on_after(self._clock, 1.0):
                await waiting[0].done.wait()
            for legs in waiting:
                if legs.live:
                    await self._inquiry.look(legs)
            if self._clock.now_ns() - since_ns >= PATIENCE_SECONDS * SECOND_NS:
                since_ns = self._clock.now_ns()
                stuck = await self._stuck(waiting, abs(intent.order.shares), refusal)
                if stuck:
                    return stuck
        return FILLED_FIRST if sum(legs.filled for legs in holding) != before else ""

    async def _cancel(self, legs: Intent, intent: Intent) -> str:
        """Ask for a cancellation; return, and tell once, why the broker refuses the account's."""
        answer = await self._inquiry.cancel(legs)
        if answer is None or not answer.kind.account_wide:
            self._told = ""
        elif answer.reason != self._told:
            self._told = answer.reason
            self._orders.refused(intent, answer.reason, answer.kind, 1)
        return self._told

    async def _stuck(self, waiting: Sequence[Intent], shares: int, refusal: str) -> str:
        """Return why legs that do not end hold the shares; empty if they do not, or are over."""
        for legs in waiting:
            if legs.live and legs.doubtful is not None and await self._inquiry.resolve(legs):
                continue
        left = [legs for legs in waiting if legs.live]
        if not left:
            return ""
        if await self._free(left[0].order.symbol, shares):
            for legs in left:
                self._orders.close(legs, "", Status.CANCELED, "it holds no shares")
            return ""
        if refusal:
            return f"its stop holds the shares, and the broker refuses to cancel it: {refusal}"
        said = next((carrier.said for legs in left for carrier in legs.carriers.values()), "")
        return f"its stop holds the shares and does not end: the broker calls it {said!r}"

    async def _free(self, symbol: str, shares: int) -> bool:
        """Return whether the broker says that no order holds the shares."""
        try:
            held = (await self._holdings.ask()).get(symbol)
        except Unreachable:
            return False
        return held is None or abs(held.available) >= min(shares, abs(held.shares))
