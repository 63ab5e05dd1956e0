"""The whole trader as a state machine: random bars, signals, commands and parameter edits."""

import math
from itertools import product

import numpy as np
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.config import load_config
from engine.events import (
    MICRO,
    Approve,
    BreakerRearmed,
    BreakerTripped,
    CardClosed,
    CardOffered,
    CommandGiven,
    Halt,
    Liquidate,
    OcoOrder,
    OrderSubmitted,
    Resume,
)
from engine.learning.signals import EXPECTED, PROBABILITY
from engine.trading.sizing import margin_rate
from tests.actors.floor import Floor, quiet
from tests.budget import examples

SYMBOLS = ("SDS", "SQQQ", "SSO", "TQQQ", "UPRO", "ZZZ")
BASE = (
    "quality.earned_slope=off", "rotation.min_edge_bps=-10000", "rotation.min_hold_minutes=0",
    "rotation.cooldown_minutes=1", "rotation.max_hold_minutes=20", "universe.twins=[]",
)  # fmt: skip
EDITS = {
    "risk.risk_per_trade_pct": (0.1, 1.0, 5.0),
    "risk.max_position_pct": (5.0, 34.0, 100.0),
    "risk.max_heat_pct": (0.5, 2.0, 10.0),
    "risk.max_gross_exposure_pct": (20.0, 60.0, 100.0),
    "risk.max_net_exposure_pct": (20.0, 60.0, 100.0),
    "risk.max_underlying_exposure_pct": (50.0, 150.0, 600.0),
    "risk.stop_loss_pct": (0.5, 1.5, 10.0),
    "risk.trailing_stop_pct": (0.0, 0.5, 2.0),
    "risk.take_profit_pct": (0.5, 3.0, 50.0),
    "risk.daily_loss_pct": (0.2, 1.0, 5.0),
    "risk.drawdown_pct": (0.5, 3.0, 10.0),
    "risk.max_consecutive_losses": (1, 3, 100),
    "risk.consecutive_losses_rearm": ("cooldown", "session", "manual"),
    "risk.drawdown_rearm": ("session", "manual"),
    "risk.losses_cooldown_minutes": (1, 5),
    "risk.max_orders_per_minute": (1, 4, 60),
    "risk.max_jump_pct": (3.0, 25.0),
    "rotation.max_positions": (1, 3, 6),
}
MOVES = (-0.06, -0.02, -0.004, -0.001, 0.0, 0.001, 0.004, 0.02, 0.06)
CALM = [(0.0, move, 1_000_000) for move in MOVES]
WILD = list(product(MOVES, MOVES, (0, 5, 3000, *[1_000_000] * 5)))
BARS = CALM * 72 + [None] * 216 + WILD
"""By symbol (gap, move, volume): three sevenths calm, one seventh no bar, three sevenths wild."""
WISHES = (0.3, 0.5, 0.6, 0.9)
# an index for each, since drawing takes longer than trading
MINUTE = st.tuples(
    *[st.integers(0, len(BARS) - 1), st.integers(0, len(WISHES) - 1)] * len(SYMBOLS)
).map(lambda drawn: ([BARS[i] for i in drawn[::2]], [WISHES[i] for i in drawn[1::2]]))
SOME_SYMBOL = st.none() | st.sampled_from(SYMBOLS)
SHARE = st.sets(st.sampled_from(SYMBOLS))
EDIT = st.sampled_from([(key, value) for key, values in EDITS.items() for value in values])
EDITS_AT_FIRST = st.lists(EDIT, max_size=6, unique_by=lambda edit: edit[0]).map(dict)
WIDE = {
    key: EDITS[key][-1]
    for key in (
        "risk.risk_per_trade_pct", "risk.max_position_pct", "risk.max_heat_pct",
        "risk.max_gross_exposure_pct", "risk.max_net_exposure_pct",
        "risk.max_underlying_exposure_pct",
    )
}  # fmt: skip
ONE_LIMIT = st.tuples(
    st.sampled_from([(key, value) for key in WIDE for value in EDITS[key][:2]]), st.integers(1, 3)
).map(lambda drawn: {**WIDE, drawn[0][0]: drawn[0][1], "rotation.max_positions": drawn[1]})
"""One of the limits is to bind: the others are wide, and a slot is a large share of equity."""


class Trader(RuleBasedStateMachine):
    """Whatever happens: no limit is exceeded by an entry, and every exit stays possible."""

    @initialize(
        short=st.booleans(), scan=st.booleans(), edits=EDITS_AT_FIRST, tight=st.just({}) | ONE_LIMIT
    )
    def open(self, short, scan, edits, tight):
        self.sets = {}
        self.short = short
        self.cfg = self.configure(edits | tight)
        self.floor = Floor(self.cfg, SYMBOLS, scan=scan)
        self.begin()
        self.price = np.full(len(SYMBOLS), 50.0)
        self.halted = False
        self.flattened = False
        self.blocked = set()
        self.seen = 0

    def begin(self):
        """Prepare the floor."""

    def late(self):
        """Return the symbols that may be held over the close."""
        return set()

    def configure(self, edits):
        self.sets |= edits
        pairs = [f"{key}={value}" for key, value in self.sets.items()]
        return load_config(sets=[*BASE, f"rotation.allow_short={str(self.short).lower()}", *pairs])[
            0
        ]

    @rule(minute=MINUTE, repeat=st.integers(1, 3))
    def trade(self, minute, repeat):
        """Play a few minutes alike."""
        for _ in range(repeat):
            self.play(*minute)

    @rule(minute=MINUTE)
    def close(self, minute):
        """Jump to the session's last minutes, and over its end."""
        floor = self.floor
        floor.minute = max(floor.minute, floor.session.minutes - 4)
        day = floor.day
        while floor.day == day:
            self.play(*minute)
        assert not set(floor.state.leaves) - self.late()

    @rule(symbol=SOME_SYMBOL, minute=MINUTE)
    def liquidate(self, symbol, minute):
        """Sell: whatever is tripped, each position gets its exit at once."""
        self.floor.command(Liquidate(symbol=symbol))
        self.flattened = self.flattened or symbol is None
        self.play(*minute)
        state = self.floor.state
        leaving = {w.order.symbol for w in state.working.values() if not w.order.entry}
        held = set(state.leaves)
        assert (held if symbol is None else held & {symbol}) <= leaving

    @rule(minute=MINUTE)
    def halt(self, minute):
        """Halt."""
        self.floor.command(Halt(reason="test"))
        self.halted = True
        self.play(*minute)

    @rule(minute=MINUTE)
    def resume(self, minute):
        """Resume."""
        self.floor.command(Resume())
        self.halted = self.flattened = False
        self.play(*minute)

    @rule(edit=EDIT)
    def edit(self, edit):
        """Edit a parameter."""
        if self.floor.minute == 0:
            return
        key, _ = edit
        self.cfg = self.configure(dict([edit]))
        self.floor.desk.reload(self.cfg, "test", [(key, None, self.sets[key])])
        self.floor.gridder.max_jump_pct = self.cfg.risk.max_jump_pct

    def play(self, bars, wishes, reports=()):
        rows = np.full((len(SYMBOLS), 5), np.nan)
        for s, spec in enumerate(bars):
            if spec is None:
                continue
            gap, move, volume = spec
            open_ = round(self.price[s] * (1 + gap), 2)
            close = max(1.0, round(open_ * (1 + move), 2))
            rows[s] = open_, max(open_, close) + 0.01, min(open_, close) - 0.01, close, volume
            self.price[s] = min(close, 500.0)
        signals = quiet(SYMBOLS)
        signals[:, PROBABILITY] = wishes
        signals[:, EXPECTED] = np.sign(np.array(wishes) - 0.5) * 0.01
        self.floor.frame(rows, signals, reports)
        self.check()

    def check(self):
        """Fold the frame's events independently; judge each entry by what stood at that moment."""
        entries = []
        for _, event in self.floor.history[self.seen :]:
            match event:
                case BreakerTripped(breaker=breaker):
                    self.blocked.add(breaker)
                case BreakerRearmed(breaker=breaker):
                    self.blocked.remove(breaker)
                case CommandGiven(command=Halt()):
                    self.blocked.add("halt")
                case CommandGiven(command=Liquidate(symbol=None)):
                    self.blocked.add("flat")
                case CommandGiven(command=Resume()):
                    self.blocked -= {"halt", "flat"}
                case OrderSubmitted(order=order) if not isinstance(order, OcoOrder) and order.entry:
                    assert not self.blocked
                    entries.append(order)
        self.seen = len(self.floor.history)
        if entries:
            self.judge(entries)

    def judge(self, entries):
        """After the frame's entries, every limit holds at the worst prices."""
        state, risk, universe = self.floor.state, self.cfg.risk, self.cfg.universe
        block = self.floor.block
        price = {s: block.close.item(0, i) for i, s in enumerate(SYMBOLS)}
        waited = {i for w in state.working.values() if w.order.entry for i in w.order.after}
        gone = {
            w.order.symbol for i, w in state.working.items() if not w.order.entry and i in waited
        }
        equity = state.cash + sum(p.quantity * price[p.symbol] for p in state.ledger.held)
        signed, heat = {}, 0.0
        for s, p in state.ledger.positions.items():
            if s not in gone:
                signed[s] = p.quantity * price[s]
                stop = 0.0 if p.orphan else state.legs[SYMBOLS.index(s)].stop_micro / MICRO
                heat += max(0.0, p.quantity * (price[s] - stop))
        for order in (w.order for w in state.working.values() if w.order.entry):
            worst = price[order.symbol] * (1 + risk.entry_limit_pct / 100)
            value = order.shares * (
                order.limit_micro / MICRO if order.side.sign > 0 else worst - 0.01
            )
            signed[order.symbol] = order.side.sign * value
            heat += value * order.protection.stop
        slack = 1 + 1e-9
        gross = sum(map(abs, signed.values()))
        assert gross <= equity * min(100.0, risk.max_gross_exposure_pct) / 100 * slack
        assert abs(sum(signed.values())) <= equity * risk.max_net_exposure_pct / 100 * slack or (
            not self.worse_net(entries, signed)
        )
        assert heat <= equity * risk.max_heat_pct / 100 * slack
        staying = {s for s, p in state.ledger.positions.items() if state.stays(p)}
        assert len(signed.keys() - staying) <= self.cfg.rotation.max_positions
        margin = sum(
            abs(v) * margin_rate(universe.leverage.get(s, 1.0), math.copysign(1, v))
            for s, v in signed.items()
        )
        assert margin <= equity * slack
        for order in entries:
            value = abs(signed[order.symbol])
            assert value <= equity * risk.max_position_pct / 100 * slack
            at_risk = value * order.protection.stop
            assert at_risk <= equity * risk.risk_per_trade_pct / 100 * slack
            self.judge_underlying(order.symbol, signed, equity)
        assert state.risk.orders_in(block.first) <= max(
            risk.max_orders_per_minute, state.risk.orders_in(block.first) - len(entries)
        )

    def worse_net(self, entries, signed):
        """Whether any entry points to the side on which the net lies."""
        net = sum(signed.values())
        return any(order.side.sign * net > 0 for order in entries)

    def judge_underlying(self, symbol, signed, equity):
        universe = self.cfg.universe
        name = universe.underlying.get(symbol)
        if name is None:
            return
        parts = {
            s: universe.leverage[s] * v
            for s, v in signed.items()
            if universe.underlying.get(s) == name
        }
        total = sum(parts.values())
        if total * parts[symbol] > 0:
            cap = equity * self.cfg.risk.max_underlying_exposure_pct / 100
            assert abs(total) <= cap * (1 + 1e-9)

    @invariant()
    def the_book_balances(self):
        """Cash is what fills made it; realised plus unrealised is the change of equity."""
        if not hasattr(self, "floor"):
            return
        ledger, account = self.floor.state.ledger, self.floor.account
        cash = self.floor.start
        for fill in self.floor.fills():
            cash -= fill.side.sign * fill.shares * fill.price_micro + fill.fee_micro
        assert ledger.cash_micro == cash == account._cash_micro
        bound = fees = 0
        for position in ledger.positions.values():
            bound += position.direction * sum(lot.value_micro for lot in position.lots)
            fees += sum(lot.fee_micro for lot in position.lots)
        assert cash + bound + fees == self.floor.start + ledger.realised_micro
        held = {s: p.quantity for s, p in ledger.positions.items()}
        assert held == {s: n for s, n in account._shares.items() if n}
        if not self.short:
            assert cash >= 0

    @invariant()
    def each_position_is_protected_or_leaving(self):
        """Legs for exactly its shares rest at the broker, or an exit works for them."""
        if not hasattr(self, "floor"):
            return
        state, account = self.floor.state, self.floor.account
        leaving = {w.order.symbol: w for w in state.working.values() if not w.order.entry}
        for symbol, position in state.ledger.positions.items():
            if symbol in leaving:
                assert leaving[symbol].remaining == position.shares
                continue
            legs = state.legs[SYMBOLS.index(symbol)]
            resting = account._resting[legs.order.order_id]
            assert legs.resting
            assert legs.remaining == resting.remaining == position.shares
            assert state.columns.stop_micro[SYMBOLS.index(symbol)] == legs.stop_micro
        assert len(account._resting) == len(set(state.ledger.positions) - set(leaving))

    @invariant()
    def a_halt_survives_everything_but_resume(self):
        """Neither edits nor sessions nor re-arming lift it (A1)."""
        if hasattr(self, "floor"):
            assert (self.floor.state.risk.halt is not None) == self.halted
            assert (self.floor.state.risk.flattened is not None) == self.flattened


class Approver(Trader):
    """The same where entries wait for approval, and an operator who approves whatever waits."""

    def configure(self, edits):
        return super().configure({"inbox.mode": "approve", "inbox.expiry_minutes": 20, **edits})

    @rule(minute=MINUTE, share=SHARE)
    def approve(self, minute, share):
        """Approve some of the cards, twice."""
        for symbol in sorted(share & self.floor.state.inbox.open.keys()):
            self.floor.command(Approve(card=symbol), "ann")
            self.floor.command(Approve(card=symbol), "bob")
        self.play(*minute)

    def judge(self, entries):
        """Beside the limits: each entry has one card, approved in this minute, and its terms."""
        super().judge(entries)
        history, now = self.floor.history, self.floor.block.ts_ns(0)
        closed = [e for ts, e in history if ts == now and isinstance(e, CardClosed)]
        offered = {e.card[:2]: e.card for _, e in history if isinstance(e, CardOffered)}
        approved = [offered[e.card, e.version] for e in closed if e.status == "approved"]
        assert {e.actor for e in closed if e.status == "approved"} == {"ann"}
        assert [o.symbol for o in entries] == [card.symbol for card in approved]
        for order, card in zip(entries, approved, strict=True):
            assert (order.shares, order.limit_micro) == (card.shares, card.limit_micro)
            assert (order.protection.stop, order.protection.target) == (card.stop, card.target)
            assert (order.side.sign, order.signal) == (card.direction, card.signal)
            assert now < card.expires_ns

    @invariant()
    def no_card_outlives_its_session(self):
        """Between sessions nothing waits."""
        if hasattr(self, "floor") and self.floor.minute == 0:
            assert not self.floor.state.inbox.open


TestTrader = Trader.TestCase
TestApprover = Approver.TestCase
TestTrader.settings = TestApprover.settings = examples(
    0.8, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
