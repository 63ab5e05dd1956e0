"""Execution: orders out, each once; what becomes of them in, each fill once.

KEY INPUT: what the desk wants sent; the broker's stream of events, its answers and snapshots.
KEY OUTPUT: reports, handed to the trader in the order in which they became known.

Every symbol has a lane: its jobs are done one after the other, so that an exit waits for the legs
that hold its shares. An answer that did not come is settled by asking for the id. While the order
stream is down no entry is sent; exits go, and are watched by asking.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import trio

from actors.cockpit.orders import Carried
from actors.desk import Outgoing
from actors.intents import Executed, Intent
from actors.mailbox import Mailbox
from actors.session_clock import SessionClock, move_on_after, pause
from actors.venue import (
    Accepted,
    Answer,
    BrokerOrder,
    Connected,
    Lost,
    Quote,
    Rejected,
    Status,
    Unreachable,
    Update,
    Venue,
)
from engine.config import Config
from engine.events import (
    MICRO,
    Approved,
    Leg,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    Report,
    StreamLost,
    StreamRestored,
)
from engine.market.frames import Session
from engine.trading.costs import DayFees

POLLS = (2.0, 3.0, 10.0)
"""Seconds between looks at an order of which nothing is heard: at 2, 5 and 15, then every 15."""
SETTLE = (0.25, 0.5, 1.0, 1.0, 2.0)
"""Seconds between questions for an order whose sending was not answered."""
INSUFFICIENT = 40_310_000
"""Alpaca's code for shares or buying power that are not there."""
SHARES_SETTLE = (0.5, 1.0)
"""Seconds before a leg or an exit is sent again that was refused for want of shares."""
COMPARE_SECONDS = 30.0
SECOND_LOOK_SECONDS = 5.0
"""After a difference between the broker's positions and ours: fills on their way have come."""
CONNECT_SECONDS = 10.0
"""How long an entry waits for the order stream's first connection."""
NOT_CONNECTED = "it has not connected yet"
NEVER_ARRIVED = "it never reached the broker"
REST_CANCELED = "the rest of an entry after its first bar"

Tell = Callable[[Sequence[Report]], None]
Book = Callable[[], Mapping[str, int]]
"""The signed shares that the trader holds, by symbol."""


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
    ) -> None:
        self.down = NOT_CONNECTED
        """Why the order stream is not to be trusted; empty if it is."""
        self.fees = DayFees(session.date, charged=config.costs.fees)
        self._venue = venue
        self._clock = clock
        self._config = config
        self._session = session
        self._tell = tell
        self._book = book
        self._intents: dict[str, Intent] = {}
        self._by_broker: dict[str, Intent] = {}
        self._strangers: dict[str, list[Update]] = defaultdict(list)
        self._buffers: dict[str, list[OrderFilled]] = defaultdict(list)
        self._lanes: dict[str, Mailbox[Callable[[], object]]] = {}
        self._busy: dict[str, int] = defaultdict(int)
        self._lost_told = False
        self._difference = ""
        self._agreed_ns = -1
        self._ready = trio.Event()

    # --- what the trader asks for ---------------------------------------------------------------

    async def send(self, outgoing: Outgoing, moves: Sequence[tuple[str, int]]) -> None:
        """Put everything into the lanes of its symbols; returns before it is sent."""
        for order_id in outgoing.cancels:
            await self._queue(self._intents[order_id].order.symbol, self._cancel, order_id)
        for order_id, stop_micro in moves:
            if order_id in self._intents:
                symbol = self._intents[order_id].order.symbol
                await self._queue(symbol, self._move, order_id, stop_micro)
        for approved in outgoing.orders:
            self._intents[approved.order.order_id] = Intent(approved)
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
        intent = self._intents[approved.order.order_id] = Intent(approved, restored=True)
        intent.silent, intent.wanted_stop_micro, intent.stale = silent, stop_micro, stale
        intent.filled = intent.known_filled = sum(fill.shares for fill in fills)
        intent.known_value_micro = sum(fill.shares * fill.price_micro for fill in fills)

    def carrying(self, order_id: str) -> Carried:
        """Return whether the broker has an order, or nothing more will come of it."""
        intent = self._intents.get(order_id)
        if intent is None or intent.ended or intent.over:
            return "over"
        return "yes" if intent.carriers else "no"

    def agreed_since(self, ts_ns: int) -> bool:
        """Return whether the broker has said since then that it holds what the book does."""
        return self._agreed_ns > ts_ns

    @property
    def idle(self) -> bool:
        """Return whether nothing is being sent."""
        return not any(self._busy.values())

    # --- running --------------------------------------------------------------------------------

    async def run(
        self, symbols: Sequence[str], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the lanes, the order stream and the comparison of positions; runs for ever."""
        sender, receiver = trio.open_memory_channel[Update | Connected | Lost](1024)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for symbol in symbols:
                lane = self._lanes[symbol] = Mailbox(f"lane {symbol}", 64)
                nursery.start_soon(self._serve, symbol, lane)
            nursery.start_soon(self._venue.order_stream, sender)
            nursery.start_soon(self._compare)
            task_status.started()
            async for message in receiver:
                await self._hear(message)

    async def _serve(self, symbol: str, lane: Mailbox[Callable[[], object]]) -> None:
        async for job in lane:
            await job()  # type: ignore[misc]
            self._busy[symbol] -= 1

    async def _queue(self, symbol: str, job: Callable[..., object], *given: object) -> None:
        self._busy[symbol] += 1
        await self._lanes[symbol].send(partial(job, *given))

    # --- jobs of a lane -------------------------------------------------------------------------

    async def _submit(self, approved: Approved[Order | OcoOrder]) -> None:
        intent = self._intents[approved.order.order_id]
        order = approved.order
        if isinstance(order, Order) and order.entry:
            refusal = await self._entry_refusal(order, intent)
            if refusal:
                self._end(intent, refusal)
                return
        if not intent.entry and not await self._release(intent):
            self._end(intent, "a stop or target filled first")
            return
        if isinstance(order, Order) and not order.entry:
            refusal = await self._exit_refusal(order, intent)
            if refusal:
                self._end(intent, refusal)
                return
        await self._answered(intent, await self._sent(intent))

    async def _sent(self, intent: Intent) -> Answer:
        """Send an order; what protects or closes is sent again where the shares are not there yet.

        A refusal is certain, so that the same id may be used. The position of a fill may show a
        moment after it.
        """
        answer = await self._venue.submit(intent.approved)
        for wait in SHARES_SETTLE:
            late = isinstance(answer, Rejected) and answer.code == INSUFFICIENT
            if intent.entry or not late:
                break
            await pause(self._clock, wait)
            answer = await self._venue.submit(intent.approved)
        return answer

    async def _exit_refusal(self, order: Order, intent: Intent) -> str:
        """Return why an exit must not go: the shares are not there, so that it would sell short.

        Where that cannot be had within a second it goes all the same. The market that it meets is
        noted on the way.
        """
        quotes: dict[str, Quote] = {}
        held: dict[str, int] | None = None

        async def ask_quote() -> None:
            with suppress(Unreachable):
                quotes.update(await self._venue.quotes([order.symbol]))

        async def ask_held() -> None:
            nonlocal held
            with suppress(Unreachable):
                held = await self._held()

        async with move_on_after(self._clock, 1.0), trio.open_nursery() as nursery:
            nursery.start_soon(ask_quote)
            nursery.start_soon(ask_held)
        quote = quotes.get(order.symbol)
        if quote is not None:
            intent.reference = (quote.bid + quote.ask) / 2
        there = order.shares if held is None else -order.side.sign * held.get(order.symbol, 0)
        return "" if there >= order.shares else f"the broker holds {max(0, there):,} shares"

    async def _entry_refusal(self, order: Order, intent: Intent) -> str:
        async with move_on_after(self._clock, CONNECT_SECONDS):
            await self._ready.wait()
        if self.down:
            return f"the order stream is down: {self.down}"
        try:
            quote = (await self._venue.quotes([order.symbol])).get(order.symbol)
        except Unreachable as error:
            return f"no quote: {error}"
        if quote is None:
            return "no quote"
        intent.reference = (quote.bid + quote.ask) / 2
        return _crossed(quote) or _wide(quote, self._config)

    async def _release(self, intent: Intent) -> bool:
        """Cancel whatever legs hold the shares; False if one of them filled first.

        It takes as long as it takes: while they are held nothing can be sold.
        """
        order = intent.order
        holding = [
            other
            for other in self._intents.values()
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
                    await self._look(legs)
        return sum(legs.filled for legs in holding) == before

    async def _cancel(self, order_id: str) -> None:
        intent = self._intents[order_id]
        if intent.root_id is not None and not intent.over:
            await self._venue.cancel(intent.root_id)

    async def _move(self, order_id: str, stop_micro: int) -> None:
        intent = self._intents[order_id]
        stop_id = intent.stop_id
        if stop_id is None or intent.silent:
            return
        name = f"{order_id}-{stop_micro}"
        answer = await self._venue.move_stop(stop_id, stop_micro, name)
        if isinstance(answer, Accepted):
            self._adopt_stop(intent, answer.order)
        elif not isinstance(answer, Rejected):
            await self._look(intent)

    def _adopt_stop(self, intent: Intent, order: BrokerOrder) -> None:
        for carrier in intent.carriers.values():
            if carrier.broker_id == order.replaces:
                carrier.status = Status.REPLACED
        self._show(intent, order)

    # --- what is learned ------------------------------------------------------------------------

    async def _answered(self, intent: Intent, answer: Answer) -> None:
        match answer:
            case Accepted(order=order):
                self._show(intent, order)
            case Rejected(reason=reason):
                self._reject(intent, reason)
                return
            case _:
                await self._settle(intent)
        if not intent.resting:
            self._nursery.start_soon(self._watch, intent)

    async def _settle(self, intent: Intent) -> None:
        """Find out whether an order that was not answered is there; it is never sent again."""
        missed = 0
        for wait in SETTLE:
            await pause(self._clock, wait)
            if intent.carriers:
                return  # the stream has told of it
            try:
                order = await self._venue.order(intent.order.order_id)
            except Unreachable:
                continue
            if order is not None:
                self._show(intent, order)
                return
            missed += 1
        if missed >= 2:
            self._end(intent, NEVER_ARRIVED)
        else:
            self._nursery.start_soon(self._settle, intent)

    async def _watch(self, intent: Intent) -> None:
        for wait in (*POLLS, *([15.0] * 100)):
            async with move_on_after(self._clock, wait):
                await intent.done.wait()
            if intent.done.is_set():
                return
            await self._look(intent)

    async def _look(self, intent: Intent) -> None:
        try:
            order = await self._venue.order(intent.order.order_id)
        except Unreachable:
            return
        if order is not None:
            self._show(intent, order)

    async def _hear(self, message: Update | Connected | Lost) -> None:
        match message:
            case Lost(reason=reason):
                self.down = reason
                if not self._lost_told:
                    self._lost_told = True
                    self._tell([StreamLost(ts_ns=0, reason=reason)])
            case Connected():
                await self._reconcile()
            case Update():
                self._take(message)

    def _take(self, update: Update) -> None:
        broker_id = update.order.broker_id
        intent = self._find(update.order)
        if intent is None:
            self._strangers[broker_id].append(update)
            return
        if broker_id not in intent.carriers:
            intent.carried_by(update.order)
            self._know(intent)
        executed = intent.heard(update)
        self._report(intent, [executed] if executed else [], update.order)
        if intent.owing:
            self._nursery.start_soon(self._chase, intent)

    def _find(self, order: BrokerOrder) -> Intent | None:
        """Return the intent that an order carries: by its id, or that of the stop it moved."""
        known = self._by_broker.get(order.broker_id) or self._by_broker.get(order.replaces)
        moved = order.client_id.rpartition("-")[0]
        return known or self._intents.get(order.client_id) or self._intents.get(moved)

    async def _chase(self, intent: Intent) -> None:
        await pause(self._clock, 1.0)  # a late event may still come
        if intent.owing:
            await self._look(intent)

    def _show(self, intent: Intent, order: BrokerOrder) -> None:
        executed = intent.shown(order)
        self._know(intent)
        self._report(intent, executed, order)

    def _know(self, intent: Intent) -> None:
        for broker_id in intent.carriers:
            self._by_broker[broker_id] = intent
            for update in self._strangers.pop(broker_id, ()):
                self._take(update)

    def _report(self, intent: Intent, executed: Sequence[Executed], order: BrokerOrder) -> None:
        fills = [self._fill(intent, one) for one in executed]
        if intent.entry:
            # an entry is told when it is over, so that its legs are for all of its shares
            self._buffers[intent.order.order_id] += fills
            fills = []
        if fills:
            self._tell(fills)
        if intent.over or intent.filled >= intent.order.shares:
            self._over(intent, order)

    def _fill(self, intent: Intent, executed: Executed) -> OrderFilled:
        order = intent.order
        value = executed.shares * executed.price_micro
        reference = executed.price_micro / MICRO if intent.reference is None else intent.reference
        if isinstance(order, OcoOrder):
            # a target pays no spread; a stop is measured from its level, a gap included
            stop = (intent.shown_stop_micro or order.stop_micro) / MICRO
            reference = stop if executed.leg is Leg.STOP else executed.price_micro / MICRO
        return OrderFilled(
            ts_ns=executed.at_ns,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            shares=executed.shares,
            price_micro=executed.price_micro,
            fee_micro=self.fees.charge(order.side, executed.shares, value),
            slippage_micro=order.side.sign * (value - executed.shares * round(reference * MICRO)),
            final=intent.filled >= order.shares,
            leg=executed.leg,
        )

    def _over(self, intent: Intent, order: BrokerOrder) -> None:
        if intent.ended:
            return
        fills: list[Report] = list(self._buffers.pop(intent.order.order_id, ()))
        short = intent.filled < intent.order.shares
        if order.status is Status.REJECTED and not intent.filled:
            self._reject(intent, order.said)
            return
        if short and not intent.silent:
            words = REST_CANCELED if intent.entry and intent.filled else order.said
            fills.append(self._canceled(intent, words))
        self._close(intent)
        if fills:
            self._tell(fills)

    def _end(self, intent: Intent, reason: str) -> None:
        """Tell that an order is over that the broker never had."""
        if not intent.ended:
            self._close(intent)
            self._tell([self._canceled(intent, reason)])

    def _reject(self, intent: Intent, reason: str) -> None:
        if not intent.ended:
            self._close(intent)
            order = intent.order
            rejected = OrderRejected(
                ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason
            )
            self._tell([rejected])

    def _close(self, intent: Intent) -> None:
        intent.ended = True
        intent.done.set()

    def _canceled(self, intent: Intent, reason: str) -> OrderCanceled:
        order = intent.order
        return OrderCanceled(ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason)

    # --- truth ----------------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        """Take a snapshot of the day's orders; from then on the stream is to be trusted."""
        while True:
            try:
                await self._snapshot()
                break
            except Unreachable as error:
                self.down = f"its snapshot cannot be had: {error}"
                await pause(self._clock, 2.0)
        self.down = ""
        self._ready.set()
        await self._resume()
        self._restored()

    def _restored(self) -> None:
        if self._lost_told:
            self._lost_told = False
            self._tell([StreamRestored(ts_ns=0)])

    async def _snapshot(self) -> None:
        """Take the day's orders as the broker shows them; raises Unreachable."""
        for order in await self._venue.orders(since_ns=self._session.open_ns - 10**12):
            intent = self._find(order)
            if intent is not None and not intent.ended:
                self._show(intent, order)

    async def _resume(self) -> None:
        """Go on with the orders of before a restart: what never left is sent, if it protects."""
        for intent in list(self._intents.values()):
            if not intent.restored or intent.ended:
                continue
            intent.restored = False
            if intent.carriers:
                if not intent.resting:
                    self._nursery.start_soon(self._watch, intent)
                elif intent.wanted_stop_micro != intent.shown_stop_micro and not intent.silent:
                    symbol, name = intent.order.symbol, intent.order.order_id
                    await self._queue(symbol, self._move, name, intent.wanted_stop_micro)
            elif intent.stale or intent.silent:
                self._end(intent, "Rotor was not running when it was to be sent")
            else:
                await self._queue(intent.order.symbol, self._submit, intent.approved)

    async def _compare(self) -> None:
        """Ask every half minute whether the broker holds what the trader thinks it holds.

        A difference is looked at again once what is on its way has come, then in a snapshot of the
        orders; what is left of it stops entries.
        """
        differing = 0
        while True:
            await pause(self._clock, SECOND_LOOK_SECONDS if differing == 1 else COMPARE_SECONDS)
            if self.down not in ("", self._difference) or not self.idle:
                continue
            try:
                held = await self._held()
                ours = {symbol: shares for symbol, shares in self._book().items() if shares}
                if held == ours or self._pending():
                    differing = 0
                    self._agree(agrees=held == ours)
                    continue
                if differing == 1:
                    await self._snapshot()
            except Unreachable:
                continue  # the stream stands: nothing is known to be wrong
            differing += 1
            if differing > 2:
                words = f"the broker holds {_words(held)}, the book {_words(ours)}"
                self._difference = words
                await self._hear(Lost(words))

    def _agree(self, *, agrees: bool) -> None:
        """Trust the stream again once the positions that differed are the same."""
        if agrees:
            self._agreed_ns = self._clock.now_ns()
        if agrees and self._difference:
            self._difference = self.down = ""
            self._restored()

    async def _held(self) -> dict[str, int]:
        return {h.symbol: h.shares for h in await self._venue.holdings() if h.shares}

    def _pending(self) -> bool:
        return any(not i.ended and not i.resting for i in self._intents.values())


def _crossed(quote: Quote) -> str:
    return f"the market is crossed: {quote.bid:g} × {quote.ask:g}" if quote.bid > quote.ask else ""


def _wide(quote: Quote, config: Config) -> str:
    spread = 100 * (quote.ask - quote.bid) / quote.bid if quote.bid > 0 else 100.0
    most = config.live.max_spread_pct
    return f"the spread is {spread:.2f}% (at most {most:g}%)" if spread > most else ""


def _words(held: Mapping[str, int]) -> str:
    return ", ".join(f"{shares:,} {symbol}" for symbol, shares in sorted(held.items())) or "nothing"
