"""A venue in one process: the exchange's own books and rules, on Trio's time, with random latency.

KEY INPUT: a session's bars, a seed.
KEY OUTPUT: actors.venue.Venue; answers, events and bars that take as long as the seed says.

It keeps the exchange's promise: what rests is matched at a minute's end, and told, before the
minute's bars are sent. Inside that the seed may do as it likes: answers overtake events, events
come twice, those of orders that are watched get lost, so do answers to orders that were taken;
symbols' bars come in any order.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
import trio
import trio.testing

from actors.alpaca.refusals import classify
from actors.alpaca.words import ended_by
from actors.exchange.account import Account
from actors.exchange.broker import Broker
from actors.exchange.market import Market
from actors.exchange.matching import Matching
from actors.exchange.order import Force, Kind
from actors.exchange.order import Status as At
from actors.exchange.refusal import Refusal
from actors.exchange.tickets import Change, Ticket
from actors.session_clock import TrioClock
from actors.venue import (
    Accepted,
    Bar,
    BrokerOrder,
    Connected,
    Holding,
    Quote,
    Rejected,
    Status,
    Unknown,
    Unreachable,
    Update,
)
from actors.venue import Account as Shown
from engine.events import MICRO, OcoOrder
from engine.market.frames import CLOSE, MINUTE_NS, Session
from engine.market.grid import Gridder

STATUS = {
    At.ACCEPTED: Status.PENDING, At.HELD: Status.PENDING, At.NEW: Status.WORKING,
    At.PENDING_CANCEL: Status.WORKING, At.PARTIALLY_FILLED: Status.PARTIAL,
    At.FILLED: Status.FILLED, At.CANCELED: Status.CANCELED, At.EXPIRED: Status.EXPIRED,
    At.REPLACED: Status.REPLACED, At.REJECTED: Status.REJECTED,
}  # fmt: skip


@dataclass(frozen=True)
class Latencies:
    """How long things take, in seconds of session time."""

    way: float = 0.4
    """The most that a question or its answer is on its way; a quote must be there in a second."""
    event: float = 3.0
    """The most that an event of an order is on its way; after 2 s the trader asks."""
    bars: float = 1.5
    """The most that a bar comes after its minute; a frame closes after 2 s."""
    twice: float = 0.1
    """The share of events that come twice."""
    lost: float = 0.1
    """The share of the events of watched orders that never come."""
    silent: float = 0.05
    """The share of answers that never come, though what was asked for was done."""


USUAL = Latencies()


class OneSession(Market):
    """The market of one session of any length, with nothing before it but last prices."""

    def __init__(self, session, symbols, bars, before, config):
        """`bars` are OHLCV (T, S, 5), NaN without one; `before` last prices (S,)."""
        self.session, self.symbols, self.costs = session, symbols, config.costs
        self.dates = (session.date,)
        self.minute, self.published = -1, 0
        self._column = {symbol: s for s, symbol in enumerate(symbols)}
        self._before = before
        self._bars = np.array(Gridder(symbols, [1.0] * len(symbols)).block(session, 0, bars).bars)


class _Now:
    """The exchange's clock as its broker reads it."""

    def __init__(self, clock):
        self._clock = clock

    @property
    def now_ns(self):
        return self._clock.now_ns()


class SimulatedVenue:
    """One account on one market; `run` drives its day."""

    def __init__(self, market, config, clock, seed, latencies=USUAL):
        self.market, self.clock, self.latencies = market, clock, latencies
        self.orders_seen = []
        """Client ids as they arrived."""
        self.activity = []
        self.fees_at_once = True
        self._rng = random.Random(seed)
        self._broker = Broker(Matching(market, config), _Now(clock))
        self.books = Account("key", "key", market.session, config, self._tell)
        self._events = []
        self._bars = []
        self._told = trio.Event()

    # --- the day --------------------------------------------------------------------------------

    async def run(self):
        """Match, tell and publish, minute by minute, and end the day's orders."""
        market, matching, books = self.market, self._broker.matching, self.books
        await self.clock.sleep_until(market.session.open_ns)
        for minute in range(-1, market.session.minutes):
            await self.clock.sleep_until(market.start_ns(minute + 1))
            if minute >= 0:
                matching.end_minute(books, minute)
            books.used.clear()
            market.minute = minute + 1
            if not market.open:
                matching.expire(books, self.clock.now_ns())
            await self._all_taken()
            market.published = minute + 1
            if minute >= 0:
                self._publish(minute)
            if market.open:
                matching.open_minute(books, self.clock.now_ns())

    def _publish(self, minute):
        shown = market_bars(self.market, minute)
        self._rng.shuffle(shown)
        for out in self._bars:
            for bar in shown:
                out.nursery.start_soon(self._deliver, out, bar, self.latencies.bars)

    async def _all_taken(self):
        """Return when every event has been delivered and the trader has done what follows."""
        while any(out.waiting for out in self._events):
            self._told = trio.Event()
            await self._told.wait()
        await trio.testing.wait_all_tasks_blocked()

    # --- the order stream -----------------------------------------------------------------------

    def _tell(self, told):
        order, done = told.order, told.execution
        watched = order.parent is None and order.twin is None
        update = Update(
            told.event, told.ts_ns, done.execution_id if done else "",
            done.shares if done else 0, done.price_micro if done else 0,
            shown_order(order), done.position if done else None,
        )  # fmt: skip
        if watched and self._rng.random() < self.latencies.lost:
            return
        copies = 1 + (self._rng.random() < self.latencies.twice)
        at_end = told.ts_ns % MINUTE_NS > MINUTE_NS - 1_000_000_000
        for out in self._events:
            for _ in range(copies):
                out.put(update, 0.2 if at_end else self.latencies.event)

    def drop_orders(self, reason):
        """Its streams are never mute."""
        raise AssertionError(reason)

    async def order_stream(self, out):
        """One connection: events in their order, each as late as the seed says."""
        await self._way()
        await out.send(Connected(1))
        async with trio.open_nursery() as nursery:
            line = _Line(out, nursery, self._rng)
            self._events.append(line)
            try:
                await line.run(self._delivered)
            finally:
                self._events.remove(line)

    def _delivered(self):
        self._told.set()

    async def bar_stream(self, symbols, out):
        """One connection; a minute's bars come in any order."""
        await self._way()
        await out.send(Connected(1))
        async with trio.open_nursery() as nursery:
            line = _Line(out, nursery, self._rng)
            self._bars.append(line)
            try:
                await trio.sleep_forever()
            finally:
                self._bars.remove(line)

    async def _deliver(self, line, bar, most):
        await trio.sleep(self._rng.uniform(0.0, most))
        await line.out.send(bar)

    # --- questions and orders -------------------------------------------------------------------

    async def _way(self):
        # most are quick, some are not
        await trio.sleep(self.latencies.way * self._rng.random() ** 3)

    async def _ask(self, act, *, sure=False):
        await self._way()
        answer = act()
        await self._way()
        if not sure and self._rng.random() < self.latencies.silent:
            raise Unreachable("silence")
        return answer

    async def _ordered(self, act):
        def attempt():
            try:
                return Accepted(shown_order(act()))
            except Refusal as refusal:
                code, words = refusal.body["code"], refusal.body["message"]
                return Rejected(words, code, classify(words, code), ended_by(words))

        try:
            return await self._ask(attempt)
        except Unreachable as silence:
            return Unknown(str(silence))

    async def submit(self, approved):
        """Send an order once."""
        order = approved.order
        self.orders_seen.append(order.order_id)
        return await self._ordered(lambda: self._broker.submit(self.books, ticket_of(order)))

    async def cancel(self, broker_id):
        """Ask for a cancellation."""
        answer = await self._ordered(lambda: self._cancel(broker_id))
        return answer if isinstance(answer, Rejected) else None

    def _cancel(self, broker_id):
        order = self.books.orders[broker_id]
        self._broker.cancel(self.books, order)
        return order

    async def move_stop(self, broker_id, stop_micro, client_id):
        """Replace a resting stop."""
        change = Change(
            shares=None, force=None, limit_micro=None, stop_micro=stop_micro, client_id=client_id
        )
        orders = self.books.orders
        return await self._ordered(
            lambda: self._broker.replace(self.books, orders[broker_id], change)
        )

    async def order(self, client_id):
        """Return the order of this client id."""
        known = self.books.by_client_id
        return await self._ask(
            lambda: shown_order(known[client_id]) if client_id in known else None
        )

    async def orders(self, *, since_ns=None):
        """Return the day's orders, legs nested."""
        return await self._ask(
            lambda: [
                shown_order(order)
                for order in self.books.orders.values()
                if order.parent is None and (since_ns is not None or order.live)
            ]
        )

    async def holdings(self):
        """Return all positions."""
        return await self._ask(
            lambda: [
                Holding(symbol, held.shares, held.cost_micro // abs(held.shares), 0)
                for symbol, held in self.books.holdings.items()
            ]
        )

    async def account(self):
        """Return the account."""
        cash = self.books.cash_micro
        return await self._ask(
            lambda: Shown(
                number=self.books.number, cash_micro=cash, equity_micro=cash,
                buying_power_micro=cash, blocked="", shorting=True, multiplier=1.0,
            )
        )  # fmt: skip

    async def activities(self, since):
        """Return what moved the cash, as a test has set it."""
        return await self._ask(lambda: list(self.activity))

    async def quotes(self, symbols):
        """Return the latest quotes."""
        # without a quote no entry is sent: that would be another day
        return await self._ask(
            lambda: {s: self._quote(s) for s in symbols if self._quote(s)}, sure=True
        )

    def _quote(self, symbol):
        found = self.market.quote(symbol)
        return Quote(symbol, *found, self.clock.now_ns()) if found else None

    async def bars(self, symbols, start_ns, end_ns):
        """Return the session's bars that were published."""
        return await self._ask(
            lambda: [
                bar
                for minute in range(self.market.published)
                for bar in market_bars(self.market, minute)
                if bar.symbol in symbols and start_ns <= bar.start_ns < end_ns
            ],
            sure=True,
        )


class _Line:
    """One connection: what is put into it comes out in order, late."""

    def __init__(self, out, nursery, rng):
        self.out, self.nursery, self._rng = out, nursery, rng
        self._sender, self._receiver = trio.open_memory_channel(math.inf)
        self.waiting = 0

    def put(self, message, most):
        """Send a message that takes up to so many seconds."""
        self.waiting += 1
        due = trio.current_time() + most * self._rng.random() ** 3
        self._sender.send_nowait((due, message))

    async def run(self, delivered):
        """Deliver for ever."""
        async for due, message in self._receiver:
            await trio.sleep_until(due)
            await self.out.send(message)
            self.waiting -= 1
            delivered()


def market_bars(market, minute):
    """Return the bars of a minute as a stream sends them."""
    return [Bar(symbol, start, *bar) for symbol, start, bar in market.ended(minute)]


def shown_order(order):
    """Return an order of the exchange as the venue shows it."""
    return BrokerOrder(
        client_id=order.client_id, broker_id=order.order_id, symbol=order.symbol, side=order.side,
        kind=str(order.kind), shares=order.shares, filled=order.filled,
        filled_price_micro=round(order.value_micro / order.filled) if order.filled else None,
        status=STATUS[order.status], said=str(order.status), stop_micro=order.stop_micro,
        limit_micro=order.limit_micro, updated_ns=order.updated_ns, replaces=order.replaces,
        legs=tuple(shown_order(leg) for leg in order.legs),
    )  # fmt: skip


def ticket_of(order):
    """Return the order as it is asked for."""
    asked = {
        "symbol": order.symbol, "side": order.side, "shares": order.shares,
        "client_id": order.order_id, "order_class": "simple", "limit_micro": None,
        "stop_micro": None, "extended_hours": False,
    }  # fmt: skip
    if isinstance(order, OcoOrder):
        asked |= {"target_micro": order.target_micro, "loss_micro": order.stop_micro}
        asked |= {"order_class": "oco", "limit_micro": order.target_micro}
        return Ticket(kind=Kind.LIMIT, force=Force.DAY, **asked)
    if order.limit_micro:
        asked["limit_micro"] = order.limit_micro
        return Ticket(kind=Kind.LIMIT, force=Force.IOC, **asked)
    return Ticket(kind=Kind.MARKET, force=Force.DAY, **asked)


def cut(session, minutes):
    """Return the session's first minutes as a session."""
    return Session(session.date, session.open_ns, session.open_ns + minutes * MINUTE_NS)


def open_venue(session, symbols, bars, warmup, config, seed, latencies=USUAL):
    """Return a venue of a session, and its clock, which starts half a minute before the bell."""
    before = np.full(len(symbols), np.nan)
    for _, earlier in warmup:
        gridder = Gridder(symbols, [1.0] * len(symbols))
        before = gridder.block(session, 0, earlier).bars[-1, :, CLOSE]
    clock = TrioClock(session.open_ns - MINUTE_NS // 2)
    market = OneSession(session, symbols, bars, before, config)
    return SimulatedVenue(market, config, clock, seed, latencies), clock


def start_cash(config):
    """Return the starting capital in micro-dollars."""
    return round(config.simulation.starting_capital * MICRO)
