"""The whole trader as a state machine, while others trade in its account and fills are undone."""

from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from engine.events import MICRO, Acknowledge, CashMoved
from engine.records.page import Trade
from tests.actors.test_risk_machine import MINUTE, SYMBOLS, Trader
from tests.actors.test_undone_fills import busted, corrected
from tests.budget import examples


class Meddled(Trader):
    """The trader where others trade in the account, cash comes and goes, and fills are undone."""

    def begin(self):
        self.floor.desk._carries = True
        self.handed = set()
        """Symbols that others traded today."""
        self.loose = set()
        """Symbols whose exits may be for more than is held: others sold beside them."""
        self.undone = set()
        self.day = 0

    @rule(
        place=st.integers(0, 99), share=st.sampled_from((-2.0, -1.0, -0.5, 0.1, 0.5)),
        far=st.sampled_from((0.9, 1.0, 1.01)), transfer=st.booleans(),
        word=st.sampled_from(("adopt", "leave", None, "")), minute=MINUTE,
    )  # fmt: skip
    def trade_by_hand(self, place, share, far, transfer, word, minute):
        """Sell some or more than all that is held, or buy some; or move it without a price."""
        symbols = sorted(self.floor.state.ledger.positions) or SYMBOLS
        symbol = symbols[place % len(symbols)]
        held = self.floor.state.ledger.quantity(symbol)
        shares = round(share * abs(held)) or round(20 * share)
        price = 0.0 if transfer else round(float(self.price[SYMBOLS.index(symbol)]) * far, 2)
        self.handed.add(symbol)
        self.loose.add(symbol)
        if word != "":
            self.floor.command(Acknowledge(symbol=symbol, keep=word))
        self.play(*minute, [self.floor.by_hand(symbol, shares, price, fee=17 * bool(price))])

    @rule(amount=st.sampled_from((-20_000, -500, 1, 30_000)), minute=MINUTE)
    def move_cash(self, amount, minute):
        """Take cash out, or put some in."""
        micro = amount * MICRO
        self.floor.account._cash_micro += micro
        self.play(*minute, [CashMoved(ts_ns=0, amount_micro=micro, reason="test")])

    @rule(data=st.data(), minute=MINUTE)
    def undo(self, data, minute):
        """Undo or correct one of today's fills of ours."""
        opened = self.floor.session.open_ns
        fills = [
            what.fill
            for _, what in self.floor.history
            if isinstance(what, Trade) and not what.by_hand and what.fill.ts_ns >= opened
            and what.fill not in self.undone
        ]  # fmt: skip
        if not fills:
            return
        fill = data.draw(st.sampled_from(fills))
        self.undone.add(fill)
        self.loose.add(fill.symbol)
        if data.draw(st.booleans()):
            report = busted(self.floor, fill)
        else:
            price = round(fill.price_micro / MICRO * data.draw(st.sampled_from((0.99, 1.01))), 2)
            report = corrected(self.floor, fill, price, fill.fee_micro + 1)
        self.play(*minute, [report])

    def late(self):
        return self.loose

    def play(self, bars, wishes, reports=()):
        if self.floor.day != self.day:
            self.day, self.handed, self.loose = self.floor.day, set(), set()
        super().play(bars, wishes, reports)

    def judge(self, entries):
        """No entry beside an orphan that waits for a word, none of what others traded."""
        assert self.floor.state.risk.orphans == ()
        assert not self.handed & {order.symbol for order in entries}
        if not self.floor.state.ledger.beside:
            super().judge(entries)

    @invariant()
    def the_book_balances(self):
        """The book is the broker's; what is realised and open is the change of the account."""
        if not hasattr(self, "floor"):
            return
        ledger, account = self.floor.state.ledger, self.floor.account
        assert ledger.cash_micro == account._cash_micro
        assert {s: ledger.quantity(s) for s in SYMBOLS} == account._shares
        assert self.floor.state.columns.quantity.tolist() == list(account._shares.values())
        bound = fees = 0
        for position in ledger.held:
            bound += position.direction * sum(lot.value_micro for lot in position.lots)
            fees += sum(lot.fee_micro for lot in position.lots)
        start = self.floor.desk.stats.starting_micro
        assert ledger.cash_micro + bound + fees == start + ledger.realised_micro
        trips = self.floor.desk.stats.round_trips
        open_ = sum(position.realised_micro for position in ledger.held)
        assert sum(trip.pnl_micro for trip in trips) + open_ == ledger.realised_micro

    @invariant()
    def each_position_is_protected_or_leaving(self):
        """Of ours; what others hold has no stop of ours."""
        if not hasattr(self, "floor"):
            return
        state, account = self.floor.state, self.floor.account
        exits = {w.order.symbol: w for w in state.working.values() if not w.order.entry}
        ours = [p for p in state.ledger.positions.values() if not p.orphan]
        for position in ours:
            if position.symbol in exits:
                exact = exits[position.symbol].remaining == position.shares
                assert exact or position.symbol in self.loose
                continue
            legs = state.legs[SYMBOLS.index(position.symbol)]
            assert legs.resting
            assert account._resting[legs.order.order_id].remaining == position.shares
        assert len(account._resting) == len({p.symbol for p in ours} - set(exits))


TestMeddled = Meddled.TestCase
TestMeddled.settings = examples(
    0.8, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
