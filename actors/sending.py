"""How an order gets to the broker: at once, or down the ladder by which everything is closed.

An exit that the broker refuses is sent again, at growing intervals, until it is taken or the
session is over: a refusal is certain, so that the same id may be used.

KEY INPUT: an intent that nothing speaks against, and how many shares it may ask for.
KEY OUTPUT: its order, or orders, at the broker.

The ladder of an exit that flattens: a marketable limit, immediate or cancel; what that leaves goes
at the market. Where orders of others hold the shares, they are cancelled first. Each rung has an id
of its own: the last digits of an order's id are the attempt.
"""

from functools import partial

from actors.inquiry import Again, Inquiry
from actors.intents import Intent
from actors.last_look import LastLook
from actors.orders import Orders
from actors.session_clock import SECOND_NS, SessionClock, move_on_after, pause
from actors.silence import Silence
from actors.venue import Accepted, Answer, Rejected, Status, Unreachable, Venue
from engine.events import Approved, OcoOrder, Order, RefusalKind
from engine.trading.approval import approve_exit

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
"""Between two tries of a refused exit; each wait is twice the one before."""
LAST_MINUTES_NS = 120 * SECOND_NS
LAST_WAIT_SECONDS = 5.0
"""Between two tries in the session's last two minutes."""
MOST_LEG_TRIES = 4
"""Of a stop and target that were refused by a rate limit: 7 seconds, then the position is sold."""
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
        close_ns: int,
    ) -> None:
        """`close_ns` is the session's close, after which nothing is tried again."""
        self._venue = venue
        self._clock = clock
        self._orders = orders
        self._inquiry = inquiry
        self._silence = silence
        self._last_look = last_look
        self._close_ns = close_ns
        self._account = ""
        """What the account said of itself when the broker first refused all of its orders."""

    async def send(self, intent: Intent) -> None:
        """Send an order, and see to it that its end is heard of."""
        order = intent.order
        if isinstance(order, Order) and intent.limit_micro:
            intent.rest_follows = True
            await self._try_limit(intent, order._replace(limit_micro=intent.limit_micro))
            await self.finish(intent)
            return
        words = self._silence.words
        await self._answered(intent, order, await self._submit(intent, order), words)

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
        order = order._replace(order_id=intent.sent_id)
        answer = await self._submit(intent, order)
        intent.rest_follows = False
        await self._answered(intent, order, answer, words)

    async def _try_limit(self, intent: Intent, order: Order) -> None:
        words = self._silence.words
        answer = await self._submit(intent, order)
        if isinstance(answer, Rejected):
            intent.refused = True  # the market order may still go
        else:
            await self._answered(intent, order, answer, words)

    async def _submit(self, intent: Intent, order: Order | OcoOrder) -> Answer:
        """Send an order; a refused exit is sent again until it is taken, or the session is over.

        Each time for what is held then; nothing, and it is over.
        """
        answer = await self._settled(intent, order)
        tries = 0
        while isinstance(answer, Rejected) and self._worth_another(intent, answer, tries):
            tries += 1
            if not intent.resting and tries & (tries - 1) == 0:  # 1, 2, 4, 8 …: enough to be told
                reason = await self._words(answer)
                self._orders.refused(intent, reason, answer.kind, tries)
            await pause(self._clock, self._wait(tries))
            if intent.ended or self._clock.now_ns() >= self._close_ns:
                break
            if refusal := await self._last_look.again(intent):
                self._orders.end(intent, refusal)
                break
            answer = await self._settled(intent, order)
        return answer

    def _worth_another(self, intent: Intent, answer: Rejected, tries: int) -> bool:
        limit = intent.rest_follows and not intent.sent_id  # what it leaves goes at the market
        if intent.entry or limit:
            return False
        if intent.resting:
            return answer.kind is RefusalKind.RATE and tries + 1 < MOST_LEG_TRIES
        return self._clock.now_ns() < self._close_ns

    def _wait(self, tries: int) -> float:
        last_ns = self._close_ns - LAST_MINUTES_NS
        left = (last_ns - self._clock.now_ns()) / SECOND_NS
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (tries - 1))
        return LAST_WAIT_SECONDS if left <= 0 else min(longest, max(left, FIRST_WAIT_SECONDS))

    async def _settled(self, intent: Intent, order: Order | OcoOrder) -> Answer:
        """Send an order; what protects or closes is sent again where the shares are not there yet.

        The position of a fill may show a moment after it; if fewer shares are held than was known,
        it asks for those.
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

    async def _words(self, answer: Rejected) -> str:
        """Return why the broker refuses; where it refuses the whole account, what that says."""
        if not answer.kind.account_wide:
            return answer.reason
        if not self._account:
            try:
                account = await self._venue.account()
                self._account = account.blocked or "the account itself shows nothing that blocks it"
            except Unreachable as error:
                self._account = f"the account cannot be asked: {error}"
        return f"{answer.reason} ({self._account})"

    async def _answered(
        self, intent: Intent, order: Order | OcoOrder, answer: Answer, words: int
    ) -> None:
        """Take an answer; `words` is how often the stream had spoken when the order went."""
        match answer:
            case Accepted(order=taken):
                self._silence.expect(words)
                self._orders.show(intent, taken)
            case Rejected(kind=kind):
                self._orders.reject(intent, await self._words(answer), kind)
                return
            case _:
                await self._inquiry.settle(intent, self._again(intent, order))
        if not intent.resting:
            self._inquiry.watch(intent)

    def _again(self, intent: Intent, order: Order | OcoOrder) -> Again | None:
        return None if intent.entry else partial(self._venue.submit, _sized(intent, order))


def _sized(intent: Intent, order: Order | OcoOrder) -> Approved[Order | OcoOrder]:
    """Return the order for as many shares as are left of those that may be asked for."""
    shares = max(1, intent.asked - intent.filled)
    return approve_exit(order._replace(shares=shares), shares)


def _short(answer: Answer) -> bool:
    return isinstance(answer, Rejected) and answer.kind is RefusalKind.SHARES
