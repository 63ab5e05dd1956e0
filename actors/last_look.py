"""The last look before an order goes: at the market for an entry, at the shares for what closes.

KEY INPUT: an order; what the broker quotes and holds at that moment, or is known to hold.
KEY OUTPUT: why it must not go, in words; empty if it may, for as many shares as are held.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

import trio

from actors.holdings import Holdings
from actors.intents import Intent
from actors.session_clock import SessionClock, move_on_after, pause
from actors.trust import Trust
from actors.venue import Quote, Unreachable, Venue
from engine.config import Config
from engine.events import Order, Side
from engine.trading.exposure import limit_micro

CONNECT_SECONDS = 10.0
"""How long an entry waits for the order stream's first connection."""

UNKNOWN_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Between two questions for the holdings while nothing is known of them."""
HOLDS_NONE = "the broker holds none"
_log = logging.getLogger("rotor")

Met = Callable[[str, Quote], None]
"""Told, by order id, of the quote that an order met."""


class LastLook:
    """Asks, and notes the middle of the quote that an order meets."""

    def __init__(
        self,
        venue: Venue,
        clock: SessionClock,
        trust: Trust,
        config: Config,
        holdings: Holdings,
        met: Met,
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._trust = trust
        self._config = config
        self._holdings = holdings
        self._met = met

    async def entry(self, order: Order, intent: Intent) -> str:
        """Return why an entry must not be sent."""
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

    async def exit(self, order: Order, intent: Intent) -> str:
        """Return why an exit must not be sent: none of its shares are there to be sold.

        Where the broker does not say within a second what it holds, what is known of that stands.
        The market that the exit meets is noted on the way.
        """
        quotes: dict[str, Quote] = {}

        async def ask_quote() -> None:
            with suppress(Unreachable):
                quotes.update(await self._venue.quotes([order.symbol]))

        async with move_on_after(self._clock, 1.0), trio.open_nursery() as nursery:
            nursery.start_soon(ask_quote)
            nursery.start_soon(self._ask)
        quote = quotes.get(order.symbol)
        if quote is not None:
            self._meet(intent, quote)
            if intent.flattens:
                touch = quote.bid if order.side is Side.SELL else quote.ask
                intent.limit_micro = limit_micro(touch, order.side.sign, self._config)
        return self.fit(intent)

    async def held(self, intent: Intent) -> str:
        """Return why what closes must not be sent; the broker is asked where it may be too much."""
        self.fit(intent)
        return "" if intent.most is None else await self.again(intent)

    async def again(self, intent: Intent) -> str:
        """Ask for the holdings after a refusal; return why the order must not be sent again."""
        async with move_on_after(self._clock, 1.0):
            await self._ask()
        return self.fit(intent)

    async def known(self, intent: Intent) -> str:
        """Wait until it is known how much is held; return that it is not, after a minute."""
        symbol, told = intent.order.symbol, False
        for wait in UNKNOWN_SECONDS:
            if self._holdings.shares(symbol) is not None:
                return ""
            async with move_on_after(self._clock, 1.0):
                await self._ask()
            if self._holdings.shares(symbol) is not None:
                return ""
            if not told:
                told = True
                words = f"{symbol}: what the broker holds is not known: nothing is sold until it is"
                _log.warning("%s", words)
                self._trust.lose(words, "positions")
            await pause(self._clock, wait)
        return "what the broker holds is not known"

    def fit(self, intent: Intent) -> str:
        """Let an order ask for no more shares than are known to be held."""
        order = intent.order
        held = self._holdings.sellable(order.symbol, order.side.sign)
        rest = order.shares - intent.filled
        if not held:
            intent.most = intent.filled
            return HOLDS_NONE
        intent.most = intent.filled + held if held < rest else None
        return ""

    async def _ask(self) -> None:
        with suppress(Unreachable):
            await self._holdings.ask()

    def _meet(self, intent: Intent, quote: Quote) -> None:
        intent.reference = (quote.bid + quote.ask) / 2
        self._met(intent.order.order_id, quote)


def _crossed(quote: Quote) -> str:
    return f"the market is crossed: {quote.bid:g} × {quote.ask:g}" if quote.bid > quote.ask else ""


def _wide(quote: Quote, config: Config) -> str:
    spread = 100 * (quote.ask - quote.bid) / quote.bid if quote.bid > 0 else 100.0
    most = config.live.max_spread_pct
    return f"the spread is {spread:.2f}% (at most {most:g}%)" if spread > most else ""
