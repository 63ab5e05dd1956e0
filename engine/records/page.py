"""What the supervisor hands to the journal: everything about the frames of one block.

KEY INPUT: one block, its signals and ranking as arrays, and the events in order.
KEY OUTPUT: a Page; rows are made of it only when they are written, never held as dicts.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.events import Decision, Event, OrderFilled
from engine.market.frames import Block, Floats
from engine.trading.lots import Booking
from engine.trading.ranking import Ranking


class Trade(NamedTuple):
    """A fill with what it did to the book: one row of trades.jsonl."""

    fill: OrderFilled
    decision: Decision
    """The decision behind it."""
    booking: Booking
    reason: str
    """On exits: the words of the decision that made it."""
    by_hand: bool = False
    """True if it was no order of ours."""
    unpriced: bool = False
    """True if no cash moved: its price is the last mark, its value was added to the account."""


@dataclass(frozen=True, slots=True)
class Held:
    """An open position as positions.jsonl shows it."""

    symbol: str
    column: int
    """NOWHERE (−1): the symbol has no bars here, and is shown at its cost."""
    direction: int
    shares: int
    entry_price: float
    entry_ts_ns: int
    orphan: bool = False
    """True if Rotor did not open it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive frames [start, stop) of a block with the same book."""

    start: int
    stop: int
    cash_micro: int
    held: tuple[Held, ...]
    """Sorted by symbol."""


@dataclass(slots=True, eq=False)
class Page:
    """A block's worth of records."""

    block: Block
    trading: bool
    """False for warm-up: only events are written."""
    signals: Floats
    """(T, S, 6): the predictors' values, columns of engine.learning.signals."""
    ranking: Ranking
    equity: Floats
    """(T,) USD at each frame's close."""
    levels: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Symbol → stop and target that rest when the block begins, micro-dollars."""
    spans: list[Span] = field(default_factory=list)
    """They cover all T frames, in order; empty for warm-up."""
    entries: list[tuple[int, Event | Trade]] = field(default_factory=list)
    """(frame, what happened), in order; a fill appears once, as a Trade."""
