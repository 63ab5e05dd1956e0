"""Evidence: the outcomes of signals as they come in, and what is learned of them.

KEY INPUT: each block with its signals and ranking; the fills that open and close positions.
KEY OUTPUT: shadows and round trips that closed, with their excursions; at a session's end a new
version of the calibration, which is in force from the next session on.
"""

import datetime as dt
from collections.abc import Sequence
from math import isnan

import numpy as np

from engine.cards import Signal
from engine.config import Config
from engine.events import (
    MICRO,
    Calibrated,
    OrderFilled,
    RoundTrip,
    RoundTripClosed,
    RoundTripVoided,
    ShadowClosed,
)
from engine.learning.calibration import Calibration, Matured, Verdict, interval
from engine.market.frames import HIGH, LOW, MINUTE_NS, Arrays, Block, Floats, above, below
from engine.trading.frame import signal_id
from engine.trading.ledger import Mended
from engine.trading.quality import Quality
from engine.trading.ranking import Ranking, RankingRules
from engine.trading.shadows import Closed, Shadows

Counts = dict[tuple[int, int], tuple[int, int]]
"""(column, direction) → round trips, won."""


class Evidence:
    """What the signals of a run have come to so far."""

    def __init__(self, symbols: Sequence[str], config: Config, *, now: str = "today") -> None:
        """`now` is what the trades of the running session are called."""
        self.now = now
        self._symbols = tuple(symbols)
        self.calibration = Calibration(
            len(symbols), half_life_sessions=config.quality.half_life_sessions
        )
        self._backtested: Counts = {}
        """Of the sessions up to `_until`."""
        self._until: dt.date | None = None
        self._today_traded: Counts = {}
        self.quality = Quality(self.calibration.fit, config.quality, self.words)
        self._shadows = Shadows(len(symbols))
        self._today: list[Matured] = []
        self._trips = 0
        self._ended: dict[str, list[RoundTripClosed]] = {}
        """By symbol, in order; what is held overnight may void one of an earlier session."""
        self._since: dict[int, int] = {}
        self._of_orphan: dict[int, bool] = {}
        self._seen: dict[int, tuple[float, float]] = {}

    def reload(self, config: Config) -> None:
        """Judge by new rules."""
        self.quality = self.quality.under(config.quality)

    def open_block(
        self, block: Block, signals: Floats, ranking: Ranking, rules: RankingRules, config: Config
    ) -> None:
        """Run the shadows of the next block."""
        self._block = block
        self._closed = self._shadows.run(block, signals, ranking, rules, config)
        self._since = dict.fromkeys(self._since, 0)

    def checkpoint(self) -> Arrays:
        """Return what sessions have taught; an open position is not part of it."""
        rows = [(*key, *counts) for key, counts in self._backtested.items()]
        return {
            "backtested": np.array(rows, np.int64).reshape(-1, 4),
            "until": np.array(0 if self._until is None else self._until.toordinal()),
            "before": np.array([] if self.quality.before is None else self.quality.before, bool),
            **above("calibration", self.calibration.checkpoint()),
        }

    def restore(self, kept: Arrays, config: Config) -> None:
        """Take up a checkpoint of the same symbols."""
        self._backtested = {(c, d): (n, won) for c, d, n, won in kept["backtested"].tolist()}
        until = int(kept["until"])
        self._until = dt.date.fromordinal(until) if until else None
        self.calibration.restore(below(kept, "calibration"))
        before = kept["before"] if kept["before"].size else None
        self.quality = Quality(self.calibration.fit, config.quality, self.words, before)

    def opened(self, t: int, column: int, *, orphan: bool = False) -> None:
        """Note a position's first fill in frame t: from now on its symbol's bars are followed."""
        self._since[column] = t
        self._seen[column] = (np.inf, -np.inf)
        self._of_orphan[column] = orphan

    def filled(self, column: int, fill: OrderFilled) -> None:
        """Note the price of an exit's fill, which with its costs may lie beyond the bar."""
        price, (low, high) = fill.price_micro / MICRO, self._seen[column]
        self._seen[column] = min(low, price), max(high, price)

    def closed(self, t: int, column: int, ts_ns: int, trip: RoundTrip) -> RoundTripClosed:
        """Return a closed round trip with how far it was under and above water.

        Bars from the entry's own to the one before the last exit's count, and all exits' prices.
        """
        worst, best = _excursion(self._extremes(column, t), trip.entry_price, trip.direction)
        self.forget(column)
        self._count(column, trip)
        return self._tell_trip(ts_ns, trip, worst, best)

    def closed_unseen(self, ts_ns: int, trip: RoundTrip) -> RoundTripClosed:
        """Return a closed round trip of which no bars were followed."""
        return self._tell_trip(ts_ns, trip, 0.0, 0.0)

    def follows(self, column: int, *, orphan: bool) -> bool:
        """Return whether a symbol's bars are followed for ours, or for an orphan."""
        return column in self._since and self._of_orphan[column] == orphan

    def forget(self, column: int) -> None:
        """Follow a symbol's bars no more."""
        self._since.pop(column, None)
        self._seen.pop(column, None)

    def mended(
        self, column: int | None, ts_ns: int, mended: Mended
    ) -> list[RoundTripVoided | RoundTripClosed]:
        """Return the round trips that did not happen, and those that did instead of them."""
        events: list[RoundTripVoided | RoundTripClosed] = []
        before: list[RoundTripClosed] = []
        for trip in mended.voided:
            told = self._ended[trip.symbol]
            before.append(next(one for one in reversed(told) if one.trip == trip))
            told.remove(before[-1])
            if column is not None:
                self._count(column, trip, -1)
            number = before[-1].number
            events.append(RoundTripVoided(ts_ns=ts_ns, number=number, trip=trip))
        for place, trip in enumerate(mended.closed):
            was = before[place] if place < len(before) else None
            if column is not None:
                self._count(column, trip)
            mae, mfe = (0.0, 0.0) if was is None else (was.mae, was.mfe)
            events.append(self._tell_trip(ts_ns, trip, mae, mfe))
        return events

    def _count(self, column: int, trip: RoundTrip, by: int = 1) -> None:
        if not trip.by_hand:
            n, won = self._today_traded.get((column, trip.direction), (0, 0))
            self._today_traded[column, trip.direction] = (n + by, won + by * (trip.pnl_micro > 0))

    def _tell_trip(self, ts_ns: int, trip: RoundTrip, worst: float, best: float) -> RoundTripClosed:
        self._trips += 1
        told = RoundTripClosed(
            ts_ns=ts_ns, number=self._trips, trip=trip, mae=round(worst, 8), mfe=round(best, 8)
        )
        self._ended.setdefault(trip.symbol, []).append(told)
        return told

    def excursion(self, column: int, entry: float, direction: int) -> tuple[float, float]:
        """Return how far an open position was under (≤ 0) and above water (≥ 0), fractions.

        Up to the end of the last block.
        """
        seen = self._seen.get(column, (np.inf, -np.inf))
        return _excursion(seen, entry, direction) if seen[0] <= seen[1] else (0.0, 0.0)

    def words(self, column: int, direction: int, bucket: int) -> str:
        """Return what trades and signals like this one have won, with their n.

        Trades up to the last session that ended, as a backtest's; those of the running session; if
        there are none, the signals of the same confidence, traded or not.
        """
        traded = self._backtested.get((column, direction), (0, 0))
        today = self._today_traded.get((column, direction), (0, 0))
        if traded[0] > 0:
            said = backtested(*traded, self._until)
        else:
            evidence, cell = self.calibration.evidence, (column, 0 if direction > 0 else 1, bucket)
            said = untraded(evidence.seen.item(cell), evidence.won.item(cell))
        return f"{said} · {self.now} {share(*today)}" if today[0] > 0 else said

    def close_block(self) -> list[tuple[int, ShadowClosed]]:
        """Return the block's shadows by frame; keep what open positions have seen."""
        for column in self._since:
            self._seen[column] = self._extremes(column, len(self._block))
        return [(shadow.t, self._told(shadow)) for shadow in self._closed]

    def end_session(self, config: Config, ts_ns: int) -> Calibrated:
        """Learn the session's outcomes."""
        for key, (n, won) in self._today_traded.items():
            before, won_before = self._backtested.get(key, (0, 0))
            self._backtested[key] = (before + n, won_before + won)
        self._today_traded, self._until = {}, self._block.session.date
        version = self.calibration.end_session(self._today)
        self._today = []
        self.quality = self.quality.after(
            self.calibration.fit, config.quality, anew=bool(version.rolled_back)
        )
        return Calibrated(
            ts_ns=ts_ns,
            version=version.number,
            outcomes=version.outcomes,
            brier=version.brier,
            log_loss=version.log_loss,
            rolled_back=version.rolled_back,
            cells=self._cells(),
        )

    def _extremes(self, column: int, stop: int) -> tuple[float, float]:
        low, high = self._seen[column]
        bars = self._block.bars[self._since[column] : stop, column]
        if len(bars):
            low, high = min(low, float(bars[:, LOW].min())), max(high, float(bars[:, HIGH].max()))
        return low, high

    def _told(self, shadow: Closed) -> ShadowClosed:
        cell = self.quality.cell(shadow.column, shadow.direction, shadow.confidence)
        rate, open_ns = self.quality.rate(cell), self._block.session.open_ns
        won, net = shadow.net_return > 0.0, round(shadow.net_return, 9)
        self._today.append(Matured(*cell, won=won, expected=rate, net_return=net))
        pays = self.quality.pays_bps(cell)
        symbol, opened_ns = self._symbols[cell[0]], open_ns + shadow.opened_minute * MINUTE_NS
        return ShadowClosed(
            ts_ns=open_ns + shadow.exit_minute * MINUTE_NS,
            symbol=symbol,
            direction=shadow.direction,
            opened_ns=opened_ns,
            entry_ns=open_ns + shadow.entry_minute * MINUTE_NS,
            exit_ns=open_ns + shadow.exit_minute * MINUTE_NS,
            entry_price=round(shadow.entry_price, 6),
            exit_price=round(shadow.exit_price, 6),
            how=shadow.how,
            net_return=net,
            gate=shadow.gate,
            signal=Signal(
                id=signal_id(symbol, opened_ns),
                probability=round(shadow.probability, 6),
                confidence=round(shadow.confidence, 6),
                strength=round(shadow.strength, 8),
                rank=shadow.rank,
                edge_bps=round(shadow.edge_bps, 4),
                win_rate=round(rate, 6),
                verdict=self.quality.verdict(cell).name.lower(),
                pays_bps=None if pays is None else round(pays, 4),
            ),
        )

    def _cells(self) -> tuple[tuple[str, int, int, int, int, float, str, float, float | None], ...]:
        seen, won = self.calibration.evidence.seen, self.calibration.evidence.won
        fit = self.calibration.fit
        mean, low = fit.mean_return, fit.return_low()
        cells = []
        for column, side, bucket in np.argwhere(seen > 0).tolist():
            cell = (column, side, bucket)
            cells.append(
                (
                    self._symbols[column],
                    1 - 2 * side,
                    bucket,
                    seen.item(cell),
                    won.item(cell),
                    round(self.quality.rate(cell), 6),
                    Verdict(self.quality.verdict(cell)).name.lower(),
                    round(mean.item(cell), 9),
                    None if isnan(low.item(cell)) else round(low.item(cell), 9),
                )
            )
        return tuple(cells)


def _excursion(seen: tuple[float, float], entry: float, direction: int) -> tuple[float, float]:
    low, high = seen[0] / entry - 1.0, seen[1] / entry - 1.0
    worst, best = (low, high) if direction > 0 else (-high, -low)
    return min(0.0, worst), max(0.0, best)


def backtested(n: int, won: int, until: dt.date | None) -> str:
    """Return the outcomes of trades in words.

    Such as "Backtested: 65% win rate over 100 trades (56–74%) to 2026-11-27", with the 95%
    interval.
    """
    low, high = interval(won, n)
    end = "" if until is None else f" to {until}"
    trades = "trade" if n == 1 else "trades"
    return (
        f"Backtested: {100 * won / n:.0f}% win rate over {n:,} {trades} "
        f"({100 * low:.0f}–{100 * high:.0f}%){end}"
    )


def untraded(n: int, won: int) -> str:
    """Return the outcomes of signals that were not traded in words."""
    return f"not traded: {share(n, won)} signals" if n else "no outcomes yet"


def share(n: int, won: int) -> str:
    """Return a win rate in words, such as "58% of 24"."""
    return f"{100 * won / n:.0f}% of {n:,}"
