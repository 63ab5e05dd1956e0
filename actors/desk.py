"""The supervisor's synchronous heart: one block of frames, from signals to orders to records.

KEY INPUT: a block, the gathered signals, the broker's reports, operators' commands.
KEY OUTPUT: what to send to the broker; a Page for the journal; the running statistics.

The desk performs nothing: the supervisor sends what it returns, and a test can do without Trio.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import merge
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from actors.guard import at_session, by_hand, watch
from actors.predictor import Answer, Incident
from actors.recorder import Recorder
from actors.views import View, view_of
from engine.config import Config
from engine.events import (
    MICRO,
    Approved,
    BreakerTripped,
    Command,
    ConfigChanged,
    Decided,
    Decision,
    FillBusted,
    FillCorrected,
    Gate,
    NotFlat,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    OrderReleased,
    OrphanFound,
    Report,
    Resume,
    SessionClosed,
    SessionOpened,
    SharesSplit,
    TradedByHand,
)
from engine.learning.judge import Judge
from engine.learning.signals import PROBABILITY, SD, SIGNAL_FIELDS, UNKNOWN_SD, neutral
from engine.learning.slope import EarnedSlope
from engine.market.frames import CLOSE, MINUTE_NS, PRESENT, Arrays, Block, Floats, above, below
from engine.records.page import Page, Trade
from engine.records.stats import RunStats
from engine.trading.approval import Refused
from engine.trading.breakers import Readings
from engine.trading.cycle import decide
from engine.trading.evidence import Evidence
from engine.trading.exits import ambiguous, leg_touched, leg_words, touched_both
from engine.trading.frame import FrameView
from engine.trading.operator import cancel_entries, obey, sell
from engine.trading.positions import Part
from engine.trading.protect import protect
from engine.trading.ranking import NO_RANKING, RankingRules, rank, ranking_rules
from engine.trading.refusals import Refusals, refused
from engine.trading.scan import next_frame
from engine.trading.state import NOWHERE, State
from engine.trading.tape import Tape
from engine.trading.watch import Faults, faults, observe
from engine.trading.working import Legs, Working


@dataclass(frozen=True, slots=True)
class Given:
    """A command and when it is to take effect."""

    ts_ns: int
    """At the start of the first frame that begins then or later."""
    command: Command
    actor: str


class Outgoing(NamedTuple):
    """What is to be sent to the broker, cancellations first."""

    cancels: Sequence[str] = ()
    orders: Sequence[Approved[Order | OcoOrder]] = ()


NOTHING = Outgoing()
MOST_PER_SHARE = 100
"""Shares that a split makes of one, or one of so many, at most."""
SPLIT_TOLERANCE = 0.1
"""By how much the price may move in the minute of a split."""


class Late(NamedTuple):
    """A leg's fill that came before the bar of its minute."""

    place: int
    """Of its decision among the page's entries; the fill follows."""
    stop_micro: int
    target_micro: int


class Desk:
    """Fold, mark, watch, decide and record, frame by frame."""

    def __init__(
        self,
        config: Config,
        state: State,
        stats: RunStats,
        slope: EarnedSlope,
        feature_names: Sequence[tuple[str, ...]],
        *,
        scan: bool = True,
        spans: bool = True,
        carries: bool = False,
    ) -> None:
        """`spans` keeps what positions.jsonl is made of; `carries` allows an open book overnight.

        Only a real market can refuse to take what is sold.
        """
        self.state = state
        self.stats = stats
        self.slope = slope
        self.judge = Judge(range(len(state.symbols)), config.learning.horizons)
        self.evidence = Evidence(state.symbols, config, now="live" if carries else "today")
        self.recorder = Recorder(state, stats, spans=spans)
        self.refusals = Refusals.none()
        self.leap: Callable[[str], float] | None = None
        """By what a symbol's price was multiplied in the session's last jump; NaN: by nothing."""
        self._config = config
        self._scan = scan
        self._carries = carries
        self._names = feature_names
        self._tape = Tape()
        self._rules: RankingRules | None = None
        self._incidents: list[Incident] = []
        self._commands: deque[Given] = deque()
        self._changes: list[ConfigChanged] = []
        self._opened: dict[int, tuple[Order, OrderFilled]] = {}

    def checkpoint(self) -> Arrays:
        """Return what sessions have taught, behind a session's end."""
        return {
            "slope": self.slope.checkpoint(),
            "track": self.state.track.checkpoint(),
            "tape": self._tape.checkpoint(),
            **above("judge", self.judge.checkpoint()),
            **above("evidence", self.evidence.checkpoint()),
        }

    def restore(self, kept: Arrays) -> None:
        """Go on from a checkpoint of the same symbols, before the first session."""
        self.slope.restore(kept["slope"])
        self.state.track.restore(kept["track"])
        self._tape.restore(kept["tape"])
        self.judge.restore(below(kept, "judge"))
        self.evidence.restore(below(kept, "evidence"), self._config)

    def open_block(self, block: Block, answers: Sequence[Answer], *, trading: bool) -> None:
        """Take up the next block; `answers` come in the order of the actors' symbols."""
        self.open_minutes(block, trading=trading)
        self.close_minutes(block, answers)

    def open_minutes(self, block: Block, *, trading: bool) -> None:
        """Begin a block whose bars need not be known yet: reports and commands may be taken."""
        self._block = block
        self._trading = trading
        frames = len(block)
        nothing = np.empty((frames, len(block.symbols), SIGNAL_FIELDS))
        self.page = Page(block, trading, nothing, NO_RANKING, np.empty(frames))
        self.page.levels = {
            legs.order.symbol: (legs.stop_micro, legs.order.target_micro)
            for legs in self.state.legs.values()
            if legs.resting
        }
        self.recorder.open_page(self.page)
        self._exposure = np.empty(frames)
        self._known = False
        self._late: list[Late] = []
        if block.first == 0:
            self.recorder.record(0, self._session_opened())
            for event in at_session(self.state.risk, self._config.risk, block.ts_ns(0)):
                self.recorder.record(0, event)
        self._changed = bool(self._changes)
        for change in self._changes:
            self.recorder.record(0, change)
        self._changes = []

    def close_minutes(self, block: Block, answers: Sequence[Answer]) -> None:
        """Take the block's bars and signals; from now on its frames can be decided."""
        self._block = self.page.block = block
        self._explained = [signals for answer in answers for signals in answer.signals]
        self._signals = self.page.signals = self.judge.take(block, self._explained)
        self._incidents = sorted(
            (incident for answer in answers for incident in answer.incidents),
            key=lambda incident: (incident[0], incident[1].symbol),
        )
        slope = self._slope_in_force()
        if block.first == 0 or self._rules is None:
            minutes = block.session.minutes
            self._rules = ranking_rules(
                self._config, block.symbols, block.session.date, minutes, self.evidence.quality
            )
        ranking = self.page.ranking = rank(block, self._signals, slope, self._rules)
        self.evidence.open_block(block, self._signals, ranking, self._rules, self._config)
        self._tape.open_block(block)
        stale = self._config.risk.stale_data_minutes
        self._faults: Faults | None = faults(block, stale) if self._trading else None
        self._known = True
        for late in self._late:
            self._complete(late)

    @property
    def config(self) -> Config:
        """Return the configuration in force."""
        return self._config

    def give(self, given: Given) -> None:
        """Take an operator's command; commands are given in order of time."""
        self._commands.append(given)

    def reload(
        self, config: Config, actor: str, changes: Sequence[tuple[str, object, object]]
    ) -> None:
        """Take a new configuration from the next block on."""
        self._config = config
        self._rules = None
        self.evidence.reload(config)
        self.slope.min_sessions = config.quality.min_shadow_sessions
        self.state.cooldown_minutes = config.rotation.cooldown_minutes
        self.state.pair_twins(config.universe.twins)
        ts_ns = self._block.ts_ns(len(self._block) - 1) + MINUTE_NS
        self._changes.append(ConfigChanged(ts_ns=ts_ns, actor=actor, changes=tuple(changes)))

    def next_frame(self, start: int) -> int:
        """Return the next frame from `start` on that is decided, or the block's length.

        Between them nothing can act.
        """
        block = self._block
        if self._faults is None:
            for _, incident in self._incidents:
                self.recorder.record(0, incident)
            return len(block)
        stop = start
        asked = start == 0 and self._changed  # new limits are asked at once
        if self._scan and start < len(block) and not asked:
            passed = next_frame(
                self.state, block, self.page.ranking, self._signals, self._faults,
                self.page.equity, self._exposure, start, max(start, self._due()), self._config,
                self.refusals,
            )  # fmt: skip
            self._pass(passed.moves, passed.news)
            stop = passed.found
        while self._incidents and self._incidents[0][0] == stop:
            self.recorder.record(stop, self._incidents.pop(0)[1])
        return stop

    def _due(self) -> int:
        """Return the frame of the next incident or command, at most the block's length."""
        due = self._incidents[0][0] if self._incidents else len(self._block)
        if self._commands:
            ahead = self._commands[0].ts_ns - self._block.ts_ns(0)
            due = min(due, max(0, -(-ahead // MINUTE_NS)))
        return min(due, len(self._block))

    def _pass(self, moves: list[list[int]], news: list[tuple[int, int, Gate]]) -> None:
        at = 0
        view = None
        for t, column, gate in news:
            while at < len(moves) and moves[at][0] <= t:
                self.recorder.move(moves[at])
                at += 1
            if view is None or view.t != t:
                view = self._view(t)
            self.recorder.record(t, refused(view, column, gate, self._config, self._blocked(gate)))
        for move in moves[at:]:
            self.recorder.move(move)

    def _blocked(self, gate: Gate) -> Refused | None:
        risk = self.state.risk
        return Refused(check=gate, reason=risk.words()) if gate is risk.block else None

    @property
    def waiting(self) -> bool:
        """Return whether the broker has, or will get, an entry or exit of ours."""
        return bool(self.state.working)

    def touched(self, t: int) -> bool:
        """Return whether frame `t` may fill a resting leg, or is the session's last."""
        block = self._block
        if block.first + t == block.session.minutes - 1:
            return True
        for column, legs in self.state.legs.items():
            if legs.resting and leg_touched(block.bars, t, column, legs):
                return True
        return False

    def commanded(self, t: int) -> bool:
        """Return whether a command is due at the start of frame `t`."""
        return bool(self._commands) and self._commands[0].ts_ns <= self._block.ts_ns(t)

    def begin(self, t: int) -> Outgoing:
        """Let the commands take effect that are due at the start of frame `t`."""
        cancels: list[str] = []
        orders: list[Approved[Order | OcoOrder]] = []
        while self.commanded(t):
            given = self._commands.popleft()
            ts_ns = self._block.ts_ns(t)
            events, ids = obey(self.state, given.command, given.actor, ts_ns)
            orders += self.recorder.record_all(t, events)
            cancels += ids
            if isinstance(given.command, Resume):
                for event in by_hand(self.state.risk, self._config.risk, ts_ns):
                    self.recorder.record(t, event)
        return Outgoing(cancels, orders)

    def fold(self, t: int, reports: Sequence[Report]) -> Outgoing:
        """Book the broker's reports; return the legs and the held-back entries that they send."""
        if reports:
            self.recorder.span(t)
        resting = [legs for legs in self.state.legs.values() if legs.resting]
        for report in reports:
            self._fold_report(t, report)
        cancels = self._make_way(t, reports) + self._unheld(resting) if reports else []
        orders = self._sell_again(t) if any(isinstance(r, NotFlat) for r in reports) else []
        orders += self._protect(t) if reports else []
        working = self.state.working
        for held in list(working.values()):
            if not held.released and not any(i in working for i in held.order.after):
                ts_ns = self._block.ts_ns(t)
                self.recorder.record(t, OrderReleased(ts_ns=ts_ns, order_id=held.order.order_id))
                orders.append(held.approved)
        return Outgoing(cancels, orders)

    def _make_way(self, t: int, reports: Sequence[Report]) -> list[str]:
        """Cancel what would enter beside what others hold; return what the broker is to cancel."""
        traded = {r.symbol for r in reports if isinstance(r, TradedByHand)}
        found = traded or any(
            isinstance(r, OrphanFound | FillBusted | FillCorrected) for r in reports
        )
        everywhere = found and bool(self.state.risk.orphans)
        words = f"canceled: {self.state.risk.words()}" if everywhere else "canceled: traded by hand"
        cancels: list[str] = []
        for symbol in [None] if everywhere else sorted(traded):
            canceled, sent = cancel_entries(self.state, symbol, words, self._block.ts_ns(t))
            self.recorder.record_all(t, canceled)
            cancels += sent
        return cancels

    def _sell_again(self, t: int) -> list[Approved[Order | OcoOrder]]:
        """Sell what is still held near the close and is not being sold."""
        held = [symbol for symbol in self.state.leaves if symbol in self.state.column]
        words, ts_ns = "still held near the close: sold again", self._block.ts_ns(t)
        return self.recorder.record_all(t, sell(self.state, held, Decision.EOD_EXIT, words, ts_ns))

    def _unheld(self, rested: Sequence[Legs]) -> list[str]:
        """Return the orders that would sell what is not held any more, legs that rested first."""
        state = self.state
        dropped = [
            order_id
            for legs in rested
            for order_id in (legs.order.order_id,)
            if state.past.get(order_id) is legs and legs.remaining and order_id not in state.working
        ]
        exits = [w.order for w in state.working.values() if w.released and not w.order.entry]
        for order in exits:
            held = state.ledger.positions.get(order.symbol)
            if held is None or state.stays(held) or held.direction == order.side.sign:
                dropped.append(order.order_id)
        return dropped

    def _protect(self, t: int) -> list[Approved[Order | OcoOrder]]:
        """Send legs, or an exit where the broker took none, for what is held without either."""
        events = protect(self.state, self._opened, self._block.ts_ns(t), self._config)
        self._opened = {}
        return self.recorder.record_all(t, events)

    def lapse(self, t: int) -> None:
        """Cancel the entries whose exits did not fill within the minute."""
        late = [w.order for w in self.state.working.values() if not w.released]
        for order in late:
            reason = "the exit it waited for did not fill within a minute"
            self.recorder.record(
                t,
                OrderCanceled(
                    ts_ns=self._block.ts_ns(t),
                    order_id=order.order_id,
                    symbol=order.symbol,
                    reason=reason,
                ),
            )

    def decide(self, t: int, *, late: bool = False, mute: str = "") -> Outgoing:
        """Watch and decide frame `t`; return what is to be sent now.

        A late frame, learned of after its time, moves stops and breakers, but decides nothing. In
        a mute one, of which the bar stream told nothing, a breaker stops entries.
        """
        cancels = self._watch(t, mute=mute)
        legs = self._protect(t) if self._carries else []
        if late:
            return Outgoing(tuple(cancels), tuple(legs))
        events, gates = decide(self.state, self._view(t), self._tape, self._config)
        self.refusals.add(gates)
        return Outgoing(tuple(cancels), (*legs, *self.recorder.record_all(t, events)))

    def _watch(self, t: int, *, mute: str) -> list[str]:
        """Value the frame, move the trailing stops, run the breakers; return entries to cancel."""
        state, columns, ts_ns = self.state, self.state.columns, self._block.ts_ns(t)
        for move in observe(
            self._block.bars, t, columns.quantity, columns.stop_micro, columns.trail,
            self._config.costs.tick_usd, state.fixed, self.page.equity, self._exposure,
        ):  # fmt: skip
            self.recorder.move(move)
        state.equity = self.page.equity.item(t)
        if state.equity > state.risk.peak:
            state.risk.peak = state.equity
        found = watch(state.risk, self._readings(t, mute=mute), self._config.risk, ts_ns)
        cancels: list[str] = []
        for event in found:
            self.recorder.record(t, event)
            if isinstance(event, BreakerTripped):
                words = f"canceled: {event.reason}"
                canceled, sent = cancel_entries(state, None, words, ts_ns)
                self.recorder.record_all(t, canceled)
                cancels = sent
        return cancels

    def _readings(self, t: int, *, mute: str) -> Readings:
        risk, wrong, minute = self.state.risk, self._faults, self._block.first + t
        assert wrong is not None
        bad = wrong.bad_price.item(t)
        return Readings(
            minute=minute,
            equity=self.state.equity,
            day_open=risk.day_open,
            peak=risk.peak,
            losses=risk.losses,
            rejects=risk.rejects,
            refusal=risk.refusal,
            orders=risk.orders_lately(minute),
            stream_lost=risk.stream_lost,
            data_age=wrong.data_age.item(t),
            bad_price=self._block.symbols[bad] if bad >= 0 else "",
            mute=mute,
        )

    def _view(self, t: int) -> FrameView:
        return FrameView(
            self._block, t, self.page.ranking, self._signals, self._explained, self._names,
            self.evidence.quality,
        )  # fmt: skip

    def seen(self, page: Page) -> FrameView:
        """Return the last minute of the page just closed as it was decided."""
        return FrameView(
            page.block, len(page.block) - 1, page.ranking, page.signals, self._explained,
            self._names, self.evidence.quality,
        )  # fmt: skip

    def unseen(self) -> FrameView | None:
        """Return the open minute before any was decided: the last prices of the sessions before.

        None if there were none.
        """
        if not self.stats.warmup_sessions:
            return None
        block, horizons = self._block, len(self._config.learning.horizons)
        handed = [neutral(1, len(names), horizons=horizons) for names in self._names]
        signals = np.zeros((1, len(handed), SIGNAL_FIELDS))
        signals[:, :, [PROBABILITY, SD]] = 0.5, UNKNOWN_SD
        session, symbols = block.session, block.symbols
        rules = ranking_rules(
            self._config, symbols, session.date, session.minutes, self.evidence.quality
        )
        ranking = rank(block, signals, self._slope_in_force(), rules)
        return FrameView(block, 0, ranking, signals, handed, self._names, self.evidence.quality)

    def view(self) -> View:
        """Return what is to be seen of the block's last frame."""
        return view_of(self.state, self._block, len(self._block) - 1, self._config)

    def close_block(self) -> Page:
        """Finish the block; at the session's end close the day and renew the earned slope."""
        block = self._block
        if self._trading:
            self.recorder.span(len(block))
            self.stats.mark(self.page.equity, self._exposure)
            self.stats.frames += len(block)
            self.stats.symbol_bars += int(np.count_nonzero(block.bars[:, :, PRESENT]))
        shadows = self.evidence.close_block()
        if self._trading:
            self.stats.shadowed(block.session.date, (shadow for _, shadow in shadows))
        # what the market has shown of earlier signals comes before what is done in a frame
        self.page.entries = list(merge(shadows, self.page.entries, key=itemgetter(0)))
        if block.first + len(block) == block.session.minutes:
            self._tape.close_session()
            self._close_session()
        return self.page

    def _close_session(self) -> None:
        self.slope.end_session(*self.judge.pairs())
        equity_micro = self._equity_micro()
        on = self._config.quality.earned_slope == "on"
        ts_ns = self._block.ts_ns(len(self._block) - 1)
        self.recorder.record(len(self._block) - 1, self.evidence.end_session(self._config, ts_ns))
        closed = SessionClosed(
            ts_ns=ts_ns,
            date=self._block.session.date,
            equity_micro=equity_micro,
            trading=self._trading,
            pooled_slope=self.slope.pooled.lower if on else 1.0,
            carried=tuple(sorted(self.state.ledger.positions)) if self._carries else None,
        )
        self.recorder.record(len(self._block) - 1, closed)
        if self._trading:
            self.stats.close_day(closed.date, self._block.session.minutes, equity_micro)
        else:
            self.stats.warmup_sessions += 1

    def _equity_micro(self) -> int:
        """Return cash, and what is carried overnight at its last price."""
        ledger, last = self.state.ledger, len(self._block) - 1
        worth = sum(p.quantity * self._mark(last, p.symbol) for p in ledger.held)
        return ledger.cash_micro + worth

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
        match report:
            case OrderFilled() if report.shares > 0:
                price = max(report.price_micro, 0) or self._mark(t, report.symbol)
                self._fold_fill(t, report._replace(price_micro=price))
            case OrderFilled():
                pass  # nothing was filled
            case TradedByHand():
                self._fold_trade(t, report)
            case FillBusted() | FillCorrected():
                self._fold_mend(t, report)
            case OrphanFound() if report.shares:
                price = report.price_micro or self._mark(t, report.symbol)
                self.recorder.record(t, replace(report, price_micro=price))
                column = self.state.column_of(report.symbol)
                if column != NOWHERE and self.state.ledger.ours(report.symbol) is None:
                    self.evidence.opened(t, column, orphan=True)
            case _:
                self.recorder.record(t, report)

    def _fold_fill(self, t: int, fill: OrderFilled) -> None:
        source = self.state.source(fill)
        order = None
        if isinstance(source, Working):
            order = source.order
            decision, reason = order.decision, source.reason
        elif isinstance(source, Legs):
            decision = source.decision(fill.leg)
            reason = leg_words(self.state, fill, source, decision)
            self._derive(t, fill, source, decision, reason)
        else:
            decision, reason = Decision.MANUAL_EXIT, "closed at the broker, by hand"
        parts = self.recorder.fill(t, fill, decision, reason, by_hand=source is None)
        self._booked(t, parts, order)

    def _fold_trade(self, t: int, traded: TradedByHand) -> None:
        """Book what somebody else traded; where no order tells a price, at the last mark."""
        if not traded.shares:
            return
        split = self._as_split(traded)
        if split is not None:
            self.recorder.record(t, split)
            return
        if traded.unpriced or traded.price_micro <= 0:
            traded = replace(traded, price_micro=self._mark(t, traded.symbol))
        self._booked(t, self.recorder.traded_by_hand(t, traded), None)

    def _as_split(self, traded: TradedByHand) -> SharesSplit | None:
        """Return what no order explains as a share split, if the price jumped accordingly."""
        symbol, held = traded.symbol, self.state.ledger.held
        before = self.state.ledger.quantity(symbol)
        after = before + traded.shares
        if not traded.unpriced or before * after <= 0 or self.leap is None:
            return None
        ratio = Fraction(after, before)
        whole = all((p.shares * ratio).denominator == 1 for p in held if p.symbol == symbol)
        exact = max(ratio.numerator, ratio.denominator) <= MOST_PER_SHARE and whole
        if not exact or not abs(self.leap(symbol) * ratio - 1.0) <= SPLIT_TOLERANCE:
            return None
        return SharesSplit(ts_ns=traded.ts_ns, symbol=symbol, before=before, after=after)

    def _fold_mend(self, t: int, event: FillBusted | FillCorrected) -> None:
        """Undo or correct a fill, and the round trips that it ended."""
        column, ts_ns = self.state.column.get(event.symbol), event.ts_ns
        mended = self.recorder.mend(t, event)
        for told in self.evidence.mended(column, ts_ns, mended):
            self.recorder.record(t, told)
        if column is None:
            return
        ours, followed = self.state.ledger.ours(event.symbol), self.evidence.follows
        if ours is None and followed(column, orphan=False):
            self.evidence.forget(column)
        elif ours is not None and not followed(column, orphan=False):
            self.evidence.opened(t, column)

    def _booked(self, t: int, parts: Sequence[Part], order: Order | None) -> None:
        """Follow what a fill opened, and tell the round trips that it closed."""
        for fill, booking in parts:
            column, orphan = self.state.column_of(fill.symbol), booking.orphan
            there = column != NOWHERE
            alone = not orphan or self.state.ledger.ours(fill.symbol) is None
            if booking.first and there and alone:
                self.evidence.opened(t, column, orphan=orphan)
            if booking.first and there and order is not None and order.entry:
                self._opened[column] = (order, fill)
            followed = there and self.evidence.follows(column, orphan=orphan)
            if followed and not booking.entry:
                self.evidence.filled(column, fill)
            if booking.closed is not None:
                told = (
                    self.evidence.closed(t, column, fill.ts_ns, booking.closed)
                    if followed
                    else self.evidence.closed_unseen(fill.ts_ns, booking.closed)
                )
                self.page.entries.append((t, told))

    def _mark(self, t: int, symbol: str) -> int:
        """Return the last price of a symbol, or what is held of it has cost, micro-dollars."""
        column = self.state.column_of(symbol)
        price = math.nan if column == NOWHERE else self._block.bars.item(t, column, CLOSE)
        held = self.state.ledger.positions.get(symbol)
        if math.isnan(price):
            price = 0.0 if held is None else held.entry_price
        return max(1, round(price * MICRO))

    def _derive(
        self, t: int, fill: OrderFilled, legs: Legs, decision: Decision, reason: str
    ) -> None:
        """Record the decision that a leg's fill stands for."""
        decided = Decided(fill.ts_ns, fill.symbol, decision, reason, rank=0, strength=0.0)
        if self._known:
            decided = self._ranked(t, decided, -fill.side.sign)
        else:
            self._late.append(
                Late(len(self.page.entries), legs.stop_micro, legs.order.target_micro)
            )
        self.recorder.record(t, decided)

    def _ranked(self, t: int, decided: Decided, direction: int) -> Decided:
        column, view = self.state.column[decided.symbol], self._view(t)
        strength = view.own_strength(column, direction)
        return decided._replace(rank=view.rank(column), strength=strength)

    def _complete(self, late: Late) -> None:
        """Add what the bar and the signals of its minute say to a decision told before them."""
        (t, decided), (_, trade) = self.page.entries[late.place : late.place + 2]
        assert isinstance(decided, Decided)
        assert isinstance(trade, Trade)
        fill, column = trade.fill, self.state.column[decided.symbol]
        decided = self._ranked(t, decided, -fill.side.sign)
        if ambiguous(
            self._block.bars, t, column, -fill.side.sign, late.stop_micro, late.target_micro
        ):
            fill = fill._replace(ambiguous=True)
            self.stats.ambiguous_bars += 1
            decided = decided._replace(reason=decided.reason + touched_both(fill))
        self.page.entries[late.place : late.place + 2] = [
            (t, decided),
            (t, trade._replace(fill=fill)),
        ]
