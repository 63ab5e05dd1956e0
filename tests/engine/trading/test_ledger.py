from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvariantViolation
from engine.events import MICRO, Decision, OrderFilled, Side
from engine.trading.ledger import Ledger, side_of

CASH = 10**12


def fill(side, shares, price_micro, fee_micro=0, symbol="A", minute=0):
    return OrderFilled(
        ts_ns=minute * 60_000_000_000, order_id="x", symbol=symbol, side=side, shares=shares,
        price_micro=price_micro, fee_micro=fee_micro, slippage_micro=3, final=True,
    )  # fmt: skip


def book(ledger, *args, **kwargs):
    return ledger.book(fill(*args, **kwargs), Decision.EXIT)[-1].booking


steps = st.lists(
    st.tuples(st.integers(-40, 40).filter(bool), st.integers(1, 10**9), st.integers(0, 5 * 10**4)),
    max_size=40,
)


@given(steps)
def test_fifo_profit_equals_a_queue_of_single_shares(moves):
    """Cash, realised profit and equity equal a naive book of one share at a time (A1, B15)."""
    ledger, queue, realised, cash = Ledger(CASH), [], Fraction(0), CASH
    for signed, price, fee in moves:
        held = ledger.positions["A"].quantity if "A" in ledger.positions else 0
        # a position is closed before it is turned round
        if held * signed < 0 and abs(signed) > abs(held):
            signed = -held
        side, shares = (Side.BUY, signed) if signed > 0 else (Side.SELL, -signed)
        ledger.book(fill(side, shares, price, fee), Decision.EXIT)
        cash -= signed * price + fee
        if held * signed >= 0:
            queue += [(price, Fraction(fee, shares), side.sign)] * shares
        else:
            closed, queue = queue[:shares], queue[shares:]
            realised += sum(d * (price - p) - f for p, f, d in closed) - fee

        assert ledger.cash_micro == cash
        open_value = sum(p * d for p, _, d in queue)
        assert sum(x.quantity for x in ledger.positions.values()) == sum(d for *_, d in queue)
        assert abs(ledger.realised_micro - realised) <= len(moves)  # fees are split to the micro
        mark = 7.25
        expected = cash / MICRO + mark * sum(d for *_, d in queue)
        assert ledger.equity({"A": mark}) == pytest.approx(expected, abs=1e-6)
        if not queue:
            assert open_value == 0
            assert ledger.realised_micro == ledger.cash_micro - CASH


@given(steps)
def test_round_trips_add_up_to_the_change_of_cash(moves):
    """Σ net profit of closed round trips equals the change of cash whenever the book is flat."""
    ledger, trips = Ledger(CASH), []
    for signed, price, fee in moves:
        held = ledger.positions["A"].quantity if "A" in ledger.positions else 0
        if held * signed < 0 and abs(signed) > abs(held):
            signed = -held
        side, shares = (Side.BUY, signed) if signed > 0 else (Side.SELL, -signed)
        ((_, booking),) = ledger.book(fill(side, shares, price, fee), Decision.EXIT)
        trips += [booking.closed] if booking.closed else []
        if not ledger.positions:
            assert sum(trip.pnl_micro for trip in trips) == ledger.cash_micro - CASH


def test_shorts_gain_when_prices_fall():
    """A short is not booked as a long (B15)."""
    ledger = Ledger(CASH)
    book(ledger, Side.SELL, 10, 50 * MICRO)
    closed = book(ledger, Side.BUY, 10, 40 * MICRO, minute=12).closed

    assert closed.direction == -1
    assert closed.pnl_micro == 100 * MICRO
    assert closed.bars_held == 12
    assert closed.gross_micro == closed.pnl_micro + 6


def test_more_than_is_held_turns_the_position_round():
    """What a broker says has happened is booked: the rest is a position that nobody decided."""
    ledger = Ledger(CASH)
    book(ledger, Side.BUY, 10, MICRO, fee_micro=20)
    closed, opened = ledger.book(fill(Side.SELL, 25, 2 * MICRO, 50), Decision.EXIT)

    assert (closed.fill.shares, closed.booking.closed.pnl_micro) == (10, 10 * MICRO - 40)
    assert (opened.fill.shares, opened.fill.fee_micro) == (15, 30)
    assert (opened.booking.entry, opened.booking.direction) == (True, -1)
    assert ledger.positions["A"].stray
    assert ledger.cash_micro == CASH - 10 * MICRO - 20 + 50 * MICRO - 50
    with pytest.raises(InvariantViolation, match="a fill of 0"):
        book(ledger, Side.SELL, 0, MICRO)


def test_sides():
    """Longs are bought and sold, shorts sold and bought back."""
    assert [side_of(d, entry=e) for d in (1, -1) for e in (True, False)] == [
        Side.BUY, Side.SELL, Side.SELL, Side.BUY,
    ]  # fmt: skip
