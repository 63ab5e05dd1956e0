"""The day's orders as the broker shows them, ours and others'.

KEY INPUT: snapshots, legs nested.
KEY OUTPUT: our orders taken into the orders; others' told as traded by hand; trust in the stream.
"""

from collections.abc import Callable, Mapping

import trio

from actors.comparison import Comparison
from actors.intents import Intent
from actors.orders import Orders
from actors.session_clock import SessionClock, pause
from actors.trust import Trust
from actors.venue import BrokerOrder, Unreachable, Venue
from engine.market.frames import Session

EARLIER_NS = 10**12
"""Orders of so long before the open are the day's."""
JUDGE_SECONDS = (0.0, 0.5, 1.0, 2.0)
"""Before each snapshot that is to show whose an order is."""

Began = Callable[[Mapping[str, int]], None]
"""Told once what had been filled of others' orders before the session, by broker id."""


class Reconciling:
    """The snapshots of one session."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        session: Session,
        orders: Orders,
        trust: Trust,
        began: Began,
        lost: Callable[[Intent], object],
    ) -> None:
        """`lost` is called with what the broker had, and a snapshot does not show."""
        self.begun = False
        """True once it is known what others had filled before the session."""
        self._venue = venue
        self._clock = clock
        self._session = session
        self._orders = orders
        self._trust = trust
        self._began = began
        self._lost = lost
        self._wanted = trio.Event()

    async def reconcile(self, comparison: Comparison) -> None:
        """Take a snapshot, however long it takes to be had."""
        while True:
            try:
                await self.snapshot()
                if self._trust.ready.is_set():
                    self._trust.stand()
                else:
                    await comparison.begin({i.order.symbol for i in self._orders})
            except Unreachable as error:
                self._trust.doubt(f"its snapshot cannot be had: {error}", "stream")
                await pause(self._clock, 2.0)
            else:
                return

    async def snapshot(self) -> None:
        """Take the day's orders. Raises Unreachable."""
        others: list[BrokerOrder] = []
        sent = [intent for intent in self._orders if intent.carriers]
        day = await self._venue.orders(since_ns=self._session.open_ns - EARLIER_NS)
        for order in day:
            intent = self._orders.find(order)
            if intent is None:
                others.append(order)
            else:
                self._orders.show(intent, order)
        if not self.begun:
            self.begun = True
            self._began(self._orders.hands.begin(others))
        self._orders.show_others(others)
        shown = {part.broker_id for order in day for part in (order, *order.legs)}
        for intent in sent:
            if intent.live and not shown & intent.carriers.keys():
                self._lost(intent)

    def judge(self) -> None:
        """Find out soon whose an order is that was filled and bears no id of ours."""
        self._wanted.set()

    async def run(self) -> None:
        """Find out for ever."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            await self._judge()

    async def _judge(self) -> None:
        taken = 0
        while self._orders.hands.waiting:
            await pause(self._clock, JUDGE_SECONDS[taken])
            try:
                await self.snapshot()
            except Unreachable:
                await pause(self._clock, JUDGE_SECONDS[-1])
                continue
            taken += 1
            if taken == len(JUDGE_SECONDS):
                self._orders.judge()
