"""What the builders of views look at: the desk, the last closed minute, what the pages told.

KEY INPUT: a desk and its session's memory.
KEY OUTPUT: Scene, with the few questions that several builders ask.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.cockpit.day import Day
from actors.cockpit.orders import Carried, Carrying, OrderBook
from actors.cockpit.slots import Slots
from actors.cockpit.views import Link, Mode, TransportView
from actors.desk import Desk
from actors.mailbox import Mailbox
from actors.predictor import Learner
from actors.views import price_of
from engine.config import Config
from engine.market.frames import Block, Session
from engine.trading.exposure import measure
from engine.trading.frame import FrameView
from engine.trading.sizing import Exposure
from engine.trading.state import NOWHERE, State


def _nothing_waits(_order_id: str) -> Carried:
    return "over"  # a simulated broker has what it was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What does not change while a session runs."""

    mode: Mode
    symbols: tuple[str, ...]
    """Sorted."""
    run_id: str
    folder: Path | None = None
    account: str = ""
    """Masked."""
    readonly: bool = False
    recorded: bool = False
    session: Session | None = None
    """Of a live session; a replay's comes with its pages."""


@dataclass(slots=True, kw_only=True)
class Outside:
    """Whom to ask for what the desk does not know."""

    now_ns: Callable[[], int]
    """The session's time."""
    span_ns: Callable[[float], int] = lambda seconds: round(seconds * 1e9)
    """Of a grace of so many seconds, as the session's clock has it."""
    feed: Callable[[], Link] = lambda: "none"
    orders: Callable[[], Link] = lambda: "none"
    orders_down: Callable[[], str] = lambda: ""
    """Why the order stream is not to be trusted."""
    carrying: Carrying = _nothing_waits
    flat_since: Callable[[int], bool] = lambda _: True
    """Whether the broker has said, since then, that it holds what the book does."""
    counts: Callable[[], tuple[tuple[str, int], ...]] = tuple
    """Of the feed."""
    transport: Callable[[], TransportView | None] = lambda: None
    """Of a replay."""
    mailboxes: Sequence[Mailbox[Any]] = ()
    learners: Sequence[Learner] = ()
    frame_ms: Sequence[float] = field(default_factory=list)
    """How long the last frames took."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of a session, once it has a page."""

    about: About
    outside: Outside
    desk: Desk
    frame: FrameView
    """The last minute that is over."""
    day: Day
    slots: Slots
    orders: OrderBook

    @property
    def state(self) -> State:
        """Return the trader's state."""
        return self.desk.state

    @property
    def config(self) -> Config:
        """Return the configuration in force."""
        return self.desk.config

    @property
    def block(self) -> Block:
        """Return the block of the last minute."""
        return self.frame.block

    @property
    def fresh(self) -> bool:
        """Return whether the last minute is one of the session: before its first, none is."""
        return self.block.session.date == self.day.session.date

    def price(self, symbol: str) -> float:
        """Return a symbol's last price, USD."""
        return price_of(self.state, self.block, self.frame.t, symbol)

    @property
    def equity(self) -> float:
        """Return cash and positions at their last prices, USD."""
        return self.state.ledger.equity({s: self.price(s) for s in self.state.ledger.positions})

    @property
    def session_open(self) -> float:
        """Return the equity at the session's open, USD."""
        return self.state.risk.session_open or self.state.cash

    @property
    def minute(self) -> int:
        """Return the minute that is open."""
        return self.frame.minute + 1

    def ranked(self, column: int) -> tuple[int | None, int, tuple[float | None, ...]]:
        """Return rank, ranks gained and last closes of a column; nothing for one that has none."""
        if column == NOWHERE:
            return None, 0, ()
        return self.day.rank(column), self.day.rank_change(column), self.day.spark(column)

    def own_strength(self, column: int, direction: int) -> float:
        """Return the strength of a side; 0 for a symbol without signals."""
        return 0.0 if column == NOWHERE else self.frame.own_strength(column, direction)

    @property
    def leaving(self) -> set[str]:
        """Return the symbols whose exit works."""
        return {w.order.symbol for w in self.state.working.values() if not w.order.entry}

    @property
    def entering(self) -> set[str]:
        """Return the symbols whose entry works."""
        return {w.order.symbol for w in self.state.working.values() if w.order.entry}

    def exposure(self) -> Exposure:
        """Return what the held positions put at risk, as sizing sees it."""
        positions = self.state.ledger.positions
        traded = sorted(positions.keys() & self.state.column)
        bound = [(self.state.column[symbol], positions[symbol]) for symbol in traded]
        return measure(
            self.state, self.frame, bound, {}, self.config.universe, free_slots=0, sent=0
        )


def masked(account: str) -> str:
    """Return an account's number with its middle hidden, such as PA3·····7K2."""
    return f"{account[:3]}·····{account[-3:]}" if len(account) > 6 else account
