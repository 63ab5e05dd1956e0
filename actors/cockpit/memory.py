"""What a session's pages have told so far, each event taken once and in order.

KEY INPUT: the page in progress as far as it goes, and closed pages.
KEY OUTPUT: Memory: the parts that views are built from.
"""

from collections.abc import Callable

from actors.cockpit.beside import Beside
from actors.cockpit.day import Base, Day
from actors.cockpit.feed import Feed
from actors.cockpit.flatten import Flattenings
from actors.cockpit.lane import Lane
from actors.cockpit.log import Log
from actors.cockpit.moments import happened_ns
from actors.cockpit.orders import OrderBook
from actors.cockpit.slots import Slots
from actors.cockpit.trades import trade_view
from actors.cockpit.views import TradeView
from actors.desk import Desk
from engine.events import (
    CommandGiven,
    ConfigChanged,
    Event,
    Liquidate,
    RoundTripClosed,
    ShadowClosed,
)
from engine.market.frames import MINUTE_NS, Session
from engine.records.page import Page, Trade


class Memory:
    """One session at a time; the next one begins it anew."""

    def __init__(self, desk: Desk, symbols: int, now_ns: Callable[[], int], log: Log) -> None:
        self._desk = desk
        self._symbols = symbols
        self._now_ns = now_ns
        self.log = log
        self.taken = 0
        """Grows with everything that is taken."""
        self.base = self._base()
        self._page: Page | None = None
        self._read = 0
        self._closed: Page | None = None

    def begin(self, session: Session) -> None:
        """Forget the session before."""
        self.day = Day(session, self._symbols, self.base)
        self.feed = Feed()
        self.orders = OrderBook()
        self.slots = Slots()
        self.lane = Lane()
        self.flattening = Flattenings()
        self.beside = Beside()
        self.trips: list[RoundTripClosed] = []
        self.trades: list[TradeView] = []
        self.shadows: list[ShadowClosed] = []
        self.changes: list[ConfigChanged] = []
        self.barred: set[str] = set()
        """Liquidated by hand."""
        self._latest_ns = 0

    def catch_up(self, page: Page) -> None:
        """Take what has come to the page in progress."""
        if page is self._closed:
            return
        if page is not self._page:
            self._page, self._read = page, 0
            if page.block.first == 0:
                self.begin(page.block.session)
        entries = page.entries
        for place in range(self._read, len(entries)):
            self._take(place, entries[place][1])
        self._read = len(entries)

    def close(self, page: Page) -> None:
        """Take a page that is closed: its bars and signals have come."""
        read = self._read if page is self._page else 0
        if page is not self._page and page.block.first == 0:
            self.begin(page.block.session)
        self._page, self._closed = None, page
        events = [event for _, event in page.entries if not isinstance(event, ShadowClosed)]
        self.shadows += [e for _, e in page.entries if isinstance(e, ShadowClosed)]
        for place, event in enumerate(events):
            if place < read:
                self.feed.correct(place, event)
            else:
                self._take(place, event)
        self.feed.close_page()
        self.day.page(page, allow_short=self._desk.config.rotation.allow_short)
        self.taken += 1
        if page.block.first + len(page.block) == page.block.session.minutes:
            self.base = self._base()

    def _base(self) -> Base:
        desk = self._desk
        return Base.of(desk.stats, desk.refusals, desk.state.ledger.realised_micro)

    def _take(self, place: int, event: Event | Trade) -> None:
        self.taken += 1
        at_ns = self._latest_ns = max(self._latest_ns, happened_ns(event))
        ns = self._moment(at_ns)
        self.flattening.take(ns, event, self.orders)
        self.feed.take(at_ns, place, event)
        self.orders.take(at_ns, event)
        self.lane.take(ns, event)
        self.log.take(ns, event, self.feed)
        match event:
            case Trade(fill=fill, booking=booking):
                self.day.trade(event)
                if booking.first:
                    self.slots.open(fill.symbol)
                if booking.closed is not None and not booking.orphan:  # it may stand beside ours
                    self.slots.close(fill.symbol)
            case RoundTripClosed():
                self.trips.append(event)
                self.trades.append(trade_view(event))
            case ConfigChanged():
                self.changes.append(event)
            case CommandGiven(command=Liquidate(symbol=symbol)) if symbol is not None:
                self.barred.add(symbol)

    def _moment(self, ns: int) -> int:
        """Return now for what has just happened; a minute is all that a restart knows of it."""
        now = self._now_ns()
        return now if ns <= now < ns + MINUTE_NS else ns
