"""What others did, and what was undone, is in the log: taken again it gives the same journal."""

from functools import partial

import numpy as np
import pytest
import trio

from actors.recovery import Recording, take_again
from actors.trader import Trader
from engine.events import (
    MICRO,
    Acknowledge,
    CashMoved,
    FillBusted,
    FillCorrected,
    OcoOrder,
    OrderFilled,
    OrphanFound,
    TradedByHand,
)
from engine.market.synth import generate
from engine.records.identity import broken_identities
from engine.records.inputs import Frame, InputLog, Said, Told, read_log
from engine.records.journal import FILES
from engine.records.recorded import whole_rows
from tests.bars import SIX, config, session

DAY = session()
CASH = 10**11
RECORDING = Recording(
    config=config(
        "learning.predictor=random", "rotation.min_edge_bps=-1000", "rotation.min_hold_minutes=5",
        "rotation.cooldown_minutes=1", "risk.daily_loss_pct=100", "risk.drawdown_pct=100",
        "risk.max_consecutive_losses=1000",
    ),
    symbols=SIX, session=DAY, epoch="0" * 8, cash_micro=CASH, learned=None,
)  # fmt: skip


SCRIPT = (
    (60, "sells_half"), (90, "busts_an_exit"), (120, "corrects"), (150, "transfers"),
    (180, "moves_cash"), (210, "buys_on_top"), (211, "says_adopt"), (240, "fills_late"),
    (270, "finds"),
)  # fmt: skip
"""What others do, from which minute on, as soon as it can be done."""


class Meddler:
    """A broker that fills at the last close, and does to the account what is in the script."""

    def __init__(self, bars):
        self.bars = bars
        self.close = np.full(len(SIX), 50.0)
        self.sent, self.fills, self.given = [], [], []

    def inputs(self, trader):
        """Yield inputs as they come of what the trader sends."""
        ledger, script = trader.desk.state.ledger, list(SCRIPT)
        for minute in range(DAY.minutes):
            self.ts_ns = DAY.open_ns + minute * 60 * 10**9
            orders, self.sent = self.sent, []
            fills = [self.fill(order) for order in orders if not isinstance(order, OcoOrder)]
            if fills:
                yield self.keep(Told(tuple(fills)))
            if script and minute >= script[0][0]:
                meddled = getattr(self, script[0][1])(ledger)
                if meddled is not None:
                    script.pop(0)
                    yield self.keep(meddled)
            yield self.keep(Frame(minute, self.bars[minute]))
            closes = self.bars[minute, :, 3]
            self.close = np.where(np.isnan(closes), self.close, closes)

    def keep(self, given):
        self.given.append(given)
        return given

    def price(self, symbol):
        return round(float(self.close[SIX.index(symbol)]) * MICRO)

    def fill(self, order, shares=None):
        fill = OrderFilled(
            self.ts_ns, order.order_id, order.symbol, order.side, shares or order.shares,
            self.price(order.symbol), 1_000, 0, final=True,
        )  # fmt: skip
        self.fills.append((fill, order))
        return fill

    def ours(self, ledger):
        return [p for _, p in sorted(ledger.positions.items()) if not p.orphan and p.shares > 9]

    def by_hand(self, symbol, shares, *, unpriced=False):
        return Told((TradedByHand(
            ts_ns=self.ts_ns, order_id="" if unpriced else "theirs", symbol=symbol, shares=shares,
            price_micro=0 if unpriced else self.price(symbol), fee_micro=0, unpriced=unpriced,
        ),))  # fmt: skip

    def sells_half(self, ledger):
        held = self.ours(ledger)
        return self.by_hand(held[0].symbol, -(held[0].shares // 2)) if held else None

    def buys_on_top(self, ledger):
        held = self.ours(ledger)
        return self.by_hand(held[0].symbol, 7) if held else None

    def says_adopt(self, ledger):
        orphans = [p.symbol for p in ledger.held if p.orphan]
        return Said(Acknowledge(symbol=orphans[0], keep="adopt"), "cli:ann") if orphans else None

    def transfers(self, ledger):
        held = self.ours(ledger)
        return self.by_hand(held[0].symbol, -3, unpriced=True) if held else None

    def moves_cash(self, _ledger):
        moved = CashMoved(ts_ns=self.ts_ns, amount_micro=-30_000 * MICRO, reason="CSW")
        return Told((moved,))

    def mended(self, kind, fill, **more):
        return Told((kind(
            ts_ns=self.ts_ns, order_id=fill.order_id, symbol=fill.symbol, side=fill.side,
            shares=fill.shares, price_micro=fill.price_micro, fee_micro=fill.fee_micro, **more,
        ),))  # fmt: skip

    def busts_an_exit(self, _ledger):
        exits = [fill for fill, order in self.fills if not order.entry]
        return self.mended(FillBusted, exits[-1]) if exits else None

    def corrects(self, _ledger):
        fill, _ = self.fills[-1]
        price = fill.price_micro + 10_000
        more = {"new_price_micro": price, "new_fee_micro": 2_000}
        return self.mended(FillCorrected, fill, **more)

    def fills_late(self, _ledger):
        """An exit that was filled whole fills once more."""
        exits = [order for _, order in self.fills if not order.entry]
        return Told((self.fill(exits[-1], 5),)) if exits else None

    def finds(self, ledger):
        free = [symbol for symbol in SIX if not ledger.quantity(symbol)]
        return Told((OrphanFound(
            ts_ns=self.ts_ns, symbol=free[0], shares=11, price_micro=0, fee_micro=0, paid=False,
        ),))  # fmt: skip


@pytest.fixture(scope="module")
def meddled(tmp_path_factory):
    """A live session in which everything happens: its folder, and what it was given."""
    folder = tmp_path_factory.mktemp("meddled")
    ((_, bars),) = generate([DAY], symbols=SIX, seed=3, signal=0.0)
    meddler = Meddler(np.asarray(bars))
    take = Trader.take

    async def kept(trader, given):
        outgoing, moves = await take(trader, given)
        meddler.sent += [approved.order for approved in outgoing.orders]
        return outgoing, moves

    async def main():
        from actors.recovery import Direct, again
        from engine.records.journal import Journal

        with Journal(folder, "full", RECORDING.epoch, DAY.open_ns) as files:
            inputs = iter(())

            def begin(trader, _learners):
                nonlocal inputs
                inputs = meddler.inputs(trader)

            class Lazily:
                def __iter__(self):
                    return inputs

            await again(RECORDING, Lazily(), Direct(files), begin)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trader, "take", kept)
        trio.run(main)
    return folder, meddler.given


def rows(folder, kind):
    return [row for row in whole_rows(folder / "events.jsonl") if row["type"] == kind]


def test_all_of_it_happened_and_adds_up(meddled):
    """Each kind is in the journal; cash, lots, equity and round trips add up."""
    folder, _ = meddled
    for kind in ("traded_by_hand", "fill_busted", "fill_corrected", "cash_moved", "orphan_found",
                 "round_trip_voided"):  # fmt: skip
        assert rows(folder, kind), kind
    assert any(row.get("by_hand") for row in rows(folder, "round_trip"))
    assert broken_identities(folder, CASH) == []


def test_taken_again_from_the_log_it_is_the_same(meddled, tmp_path):
    """So that a killed session goes on, and `rotor verify` holds."""
    folder, given = meddled
    log = InputLog(tmp_path / "inputs.jsonl", SIX)
    for one in given:
        log.append(one)
    log.close()
    logged = read_log(tmp_path / "inputs.jsonl", SIX)
    trio.run(partial(take_again, RECORDING, logged.inputs, tmp_path / "again"))

    for name in FILES["full"]:
        file = f"{name}.jsonl"
        assert (tmp_path / "again" / file).read_bytes() == (folder / file).read_bytes()
    kinds = {type(r).__name__ for one in logged.inputs if isinstance(one, Told)
             for r in one.reports}  # fmt: skip
    assert {"TradedByHand", "FillBusted", "FillCorrected", "CashMoved"} <= kinds


def test_no_symbol_that_was_traded_by_hand_is_entered_again(meddled):
    """Also behind a restart, since the bar is in the state's fold."""
    folder, _ = meddled
    first = {}
    for row in rows(folder, "traded_by_hand"):
        first.setdefault(row["symbol"], row["timestamp_ms"])
    entries = [row for row in rows(folder, "order_submitted") if row.get("entry")]
    assert first
    assert not [r for r in entries if r["timestamp_ms"] >= first.get(r["symbol"], 10**15)]
