import numpy as np
import pytest

from engine.errors import InvariantViolation
from engine.events import (
    MICRO,
    Decision,
    Leg,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    Side,
)
from engine.simulation.broker import SimulatedBroker
from engine.trading.costs import fill_price
from engine.trading.ledger import Ledger
from engine.trading.watch import observe
from tests.bars import approved, block_of, config, flat, walk

SYMBOLS = ("A", "B")


def order(name, symbol="A", side=Side.BUY, shares=100, *, entry=True):
    decision = Decision.ENTER_LONG if entry else Decision.EXIT
    return approved(
        Order(
            order_id=name, symbol=symbol, side=side, shares=shares, entry=entry, decision=decision
        )
    )


def oco(direction=1, shares=100, name="legs", trail=0.0):
    """The legs of a position in A that was entered at 50: a stop at 1.5%, a target at 3%."""
    return approved(
        OcoOrder(
            order_id=name,
            symbol="A",
            side=Side.SELL if direction > 0 else Side.BUY,
            shares=shares,
            stop_micro=50_000_000 - direction * 750_000,
            target_micro=50_000_000 + direction * 1_500_000,
            trail=trail,
        )
    )


def tape(*rows, direction=1, volume=1e6, first=0):
    """A block of A: one flat bar at 50, then (open, high, low, close) rows; B stays at 20.

    For a short the rows are mirrored at 50, so that its levels are met as a long's are.
    """
    bars = np.stack([flat(len(rows) + 1, 50.0), flat(len(rows) + 1, 20.0)], axis=1)
    for t, (open_, high, low, close, *own) in enumerate(rows, 1):
        if direction < 0:
            open_, high, low, close = 100 - open_, 100 - low, 100 - high, 100 - close
        bars[t, 0] = open_, high, low, close, own[0] if own else volume
    return block_of(bars, symbols=SYMBOLS, first=first)


def holding(block, *sets, direction=1, shares=100):
    """A broker that holds A since the open of the block's first frame, its legs resting."""
    account = broker(*sets)
    side = Side.BUY if direction > 0 else Side.SELL
    account.submit([order("in", side=side, shares=shares)])
    (fill,) = account.match(block, 0)
    assert fill.shares == shares
    account.submit([oco(direction, shares)])
    assert account.close_bar(block, 0) == []
    return account


def frame(account, block, t):
    """All reports of a frame."""
    return account.match(block, t) + account.close_bar(block, t)


def paid(reference, direction, shares, volume=1e6):
    """What a market order that closes pays or gets, micro-dollars."""
    return round(fill_price(reference, -direction, shares, volume, config().costs) * MICRO)


def mirrored(price, direction):
    return price if direction > 0 else 100 - price


def market(minutes=390, volume=1e6, **missing):
    bars = np.stack([flat(minutes, 50.0, volume), flat(minutes, 20.0, volume)], axis=1)
    for symbol, rows in missing.items():
        bars[rows, SYMBOLS.index(symbol)] = np.nan
    return block_of(bars, symbols=SYMBOLS)


def broker(*sets):
    return SimulatedBroker(config(*sets), SYMBOLS)


def test_fills_at_the_next_open_with_the_costs_against_the_trader():
    """An order of frame t is filled at the open of t + 1, plus half spread and impact (B17)."""
    block = block_of(np.stack([walk(5, seed=1), walk(5, seed=2)], 1), symbols=SYMBOLS)
    account = broker("simulation.participation_pct=100")
    account.submit([order("x", shares=10)])
    (fill,) = account.match(block, 3)

    reference, volume = float(block.bars[3, 0, 0]), float(block.bars[3, 0, 4])
    expected = fill_price(reference, 1, 10, volume, config().costs)
    assert fill.price_micro == round(expected * MICRO)
    assert fill.price_micro > reference * MICRO
    assert fill.slippage_micro == 10 * (fill.price_micro - round(reference * MICRO))
    assert fill.ts_ns == block.ts_ns(3)


def test_the_cap_fills_entries_in_part_and_cancels_their_rest():
    """At most 10% of the bar's volume; the rest of an entry is cancelled after its first bar."""
    account = broker()
    account.submit([order("x", shares=100)])
    fill, rest = account.match(market(volume=400), 0)

    assert (fill.shares, fill.final) == (40, False)
    assert isinstance(rest, OrderCanceled)
    assert account.match(market(volume=400), 1) == []


def test_the_rest_of_an_exit_keeps_working():
    """An exit beyond the cap is filled over the following opens."""
    account = broker()
    account.submit([order("in", shares=100)])
    account.match(market(), 0)
    account.submit([order("out", side=Side.SELL, shares=100, entry=False)])
    fills = [account.match(market(volume=400), t) for t in (1, 2, 3)]

    assert [[fill.shares for fill in reports] for reports in fills] == [[40], [40], [20]]
    assert fills[-1][0].final


def test_an_entry_lapses_without_a_bar_and_an_exit_waits():
    """No bar in the minute after the decision: the entry is cancelled, the exit waits for one."""
    account = broker()
    account.submit([order("b", symbol="B")])
    account.match(market(), 0)
    account.submit([order("a"), order("out", symbol="B", side=Side.SELL, entry=False)])
    block = market(A=[1], B=[1, 2])

    (lapsed,) = account.match(block, 1)
    assert (lapsed.order_id, lapsed.reason) == ("a", "no bar in its minute")
    assert account.match(block, 2) == []
    assert [type(r) for r in account.match(block, 3)] == [OrderFilled]


def test_exits_come_before_entries_each_by_symbol():
    """Cash of an exit is there for the entry of the same open."""
    account = broker("simulation.starting_capital=5100")
    account.submit([order("in", shares=100)])
    account.match(market(), 0)
    account.submit([order("b", symbol="B", shares=200), order("out", side=Side.SELL, entry=False)])
    reports = account.match(market(), 1)

    assert [report.order_id for report in reports] == ["out", "b"]


@pytest.mark.parametrize("side", list(Side))
def test_entries_never_exceed_the_account(side):
    """A purchase beyond cash, or a short beyond the account, is cut to what the account covers."""
    account = broker("simulation.starting_capital=1000")
    account.submit([order("x", side=side, shares=500)])
    fill, rest = account.match(market(), 0)

    assert 900 < fill.shares * fill.price_micro / MICRO <= 1000
    assert isinstance(rest, OrderCanceled)
    account.submit([order("y", symbol="B", side=side, shares=500)])
    more = [r for r in account.match(market(), 1) if isinstance(r, OrderFilled)]
    assert sum(f.shares * f.price_micro for f in more) / MICRO < 100


def test_what_is_held_in_the_last_minute_is_closed_by_force():
    """Beyond the cap, at the close less 25 bp, marked forced: nothing stays overnight (B27)."""
    account = broker()
    account.submit([order("in", shares=1000)])
    account.match(market(), 0)
    account.submit([order("out", side=Side.SELL, shares=1000, entry=False)])
    block = market(volume=5000)
    (open_fill,) = account.match(block, 389)
    (forced,) = account.close_bar(block, 389)

    assert (open_fill.shares, open_fill.forced) == (500, False)
    assert (forced.shares, forced.forced, forced.final) == (500, True, True)
    assert forced.price_micro == round(50.0 * (1 - 25e-4) * MICRO)


def test_the_same_order_twice_is_a_bug():
    """An id is sent once."""
    account = broker()
    account.submit([order("x")])

    with pytest.raises(InvariantViolation, match="sent twice"):
        account.submit([order("x")])


BOTH = [1, -1]
"""A long, and a short in the mirrored market."""


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize(
    ("bar", "reference"),
    [
        ((50.0, 50.2, 49.25, 50.0), 49.25),
        ((50.0, 50.2, 49.0, 49.1), 49.25),
        ((49.25, 49.5, 49.1, 49.2), 49.25),
        ((49.24, 49.5, 49.1, 49.2), 49.24),
        ((48.0, 50.2, 47.5, 50.0), 48.0),
    ],
)
def test_a_stop_fills_at_its_level_or_at_the_open_beyond_it(direction, bar, reference):
    """Touched it is a market order, with its costs; a gap does not fill at the level (B6)."""
    block = tape(bar, direction=direction)
    (fill,) = frame(holding(block, direction=direction), block, 1)

    assert (fill.leg, fill.shares, fill.final) == (Leg.STOP, 100, True)
    assert fill.price_micro == paid(mirrored(reference, direction), direction, 100)
    assert fill.slippage_micro == 100 * direction * (
        round(mirrored(reference, direction) * MICRO) - fill.price_micro
    )
    assert (fill.ambiguous, fill.forced) == (False, False)
    assert fill.ts_ns == block.ts_ns(1)


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((50.0, 51.5, 49.9, 50.0), 51.5),
        ((50.0, 53.0, 49.9, 53.0), 51.5),
        ((51.5, 51.6, 51.0, 51.1), 51.5),
        ((52.0, 52.5, 51.9, 52.0), 52.0),
    ],
)
def test_a_target_fills_at_its_level_or_at_the_open_beyond_it(direction, bar, price):
    """It is a limit: no spread, no impact, and a gap is in its favour."""
    block = tape(bar, direction=direction)
    (fill,) = frame(holding(block, direction=direction), block, 1)

    assert (fill.leg, fill.shares, fill.final) == (Leg.TARGET, 100, True)
    assert fill.price_micro == round(mirrored(price, direction) * MICRO)
    assert fill.slippage_micro == 0
    assert not fill.ambiguous


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize(
    "bar", [(50.0, 51.49, 49.26, 50.0), (49.26, 51.49, 49.26, 51.49), (np.nan,) * 4 + (np.nan,)]
)
def test_a_bar_between_the_legs_fills_neither(direction, bar):
    """A cent before the level is not touched, and neither is a minute without a bar."""
    block = tape(bar, bar, direction=direction)
    account = holding(block, direction=direction)

    assert [frame(account, block, t) for t in (1, 2)] == [[], []]


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize(("policy", "leg"), [("stop", Leg.STOP), ("target", Leg.TARGET)])
def test_a_bar_that_touches_both_follows_the_policy_and_says_so(direction, policy, leg):
    """Nobody knows which came first: the setting decides, the fill is marked ambiguous (B6)."""
    block = tape((50.0, 52.0, 49.0, 50.0), direction=direction)
    account = holding(block, f"simulation.both_touched={policy}", direction=direction)
    (fill,) = frame(account, block, 1)

    assert (fill.leg, fill.ambiguous, fill.final) == (leg, True, True)
    if leg is Leg.STOP:
        assert fill.price_micro == paid(mirrored(49.25, direction), direction, 100)
    else:
        assert fill.price_micro == round(mirrored(51.5, direction) * MICRO)


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize("policy", ["stop", "target"])
@pytest.mark.parametrize(("open_", "leg"), [(48.0, Leg.STOP), (52.0, Leg.TARGET)])
def test_an_open_beyond_a_level_leaves_no_doubt(direction, policy, open_, leg):
    """A bar that opens through one leg filled that leg first, whatever the setting says (B6)."""
    block = tape((open_, 52.5, 47.5, 50.0), direction=direction)
    account = holding(block, f"simulation.both_touched={policy}", direction=direction)
    (fill,) = frame(account, block, 1)

    assert (fill.leg, fill.ambiguous) == (leg, False)
    reference = mirrored(open_, direction)
    stopped = paid(reference, direction, 100)
    assert fill.price_micro == (stopped if leg is Leg.STOP else round(reference * MICRO))


def test_legs_are_active_in_the_bar_of_their_entry():
    """What happens after the open of the entry's own bar is not free of risk."""
    block = tape((50.0, 50.1, 49.0, 49.5))
    account = broker()
    account.submit([order("in")])
    (bought,) = account.match(block, 1)
    account.submit([oco()])
    (stopped,) = account.close_bar(block, 1)

    assert (bought.ts_ns, bought.order_id) == (stopped.ts_ns, "in")
    assert (stopped.leg, stopped.shares) == (Leg.STOP, 100)


def test_the_volume_of_a_bar_is_shared_between_its_fills():
    """Entry and stop of one bar together take the share that one order could take."""
    block = tape((50.0, 50.1, 49.0, 49.5, 1500))
    account = broker()
    account.submit([order("in", shares=100)])
    account.match(block, 1)
    account.submit([oco()])
    (stopped,) = account.close_bar(block, 1)

    assert (stopped.shares, stopped.final) == (50, False)


@pytest.mark.parametrize("direction", BOTH)
def test_what_a_triggered_stop_cannot_sell_works_at_the_next_opens(direction):
    """40 shares a bar at 10% of 400: the rest is a market order, wherever the price has gone."""
    back = (50.5, 52.0, 50.0, 51.0, 400)
    block = tape((50.0, 50.1, 49.0, 49.5, 400), back, back, back, direction=direction)
    account = holding(block, direction=direction)
    fills = [frame(account, block, t) for t in (1, 2, 3, 4)]

    assert [[f.shares for f in reports] for reports in fills] == [[40], [40], [20], []]
    assert [f.leg for reports in fills for f in reports] == [Leg.STOP] * 3
    assert [f.final for reports in fills for f in reports] == [False, False, True]
    assert fills[1][0].price_micro == paid(mirrored(50.5, direction), direction, 40, 400)


def test_a_touched_stop_sells_one_share_at_least():
    """The trade that touched it was one: in a bar of 5 shares one is sold, the rest works."""
    block = tape((50.0, 50.1, 49.0, 49.5, 5), (48.0, 48.1, 47.9, 48.0))
    account = holding(block)
    (one,), (rest,) = (frame(account, block, t) for t in (1, 2))

    assert (one.shares, rest.shares) == (1, 99)
    assert rest.price_micro == paid(48.0, 1, 99)


def test_a_target_filled_in_part_keeps_resting():
    """Its rest waits for the level again, with the stop below it."""
    block = tape(
        (50.0, 51.6, 49.9, 51.0, 400), (51.0, 51.4, 50.0, 51.0), (51.0, 51.5, 51.0, 51.2, 300),
        (51.0, 51.2, 49.2, 49.3),
    )  # fmt: skip
    account = holding(block)
    fills = [frame(account, block, t) for t in (1, 2, 3, 4)]

    assert [[(f.leg, f.shares) for f in reports] for reports in fills] == [
        [(Leg.TARGET, 40)], [], [(Leg.TARGET, 30)], [(Leg.STOP, 30)],
    ]  # fmt: skip
    assert [f.final for reports in fills for f in reports] == [False, False, True]


HIDDEN = {
    "target first by policy": ((50.0, 51.6, 49.0, 49.1, 400), [(Leg.TARGET, 40), (Leg.STOP, 1)]),
    "open beyond the target": ((51.6, 51.7, 49.0, 49.1, 400), [(Leg.TARGET, 40), (Leg.STOP, 1)]),
    "a bar too thin for the target": ((50.0, 51.6, 49.0, 49.1, 5), [(Leg.STOP, 1)]),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_the_stop_takes_what_the_target_left_in_the_same_bar(case):
    """Target first, then down through the stop: the rest is stopped, not carried on (B6)."""
    bar, expected = HIDDEN[case]
    block = tape(bar, (50.5, 50.6, 50.4, 50.5))
    account = holding(block, "simulation.both_touched=target")

    assert [(f.leg, f.shares) for f in frame(account, block, 1)] == expected
    (rest,) = frame(account, block, 2)
    assert (rest.leg, rest.final) == (Leg.STOP, True)


def test_an_exit_that_replaces_the_legs_cancels_them():
    """They are gone with its arrival: the shares are sold once (A5, A12)."""
    block = tape((50.0, 52.0, 48.0, 50.0), (48.0, 48.0, 48.0, 48.0))
    account = holding(block)
    out = Order(
        order_id="out", symbol="A", side=Side.SELL, shares=100, entry=False,
        decision=Decision.EXIT, replaces="legs",
    )  # fmt: skip
    account.submit([approved(out)])

    (fill,) = frame(account, block, 1)
    assert (fill.order_id, fill.shares, fill.leg) == ("out", 100, None)
    assert fill.price_micro == paid(50.0, 1, 100)
    assert frame(account, block, 2) == []


def test_a_stop_that_moved_is_the_one_that_counts():
    """replace moves a resting stop; of a leg that is gone it brings nothing back."""
    block = tape((50.0, 50.5, 49.6, 50.0), (50.0, 50.5, 49.7, 50.0), (40.0, 40.0, 40.0, 40.0))
    account = holding(block)
    assert frame(account, block, 1) == []
    account.replace([("legs", 49_750_000)])

    (fill,) = frame(account, block, 2)
    assert (fill.leg, fill.price_micro) == (Leg.STOP, paid(49.75, 1, 100))
    account.replace([("legs", 49_900_000)])
    assert frame(account, block, 3) == []


@pytest.mark.parametrize("direction", BOTH)
def test_a_trailing_stop_is_tested_before_its_bar_moves_it(direction):
    """Up to 51 and down to 50 in one bar: not stopped at 50.49; the next bar's open is (B6)."""
    block = tape((50.0, 51.0, 50.0, 50.2), (50.2, 50.3, 50.1, 50.2), direction=direction)
    account = holding(block, direction=direction)
    stop = np.array([50_000_000 - direction * 750_000, 0])
    told = np.empty(len(block))
    assert frame(account, block, 1) == []

    ((_, column, moved),) = observe(
        block.bars, 1, np.array([100 * direction, 0]), stop, np.array([0.01, 0.0]), 0.01, 0.0,
        told, told,
    )  # fmt: skip
    assert (column, moved) == (0, 50_490_000 if direction > 0 else 49_490_000)
    account.replace([("legs", moved)])
    (fill,) = frame(account, block, 2)
    assert (fill.leg, fill.price_micro) == (
        Leg.STOP, paid(mirrored(50.2, direction), direction, 100),
    )  # fmt: skip


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize(("open_", "fills"), [(50.24, True), (50.25, False), (50.3, False)])
def test_an_entry_that_opens_beyond_its_limit_is_canceled(direction, open_, fills):
    """Its costs counted: nothing is paid beyond what it was sized at."""
    block = tape((open_, 51.0, 49.9, 50.0), direction=direction)
    limit = 50_250_000 if direction > 0 else 49_750_000
    side = Side.BUY if direction > 0 else Side.SELL
    account = broker()
    entry = Order(
        order_id="in", symbol="A", side=side, shares=10, entry=True,
        decision=Decision.ENTER_LONG, limit_micro=limit,
    )  # fmt: skip
    account.submit([approved(entry)])
    (report,) = frame(account, block, 1)

    assert isinstance(report, OrderFilled) == fills
    if fills:
        assert direction * report.price_micro <= direction * limit
    else:
        assert report.reason == f"it opened beyond its limit of {limit / MICRO:g}"
    assert frame(account, block, 1) == []


@pytest.mark.parametrize("direction", BOTH)
def test_legs_are_closed_by_force_in_the_last_minute(direction):
    """Whole, beyond the cap, at the close less 25 bp against it: nothing stays overnight."""
    block = tape((50.0, 50.1, 49.9, 50.0, 10), direction=direction, first=388)
    account = holding(block, direction=direction)
    (fill,) = frame(account, block, 1)

    assert (fill.shares, fill.forced, fill.final) == (100, True, True)
    assert fill.price_micro == round(50.0 * (1 - direction * 25e-4) * MICRO)


def test_what_a_stop_leaves_in_the_last_minute_is_closed_by_force():
    """Triggered and cut by the cap in the last bar, the rest does not stay overnight."""
    block = tape((50.0, 50.1, 49.0, 49.5, 400), first=388)
    first, forced = frame(holding(block), block, 1)

    assert (first.shares, first.leg, first.forced, first.final) == (40, Leg.STOP, False, False)
    assert (forced.shares, forced.forced, forced.final) == (60, True, True)


def test_a_canceled_entry_is_reported_and_never_filled():
    """Cancelled before its bar, with the reason; a second cancellation finds nothing."""
    account, block = broker(), market()
    account.submit([order("x")])
    account.cancel(["x", "unknown"])
    account.cancel(["x"])

    (gone,) = frame(account, block, 0)
    assert (gone.order_id, gone.reason) == ("x", "as asked")
    assert frame(account, block, 1) == []


@pytest.mark.parametrize("direction", BOTH)
def test_opening_a_position_costs_its_costs_and_nothing_else(direction):
    """A short's proceeds are not wealth: equity falls by spread, impact and fees (B7)."""
    block, ledger = market(), Ledger(100_000 * MICRO)
    account = broker()
    side = Side.BUY if direction > 0 else Side.SELL
    account.submit([order("in", side=side, shares=500)])
    (fill,) = account.match(block, 0)
    ledger.book(fill, Decision.ENTER_SHORT)

    costs = (fill.slippage_micro + fill.fee_micro) / MICRO
    assert 0 < costs < 20
    assert ledger.equity({"A": 50.0}) == pytest.approx(100_000 - costs, abs=1e-6)


def test_the_ledger_of_all_fills_is_the_brokers_account():
    """Partial fills, legs and a forced close: what the ledger holds is flat and paid (A15)."""
    block = tape((50.0, 51.6, 49.9, 51.0, 400), (51.0, 51.1, 49.0, 49.3, 300), first=387)
    account, ledger = broker(), Ledger(100_000 * MICRO)
    account.submit([order("in", shares=100)])
    fills = account.match(block, 0)
    account.submit([oco()])
    fills += account.close_bar(block, 0) + frame(account, block, 1) + frame(account, block, 2)
    booked = [ledger.book(fill, Decision.EXIT)[0].booking for fill in fills]

    assert [(f.leg, f.shares, f.forced) for f in fills] == [
        (None, 100, False), (Leg.TARGET, 40, False), (Leg.STOP, 30, False), (Leg.STOP, 30, True),
    ]  # fmt: skip
    assert ledger.positions == {}
    assert booked[-1].closed.shares == 100
    flow = sum(-f.side.sign * f.shares * f.price_micro - f.fee_micro for f in fills)
    assert booked[-1].closed.pnl_micro == flow == ledger.cash_micro - 100_000 * MICRO


def test_legs_sent_twice_are_a_bug():
    """An id is sent once, at rest or at work (A12)."""
    account = broker()
    account.submit([oco()])

    with pytest.raises(InvariantViolation, match="sent twice"):
        account.submit([oco()])
