"""Asking what has become of an order: one that was not answered, or of which nothing is heard.

KEY INPUT: an intent; the broker's answers to questions for its id.
KEY OUTPUT: snapshots of its order, taken into the orders.
"""

import trio

from actors.intents import Intent
from actors.orders import Orders
from actors.session_clock import SessionClock, move_on_after, pause
from actors.venue import Unreachable, Venue

POLLS = (2.0, 3.0, 10.0)
"""Seconds between looks at an order of which nothing is heard: at 2, 5 and 15, then every 15."""
SETTLE = (0.25, 0.5, 1.0, 1.0, 2.0)
"""Seconds between questions for an order whose sending was not answered."""
NEVER_ARRIVED = "it never reached the broker"


class Inquiry:
    """Questions for the orders of a session."""

    def __init__(
        self, venue: Venue, clock: SessionClock, orders: Orders, nursery: trio.Nursery
    ) -> None:
        """What takes longer runs in `nursery`."""
        self._venue = venue
        self._clock = clock
        self._orders = orders
        self._nursery = nursery

    async def look(self, intent: Intent) -> None:
        """Ask once how an order stands."""
        try:
            order = await self._venue.order(intent.asked_id)
        except Unreachable:
            return
        if order is not None:
            self._orders.show(intent, order)

    async def settle(self, intent: Intent) -> None:
        """Find out whether an order that was not answered is there; it is never sent again."""
        missed = 0
        for wait in SETTLE:
            await pause(self._clock, wait)
            if intent.asked_id in intent.known_ids:
                return  # the stream has told of it
            try:
                order = await self._venue.order(intent.asked_id)
            except Unreachable:
                continue
            if order is not None:
                self._orders.show(intent, order)
                return
            missed += 1
        if missed >= 2:
            self._orders.end(intent, NEVER_ARRIVED)
        else:
            self._nursery.start_soon(self.settle, intent)

    def watch(self, intent: Intent) -> None:
        """Look after an order until it is over."""
        self._nursery.start_soon(self._watch, intent)

    async def _watch(self, intent: Intent) -> None:
        for wait in (*POLLS, *([15.0] * 100)):
            async with move_on_after(self._clock, wait):
                await intent.done.wait()
            if intent.done.is_set():
                return
            await self.look(intent)

    def chase(self, intent: Intent) -> None:
        """Ask in a second for fills whose events did not come: one may only be late."""
        self._nursery.start_soon(self._chase, intent)

    async def _chase(self, intent: Intent) -> None:
        await pause(self._clock, 1.0)
        if intent.owing:
            await self.look(intent)
