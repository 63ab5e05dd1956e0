"""The venue: Alpaca in the terms of actors.venue.

KEY INPUT: keys, paper or real money, an endpoint (a local exchange) or none, approved orders.
KEY OUTPUT: answers, and two streams.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import trio
from alpaca.data.enums import Adjustment

from actors.alpaca.activities import activities
from actors.alpaca.connection import Bridge
from actors.alpaca.decode import Decoder
from actors.alpaca.facts import Facts
from actors.alpaca.hard_limits import HardLimits
from actors.alpaca.history import History
from actors.alpaca.keys import Keys
from actors.alpaca.listeners import OPENING_SECONDS, BarListener, OrderListener
from actors.alpaca.orders import request_of, stop_request
from actors.alpaca.outcome import Refusal, Reply, answer_of, payload_of, readable
from actors.alpaca.past_orders import NESTED, past_orders
from actors.alpaca.quotes import Quotes
from actors.alpaca.rest import Clock, Deadlines, Rest
from actors.alpaca.scalars import new_york_day, time_ns
from actors.alpaca.streams import BackOff, Stream
from actors.venue import (
    Account,
    Activity,
    Answer,
    Bar,
    BrokerOrder,
    Connected,
    Holding,
    Lost,
    Quote,
    Rejected,
    Unreachable,
    Update,
)
from engine.config import Live
from engine.errors import BadInputError
from engine.events import Approved, OcoOrder, Order, Side

_NOT_FOUND = 404
_WITH_LEGS = {"oco", "oto", "bracket"}


class AlpacaVenue:
    """Orders, questions and streams of one Alpaca account; implements actors.venue.Venue."""

    def __init__(
        self,
        keys: Keys,
        *,
        paper: bool,
        clock: Clock,
        endpoint: str | None = None,
        live: Live | None = None,
        deadlines: Deadlines | None = None,
        data_timeout: float | None = None,
        back_off: Callable[[], BackOff] = BackOff,
        bridge_capacity: int = 4096,
        sleep: Callable[[float], Awaitable[object]] = trio.sleep,
        trading_per_minute: int = 200,
        data_per_minute: int = 200,
    ) -> None:
        """Open nothing yet.

        `endpoint` is a local exchange, http://127.0.0.1:PORT. `data_timeout`: seconds of wall time
        without a bar after which the bar stream connects again; None leaves that to a watchdog
        that knows the session. `sleep` waits between connections. Rates hold
        until the server's headers say more.
        """
        self.bars_seen = self.updates_seen = 0
        """What came and has gone into a channel, or was put away (or could not be read)."""
        live = live or Live()
        self._keys, self._paper, self._feed, self._clock = keys, paper, live.feed, clock
        self._streams_at = _streams_at(endpoint)
        self._counted = endpoint is not None  # a local exchange's time waits for what we count
        self._data_timeout = data_timeout
        self._capacity = bridge_capacity
        self._sleep = sleep
        self._back_off = back_off
        self._decoder = Decoder()
        self._quotes = Quotes(self._decoder)
        self.limits = HardLimits(live)
        self._rest = Rest(
            keys,
            paper=paper,
            endpoint=endpoint,
            deadlines=deadlines or Deadlines(),
            clock=clock,
            trading_per_minute=trading_per_minute,
            data_per_minute=data_per_minute,
            sleep=sleep,
        )
        self.facts = Facts(self._rest.trading)
        self.history = History(self._rest.data, self._decoder, live.feed, Adjustment.SPLIT)
        self._bar_stream: Stream[Bar] | None = None
        self._order_stream: Stream[Update] | None = None

    @property
    def fees_at_once(self) -> bool:
        """Return whether a fill's fees leave the cash with it: a local exchange's do."""
        return self._counted

    @property
    def waiting(self) -> bool:
        """Return whether an answer, or a connection, is on its way."""
        streams = (self._bar_stream, self._order_stream)
        return self._rest.in_flight > 0 or any(s is not None and s.opening for s in streams)

    @property
    def streams_up(self) -> int:
        """Return how many streams stand, as far as is known here."""
        streams = (self._bar_stream, self._order_stream)
        return sum(s is not None and s.up for s in streams)

    @property
    def oddities(self) -> dict[str, int]:
        """Return what could not be read, or was new, and how often."""
        return dict(self._decoder.oddities)

    async def submit(self, approved: Approved[Order | OcoOrder]) -> Answer:
        """Send an order once; entries are marketable limits, immediate or cancel."""
        order = approved.order
        day = new_york_day(self._clock())
        refusal = self.limits.refusal(approved, day)
        if refusal is not None:
            return Rejected(refusal)
        request = request_of(approved)
        self.limits.sent(day)
        urgent = isinstance(order, OcoOrder) or not order.entry
        outcome = await self._rest.trading.send(
            lambda client: client.submit_order(request), urgent=urgent
        )
        return answer_of(outcome, self._decoder)

    async def cancel(self, broker_id: str) -> Answer | None:
        """Ask for a cancellation; None if it is under way, Rejected if there is nothing to."""
        if not _is_id(broker_id):
            return Rejected(f"{broker_id!r} is no order id of the broker's")
        outcome = await self._rest.trading.send(
            lambda client: client.cancel_order_by_id(broker_id), urgent=True
        )
        return None if isinstance(outcome, Reply) else answer_of(outcome, self._decoder)

    async def close(self, symbol: str) -> Answer:
        """Close a position at the market, whoever opened it: for the watchdog."""
        outcome = await self._rest.trading.send(
            lambda client: client.close_position(symbol), urgent=True
        )
        return answer_of(outcome, self._decoder)

    async def move_stop(
        self, broker_id: str, stop_micro: int, client_id: str, side: Side = Side.SELL
    ) -> Answer:
        """Replace a resting stop by one at another level; `side` is the stop's own."""
        if not _is_id(broker_id):
            return Rejected(f"{broker_id!r} is no order id of the broker's")
        request = stop_request(side, stop_micro, client_id)
        outcome = await self._rest.trading.send(
            lambda client: client.replace_order_by_id(broker_id, request), urgent=True
        )
        return answer_of(outcome, self._decoder)

    async def order(self, client_id: str) -> BrokerOrder | None:
        """Return the order of this client id, with its legs; None if there is none."""
        trading = self._rest.trading
        outcome = await trading.send(
            lambda client: client.get_order_by_client_id(client_id), urgent=True
        )
        if isinstance(outcome, Refusal) and outcome.status == _NOT_FOUND:
            return None
        payload = payload_of(outcome)
        if isinstance(payload, dict) and _lacks_legs(payload):
            broker_id = str(payload.get("id"))
            payload = await trading.ask(
                lambda client: client.get(f"/orders/{broker_id}", NESTED),
                urgent=True,
            )
        return readable(self._decoder.order(payload), f"the order {client_id}")

    async def orders(self, *, since_ns: int | None = None) -> list[BrokerOrder]:
        """Return open orders, or all submitted since a moment, oldest first, legs nested."""
        payloads = await past_orders(self._rest.trading, since_ns)
        today = new_york_day(self._clock())
        self.limits.note_orders(today, sum(_day(payload) == today for payload in payloads))
        read = map(self._decoder.order, payloads)
        return [order for order in read if order is not None]

    async def holdings(self) -> list[Holding]:
        """Return all positions of the account."""
        payload = await self._rest.trading.ask(lambda client: client.get_all_positions())
        if not isinstance(payload, list):
            raise Unreachable("the list of positions cannot be read")
        holdings = [readable(self._decoder.holding(each), "a position") for each in payload]
        self.limits.note_holdings({holding.symbol: holding.shares for holding in holdings})
        return holdings

    async def account(self) -> Account:
        """Return the account."""
        payload = await self._rest.trading.ask(lambda client: client.get_account())
        account = readable(self._decoder.account(payload), "the account")
        self.limits.equity_micro = account.equity_micro
        return account

    async def activities(self, since: dt.date) -> list[Activity]:
        """Return what moved the account's cash since a day, oldest first, fills left out."""
        payloads = await activities(self._rest.trading, since)
        read = map(self._decoder.activity, payloads)
        return [activity for activity in read if activity is not None]

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes, streamed or asked for; a symbol without one is missing."""
        quotes = self._streamed(symbols)
        missing = [symbol for symbol in symbols if symbol not in quotes]
        if missing:
            quotes |= await self.history.quotes(missing)
        for quote in quotes.values():
            self.limits.note_price(quote.symbol, (quote.bid + quote.ask) / 2)
        return quotes

    async def bars(self, symbols: Sequence[str], start_ns: int, end_ns: int) -> list[Bar]:
        """Return the minute bars that start in [start, end), by symbol and time, all pages."""
        return await self.history.bars(symbols, start_ns, end_ns)

    async def order_stream(self, out: trio.MemorySendChannel[Update | Connected | Lost]) -> None:
        """Send what happens to the account's orders; returns after a fatal Lost alone."""

        def listen(bridge: Bridge) -> OrderListener:
            return OrderListener(
                bridge,
                self._keys,
                url=self._streams_at and f"{self._streams_at}/stream",
                paper=self._paper,
                oddities=self._decoder.oddities,
                opening=OPENING_SECONDS,
            )

        self._order_stream = Stream(
            listen,
            self._read_update,
            self._saw_update,
            back_off=self._back_off(),
            capacity=self._capacity,
            sleep=self._sleep,
        )
        await self._order_stream.run(out)

    async def bar_stream(
        self, symbols: Sequence[str], out: trio.MemorySendChannel[Bar | Connected | Lost]
    ) -> None:
        """Send bars as they come; returns after a fatal Lost alone (keys, plan, symbol limit).

        The same connection hears the symbols' quotes, for `quotes`.
        """

        def listen(bridge: Bridge) -> BarListener:
            return BarListener(
                bridge,
                self._keys,
                symbols,
                self._quotes,
                url=self._streams_at and f"{self._streams_at}/v2/{self._feed}",
                feed=self._feed,
                counted=self._counted,
                data_timeout=self._data_timeout,
                oddities=self._decoder.oddities,
                opening=OPENING_SECONDS,
            )

        if not symbols:
            raise BadInputError("a bar stream needs a symbol")
        self._bar_stream = Stream(
            listen,
            self._read_bar,
            self._saw_bar,
            back_off=self._back_off(),
            capacity=self._capacity,
            sleep=self._sleep,
        )
        await self._bar_stream.run(out)

    def drop_orders(self, reason: str) -> None:
        """Break the order stream's connection, so that a new one is made."""
        if self._order_stream is not None:
            self._order_stream.drop(reason)

    def _streamed(self, symbols: Sequence[str]) -> dict[str, Quote]:
        if self._bar_stream is None or not self._bar_stream.up:
            return {}
        found = {symbol: self._quotes.at(symbol, self._clock()) for symbol in symbols}
        return {symbol: quote for symbol, quote in found.items() if quote is not None}

    def _read_update(self, payload: object) -> Update | None:
        update = self._decoder.update(payload)
        if update is not None and update.position is not None:
            self.limits.note_position(update.order.symbol, update.position)
        return update

    def _saw_update(self, items: int) -> None:
        self.updates_seen += items

    def _read_bar(self, payload: object) -> Bar | None:
        if not isinstance(payload, dict):
            return None
        bar = self._decoder.bar(payload.get("S"), payload, updated=payload.get("T") == "u")
        if bar is not None:
            self.limits.note_price(bar.symbol, bar.close)
        return bar

    def _saw_bar(self, items: int) -> None:
        self.bars_seen += items


def _streams_at(endpoint: str | None) -> str | None:
    if endpoint is None:
        return None
    scheme, found, rest = endpoint.rstrip("/").partition("://")
    if not found or scheme not in {"http", "https"}:
        raise BadInputError(f"{endpoint}: an endpoint is http://HOST:PORT")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}"


def _is_id(broker_id: str) -> bool:
    try:
        UUID(broker_id)
    except ValueError:
        return False
    return True


def _lacks_legs(payload: dict[str, object]) -> bool:
    return payload.get("order_class") in _WITH_LEGS and not payload.get("legs")


def _day(payload: object) -> str:
    at = time_ns(payload.get("submitted_at")) if isinstance(payload, dict) else None
    return "" if at is None else new_york_day(at)
