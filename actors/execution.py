"""Execution: orders out, each once; what becomes of them in, each fill once.

KEY INPUT: what the desk wants sent; the broker's stream of events, its answers and snapshots.
KEY OUTPUT: reports, handed to the trader in the order in which they became known.

Every symbol has a lane: its jobs are done one after the other, so that an exit waits for the legs
that hold its shares. An answer that did not come is settled by asking for the id. While the order
stream is down no entry is sent; exits go, and are watched by asking. What closes never asks for
more shares than are known to be held.
"""

from collections.abc import Mapping, Sequence

import trio

from actors.cash import Cash
from actors.cockpit.orders import Carried
from actors.comparison import Book, Comparison
from actors.desk import Outgoing
from actors.flatness import watch_flat
from actors.hands import Hands
from actors.holdings import Holdings
from actors.inquiry import Inquiry
from actors.intents import Intent
from actors.lanes import Lanes
from actors.last_look import LastLook, Met
from actors.orders import Orders, Tell
from actors.pricing import Pricing
from actors.reconciling import Began, Reconciling
from actors.release import Release
from actors.sending import Sending
from actors.session_clock import SessionClock, pause
from actors.silence import Silence
from actors.tending import tend
from actors.trust import Trust
from actors.venue import (
    Accepted,
    BrokerOrder,
    Connected,
    Lost,
    Rejected,
    Status,
    Update,
    Venue,
)
from engine.config import Config
from engine.events import (
    Approved,
    OcoOrder,
    Order,
    Report,
)
from engine.market.frames import Session
from engine.trading.costs import DayFees

AGAIN_SECONDS = 60.0
"""After which an order stream that was given up is begun again."""


class Execution:
    """The orders of one session and what carries them at the broker."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        config: Config,
        session: Session,
        tell: Tell,
        book: Book,
        met: Met = lambda *_: None,
        *,
        epoch: str = "",
        began: Began = lambda _: None,
        leaves: bool = False,
    ) -> None:
        """Send nothing yet; `met` is told, by order id, of the quote that an order met.

        `epoch`: with it the ids of our orders begin. `began` is told once of what had been filled
        of others' orders before the session. `leaves`: what others hold is not sold unless that
        is said.
        """
        self.fees = DayFees(session.date, charged=config.costs.fees)
        self.trust = Trust(tell)
        self.holdings = Holdings(venue, clock)
        self._venue = venue
        self._clock = clock
        self._config = config
        self._tell = tell
        self._session = session
        self._book = book
        self._orders = Orders(
            epoch, tell, self.fees, Hands(self.fees, self.holdings, leaves=leaves), self.holdings,
            self._chase, self._judge,
        )  # fmt: skip
        self._last_look = LastLook(venue, clock, self.trust, config, self.holdings, met)
        self._reconciling = Reconciling(
            venue, clock, session, self._orders, self.trust, began, self._lost
        )
        self._comparison = Comparison(
            self.holdings, clock, self.trust, self.fees, tell, book,
            Cash(venue, session, self.fees, self._orders.counted), Pricing(venue),
            self._under_way, self._reconciling.snapshot, leaves=leaves,
        )  # fmt: skip
        self._lanes = Lanes()

    # --- what the trader asks for ---------------------------------------------------------------

    async def send(self, outgoing: Outgoing, moves: Sequence[tuple[str, int]]) -> None:
        """Put everything into the lanes of its symbols; returns before it is sent."""
        for order_id in outgoing.cancels:
            if order_id in self._orders:  # else it was over before a restart
                await self._lanes.queue(self._orders[order_id].order.symbol, self._cancel, order_id)
        for order_id, stop_micro in moves:
            if order_id in self._orders:
                intent = self._orders[order_id]
                intent.wanted_stop_micro = stop_micro
                await self._lanes.queue(intent.order.symbol, self._move, order_id, stop_micro)
        for approved in outgoing.orders:
            self._orders.add(approved)
            await self._lanes.queue(approved.order.symbol, self._submit, approved)

    def learn(self, reports: Sequence[Report], before: Mapping[str, int] | None) -> None:
        """Take what the log tells of a session that goes on, before its orders are restored.

        `before`: what had been filled of others' orders as it began, by broker id; None: not known.
        """
        self._orders.fills.learn(reports)
        self._orders.hands.learn(reports, before or {})
        self._reconciling.begun = before is not None

    def restore(
        self,
        approved: Approved[Order | OcoOrder],
        *,
        silent: bool = False,
        stop_micro: int = 0,
        stale: bool = False,
    ) -> None:
        """Take up an order of before a restart.

        `stop_micro` is where a stop should be by now. If the broker does not have it, it is sent,
        by the same id, unless it is a `stale` entry, whose minute is over.
        """
        intent = self._orders.add(approved, restored=True)
        intent.silent, intent.wanted_stop_micro, intent.stale = silent, stop_micro, stale
        self._orders.recall(intent)
        intent.rest_follows = intent.flattens

    def carrying(self, order_id: str) -> Carried:
        """Return whether the broker has an order, or nothing more will come of it."""
        intent = self._orders.get(order_id)
        if intent is None or intent.ended or intent.over:
            return "over"
        return "yes" if intent.carriers else "no"

    @property
    def ignored(self) -> int:
        """Return how many events and snapshots told of statuses that were over."""
        return sum(intent.ignored for intent in self._orders)

    def _chase(self, intent: Intent) -> None:
        self._inquiry.chase(intent)

    def _lost(self, intent: Intent) -> None:
        self._inquiry.lost(intent)

    def _judge(self) -> None:
        self._reconciling.judge()

    def _under_way(self) -> set[str]:
        """Return the symbols in which something is being sent, or an entry or exit may fill."""
        return self._lanes.busy() | self._orders.pending()

    # --- running --------------------------------------------------------------------------------

    async def run(
        self, symbols: Sequence[str], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the lanes, the order stream and the comparison of positions; runs for ever."""
        sender, receiver = trio.open_memory_channel[Update | Connected | Lost](1024)
        async with trio.open_nursery() as nursery:
            venue, clock, orders = self._venue, self._clock, self._orders
            self._inquiry = Inquiry(venue, clock, orders, self.trust, nursery)
            self._release = Release(clock, orders, self._inquiry, self.holdings)
            self._silence = Silence(clock, self.trust, venue.drop_orders, nursery)
            self._sending = Sending(
                venue, clock, orders, self._inquiry, self._silence, self._last_look,
                self._session.close_ns,
            )  # fmt: skip
            self._lanes.begin(nursery)
            nursery.start_soon(self._listen, sender)
            nursery.start_soon(self._reconciling.run)
            nursery.start_soon(self._comparison.run)
            nursery.start_soon(
                tend, clock, orders, self._inquiry, self._under_way, self._move_again
            )
            nursery.start_soon(
                watch_flat, self.holdings, clock, self._config, self._session, symbols,
                self._tell, self._book, orders, self._under_way, self._comparison.soon,
            )  # fmt: skip
            task_status.started()
            async for message in receiver:
                await self._hear(message)

    async def _listen(self, sender: trio.MemorySendChannel[Update | Connected | Lost]) -> None:
        """Run the order stream; where it was given up it is begun again, once a minute."""
        while True:
            await self._venue.order_stream(sender)
            await pause(self._clock, AGAIN_SECONDS)

    # --- jobs of a lane -------------------------------------------------------------------------

    async def _submit(self, approved: Approved[Order | OcoOrder]) -> None:
        intent = self._orders[approved.order.order_id]
        refusal = await self._refusal(approved.order, intent)
        if refusal:
            self._orders.end(intent, refusal)
        else:
            await self._sending.send(intent)
        if intent.most is not None:
            self._comparison.soon()

    async def _refusal(self, order: Order | OcoOrder, intent: Intent) -> str:
        """Return why an order must not be sent; empty once it may."""
        if isinstance(order, Order) and order.entry:
            return await self._last_look.entry(order, intent)
        refusal = await self._last_look.known(intent) or await self._release.of(intent)
        if refusal:
            return refusal
        if isinstance(order, OcoOrder):
            return await self._last_look.held(intent)
        return await self._last_look.exit(order, intent)

    async def _cancel(self, order_id: str) -> None:
        intent = self._orders[order_id]
        if not intent.over:
            await self._inquiry.cancel(intent)

    async def _move_again(self, intent: Intent, stop_micro: int) -> None:
        order = intent.order
        await self._lanes.queue(order.symbol, self._move, order.order_id, stop_micro)

    async def _move(self, order_id: str, stop_micro: int) -> None:
        intent = self._orders[order_id]
        stop_id = intent.stop_id
        if stop_id is None or intent.silent:
            return
        name = f"{order_id}-{stop_micro}"
        answer = await self._venue.move_stop(stop_id, stop_micro, name)
        if isinstance(answer, Accepted):
            self._adopt_stop(intent, answer.order)
        elif not isinstance(answer, Rejected):
            await self._inquiry.look(intent)

    def _adopt_stop(self, intent: Intent, order: BrokerOrder) -> None:
        for carrier in intent.carriers.values():
            if carrier.broker_id == order.replaces:
                carrier.turn(Status.REPLACED)
        self._orders.show(intent, order)

    # --- what is learned ------------------------------------------------------------------------

    async def _hear(self, message: Update | Connected | Lost) -> None:
        match message:
            case Lost(reason=reason, fatal=fatal):
                self.trust.lose(reason, final=fatal)
            case Connected():
                self._silence.word()
                await self._reconcile()
            case Update():
                self._silence.word()
                self._orders.take(message)

    # --- truth ----------------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        """Take a snapshot of the day's orders; from then on the stream is to be trusted."""
        await self._reconciling.reconcile(self._comparison)
        await self._resume()
        self.trust.restore()
        self._comparison.soon()  # what has become of the account meanwhile

    async def _resume(self) -> None:
        """Go on with the orders of before a restart: what never left is sent, if it protects."""
        for intent in self._orders:
            if not intent.restored or intent.ended:
                continue
            intent.restored = False
            if intent.carriers:
                if intent.rest_follows:
                    await self._lanes.queue(intent.order.symbol, self._sending.finish, intent)
                elif not intent.resting:
                    self._inquiry.watch(intent)
                elif intent.wanted_stop_micro != intent.shown_stop_micro and not intent.silent:
                    symbol, name = intent.order.symbol, intent.order.order_id
                    await self._lanes.queue(symbol, self._move, name, intent.wanted_stop_micro)
            elif intent.stale or intent.silent:
                self._orders.end(intent, "Rotor was not running when it was to be sent")
            else:
                await self._lanes.queue(intent.order.symbol, self._submit, intent.approved)
