"""The last look before an order goes: at the market for an entry, at the shares for an exit.

KEY INPUT: an order; what the broker quotes and holds at that moment.
KEY OUTPUT: why it must not go, in words; empty if it may.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

import trio

from actors.intents import Intent
from actors.session_clock import SessionClock, move_on_after
from actors.trust import Trust
from actors.venue import Quote, Unreachable, Venue
from engine.config import Config
from engine.events import OcoOrder, Order, Side
from engine.trading.exposure import limit_micro

CONNECT_SECONDS = 10.0
"""How long an entry waits for the order stream's first connection."""

Met = Callable[[str, Quote], None]
"""Told, by order id, of the quote that an order met."""


class LastLook:
    """Asks, and notes the middle of the quote that an order meets."""

    def __init__(
        self, venue: Venue, clock: SessionClock, trust: Trust, config: Config, met: Met
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._trust = trust
        self._config = config
        self._met = met

    async def refusal(self, order: Order, intent: Intent) -> str:
        """Return why an entry or exit must not be sent."""
        if order.entry:
            return await self._entry(order, intent)
        return await self._exit(order, intent)

    async def _entry(self, order: Order, intent: Intent) -> str:
        async with move_on_after(self._clock, CONNECT_SECONDS):
            await self._trust.ready.wait()
        if self._trust.down:
            return f"entries wait: {self._trust.down}"
        try:
            quote = (await self._venue.quotes([order.symbol])).get(order.symbol)
        except Unreachable as error:
            return f"no quote: {error}"
        if quote is None:
            return "no quote"
        self._meet(intent, quote)
        return _crossed(quote) or _wide(quote, self._config)

    async def _exit(self, order: Order, intent: Intent) -> str:
        """Return why an exit must not go: the shares are not there, so that it would sell short.

        Where that cannot be had within a second it goes all the same. The market that it meets is
        noted on the way.
        """
        quotes: dict[str, Quote] = {}
        held: Mapping[str, int] | None = None

        async def ask_quote() -> None:
            with suppress(Unreachable):
                quotes.update(await self._venue.quotes([order.symbol]))

        async def ask_held() -> None:
            nonlocal held
            with suppress(Unreachable):
                held = {h.symbol: h.shares for h in await self._venue.holdings()}

        async with move_on_after(self._clock, 1.0), trio.open_nursery() as nursery:
            nursery.start_soon(ask_quote)
            nursery.start_soon(ask_held)
        quote = quotes.get(order.symbol)
        if quote is not None:
            self._meet(intent, quote)
            if intent.flattens:
                touch = quote.bid if order.side is Side.SELL else quote.ask
                intent.limit_micro = limit_micro(touch, order.side.sign, self._config)
        return _short(order, held)

    async def short(self, intent: Intent) -> str:
        """Return why an exit must not be sent again: the shares are not there any more."""
        held: Mapping[str, int] | None = None
        async with move_on_after(self._clock, 1.0):
            with suppress(Unreachable):
                held = {h.symbol: h.shares for h in await self._venue.holdings()}
        return _short(intent.order, held)

    def _meet(self, intent: Intent, quote: Quote) -> None:
        intent.reference = (quote.bid + quote.ask) / 2
        self._met(intent.order.order_id, quote)


def _short(order: Order | OcoOrder, held: Mapping[str, int] | None) -> str:
    there = order.shares if held is None else -order.side.sign * held.get(order.symbol, 0)
    return "" if there >= order.shares else f"the broker holds {max(0, there):,} shares"


def _crossed(quote: Quote) -> str:
    return f"the market is crossed: {quote.bid:g} × {quote.ask:g}" if quote.bid > quote.ask else ""


def _wide(quote: Quote, config: Config) -> str:
    spread = 100 * (quote.ask - quote.bid) / quote.bid if quote.bid > 0 else 100.0
    most = config.live.max_spread_pct
    return f"the spread is {spread:.2f}% (at most {most:g}%)" if spread > most else ""
