"""The supervisor's synchronous heart: one block of frames, from signals to orders to records.

KEY INPUT: a block, the gathered signals, the broker's reports.
KEY OUTPUT: orders to send; a Page for the journal; the running statistics.

The desk performs nothing: the supervisor sends what it returns, and a test can do without Trio.
"""

from collections.abc import Sequence

import numpy as np

from actors.predictor import Answer, Incident
from engine.config import Config
from engine.events import (
    Decided,
    Decision,
    Event,
    Order,
    OrderCanceled,
    OrderReleased,
    OrderSubmitted,
    PredictorRestarted,
    Report,
    SessionClosed,
    SessionOpened,
    SymbolQuarantined,
)
from engine.learning.signals import PAIR_FF, PAIR_FY, SIGNAL_FIELDS, Signals
from engine.learning.slope import EarnedSlope
from engine.market.frames import CLOSE, PRESENT, Block, Floats
from engine.records.page import Held, Page, Span, Trade
from engine.records.stats import RunStats
from engine.trading.cycle import decide
from engine.trading.frame import FrameView
from engine.trading.ranking import RankingRules, rank, ranking_rules
from engine.trading.refusals import Refusals, refused
from engine.trading.scan import next_frame
from engine.trading.state import State


class Desk:
    """Fold, mark, decide and record, frame by frame."""

    def __init__(
        self,
        config: Config,
        state: State,
        stats: RunStats,
        slope: EarnedSlope,
        feature_names: Sequence[tuple[str, ...]],
        *,
        scan: bool = True,
    ) -> None:
        self.state = state
        self.stats = stats
        self.slope = slope
        self.refusals = Refusals.none()
        self._config = config
        self._scan = scan
        self._names = feature_names
        self._rules: RankingRules | None = None
        self._incidents: list[Incident] = []

    def open_block(self, block: Block, answers: Sequence[Answer], *, trading: bool) -> None:
        """Take up the next block; `answers` come in the order of the actors' symbols."""
        self._block = block
        self._trading = trading
        self._explained = [signals for answer in answers for signals in answer.signals]
        self._signals = _gather(self._explained, len(block))
        self._incidents = sorted(
            (incident for answer in answers for incident in answer.incidents),
            key=lambda incident: (incident[0], incident[1].symbol),
        )
        slope = self._slope_in_force()
        if block.first == 0 or self._rules is None:
            minutes = block.session.minutes
            self._rules = ranking_rules(self._config, block.symbols, block.session.date, minutes)
        ranking = rank(block, self._signals, slope, self._rules)
        self.page = Page(block, trading, self._signals, ranking, np.empty(len(block)))
        self._exposure = np.empty(len(block))
        self._marked = 0
        if block.first == 0:
            self._record(0, self._session_opened())

    def next_frame(self, start: int) -> int:
        """Return the next frame from `start` on that is decided, or the block's length.

        Between them nothing can act.
        """
        if not self._trading:
            for _, incident in self._incidents:
                self._record(0, incident)
            return len(self._block)
        stop = start
        if start < len(self._block) and self._scan:
            due = self._incidents[0][0] if self._incidents else len(self._block)
            block = self._block
            stop, news = next_frame(
                self.state, self.page.ranking, self._signals, start, min(due, len(block)),
                block.first, block.session.minutes, self._config, self.refusals,
            )  # fmt: skip
            for t, column, gate in news:
                self._record(t, refused(self._view(t), column, gate, self._config))
        while self._incidents and self._incidents[0][0] == stop:
            self._record(stop, self._incidents.pop(0)[1])
        return stop

    @property
    def waiting(self) -> bool:
        """Return whether the broker has, or will get, an order of ours."""
        return bool(self.state.working)

    def fold(self, t: int, reports: Sequence[Report]) -> list[Order]:
        """Book the broker's reports; return the held-back entries that they release."""
        if reports:
            self._mark(t)
        for report in reports:
            self._fold_report(t, report)
        working = self.state.working
        released = [
            held.order
            for held in working.values()
            if not held.released and not any(order_id in working for order_id in held.order.after)
        ]
        for order in released:
            self._record(t, OrderReleased(ts_ns=self._block.ts_ns(t), order_id=order.order_id))
        return released

    def lapse(self, t: int) -> None:
        """Cancel the entries whose exits did not fill within the minute."""
        late = [w.order for w in self.state.working.values() if not w.released]
        for order in late:
            reason = "the exit it waited for did not fill within a minute"
            self._record(
                t,
                OrderCanceled(
                    ts_ns=self._block.ts_ns(t),
                    order_id=order.order_id,
                    symbol=order.symbol,
                    reason=reason,
                ),
            )

    def decide(self, t: int) -> list[Order]:
        """Decide frame `t`; return the orders to send now."""
        events, gates = decide(self.state, self._view(t), self._config)
        self.refusals.add(gates)
        reason = ""
        orders = []
        for event in events:
            if isinstance(event, Decided):
                reason = event.reason
                self.stats.rotations += event.decision is Decision.ROTATE_OUT
            self._record(t, event, reason)
            if isinstance(event, OrderSubmitted) and not event.order.after:
                orders.append(event.order)
        return orders

    def _view(self, t: int) -> FrameView:
        return FrameView(
            self._block, t, self.page.ranking, self._signals, self._explained, self._names
        )

    def close_block(self) -> Page:
        """Finish the block; at the session's end close the day and renew the earned slope."""
        block = self._block
        if self._trading:
            self._mark(len(block))
            self.stats.mark(self.page.equity, self._exposure)
            self.stats.frames += len(block)
            self.stats.symbol_bars += int(np.count_nonzero(block.bars[:, :, PRESENT]))
        if block.first + len(block) == block.session.minutes:
            self._close_session()
        return self.page

    def _close_session(self) -> None:
        last = self._signals[-1]
        self.slope.end_session(last[:, PAIR_FY].copy(), last[:, PAIR_FF].copy())
        equity_micro = self.state.ledger.cash_micro
        on = self._config.quality.earned_slope == "on"
        closed = SessionClosed(
            ts_ns=self._block.ts_ns(len(self._block) - 1),
            date=self._block.session.date,
            equity_micro=equity_micro,
            trading=self._trading,
            pooled_slope=self.slope.pooled.lower if on else 1.0,
        )
        self._record(len(self._block) - 1, closed)
        if self._trading:
            self.stats.close_day(closed.date, self._block.session.minutes, equity_micro)
        else:
            self.stats.warmup_sessions += 1

    def _session_opened(self) -> SessionOpened:
        session = self._block.session
        return SessionOpened(
            ts_ns=session.open_ns,
            date=session.date,
            minutes=session.minutes,
            trading=self._trading,
        )

    def _slope_in_force(self) -> Floats:
        if self._config.quality.earned_slope == "off":
            return np.ones(len(self._block.symbols))
        return self.slope.value

    def _fold_report(self, t: int, report: Report) -> None:
        if isinstance(report, OrderCanceled):
            self._record(t, report)
            return
        working = self.state.working[report.order_id]
        booking = self.state.apply(report)
        assert booking is not None
        self.page.entries.append((t, Trade(report, working.order, booking, working.reason)))
        self.stats.booked(report, booking)

    def _record(self, t: int, event: Event, reason: str = "") -> None:
        self.state.apply(event, reason=reason)
        self.page.entries.append((t, event))
        if isinstance(event, SymbolQuarantined):
            self.stats.quarantined.append((event.symbol, event.ts_ns))
        elif isinstance(event, PredictorRestarted):
            self.stats.restarts += 1

    def _mark(self, stop: int) -> None:
        """Value the frames since the last mark up to `stop`, in which the book was as it is now."""
        start, self._marked = self._marked, stop
        if stop <= start:
            return
        held = self._held()
        closes = self._block.bars[start:stop, :, CLOSE]
        equity, exposure = self.page.equity[start:stop], self._exposure[start:stop]
        # in symbol order, one product at a time: the same bytes for one frame and for many
        equity[:] = self.state.cash
        exposure[:] = 0.0
        for position in held:
            value = closes[:, position.column] * position.shares
            exposure += value
            equity += value if position.direction > 0 else -value
        self.page.spans.append(Span(start, stop, self.state.ledger.cash_micro, held))

    def _held(self) -> tuple[Held, ...]:
        positions = self.state.ledger.positions
        return tuple(
            Held(
                symbol,
                self.state.column[symbol],
                positions[symbol].direction,
                positions[symbol].shares,
                positions[symbol].entry_price,
                positions[symbol].entry_ts_ns,
            )
            for symbol in sorted(positions)
        )


def _gather(explained: Sequence[Signals], frames: int) -> Floats:
    gathered = np.empty((frames, len(explained), SIGNAL_FIELDS))
    for s, signals in enumerate(explained):
        gathered[:, s] = signals.values
    return gathered
