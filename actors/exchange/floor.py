"""The floor: market, accounts, streams, clock; what every request and every minute works on.

KEY INPUT: a market, a configuration, a pace.
KEY OUTPUT: accounts by key pair; minutes that end; messages to the streams.
"""

from collections.abc import Callable

from actors.exchange.account import Account, Told
from actors.exchange.bounds import ACCOUNTS, Callers
from actors.exchange.broker import Broker
from actors.exchange.clients import Clients
from actors.exchange.clock import Bell, SessionClock
from actors.exchange.deeds import Deeds
from actors.exchange.faults import Faults
from actors.exchange.market import Market
from actors.exchange.market_stream import MarketStream
from actors.exchange.matching import Matching
from actors.exchange.trade_stream import TradeStream
from actors.exchange.wire import Json
from engine.config import Config


class Floor:
    """Everything that an exchange is, but for the wires."""

    def __init__(self, market: Market, config: Config, *, speed: float | None) -> None:
        self.market = market
        self.config = config
        self.bell = Bell()
        self.clock = SessionClock(market.session.open_ns, self.bell, speed=speed)
        self.callers = Callers()
        self.clients = Clients(self.bell)
        self.matching = Matching(market, config)
        self.broker = Broker(self.matching, self.clock)
        self.deeds = Deeds(self)
        self.faults = Faults(self)
        self.matching.pieces, self.matching.thinning = self.faults.pieces, self.faults.thinning
        self.matching.postpones = self.faults.postpones
        self.broker.cancel_ns = self.faults.cancel_ns
        self.trades = TradeStream(self)
        self.data = MarketStream(self)
        self.accounts: dict[tuple[str, str], Account] = {}
        self.clock_listeners: set[Callable[[Json], None]] = set()
        self._told = 0

    def account(self, key: str, secret: str) -> Account | None:
        """Return the account of a key pair, which may be a new one; None if there are too many."""
        pair = (key, secret)
        if pair not in self.accounts:
            if len(self.accounts) >= ACCOUNTS:
                return None
            again = sum(1 for known, _ in self.accounts if known == key)
            name = f"{key}#{again + 1}" if again else key
            account = Account(key, name, self.market.session, self.config, self._tell)
            account.contact.order_stream.begin(self.clock.now_ns)
            self.accounts[pair] = account
        return self.accounts[pair]

    def end_minute(self, minute: int) -> bool:
        """End a minute of the session (−1: before the bell): match what rests, begin the next.

        Returns whether anything was reported.
        """
        told = self._told
        for account in self.accounts.values():
            if minute >= 0:
                self.matching.end_minute(account, minute)
            account.used.clear()
        self.market.minute = minute + 1
        if minute + 1 == self.market.session.minutes:
            for account in self.accounts.values():
                self.matching.expire(account, self.market.session.close_ns)
        return self._told > told

    def publish(self, minute: int) -> None:
        """Tell a minute's bars and the next one's quotes; fill what waits for its open."""
        self.market.published = minute + 1
        self.data.publish(minute)
        if self.market.open:
            for account in self.accounts.values():
                self.matching.open_minute(account, self.clock.now_ns)

    def tell_clock(self) -> None:
        """Tell every clock connection how the clock stands."""
        said = self.clock_state()
        for listener in tuple(self.clock_listeners):
            listener(said)

    def clock_state(self) -> Json:
        """Return how the clock stands."""
        clock, session = self.clock, self.market.session
        return {
            "now": clock.now_ns,
            "mode": "lockstep" if clock.lockstep else "speed",
            "speed": clock.speed,
            "paused": clock.paused,
            "date": str(session.date),
            "open": session.open_ns,
            "close": session.close_ns,
        }

    def _tell(self, told: Told) -> None:
        self._told += 1
        self.trades.publish(told)
