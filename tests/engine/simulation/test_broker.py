import numpy as np
import pytest

from engine.errors import InvariantViolation
from engine.events import MICRO, Decision, Order, OrderCanceled, OrderFilled, Side
from engine.simulation.broker import SimulatedBroker
from engine.trading.costs import fill_price
from tests.bars import approved, block_of, config, flat, walk

SYMBOLS = ("A", "B")


def order(name, symbol="A", side=Side.BUY, shares=100, *, entry=True):
    decision = Decision.ENTER_LONG if entry else Decision.EXIT
    return approved(
        Order(
            order_id=name, symbol=symbol, side=side, shares=shares, entry=entry, decision=decision
        )
    )


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
