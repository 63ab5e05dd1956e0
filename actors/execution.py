"""Execution: orders out, each once; what becomes of them in, each fill once.

KEY INPUT: what the desk wants sent; the broker's stream of events, its answers and snapshots.
KEY OUTPUT: reports, handed to the trader in the order in which they became known.

Every symbol has a lane: its jobs are done one after the other, so that an exit waits for the legs
that hold its shares. An answer that did not come is settled by asking for the id. While the order
stream is down no entry is sent; exits go, and are watched by asking.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import trio

from actors.cockpit.orders import Carried
from actors.comparison import Book, Comparison
from actors.desk import Outgoing
from actors.flatness import watch_flat
from actors.inquiry import Inquiry
from actors.intents import Intent
from actors.last_look import LastLook, Met
from actors.mailbox import Mailbox
from actors.orders import Orders, Tell
from actors.sending import Sending
from actors.session_clock import SessionClock, move_on_after, pause
from actors.silence import Silence
from actors.trust import Trust
from actors.venue import (
    Accepted,
    BrokerOrder,
    Connected,
    Lost,
    Rejected,
    Status,
    Unreachable,
    Update,
    Venue,
)
from engine.config import Config
from engine.events import (
    Approved,
    OcoOrder,
    Order,
    OrderFilled,
)
from engine.market.frames import Session
from engine.trading.costs import DayFees


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
    ) -> None:
        """Send nothing yet; `met` is told, by order id, of the quote that an order met."""
        self.fees = DayFees(session.date, charged=config.costs.fees)
        self.trust = Trust(tell)
        self._venue = venue
        self._clock = clock
        self._config = config
        self._tell = tell
        self._session = session
        self._orders = Orders(tell, self.fees, self._chase)
        self._last_look = LastLook(venue, clock, self.trust, config, met)
        self._comparison = Comparison(
            venue, clock, self.trust, self.fees, tell, book, self._quiet, self._snapshot
        )
        self._lanes: dict[str, Mailbox[Callable[[], object]]] = {}
        self._busy: dict[str, int] = defaultdict(int)

    # --- what the trader asks for ---------------------------------------------------------------

    async def send(self, outgoing: Outgoing, moves: Sequence[tuple[str, int]]) -> None:
        """Put everything into the lanes of its symbols; returns before it is sent."""
        for order_id in outgoing.cancels:
            await self._queue(self._orders[order_id].order.symbol, self._cancel, order_id)
        for order_id, stop_micro in moves:
            if order_id in self._orders:
                intent = self._orders[order_id]
                intent.wanted_stop_micro = stop_micro
                await self._queue(intent.order.symbol, self._move, order_id, stop_micro)
        for approved in outgoing.orders:
            self._orders.add(approved)
            await self._queue(approved.order.symbol, self._submit, approved)

    def restore(
        self,
        approved: Approved[Order | OcoOrder],
        fills: Sequence[OrderFilled],
        *,
        silent: bool = False,
        stop_micro: int = 0,
        stale: bool = False,
    ) -> None:
        """Take up an order of before a restart, with the fills that the log knows.

        `stop_micro` is where a stop should be by now. If the broker does not have it, it is sent,
        by the same id, unless it is a `stale` entry, whose minute is over.
        """
        intent = self._orders.add(approved, restored=True)
        intent.silent, intent.wanted_stop_micro, intent.stale = silent, stop_micro, stale
        intent.filled = intent.known_filled = sum(fill.shares for fill in fills)
        intent.known_value_micro = sum(fill.shares * fill.price_micro for fill in fills)
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

    def _quiet(self) -> bool:
        return not any(self._busy.values()) and not self._orders.pending

    # --- running --------------------------------------------------------------------------------

    async def run(
        self, symbols: Sequence[str], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the lanes, the order stream and the comparison of positions; runs for ever."""
        sender, receiver = trio.open_memory_channel[Update | Connected | Lost](1024)
        async with trio.open_nursery() as nursery:
            self._inquiry = Inquiry(self._venue, self._clock, self._orders, nursery)
            self._silence = Silence(self._clock, self.trust, self._venue.drop_orders, nursery)
            self._sending = Sending(
                self._venue, self._clock, self._orders, self._inquiry, self._silence,
                self._last_look, self._session.close_ns,
            )  # fmt: skip
            self._nursery = nursery
            for symbol in symbols:
                self._open_lane(symbol)
            nursery.start_soon(self._venue.order_stream, sender)
            nursery.start_soon(self._comparison.run)
            nursery.start_soon(
                watch_flat, self._venue, self._clock, self._config, self._session, symbols,
                self._tell,
            )  # fmt: skip
            task_status.started()
            async for message in receiver:
                await self._hear(message)

    def _open_lane(self, symbol: str) -> None:
        lane = self._lanes[symbol] = Mailbox(f"lane {symbol}", 64)
        self._nursery.start_soon(self._serve, symbol, lane)

    async def _serve(self, symbol: str, lane: Mailbox[Callable[[], object]]) -> None:
        async for job in lane:
            await job()  # type: ignore[misc]
            self._busy[symbol] -= 1

    async def _queue(self, symbol: str, job: Callable[..., object], *given: object) -> None:
        if symbol not in self._lanes:  # an orphan's
            self._open_lane(symbol)
        self._busy[symbol] += 1
        await self._lanes[symbol].send(partial(job, *given))

    # --- jobs of a lane -------------------------------------------------------------------------

    async def _submit(self, approved: Approved[Order | OcoOrder]) -> None:
        intent = self._orders[approved.order.order_id]
        order = approved.order
        if not intent.entry and not await self._release(intent):
            self._orders.end(intent, "a stop or target filled first")
            return
        if isinstance(order, Order):
            refusal = await self._last_look.refusal(order, intent)
            if refusal:
                self._orders.end(intent, refusal)
                return
        await self._sending.send(intent)

    async def _release(self, intent: Intent) -> bool:
        """Cancel whatever legs hold the shares; False if one of them filled first.

        It takes as long as it takes: while they are held nothing can be sold.
        """
        order = intent.order
        holding = [
            other
            for other in self._orders
            if other is not intent and other.resting and other.order.symbol == order.symbol
            if other.live
        ]
        before = sum(legs.filled for legs in holding)
        for legs in holding:
            legs.silent = True
        while waiting := [legs for legs in holding if legs.live]:
            for legs in waiting:
                if legs.root_id is not None:
                    await self._venue.cancel(legs.stop_id or legs.root_id)
            async with move_on_after(self._clock, 1.0):
                await waiting[0].done.wait()
            for legs in waiting:
                if legs.live:
                    await self._inquiry.look(legs)
        return sum(legs.filled for legs in holding) == before

    async def _cancel(self, order_id: str) -> None:
        intent = self._orders[order_id]
        if intent.root_id is not None and not intent.over:
            await self._venue.cancel(intent.root_id)

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
            case Lost(reason=reason):
                self.trust.lose(reason)
            case Connected():
                self._silence.word()
                await self._reconcile()
            case Update():
                self._silence.word()
                self._orders.take(message)

    # --- truth ----------------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        """Take a snapshot of the day's orders; from then on the stream is to be trusted."""
        while True:
            try:
                await self._snapshot()
                if self.trust.ready.is_set():
                    self.trust.stand()
                else:
                    await self._comparison.begin({i.order.symbol for i in self._orders})
                break
            except Unreachable as error:
                self.trust.down = f"its snapshot cannot be had: {error}"
                await pause(self._clock, 2.0)
        await self._resume()
        self.trust.restore()

    async def _snapshot(self) -> list[BrokerOrder]:
        """Take the day's orders as the broker shows them; return others'. Raises Unreachable."""
        others = []
        for order in await self._venue.orders(since_ns=self._session.open_ns - 10**12):
            intent = self._orders.find(order)
            if intent is None:
                others.append(order)
            elif not intent.ended:
                self._orders.show(intent, order)
        return others

    async def _resume(self) -> None:
        """Go on with the orders of before a restart: what never left is sent, if it protects."""
        for intent in self._orders:
            if not intent.restored or intent.ended:
                continue
            intent.restored = False
            if intent.carriers:
                if intent.rest_follows:
                    await self._queue(intent.order.symbol, self._sending.finish, intent)
                elif not intent.resting:
                    self._inquiry.watch(intent)
                elif intent.wanted_stop_micro != intent.shown_stop_micro and not intent.silent:
                    symbol, name = intent.order.symbol, intent.order.order_id
                    await self._queue(symbol, self._move, name, intent.wanted_stop_micro)
            elif intent.stale or intent.silent:
                self._orders.end(intent, "Rotor was not running when it was to be sent")
            else:
                await self._queue(intent.order.symbol, self._submit, intent.approved)
