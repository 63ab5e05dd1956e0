"""The session's figures minute by minute, as its pages told them.

KEY INPUT: closed pages, fills.
KEY OUTPUT: Day: closes, equity, marks, ranks; what the running statistics were at its open.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from engine.market.frames import MINUTE_NS, PRESENT, Block, Session
from engine.records.page import Page, Trade
from engine.records.stats import RunStats
from engine.trading.refusals import Refusals

SPARK = 20
"""Closes in a row's sparkline."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a run had come to when the session began."""

    symbol_bars: int
    fills: int
    opened: int
    rotations: int
    round_trips: int
    forced: int
    cost_micro: int
    traded_micro: int
    realised_micro: int
    refusals: tuple[int, ...]
    """By gate."""

    @classmethod
    def of(cls, stats: RunStats, refusals: Refusals, realised_micro: int) -> "Base":
        """Return where they stand."""
        return cls(
            stats.symbol_bars,
            stats.fills,
            stats.positions_opened,
            stats.rotations,
            len(stats.round_trips),
            stats.forced_closes,
            stats.fee_micro + stats.slippage_micro,
            stats.traded_micro,
            realised_micro,
            tuple(refusals.counts.tolist()),
        )


@dataclass(slots=True)
class Day:
    """One session so far."""

    session: Session
    symbols: int
    base: Base
    minute: int = 0
    """Minutes that are over."""
    blocks: list[Block] = field(default_factory=list)
    closes: list[list[float | None]] = field(default_factory=list)
    """By minute: each symbol's close, None without a bar."""
    equity: list[float] = field(default_factory=list)
    """At the end of each minute."""
    marks: list[tuple[int, bool]] = field(default_factory=list)
    """(minute, True for an entry) of positions opened and closed."""
    fills: list[tuple[int, str, bool, float]] = field(default_factory=list)
    """(minute, symbol, True for an entry, price)."""
    last_bar_ns: int | None = None
    ranks: tuple[list[int], list[int]] = ([], [])
    """Of the minute before the last, and of the last, by column; 0: not ranked."""

    def trade(self, trade: Trade) -> None:
        """Take a fill."""
        fill, booking = trade.fill, trade.booking
        minute = (fill.ts_ns - self.session.open_ns) // MINUTE_NS
        self.fills.append((minute, fill.symbol, booking.entry, fill.price_micro / 1e6))
        if booking.first or booking.closed is not None:
            self.marks.append((minute, booking.entry))

    def page(self, page: Page, *, allow_short: bool) -> None:
        """Take a closed page."""
        block = page.block
        self.blocks.append(block)
        there = block.bars[:, :, PRESENT] != 0.0
        for t, (row, present) in enumerate(zip(block.close.tolist(), there.tolist(), strict=True)):
            self.closes.append([c if p else None for c, p in zip(row, present, strict=True)])
            if any(present):
                self.last_bar_ns = block.ts_ns(t)
        self.minute = block.first + len(block)
        if page.trading:
            self.equity += page.equity.tolist()
            for t in range(max(0, len(block) - 2), len(block)):
                self.ranks = self.ranks[1], _ranked(page, t, allow_short=allow_short)

    def block(self) -> Block | None:
        """Return the minutes so far in one block; None before the first."""
        if not self.blocks:
            return None
        bars, universe = ([getattr(b, n) for b in self.blocks] for n in ("bars", "universe"))
        return Block(
            self.session, 0, self.blocks[0].symbols, np.concatenate(bars), np.concatenate(universe)
        )

    def spark(self, column: int) -> tuple[float | None, ...]:
        """Return a symbol's last closes, newest last."""
        return tuple(row[column] for row in self.closes[-SPARK:])

    def rank(self, column: int) -> int | None:
        """Return the symbol's rank; None if it is not ranked."""
        return (self.ranks[1][column] or None) if self.ranks[1] else None

    def rank_change(self, column: int) -> int:
        """Return the ranks gained since the minute before."""
        before, now = self.ranks
        if not (before and before[column] and now[column]):
            return 0
        return before[column] - now[column]

    def equity_spark(self, points: int, start: float) -> tuple[float | None, ...]:
        """Return so many points of the session's equity, evenly spaced; flat before the open."""
        if not self.equity:
            return (start,) * points
        last = len(self.equity) - 1
        return tuple(self.equity[round(i * last / (points - 1))] for i in range(points))


def _ranked(page: Page, t: int, *, allow_short: bool) -> list[int]:
    ranking = page.ranking
    columns = zip(
        ranking.rank[t].tolist(), ranking.direction[t].tolist(), ranking.strength[t].tolist(),
        page.block.close[t].tolist(), strict=True,
    )  # fmt: skip
    return [
        rank
        if (side > 0 or (side < 0 and allow_short)) and strength > 0.0 and not math.isnan(close)
        else 0
        for rank, side, strength, close in columns
    ]
