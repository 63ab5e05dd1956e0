"""Fills that come late, and fills that are undone or corrected: the book follows to the cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import (
    MICRO,
    Decided,
    Decision,
    FillBusted,
    FillCorrected,
    OrderCanceled,
    OrderFilled,
    OrderSubmitted,
    RoundTripClosed,
    RoundTripVoided,
    Side,
)
from engine.records.page import Trade
from engine.trading.ledger import Ledger
from tests.actors.floor import bar, wish
from tests.actors.test_by_hand import (
    AAA,
    FLAT,
    QUIET,
    SYMBOLS,
    agrees,
    enter,
    fresh,
    holding,
    journal,
    legs,
    rows,
    shares_of,
    trips,
)

CASH = 10**12


def told(place, order, shares, price, *, fee=0, final=True, leg=None):
    """A fill that the broker tells of now, mirrored in its account."""
    fill = OrderFilled(
        ts_ns=place.session.open_ns + place.minute * 60 * 10**9, order_id=order.order_id,
        symbol=order.symbol, side=order.side, shares=shares, price_micro=round(price * MICRO),
        fee_micro=fee, slippage_micro=0, final=final, leg=leg,
    )  # fmt: skip
    place.account._shares[order.symbol] += order.side.sign * shares
    place.account._cash_micro -= order.side.sign * shares * fill.price_micro + fee
    return fill


def busted(place, fill):
    """The broker undoes a fill."""
    place.account._shares[fill.symbol] -= fill.side.sign * fill.shares
    place.account._cash_micro += fill.side.sign * fill.shares * fill.price_micro + fill.fee_micro
    return FillBusted(
        ts_ns=fill.ts_ns, order_id=fill.order_id, symbol=fill.symbol, side=fill.side,
        shares=fill.shares, price_micro=fill.price_micro, fee_micro=fill.fee_micro,
    )  # fmt: skip


def corrected(place, fill, price, fee):
    change = fill.side.sign * fill.shares * (round(price * MICRO) - fill.price_micro)
    place.account._cash_micro -= change + fee - fill.fee_micro
    return FillCorrected(
        ts_ns=fill.ts_ns, order_id=fill.order_id, symbol=fill.symbol, side=fill.side,
        shares=fill.shares, price_micro=fill.price_micro, fee_micro=fill.fee_micro,
        new_price_micro=round(price * MICRO), new_fee_micro=fee,
    )  # fmt: skip


def ordered(events):
    return [e.order for e in events if isinstance(e, OrderSubmitted)]


def entered(place):
    """The entry that has just been decided, taken away from the simulated broker."""
    (order,) = ordered(place.frame(FLAT, AAA))
    del place.account._orders[order.order_id]
    return order


def canceled(order, reason="canceled"):
    return OrderCanceled(ts_ns=0, order_id=order.order_id, symbol=order.symbol, reason=reason)


def sold(place):
    """Sell what is held by a rule; the exit's fill."""
    place.frame(FLAT, wish(SYMBOLS, "AAA", probability=0.2, bps=-80))
    place.frame(FLAT, QUIET)
    return place.fills()[-1]


# --- late ---------------------------------------------------------------------------------------


def test_an_entry_reported_canceled_and_filled_after_all_is_ours():
    """It opens the position, its legs go out at once, and it counts as an entry (13)."""
    place = fresh()
    order = entered(place)
    place.frame(FLAT, QUIET, [canceled(order)])
    assert place.state.working == {}
    events = place.frame(FLAT, AAA, [told(place, order, order.shares, 50.0)])

    (trade,) = [e for e in events if isinstance(e, Trade)]
    assert (trade.booking.first, trade.booking.orphan) == (True, False)
    assert trade.decision is Decision.ENTER_LONG
    assert legs(place) == {"AAA": order.shares}
    position = place.state.ledger.positions["AAA"]
    assert (position.signal, position.orphan) == (order.signal, False)
    assert place.desk.stats.positions_opened == 1
    assert place.state.orphans.by == {}
    agrees(place)


def test_the_late_rest_of_an_entry_gets_legs_too():
    """A part filled, the rest canceled, then filled: the legs are replaced by ones for all."""
    place = fresh()
    order = entered(place)
    place.frame(FLAT, AAA, [told(place, order, 100, 50.0, final=False), canceled(order)])
    assert legs(place) == {"AAA": 100}
    place.frame(FLAT, AAA, [told(place, order, 60, 50.0, final=False)])

    assert legs(place) == {"AAA": 160}
    assert place.state.legs[0].remaining == shares_of(place) == 160
    agrees(place)


def exit_canceled(place):
    """An exit that was sent, and reported canceled; what the broker still had of it."""
    (out,) = ordered(place.frame(FLAT, wish(SYMBOLS, "AAA", probability=0.2, bps=-80)))
    del place.account._orders[out.order_id]
    return out


def test_an_exit_reported_canceled_and_filled_after_all_sells():
    """Its legs, sent again meanwhile, are canceled; nothing is sold twice."""
    place = holding()
    before = shares_of(place)
    out = exit_canceled(place)
    place.frame(FLAT, AAA, [canceled(out)])
    assert legs(place) == {"AAA": before}
    events = place.frame(FLAT, AAA, [told(place, out, before, 50.0)])

    (trip,) = trips(events)
    assert (trip.decision, trip.by_hand) == (Decision.EXIT, False)
    assert (shares_of(place), legs(place)) == (0, {})
    agrees(place)


def test_what_was_sold_beyond_ours_is_bought_back_at_once():
    """Ours had left by its stop when the exit of before fills: short, covered, no crash."""
    place = holding()
    before = shares_of(place)
    out = exit_canceled(place)
    place.frame(FLAT, AAA, [canceled(out)])
    place.frame([bar(49), bar(50)], QUIET)
    assert shares_of(place) == 0
    events = place.frame([bar(49), bar(50)], QUIET, [told(place, out, before, 49.0)])

    (decided,) = [e for e in events if isinstance(e, Decided) and e.decision is Decision.RISK_EXIT]
    assert decided.reason.startswith("beyond what was held")
    (cover,) = ordered(events)
    assert (cover.side, cover.shares, cover.entry) == (Side.BUY, before, False)
    assert shares_of(place) == 0, "the simulated broker fills it at this minute's open"
    (trip,) = trips(events)
    assert (trip.direction, trip.by_hand, place.state.risk.losses) == (-1, True, 1)
    agrees(place)


def test_legs_of_before_that_fill_count():
    """Replaced since part was sold by hand, filled all the same: ours is gone, and covered."""
    place = holding()
    before, old = shares_of(place), place.state.legs[0].order
    place.frame(FLAT, AAA, [place.by_hand("AAA", -100, 50.0)])
    events = place.frame(FLAT, AAA, [told(place, old, before, 49.25)])

    assert [t.decision for t in trips(events)] == [Decision.TRAILING_STOP, Decision.RISK_EXIT]
    assert (shares_of(place), legs(place)) == (0, {})
    agrees(place)


def test_more_than_was_ordered_is_booked():
    """What a broker says has happened is never a crash; an unknown order is by hand."""
    place = holding()
    strange = replace_order(place.state.legs[0].order, "nobody's")
    place.frame(FLAT, AAA, [told(place, strange, 10, 50.0)])
    place.frame(FLAT, AAA, [told(place, place.state.legs[0].order, 10_000, 50.0)])

    assert place.fills()[1].order_id == "nobody's"
    assert shares_of(place) == 0
    agrees(place)


def replace_order(order, order_id):
    return order._replace(order_id=order_id)


# --- undone, corrected --------------------------------------------------------------------------


def test_a_busted_exit_makes_the_position_ours_again(tmp_path):
    """At what it cost, with its legs; the round trip is void, and ends by its next exit (14)."""
    place = fresh()
    with journal(place, tmp_path):
        enter(place)
        entry, before = place.fills()[0], shares_of(place)
        exit_ = sold(place)
        (_, first) = place.events(RoundTripClosed)[0]
        losses = place.state.risk.losses
        events = place.frame(FLAT, AAA, [busted(place, exit_)])

        (void,) = [e for e in events if isinstance(e, RoundTripVoided)]
        assert (void.number, void.trip) == (first.number, first.trip)
        position = place.state.ledger.positions["AAA"]
        assert (position.shares, position.entry_ts_ns) == (before, entry.ts_ns)
        assert position.entry_price == pytest.approx(entry.price_micro / MICRO)
        assert legs(place) == {"AAA": before}
        assert place.desk.stats.round_trips == []
        assert (losses, place.state.risk.losses) == (1, 0)
        agrees(place)
        sold(place)
        place.play([FLAT] * (390 - place.minute), QUIET)
    assert [trip.shares for trip in place.desk.stats.round_trips] == [before]
    assert [row["trip"] for row in rows(tmp_path, "events", "round_trip")] == [1, 2]
    (row,) = [row for row in rows(tmp_path, "trades") if row["action"] == "BUST"]
    assert row["pnl"] == -first.trip.pnl_micro / MICRO


def test_a_busted_entry_takes_its_shares_and_legs_away():
    """Nothing is held, nothing rests, nothing was earned."""
    place = holding()
    events = place.frame(FLAT, QUIET, [busted(place, place.fills()[0])])

    assert (shares_of(place), legs(place), ordered(events)) == (0, {}, [])
    assert place.state.ledger.cash_micro == place.start
    assert place.state.ledger.realised_micro == 0
    agrees(place)


def test_a_busted_entry_whose_exit_has_filled_leaves_a_short_that_is_bought_back(tmp_path):
    """At once, by a risk exit; cash and round trips add up (14)."""
    place = fresh()
    with journal(place, tmp_path):
        enter(place)
        entry = place.fills()[0]
        exit_ = sold(place)
        events = place.frame(FLAT, QUIET, [busted(place, entry)])

        (cover,) = ordered(events)
        assert (cover.side, cover.shares) == (Side.BUY, entry.shares)
        assert cover.decision is Decision.RISK_EXIT
        (void,) = [e for e in events if isinstance(e, RoundTripVoided)]
        assert void.trip.entry_micro == entry.shares * entry.price_micro
        (trip,) = trips(events)
        assert (trip.direction, trip.entry_micro) == (-1, exit_.shares * exit_.price_micro)
        agrees(place)
        place.play([FLAT] * (390 - place.minute), QUIET)
    assert place.state.ledger.realised_micro == place.state.ledger.cash_micro - place.start


@pytest.mark.parametrize("which", ["entry", "exit"])
def test_a_corrected_price_is_that_of_the_trade_from_the_start(which, tmp_path):
    """Of a fill whose round trip is over: it is told again, with what it earned."""
    place = fresh()
    with journal(place, tmp_path):
        enter(place)
        entry = place.fills()[0]
        exit_ = sold(place)
        before = place.desk.stats.round_trips[0]
        fill = entry if which == "entry" else exit_
        events = place.frame(FLAT, QUIET, [corrected(place, fill, 50.2, fill.fee_micro + 3)])

        (again,) = trips(events)
        change = fill.shares * (50_200_000 - fill.price_micro) * -fill.side.sign - 3
        assert again.pnl_micro == before.pnl_micro + change
        assert place.desk.stats.round_trips == [again]
        agrees(place)
        place.play([FLAT] * (390 - place.minute), QUIET)
    (row,) = [row for row in rows(tmp_path, "trades") if row["action"] == "CORRECTION"]
    assert (row["pnl"], row["costs"]) == (change / MICRO, 3 / MICRO)


def test_a_corrected_entry_keeps_its_legs():
    """Its shares are the same: nothing is sent, its cost is another."""
    place = holding()
    fill = place.fills()[0]
    events = place.frame(FLAT, AAA, [corrected(place, fill, 49.9, 0)])

    assert ordered(events) == []
    assert place.state.ledger.positions["AAA"].entry_price == pytest.approx(49.9)
    agrees(place)


def test_a_bust_of_something_that_was_told_otherwise_is_exact_all_the_same():
    """Two executions told as one fill, or a fill that nobody knows."""
    place = holding()
    fill = place.fills()[0]
    part = fill._replace(shares=100, price_micro=fill.price_micro + 7, fee_micro=1)
    place.frame(FLAT, AAA, [busted(place, part)])
    assert legs(place) == {"AAA": fill.shares - 100}
    agrees(place)
    unknown = part._replace(order_id="never", shares=fill.shares - 100, side=Side.BUY)
    place.frame(FLAT, AAA, [busted(place, unknown)])
    assert (shares_of(place), legs(place)) == (0, {})
    agrees(place)


steps = st.lists(
    st.tuples(
        st.integers(-40, 40).filter(bool), st.integers(1, 10**9), st.integers(0, 5 * 10**4),
        st.booleans(),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def played(moves):
    ledger = Ledger(CASH)
    for i, (signed, price, fee, by_hand) in enumerate(moves):
        fill = OrderFilled(
            i * 60 * 10**9, f"o{i}", "A", Side.BUY if signed > 0 else Side.SELL, abs(signed),
            price, fee, 3, final=True,
        )  # fmt: skip
        decision = Decision.ENTER_LONG if signed > 0 else Decision.EXIT
        ledger.book(fill, decision, by_hand=by_hand)
        yield fill, ledger


@given(steps, st.data())
def test_a_ledger_that_is_mended_is_one_in_which_it_never_happened(moves, data):
    """Whatever was traded by whom, before and after; a correction likewise (14)."""
    *_, (_, ledger) = played(moves)
    fills = [fill for fill, _ in played(moves)]
    i = data.draw(st.integers(0, len(moves) - 1))
    price = data.draw(st.none() | st.integers(1, 10**9))
    instead = None if price is None else fills[i]._replace(price_micro=price)
    realised = ledger.realised_micro
    mended = ledger.mend(fills[i], instead)

    if price is None:
        expected = Ledger(CASH)
        others = [m if j != i else None for j, m in enumerate(moves)]
        for fill, move in zip(fills, others, strict=True):
            if move is not None:
                decision = Decision.ENTER_LONG if move[0] > 0 else Decision.EXIT
                expected.book(fill, decision, by_hand=move[3])
    else:
        changed = [(*m[:1], price, *m[2:]) if j == i else m for j, m in enumerate(moves)]
        *_, (_, expected) = played(changed)
    assert ledger.cash_micro == expected.cash_micro
    assert ledger.positions == expected.positions
    assert ledger.beside == expected.beside
    assert ledger.realised_micro == expected.realised_micro == realised + mended.realised_micro
