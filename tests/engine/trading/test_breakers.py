"""What trips, at which figure, and what the state of the trader makes of it."""

import datetime as dt
import math

import numpy as np
import pytest

from engine.errors import ConfigError
from engine.events import (
    MICRO,
    BreakerRearmed,
    BreakerTripped,
    Gate,
    Leg,
    OrderFilled,
    OrderRejected,
    SessionOpened,
    Side,
    StreamLost,
    StreamRestored,
)
from engine.market.grid import Gridder
from engine.trading.breakers import BREAKERS, Readings
from engine.trading.watch import faults, observe
from tests.bars import DAY, block_of, config, flat, session, walk
from tests.bars import changed as replace
from tests.engine.trading.test_cycle import SYMBOLS, hold, new_state

GATES = {breaker.gate: breaker for breaker in BREAKERS}


def readings(**fields):
    """All well, but for the named fields."""
    well = Readings(
        minute=150, equity=100_000.0, day_open=100_000.0, peak=100_000.0, losses=0, rejects=0,
        orders=0, stream_lost="", data_age=0.0, bad_price="",
    )  # fmt: skip
    return replace(well, **fields)


def tripping(risk, **fields):
    """Return the gates of all breakers that trip on these readings."""
    found = readings(**fields)
    return {breaker.gate for breaker in BREAKERS if breaker.exceeded(found, risk) is not None}


def trip(state, gate, rearm_minute=None, minute=150):
    ts_ns = state.open_ns + minute * 60_000_000_000
    event = BreakerTripped(
        ts_ns=ts_ns, breaker=gate, reason="x", rearms="y", rearm_minute=rearm_minute
    )
    state.apply(event)


def rearm(state, gate):
    state.apply(BreakerRearmed(ts_ns=state.open_ns, breaker=gate, reason="z"))


LIMITS = {
    Gate.DAILY_LOSS: [("equity", 95_000.0, 94_999.99), ("equity", 95_000.01, 90_000.0)],
    Gate.DRAWDOWN: [("peak", 111_111.0, 111_112.0), ("peak", 100_000.0, 1e9)],
    Gate.CONSECUTIVE_LOSSES: [("losses", 2, 3), ("losses", 0, 4)],
    Gate.STALE_DATA: [
        ("data_age", 2.0, 3.0),
        ("data_age", 2.999, math.inf),
        ("mute", "", "the bar stream is mute"),
    ],
    Gate.LOST_STREAM: [("stream_lost", "", "timed out")],
    Gate.REJECTS: [("rejects", 2, 3), ("rejects", 0, 4)],
    Gate.PRICES: [("bad_price", "", "TQQQ")],
    Gate.ORDER_RATE: [("orders", 60, 61), ("orders", 59, 1000)],
}
"""(field, the last value that is well, a value that trips), at the default limits."""


@pytest.mark.parametrize("gate", LIMITS)
def test_each_breaker_trips_at_its_limit_and_not_before(gate):
    """At the limit or just on the good side all is well; just beyond it that breaker trips."""
    risk = config().risk
    for field, well, beyond in LIMITS[gate]:
        assert tripping(risk, **{field: well}) == set()
        assert tripping(risk, **{field: beyond}) == {gate}


def test_there_is_a_breaker_for_every_gate_of_breakers():
    """All of them are run, in the order of their gates, each with how it re-arms in words."""
    risk = config().risk

    assert [breaker.gate for breaker in BREAKERS] == sorted(LIMITS)
    assert all(breaker.rearms(risk) for breaker in BREAKERS)


NAN = math.nan


@pytest.mark.parametrize(
    ("field", "gates"),
    [
        ("equity", {Gate.DAILY_LOSS, Gate.DRAWDOWN}),
        ("day_open", {Gate.DAILY_LOSS}),
        ("peak", {Gate.DRAWDOWN}),
        ("losses", {Gate.CONSECUTIVE_LOSSES}),
        ("rejects", {Gate.REJECTS}),
        ("orders", {Gate.ORDER_RATE}),
        ("data_age", {Gate.STALE_DATA}),
    ],
)
def test_a_figure_that_is_not_a_number_trips(field, gates):
    """NaN is never all well: every breaker that reads it trips (A9)."""
    assert tripping(config().risk, **{field: NAN}) == gates


def test_all_that_trip_are_found():
    """One cause does not hide another."""
    bad = {
        "equity": 80_000.0, "losses": 3, "rejects": 3, "orders": 61, "stream_lost": "x",
        "data_age": 9.0, "bad_price": "TQQQ",
    }  # fmt: skip

    assert tripping(config().risk, **bad) == set(LIMITS)


@pytest.mark.parametrize("gate", LIMITS)
def test_why_it_trips_is_told_with_its_numbers(gate):
    """What was measured is in the words."""
    field, _, beyond = LIMITS[gate][0]
    words = GATES[gate].exceeded(readings(**{field: beyond}), config().risk)
    expected = {
        Gate.DAILY_LOSS: "daily loss 5.00% > 5%",
        Gate.DRAWDOWN: "drawdown 10.00% > 10%",
        Gate.CONSECUTIVE_LOSSES: "3 losing round trips in a row (limit 3)",
        Gate.STALE_DATA: "no bar of any symbol for 3 minutes",
        Gate.LOST_STREAM: "order stream lost: timed out",
        Gate.REJECTS: "3 orders rejected in a row",
        Gate.PRICES: "price of TQQQ crossed, or jumped more than 25%",
        Gate.ORDER_RATE: "61 orders in a minute (limit 60)",
    }

    assert words == expected[gate]


FAULTS = [Gate.STALE_DATA, Gate.LOST_STREAM, Gate.REJECTS, Gate.PRICES, Gate.ORDER_RATE]


def test_how_each_re_arms_follows_the_configuration():
    """Minutes, the next session, or by hand; a fault after its minutes, one at the least."""
    plain = config().risk
    by_hand = config(
        "risk.daily_loss_rearm=manual", "risk.drawdown_rearm=manual",
        "risk.consecutive_losses_rearm=manual",
    ).risk  # fmt: skip
    by_session = config(
        "risk.drawdown_rearm=session", "risk.consecutive_losses_rearm=session"
    ).risk  # fmt: skip

    def rules(gate, risk):
        return GATES[gate].minutes(risk), GATES[gate].by_session(risk)

    losses = Gate.CONSECUTIVE_LOSSES
    assert [rules(g, plain) for g in (Gate.DAILY_LOSS, Gate.DRAWDOWN, losses)] == [
        (None, True), (None, False), (60, True),
    ]  # fmt: skip
    assert {rules(g, by_hand) for g in (Gate.DAILY_LOSS, Gate.DRAWDOWN, losses)} == {(None, False)}
    assert {rules(g, by_session) for g in (Gate.DRAWDOWN, losses)} == {(None, True)}
    assert {rules(gate, plain) for gate in FAULTS} == {(2, True)}
    at_once = config("risk.fault_rearm_minutes=0").risk
    assert {rules(gate, at_once) for gate in FAULTS} == {(1, True)}


@pytest.mark.parametrize(
    "wrong",
    ["daily_loss_pct=500", "drawdown_pct=0", "max_consecutive_losses=0", "daily_loss_rearm=never"],
)
def test_a_breaker_cannot_be_configured_away(wrong):
    """A limit of 500%, of nothing, or a re-arming nobody knows is no configuration (B11)."""
    with pytest.raises(ConfigError):
        config(f"risk.{wrong}")


def losses_after(*prices):
    """Return (losses in a row after each, the state) of round trips bought at 50."""
    state, found, minute = new_state(config()), [], 10
    for price in prices:
        hold(state, "AAA", 100, minute=minute)
        found.append(state.risk.losses)
        sell(state, price, minute + 5)
        found.append(state.risk.losses)
        minute += 20
    return found, state


def sell(state, price, minute=150, symbol="AAA"):
    """Fill the target leg of a held symbol, whole, at a price."""
    legs = state.legs[state.column[symbol]]
    return state.apply(
        OrderFilled(
            ts_ns=state.open_ns + minute * 60_000_000_000, order_id=legs.order.order_id,
            symbol=symbol, side=legs.order.side, shares=legs.remaining,
            price_micro=round(price * MICRO), fee_micro=0, slippage_micro=0, final=True,
            leg=Leg.TARGET,
        )
    )  # fmt: skip


def test_buying_is_no_loss():
    """Three entries in a row leave the count at nought, though cash went out three times (A6)."""
    state = new_state(config())
    for symbol in ("AAA", "BBB", "CCC"):
        hold(state, symbol, 100)

    assert state.risk.losses == 0


def test_three_losing_round_trips_are_three_losses():
    """Only a closed position counts, and by its own profit (A6)."""
    found, state = losses_after(49, 49.5, 49.99)

    assert found == [0, 1, 1, 2, 2, 3]
    assert tripping(config().risk, losses=state.risk.losses) == {Gate.CONSECUTIVE_LOSSES}


def test_a_win_starts_the_count_anew_and_breaking_even_changes_nothing():
    """However small, a gain ends the row; nothing gained or lost neither adds nor ends (A6)."""
    assert losses_after(49, 49, 50)[0][-1] == 2
    assert losses_after(49, 50, 49, 50, 49)[0][-1] == 3
    assert losses_after(49, 49, 50.01)[0][-1] == 0
    assert losses_after(50)[0] == [0, 0]


def test_a_loss_in_parts_is_one_loss():
    """A position that leaves in three fills is one round trip (A6, A15)."""
    state = new_state(config())
    hold(state, "AAA", 300)
    legs = state.legs[0]
    for n in range(3):
        state.apply(
            OrderFilled(
                ts_ns=state.open_ns, order_id=legs.order.order_id, symbol="AAA", side=Side.SELL,
                shares=100, price_micro=49 * MICRO, fee_micro=0, slippage_micro=0, final=n == 2,
                leg=Leg.TARGET,
            )
        )  # fmt: skip
        assert state.risk.losses == (n == 2)


def test_a_shorts_loss_counts_by_its_own_sign():
    """Bought back higher is a loss, lower a gain, whatever the side of the order (A6)."""
    state = new_state(config("rotation.allow_short=true"))
    hold(state, "AAA", 100, direction=-1, minute=10)
    sell(state, 51, 20)
    assert state.risk.losses == 1
    hold(state, "AAA", 100, direction=-1, minute=40)
    sell(state, 49, 50)

    assert state.risk.losses == 0


def test_what_is_counted_in_a_row_counts_anew_after_a_trip():
    """Else the breaker could never re-arm: a win would need an entry (A7)."""
    _, state = losses_after(49, 49, 49)
    state.apply(OrderRejected(ts_ns=0, order_id="x", symbol="AAA", reason="?"))
    trip(state, Gate.CONSECUTIVE_LOSSES, 210)
    assert (state.risk.losses, state.risk.rejects) == (0, 1)
    trip(state, Gate.REJECTS, 152)

    assert state.risk.rejects == 0


def test_rejects_count_in_a_row():
    """A fill of anything says that the broker takes orders again."""
    state = new_state(config())
    for _ in range(2):
        state.apply(OrderRejected(ts_ns=0, order_id="x", symbol="AAA", reason="?"))
    assert state.risk.rejects == 2
    hold(state, "BBB", 100)

    assert state.risk.rejects == 0


def test_the_stream_is_lost_until_it_is_restored():
    """A fact that is read, not a command that has to be undone."""
    state = new_state(config())
    state.apply(StreamLost(ts_ns=0, reason="timed out"))
    assert tripping(config().risk, stream_lost=state.risk.stream_lost) == {Gate.LOST_STREAM}
    state.apply(StreamRestored(ts_ns=0))

    assert state.risk.stream_lost == ""


def equity_at(state, price):
    """Return the equity that a frame at one price for all is valued at."""
    block = block_of(np.stack([flat(1, price)] * len(SYMBOLS), axis=1), symbols=SYMBOLS)
    told = np.empty(1)
    columns = state.columns
    observe(
        block.bars, 0, columns.quantity, columns.stop_micro, columns.trail, 0.01, state.cash,
        told, np.empty(1),
    )  # fmt: skip
    return told.item()


@pytest.mark.parametrize(
    ("realised", "mark", "trips"),
    [(44.0, 50.0, True), (45.0, 50.0, False), (50.0, 45.0, False), (50.0, 44.9, True),
     (47.0, 47.9, True), (47.0, 48.1, False), (44.0, 51.1, False)],
)  # fmt: skip
def test_realised_and_unrealised_losses_count_alike(realised, mark, trips):
    """Half of the day's trades are closed, half still held: the sum decides (A8)."""
    state = new_state(config())
    hold(state, "AAA", 1000)
    hold(state, "BBB", 1000)
    sell(state, realised)
    equity = equity_at(state, mark)

    assert equity == pytest.approx(100_000 + 1000 * (realised - 50) + 1000 * (mark - 50))
    found = tripping(config().risk, equity=equity, day_open=state.risk.day_open)
    assert found == ({Gate.DAILY_LOSS} if trips else set())


def test_the_day_is_measured_from_its_own_open():
    """What earlier days lost or won is not today's: against the session's opening equity (A8)."""
    state = new_state(config())
    hold(state, "AAA", 1000)
    sell(state, 46.0)
    later = state.open_ns + 86_400 * 10**9
    state.apply(SessionOpened(ts_ns=later, date=DAY, minutes=390, trading=True))

    assert state.risk.day_open == state.risk.session_open == 96_000
    assert tripping(config().risk, equity=91_201.0, day_open=96_000.0, peak=96_000.0) == set()
    assert tripping(config().risk, equity=91_199.0, day_open=96_000.0, peak=96_000.0) == {
        Gate.DAILY_LOSS
    }


@pytest.mark.parametrize(
    ("gate", "peak", "day_open"),
    [(Gate.DRAWDOWN, 80_000.0, 100_000.0), (Gate.DAILY_LOSS, 100_000.0, 80_000.0)],
)
def test_re_arming_measures_anew_from_here(gate, peak, day_open):
    """Else what tripped would trip again at once, for ever (A7)."""
    state = new_state(config())
    trip(state, gate)
    state.equity = 80_000.0
    rearm(state, gate)

    assert (state.risk.peak, state.risk.day_open) == (peak, day_open)
    assert gate not in tripping(
        config().risk, equity=80_000.0, peak=state.risk.peak, day_open=state.risk.day_open
    )
    assert state.risk.block is None


def test_the_first_by_number_refuses_and_all_are_told():
    """Several stand tripped: each goes on its own, the words name them all."""
    state = new_state(config())
    for gate in (Gate.PRICES, Gate.DRAWDOWN, Gate.REJECTS):
        ts_ns = state.open_ns
        state.apply(
            BreakerTripped(
                ts_ns=ts_ns, breaker=gate, reason=gate.name, rearms="", rearm_minute=None
            )
        )
    assert state.risk.block is Gate.DRAWDOWN
    assert state.risk.words() == "DRAWDOWN; REJECTS; PRICES"
    rearm(state, Gate.DRAWDOWN)
    assert state.risk.block is Gate.REJECTS
    rearm(state, Gate.REJECTS)
    rearm(state, Gate.PRICES)

    assert (state.risk.block, state.risk.words(), state.risk.blocked_since_ns) == (None, "", None)


def found_in(bars, *, stale=3, jump=25.0):
    bars = np.asarray(bars, float)
    names = [f"S{i}" for i in range(bars.shape[1])]
    return faults(Gridder(names, [1.0] * len(names), jump).block(session(), 0, bars), stale)


BARS = {
    "all well": ((50, 51, 49, 50), False),
    "a jump at the limit": ((50, 62.5, 50, 62.5), False),
    "a jump beyond it": ((50, 62.51, 50, 62.51), True),
    "a fall at the limit": ((50, 50, 37.5, 37.5), False),
    "a fall beyond it": ((50, 50, 37.49, 37.49), True),
    "an open beyond it": ((63, 63, 50, 50), True),
    "high below the close": ((50, 50, 49, 50.5), True),
    "high below the open": ((50.5, 50.4, 49, 50), True),
    "low above the open": ((50, 52, 50.5, 51), True),
    "low above the close": ((50, 51, 49.9, 49.5), True),
    "high below low": ((50, 49, 51, 50), True),
    "a price of zero": ((50, 51, 0, 50), True),
    "a price below zero": ((50, 51, -1, 50), True),
    "no high": ((50, np.nan, 49, 50), True),
    "no open": ((np.nan, 51, 49, 50), True),
    "a volume below zero": ((50, 51, 49, 50, -1), True),
}


@pytest.mark.parametrize("case", BARS)
def test_crossed_bars_and_jumps_are_bad_prices(case):
    """Against the minute before, at its close; what is not a number is bad (A9)."""
    row, bad = BARS[case]
    bars = np.stack([flat(3), flat(3)], axis=1)
    bars[1, 1, : len(row)] = row
    found = found_in(bars)

    assert found.bad_price[1] == (1 if bad else -1)
    assert found.faulty[1] == bad
    assert found.bad_price[0] == -1


def test_the_age_of_data_is_that_of_the_freshest_symbol():
    """One symbol with bars is enough; the clock starts when none has any."""
    bars = np.stack([flat(8), flat(8)], axis=1)
    bars[1:, 0] = np.nan
    bars[3:7, 1] = np.nan
    found = found_in(bars)

    assert found.data_age.tolist() == [0, 0, 0, 1, 2, 3, 4, 0]
    assert found.faulty.tolist() == [False] * 5 + [True] * 2 + [False]


def test_a_market_that_has_never_traded_is_stale():
    """No bar at all is no data, from the first minute on (A9)."""
    assert found_in(np.full((2, 1, 5), np.nan)).faulty.all()


@pytest.mark.parametrize("size", [1, 7])
def test_faults_are_the_same_whatever_the_blocks_were_cut_to(size):
    """A jump across the border of two blocks is found."""
    bars = np.stack([walk(60, seed=s, missing=0.3, step=5e-3) for s in (1, 2)], axis=1)
    bars[35:, 0, :4] *= 1.1
    once = faults(Gridder("AB", [1.0, 1.0], 1.0).block(session(), 0, bars), 2)
    cut = Gridder("AB", [1.0, 1.0], 1.0)
    minutes = range(0, 60, size)
    parts = [faults(cut.block(session(), at, bars[at : at + size]), 2) for at in minutes]

    assert once.faulty.any()
    for name in ("data_age", "bad_price", "faulty"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert joined.tolist() == getattr(once, name).tolist()


@pytest.mark.parametrize("first_bar", [0, 1])
def test_a_night_is_no_minute(first_bar):
    """A gap over night is no jump within a minute, whenever the symbol's first bar comes."""
    gridder = Gridder(("AAA", "BBB"), (1.0, 1.0), 25.0)
    yesterday = np.stack([flat(390, 50.0), flat(390, 20.0)], axis=1)
    gridder.block(session(), 0, yesterday)
    today = np.stack([flat(5, 50.0), flat(5, 40.0)], axis=1)
    today[:first_bar, 1] = np.nan
    block = gridder.block(session(DAY + dt.timedelta(days=1)), 0, today)

    assert not faults(block, 3).faulty.any()
