"""Asking what has become of an order: one that was not answered, or of which nothing is heard.

KEY INPUT: an intent; the broker's answers to questions for its id.
KEY OUTPUT: snapshots of its order, taken into the orders; an end where the broker's word is none.

No wait is without bound, or silent: what is not known after a minute is said, and entries end until
it is.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import chain, repeat

import trio

from actors.intents import Intent
from actors.orders import Orders
from actors.session_clock import SECOND_NS, SessionClock, move_on_after, pause
from actors.trust import Trust
from actors.venue import Accepted, Answer, BrokerOrder, Rejected, Status, Unreachable, Venue

POLLS = (2.0, 3.0, 10.0)
"""Seconds between looks at an order of which nothing is heard: at 2, 5 and 15, then every 15."""
SETTLE = (0.25, 0.5, 1.0, 1.0, 2.0)
"""Seconds between questions for an order whose sending was not answered."""
PATIENCE_SECONDS = 60.0
"""How long a word that is not understood, or an answer that does not come, is waited for."""
NEVER_ARRIVED = "it never reached the broker"
NO_MORE = "the broker has it no more"
AFTERWARDS = (4.0,) * 30
"""Seconds between looks at an entry that ended short: it may be filled after all."""
LOOKS = 2
"""So often in a row the broker must say that it has no such order."""
NOT_FOUND = frozenset({404, 40_410_000})
Again = Callable[[], Awaitable[Answer]]
"""Sends an order once more, by the same id."""
_log = logging.getLogger("rotor")


class Inquiry:
    """Questions for the orders of a session."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        orders: Orders,
        trust: Trust,
        nursery: trio.Nursery,
    ) -> None:
        """What takes longer runs in `nursery`."""
        self._venue = venue
        self._clock = clock
        self._orders = orders
        self._trust = trust
        self._nursery = nursery
        self._doubts: set[str] = set()
        """Ids of orders of which it was said that nothing is known."""
        self._newest: dict[str, Intent] = {}
        """By symbol: the entry that is looked at after its end."""
        self._refused: Counter[str] = Counter()
        """How often the broker would not cancel an order because it was over."""

    async def look(self, intent: Intent) -> bool | None:
        """Ask once how an order stands; return whether the broker has it, None without answer."""
        try:
            order = await self._venue.order(intent.asked_id)
        except Unreachable:
            return None
        if order is not None:
            self._orders.show(intent, order)
        return order is not None

    async def peek(self, intent: Intent) -> bool:
        """Look at an order that rests; a fill of it is left to its event for a second.

        Returns whether the broker has it.
        """
        try:
            order = await self._venue.order(intent.asked_id)
        except Unreachable:
            return False
        if order is None:
            await self._lose(intent)
            return False
        if intent.behind(order):
            await pause(self._clock, 1.0)
            return bool(await self.look(intent))
        self._orders.show(intent, order)
        return True

    def lost(self, intent: Intent) -> None:
        """Find out whether the broker has no more what it had: its state may be another one."""
        self._nursery.start_soon(self._lose, intent)

    async def _lose(self, intent: Intent) -> None:
        for _ in range(LOOKS):
            if not intent.live or await self.look(intent) is not False:
                return
            await pause(self._clock, 0.5)
        if intent.live:
            self._orders.close(intent, "", Status.CANCELED, NO_MORE)

    async def settle(self, intent: Intent, again: Again | None = None) -> None:
        """Find out whether an order that was not answered is there.

        `again` sends what protects or closes by the same id, each time the broker says that it has
        no such order: of two that reach it, it takes one.
        """
        await self._settle(intent, self._clock.now_ns(), again)

    async def _settle(self, intent: Intent, since_ns: int, again: Again | None) -> None:
        missed = 0
        for left, wait in zip(reversed(range(len(SETTLE))), SETTLE, strict=True):
            await pause(self._clock, wait)
            if intent.asked_id in intent.known_ids:
                break  # the stream has told of it
            try:
                order = await self._venue.order(intent.asked_id)
            except Unreachable as error:
                if self._late(since_ns):
                    self._say(intent, f"the broker does not say what has become of it: {error}")
                continue
            if order is None and again is not None and left:  # the last word is a question's
                order = await _taken(again)
            if order is not None:
                self._orders.show(intent, order)
                break
            missed += 1
        else:
            if missed < 2:
                self._nursery.start_soon(self._settle, intent, since_ns, again)
                return
            self._orders.end(intent, NEVER_ARRIVED)
        self.understood(intent)

    def watch(self, intent: Intent) -> None:
        """Look after an order until it is over."""
        self._nursery.start_soon(self._watch, intent)

    async def _watch(self, intent: Intent) -> None:
        since_ns: int | None = None
        for wait in chain(POLLS, repeat(15.0)):
            async with move_on_after(self._clock, wait):
                await intent.done.wait()
            if intent.done.is_set():
                break
            if await self.look(intent) is False and intent.carriers:
                await self._lose(intent)
            if intent.doubtful is None:
                since_ns = None
                continue
            since_ns = self._clock.now_ns() if since_ns is None else since_ns
            if not self._late(since_ns) or await self.resolve(intent):
                continue
            if self._late(since_ns + round(PATIENCE_SECONDS * SECOND_NS)):
                self._orders.end(intent, "given up: its end cannot be had from the broker")
        self.understood(intent)
        if intent.entry and intent.carriers:
            await self._look_afterwards(intent)

    async def _look_afterwards(self, intent: Intent) -> None:
        """Look at an entry that ended short, since the event of a late fill may not come."""
        symbol = intent.order.symbol
        self._newest[symbol] = intent
        for wait in AFTERWARDS:
            if intent.filled >= intent.asked or self._newest[symbol] is not intent:
                return
            await pause(self._clock, wait)
            await self.look(intent)

    async def resolve(self, intent: Intent) -> bool:
        """Bring an order to its end whose word is not understood; return whether it is over.

        What the broker does not list as open is over; what it lists is cancelled.
        """
        if await self.listed(intent):
            await self.cancel(intent)
        return intent.over

    async def listed(self, intent: Intent) -> bool:
        """Return whether the broker lists as open what it has no known word for; else it is over.

        True where it does not answer.
        """
        said = intent.doubtful or ""
        words = f"the broker calls it {said!r}" if said else "the broker has no word for it"
        self._say(intent, words)
        try:
            open_orders = await self._venue.orders()
        except Unreachable:
            return True
        there = {part.broker_id for order in open_orders for part in (order, *order.legs)}
        if there & intent.carriers.keys():
            return True
        self._orders.close(intent, "", Status.CANCELED, f"it is open no more: {words}")
        self.understood(intent)
        return False

    async def cancel(self, intent: Intent) -> Rejected | None:
        """Ask for a cancellation; return a refusal. It may say that the order is over, or is none.

        That is believed the second time, if no look says otherwise.
        """
        broker_id = intent.stop_id or intent.root_id
        if broker_id is None:
            return None
        answer = await self._venue.cancel(broker_id)
        if not isinstance(answer, Rejected):
            return None
        missing = answer.code in NOT_FOUND
        if not missing and answer.ended in (None, Status.REPLACED):
            return answer
        there = await self.look(intent)
        if intent.over or there is None or there is missing:
            return answer
        self._refused[broker_id] += 1
        if self._refused[broker_id] > 1:
            self._orders.close(intent, broker_id, answer.ended or Status.CANCELED, answer.reason)
        return answer

    def chase(self, intent: Intent) -> None:
        """Ask in a second for fills whose events did not come: one may only be late."""
        self._nursery.start_soon(self._chase, intent)

    async def _chase(self, intent: Intent) -> None:
        await pause(self._clock, 1.0)
        if intent.owing or intent.suspect:
            await self.look(intent)

    def _late(self, since_ns: int) -> bool:
        return self._clock.now_ns() - since_ns >= PATIENCE_SECONDS * SECOND_NS

    def _say(self, intent: Intent, words: str) -> None:
        """Say once of an order that nothing is known of it; entries wait until something is."""
        order = intent.order
        if order.order_id not in self._doubts:
            self._doubts.add(order.order_id)
            words = f"{order.symbol}: what has become of an order is not known: {words}"
            _log.warning("%s", words)
            self._trust.lose(words, "orders")

    def understood(self, intent: Intent) -> None:
        """Take it that an order's state is known again."""
        if intent.order.order_id in self._doubts:
            self._doubts.remove(intent.order.order_id)
            if not self._doubts:
                self._trust.stand("orders")
                self._trust.restore()


async def _taken(again: Again) -> BrokerOrder | None:
    answer = await again()
    return answer.order if isinstance(answer, Accepted) else None
