"""How an order gets to the broker: at once, or down the ladder by which everything is closed.

KEY INPUT: an intent that nothing speaks against, and how many shares it may ask for.
KEY OUTPUT: its order, or orders, at the broker.

The ladder of an exit that flattens: a marketable limit, immediate or cancel; what that leaves goes
at the market. Where orders of others hold the shares, they are cancelled first. Each rung has an id
of its own: the last digits of an order's id are the attempt.
"""

from actors.inquiry import Inquiry
from actors.intents import Intent
from actors.last_look import LastLook
from actors.orders import Orders
from actors.session_clock import SessionClock, move_on_after, pause
from actors.silence import Silence
from actors.venue import Accepted, Answer, Rejected, Status, Unreachable, Venue
from engine.events import Approved, OcoOrder, Order
from engine.trading.approval import approve_exit

INSUFFICIENT = 40_310_000
"""Alpaca's code for shares or buying power that are not there."""
SHARES_SETTLE = (0.5, 1.0)
"""Seconds before a leg or an exit is sent again that was refused for want of shares."""


class Sending:
    """Sends what the lanes of a session give it."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        orders: Orders,
        inquiry: Inquiry,
        silence: Silence,
        last_look: LastLook,
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._orders = orders
        self._inquiry = inquiry
        self._silence = silence
        self._last_look = last_look

    async def send(self, intent: Intent) -> None:
        """Send an order, and see to it that its end is heard of."""
        order = intent.order
        if isinstance(order, Order) and intent.limit_micro:
            intent.rest_follows = True
            await self._try_limit(intent, order._replace(limit_micro=intent.limit_micro))
            await self.finish(intent)
            return
        words = self._silence.words
        await self._answered(intent, await self._submit(intent, order), words)

    async def finish(self, intent: Intent) -> None:
        """Send at the market what a limit has left, once it is over; nothing if that was done."""
        while intent.rest_follows and not intent.spent and not intent.ended:
            async with move_on_after(self._clock, 1.0):
                await intent.done.wait()
            if not intent.ended:
                await self._inquiry.look(intent)
        if intent.ended or not intent.rest_follows:
            return
        order = intent.order
        assert isinstance(order, Order)
        if intent.filled >= intent.asked:
            intent.rest_follows = False
            self._orders.close(intent, "", Status.FILLED, "filled")
            return
        if refusal := await self._last_look.held(intent):
            self._orders.end(intent, refusal)
            return
        intent.sent_id = intent.next_id
        words = self._silence.words
        answer = await self._submit(intent, order._replace(order_id=intent.sent_id))
        intent.rest_follows = False
        await self._answered(intent, answer, words)

    async def _try_limit(self, intent: Intent, order: Order) -> None:
        words = self._silence.words
        answer = await self._submit(intent, order)
        if isinstance(answer, Rejected):
            intent.refused = True  # the market order may still go
        else:
            await self._answered(intent, answer, words)

    async def _submit(self, intent: Intent, order: Order | OcoOrder) -> Answer:
        """Send an order; what protects or closes is sent again where the shares are not there yet.

        A refusal is certain, so that the same id may be used. The position of a fill may show a
        moment after it; if fewer shares are held than was known, it asks for those.
        """
        if intent.entry:
            return await self._venue.submit(intent.approved)
        answer = await self._venue.submit(_sized(intent, order))
        for wait in SHARES_SETTLE:
            if not _short(answer):
                return answer
            await pause(self._clock, wait)
            if await self._last_look.again(intent):
                return answer
            answer = await self._venue.submit(_sized(intent, order))
        if intent.flattens and _short(answer) and await self._cancel_others(order.symbol):
            await pause(self._clock, SHARES_SETTLE[-1])
            answer = await self._venue.submit(_sized(intent, order))
        return answer

    async def _cancel_others(self, symbol: str) -> bool:
        """Cancel the orders of a symbol that are not ours; return whether there were any."""
        try:
            working = await self._venue.orders()
        except Unreachable:
            return False
        others = [o for o in working if o.symbol == symbol and self._orders.find(o) is None]
        for order in others:
            await self._venue.cancel(order.broker_id)
        return bool(others)

    async def _answered(self, intent: Intent, answer: Answer, words: int) -> None:
        """Take an answer; `words` is how often the stream had spoken when the order went."""
        match answer:
            case Accepted(order=order):
                self._silence.expect(words)
                self._orders.show(intent, order)
            case Rejected(reason=reason):
                self._orders.reject(intent, reason)
                return
            case _:
                await self._inquiry.settle(intent)
        if not intent.resting:
            self._inquiry.watch(intent)


def _sized(intent: Intent, order: Order | OcoOrder) -> Approved[Order | OcoOrder]:
    """Return the order for as many shares as are left of those that may be asked for."""
    shares = max(1, intent.asked - intent.filled)
    return approve_exit(order._replace(shares=shares), shares)


def _short(answer: Answer) -> bool:
    return isinstance(answer, Rejected) and answer.code == INSUFFICIENT
