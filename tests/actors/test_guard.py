"""The breakers: at their limits, all collected, fail closed, re-armed as configured."""

import math

import pytest

from actors.guard import at_session, by_hand, watch
from engine.config import load_config
from engine.events import (
    BreakerRearmed,
    BreakerTripped,
    CommandGiven,
    Decision,
    Gate,
    Halt,
    Resume,
    RoundTrip,
)
from engine.trading.breakers import BREAKERS, Readings, StaleData
from engine.trading.risk_state import RiskState

CALM = Readings(
    minute=100, equity=100_000.0, day_open=100_000.0, peak=100_000.0, losses=0, rejects=0, orders=0,
    stream_lost="", data_age=0.0, bad_price="",
)  # fmt: skip
RISK = load_config()[0].risk
LIMITS = [
    (Gate.DAILY_LOSS, {"equity": 95_000.0}, {"equity": 94_999.99}),
    (Gate.DRAWDOWN, {"peak": 111_111.11}, {"peak": 111_111.12}),
    (Gate.CONSECUTIVE_LOSSES, {"losses": 2}, {"losses": 3}),
    (Gate.STALE_DATA, {"data_age": 2.0}, {"data_age": 3.0}),
    (Gate.LOST_STREAM, {"stream_lost": ""}, {"stream_lost": "timeout"}),
    (Gate.REJECTS, {"rejects": 2}, {"rejects": 3}),
    (Gate.PRICES, {"bad_price": ""}, {"bad_price": "TQQQ"}),
    (Gate.ORDER_RATE, {"orders": 60}, {"orders": 61}),
]


def state():
    return RiskState(100_000.0, 100_000.0)


def look(risk_state, risk=RISK, **readings):
    """Watch once and fold what it says; return the gates that tripped and re-armed."""
    events = watch(risk_state, CALM._replace(**readings), risk, 0)
    for event in events:
        fold(risk_state, event)
    return (
        [e.breaker for e in events if isinstance(e, BreakerTripped)],
        [e.breaker for e in events if isinstance(e, BreakerRearmed)],
    )


def fold(risk_state, event):
    if isinstance(event, BreakerTripped):
        risk_state.trip(event)
    else:
        risk_state.rearm(event, 90_000.0)


def risk(*sets):
    return load_config(sets=[f"risk.{item}" for item in sets])[0].risk


@pytest.mark.parametrize(("gate", "within", "beyond"), LIMITS)
def test_each_trips_beyond_its_limit_and_not_at_it(gate, within, beyond):
    """With what it measured, against what, in words."""
    assert look(state(), **within) == ([], [])

    standing = state()
    assert look(standing, **beyond) == ([gate], [])
    assert standing.block is gate
    assert any(ch.isdigit() for ch in standing.words()) or gate is Gate.LOST_STREAM


@pytest.mark.parametrize("figure", ["equity", "day_open", "peak", "data_age"])
def test_a_figure_that_is_no_number_trips(figure):
    """Every check asks whether all is well (A9)."""
    assert look(state(), **{figure: math.nan})[0]


def test_all_that_tripped_are_collected():
    """Not the first one only; each is in the words of a refusal."""
    standing = state()
    tripped, _ = look(standing, equity=80_000.0, losses=3, bad_price="TQQQ")

    assert tripped == [Gate.DAILY_LOSS, Gate.DRAWDOWN, Gate.CONSECUTIVE_LOSSES, Gate.PRICES]
    assert standing.block is Gate.DAILY_LOSS
    assert all(word in standing.words() for word in ("daily loss", "drawdown", "losing", "TQQQ"))


def test_a_check_that_cannot_run_counts_as_tripped(monkeypatch):
    """An exception trips that breaker; the others are still asked."""

    def broken(self, readings, risk):
        raise ZeroDivisionError("no data")

    monkeypatch.setattr(StaleData, "exceeded", broken)
    standing = state()
    tripped, _ = look(standing, losses=3)

    assert tripped == [Gate.CONSECUTIVE_LOSSES, Gate.STALE_DATA]
    assert "could not run (ZeroDivisionError: no data)" in standing.words()


def test_a_standing_trip_is_not_told_again():
    """One event per trip, however long its cause lasts."""
    standing = state()
    assert look(standing, equity=90_000.0)[0] == [Gate.DAILY_LOSS]
    assert look(standing, equity=90_000.0, minute=101) == ([], [])


def test_a_fault_re_arms_when_its_cause_has_been_gone():
    """Two minutes after the last bad frame; a cause that comes back extends it."""
    standing = state()
    look(standing, bad_price="TQQQ", minute=100)
    assert look(standing, minute=101) == ([], [])
    look(standing, bad_price="SSO", minute=101)
    assert look(standing, minute=102) == ([], [])
    assert look(standing, minute=103) == ([], [Gate.PRICES])
    assert standing.block is None


def test_losses_re_arm_after_the_cool_down_and_count_anew():
    """60 minutes by default, without a win that could not occur (A7)."""
    standing = state()
    standing.losses = 3
    look(standing, losses=3, minute=100)
    assert standing.losses == 0
    assert look(standing, minute=159) == ([], [])
    assert look(standing, minute=160) == ([], [Gate.CONSECUTIVE_LOSSES])


@pytest.mark.parametrize(
    ("gate", "setting", "session", "hand"),
    [
        (Gate.DAILY_LOSS, "daily_loss_rearm=session", True, False),
        (Gate.DAILY_LOSS, "daily_loss_rearm=manual", False, True),
        (Gate.DRAWDOWN, "drawdown_rearm=session", True, False),
        (Gate.DRAWDOWN, "drawdown_rearm=manual", False, True),
        (Gate.CONSECUTIVE_LOSSES, "consecutive_losses_rearm=cooldown", True, False),
        (Gate.CONSECUTIVE_LOSSES, "consecutive_losses_rearm=session", True, False),
        (Gate.CONSECUTIVE_LOSSES, "consecutive_losses_rearm=manual", False, True),
    ],
)
def test_re_arming_is_as_configured(gate, setting, session, hand):
    """By the next session, or by hand; never by both, never by itself in between."""
    cfg = risk(setting)
    standing = state()
    bad = {
        Gate.DAILY_LOSS: {"equity": 94_000.0},
        Gate.DRAWDOWN: {"peak": 120_000.0},
        Gate.CONSECUTIVE_LOSSES: {"losses": 3},
    }[gate]
    look(standing, cfg, **bad)

    assert [e.breaker for e in at_session(standing, cfg, 0)] == ([gate] if session else [])
    assert [e.breaker for e in by_hand(standing, cfg, 0)] == ([gate] if hand else [])


def test_drawdown_re_armed_by_hand_starts_from_a_new_peak():
    """Otherwise it would trip again in the same minute (A7)."""
    standing = state()
    look(standing, peak=120_000.0)
    for event in by_hand(standing, RISK, 0):
        fold(standing, event)

    assert standing.peak == 90_000.0


def test_every_breaker_says_what_it_measures_and_how_it_re_arms():
    """One class each, in plain words; gates in order."""
    assert [breaker.gate for breaker in BREAKERS] == sorted(b.gate for b in BREAKERS)
    for breaker in BREAKERS:
        assert "Blocks entries" in type(breaker).__doc__
        assert breaker.rearms(RISK)


def round_trip(pnl):
    return RoundTrip(
        symbol="AAA", direction=1, entry_ts_ns=0, exit_ts_ns=1, shares=1, entry_price=1.0,
        exit_price=1.0, pnl_micro=pnl, fee_micro=0, slippage_micro=0, bars_held=1,
        decision=Decision.EXIT, forced=False,
    )  # fmt: skip


def test_losses_are_counted_from_closed_round_trips():
    """Three that lose, not three that buy (A6); one at zero changes nothing, a win starts anew."""
    standing = state()
    counts = []
    for pnl in (-5, -5, 0, -1, 7, -2):
        standing.closed(round_trip(pnl))
        counts.append(standing.losses)

    assert counts == [1, 2, 2, 3, 0, 1]


def test_a_halt_stands_beside_the_breakers():
    """It blocks first, is told with who and why, and neither re-arming nor a session lifts it."""
    standing = state()
    standing.command(CommandGiven(ts_ns=5, command=Halt(reason="lunch"), actor="cli:ann"))
    look(standing, losses=3)
    for event in at_session(standing, RISK, 0):
        fold(standing, event)

    assert standing.block is Gate.HALTED
    assert standing.words() == "halted by cli:ann: lunch"
    standing.command(CommandGiven(ts_ns=6, command=Resume(), actor="cli:bob"))
    assert standing.block is None
