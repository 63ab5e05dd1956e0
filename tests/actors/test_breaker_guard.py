"""The guard: when breakers trip and re-arm, and what becomes of one that cannot be run."""

from collections import Counter

import pytest

from actors.guard import at_session, by_hand, watch
from actors.system import Plan, run
from engine.errors import InvariantViolation
from engine.events import BreakerRearmed, BreakerTripped, Gate
from engine.trading.approval import ADVICE
from engine.trading.breakers import BREAKERS, Drawdown, Readings
from engine.trading.risk_state import RiskState
from tests.bars import SIX, config, synth_blocks
from tests.bars import changed as replace

CAUSES = {
    Gate.DAILY_LOSS: {"equity": 94_000.0},
    Gate.DRAWDOWN: {"peak": 120_000.0},
    Gate.CONSECUTIVE_LOSSES: {"losses": 3},
    Gate.STALE_DATA: {"data_age": 3.0},
    Gate.LOST_STREAM: {"stream_lost": "timed out"},
    Gate.REJECTS: {"rejects": 3},
    Gate.PRICES: {"bad_price": "TQQQ"},
    Gate.ORDER_RATE: {"orders": 61},
}
FAULTS = [Gate.STALE_DATA, Gate.LOST_STREAM, Gate.REJECTS, Gate.PRICES, Gate.ORDER_RATE]


def readings(minute, **fields):
    """All well in a minute, but for the named fields."""
    well = Readings(
        minute=minute, equity=100_000.0, day_open=100_000.0, peak=100_000.0, losses=0, rejects=0,
        orders=0, stream_lost="", data_age=0.0, bad_price="",
    )  # fmt: skip
    return replace(well, **fields)


def fold(state, events, equity=100_000.0):
    """Apply events as the trader's state does; return (gate, trips) of each."""
    for event in events:
        if isinstance(event, BreakerTripped):
            state.trip(event)
        else:
            state.rearm(event, equity)
    return [(event.breaker, isinstance(event, BreakerTripped)) for event in events]


class Trader:
    """A state of risk that is watched minute by minute."""

    def __init__(self, *sets):
        self.risk = config(*sets).risk
        self.state = RiskState(100_000.0, 100_000.0)

    def minute(self, minute, **fields):
        """Watch one minute; return (gate, trips) of what happened."""
        found = readings(minute, **fields)
        return fold(self.state, watch(self.state, found, self.risk, minute), found.equity)

    def counted(self, minute):
        """Watch one minute with the counts that the state itself keeps."""
        return self.minute(minute, losses=self.state.losses, rejects=self.state.rejects)

    def session(self):
        return fold(self.state, at_session(self.state, self.risk, 0))

    def resume(self):
        return fold(self.state, by_hand(self.state, self.risk, 0))


def test_all_is_well():
    """No reading out of bounds, no event."""
    trader = Trader()

    assert [trader.minute(m) for m in range(5)] == [[]] * 5
    assert trader.state.block is None


@pytest.mark.parametrize("gate", CAUSES)
def test_each_breaker_trips_once_while_its_cause_lasts(gate):
    """The trip is told with why and how it re-arms; the next minutes add nothing."""
    trader = Trader()
    (event,) = watch(trader.state, readings(10, **CAUSES[gate]), trader.risk, 77)
    breaker = next(b for b in BREAKERS if b.gate is gate)

    assert (event.breaker, event.ts_ns) == (gate, 77)
    assert event.reason == breaker.exceeded(readings(10, **CAUSES[gate]), trader.risk)
    assert event.rearms == breaker.rearms(trader.risk)
    fold(trader.state, [event])
    assert trader.state.block is gate
    assert [trader.minute(m, **CAUSES[gate]) for m in (11, 12)] == [[], []]


def test_all_causes_trip_in_one_minute():
    """Every breaker runs and every one that trips is told, not the first alone (A9)."""
    trader = Trader()
    everything = {field: value for cause in CAUSES.values() for field, value in cause.items()}

    assert trader.minute(10, **everything) == [(gate, True) for gate in CAUSES]
    assert trader.state.block is Gate.DAILY_LOSS


def test_equity_that_is_not_a_number_stops_entries():
    """NaN trips what reads it, and tells NaN (A9)."""
    trader = Trader()
    events = watch(trader.state, readings(10, equity=float("nan")), trader.risk, 0)

    assert [event.breaker for event in events] == [Gate.DAILY_LOSS, Gate.DRAWDOWN]
    assert all("nan" in event.reason for event in events)


@pytest.mark.parametrize("gate", CAUSES)
def test_a_check_that_cannot_be_run_counts_as_tripped(monkeypatch, gate):
    """Whichever it is; the others still run, before and behind it (A9)."""

    def broken(self, readings, risk):
        raise ZeroDivisionError("nothing to divide by")

    breaker = next(b for b in BREAKERS if b.gate is gate)
    monkeypatch.setattr(type(breaker), "exceeded", broken)
    trader = Trader()
    others = {g: cause for g, cause in CAUSES.items() if g is not gate}
    everything = {field: value for cause in others.values() for field, value in cause.items()}

    events = watch(trader.state, readings(10, **everything), trader.risk, 0)
    assert [event.breaker for event in events] == list(CAUSES)
    (own,) = [event.reason for event in events if event.breaker is gate]
    assert own == "its check could not run (ZeroDivisionError: nothing to divide by)"
    alone = Trader()
    assert alone.minute(10) == [(gate, True)]
    assert alone.minute(11) == []


def test_a_broken_check_re_arms_like_its_breaker_once_it_runs(monkeypatch):
    """While it cannot run its cause is there."""
    trader = Trader()
    breaker = type(next(b for b in BREAKERS if b.gate is Gate.PRICES))
    with monkeypatch.context() as patch:
        patch.setattr(breaker, "exceeded", lambda self, readings, risk: 1 / 0)
        assert [trader.minute(m) for m in (10, 11)] == [[(Gate.PRICES, True)], []]

    assert [trader.minute(m) for m in (12, 13)] == [[], [(Gate.PRICES, False)]]


def test_a_broken_invariant_is_no_tripped_breaker(monkeypatch):
    """A bug that Rotor finds itself ends the run; it is not hidden behind a breaker."""

    def broken(self, readings, risk):
        raise InvariantViolation("cash is gone")

    monkeypatch.setattr(Drawdown, "exceeded", broken)
    with pytest.raises(InvariantViolation):
        Trader().minute(10)


@pytest.mark.parametrize("gate", FAULTS)
def test_a_fault_re_arms_when_its_cause_has_been_gone_for_its_minutes(gate):
    """Two minutes by default; not one earlier."""
    trader = Trader()
    trader.minute(10, **CAUSES[gate])

    assert [trader.minute(m) for m in (11, 12, 13)] == [[], [(gate, False)], []]
    assert trader.state.block is None


@pytest.mark.parametrize("gate", FAULTS)
def test_a_cause_that_comes_back_puts_the_re_arming_off(gate):
    """The minutes count from when it was last there (A7)."""
    trader = Trader("risk.fault_rearm_minutes=3")
    cause = CAUSES[gate]
    said = [trader.minute(m, **(cause if m in (10, 11, 13, 15) else {})) for m in range(10, 20)]

    assert said == [[(gate, True)], [], [], [], [], [], [], [], [(gate, False)], []]
    assert trader.state.rearm_minute is None


def test_zero_minutes_for_a_fault_are_one():
    """It stays tripped for the frame of its cause, and re-arms in the next without it."""
    trader = Trader("risk.fault_rearm_minutes=0")

    assert trader.minute(10, bad_price="A") == [(Gate.PRICES, True)]
    assert trader.minute(11) == [(Gate.PRICES, False)]


def test_the_cool_down_of_losses_ends_by_itself():
    """After its 60 minutes, without a win that could not come (A7)."""
    trader = Trader()
    trader.state.losses = 3
    assert trader.counted(10) == [(Gate.CONSECUTIVE_LOSSES, True)]
    assert trader.state.losses == 0

    said = {m: trader.counted(m) for m in range(11, 120)}
    assert {m: s for m, s in said.items() if s} == {70: [(Gate.CONSECUTIVE_LOSSES, False)]}


def test_the_count_begins_anew_after_the_trip():
    """Two more losses do not trip it again, a third does (A7)."""
    trader = Trader()
    trader.state.losses = 3
    trader.counted(10)
    trader.counted(70)
    trader.state.losses += 2
    assert trader.counted(71) == []
    trader.state.losses += 1

    assert trader.counted(72) == [(Gate.CONSECUTIVE_LOSSES, True)]


@pytest.mark.parametrize(
    ("gate", "count", "free"),
    [(Gate.CONSECUTIVE_LOSSES, "losses", 80), (Gate.REJECTS, "rejects", 22)],
)
def test_what_positions_still_lose_while_tripped_does_not_block_for_ever(gate, count, free):
    """Three more in the exits of what is held put the re-arming off once, to minute 20 on (A7)."""
    trader = Trader()
    setattr(trader.state, count, 3)
    assert trader.counted(19) == [(gate, True)]
    setattr(trader.state, count, 3)
    said = {m: trader.counted(m) for m in range(20, 390)}

    assert {m: s for m, s in said.items() if s} == {free: [(gate, False)]}


def test_a_new_session_re_arms_what_it_may():
    """Daily loss, the cool-down and faults by default; the drawdown waits for a hand."""
    trader = Trader()
    everything = {field: value for cause in CAUSES.values() for field, value in cause.items()}
    trader.minute(380, **everything)

    assert trader.session() == [(g, False) for g in CAUSES if g is not Gate.DRAWDOWN]
    assert list(trader.state.tripped) == [Gate.DRAWDOWN]
    assert trader.state.rearm_minute is None


MANUAL = (
    "risk.daily_loss_rearm=manual", "risk.drawdown_rearm=manual",
    "risk.consecutive_losses_rearm=manual",
)  # fmt: skip
BY_HAND = [Gate.DAILY_LOSS, Gate.DRAWDOWN, Gate.CONSECUTIVE_LOSSES]


def test_what_is_manual_waits_for_resume_and_for_nothing_else():
    """No minute and no session re-arms it; Resume does."""
    trader = Trader(*MANUAL)
    bad = CAUSES[Gate.DAILY_LOSS] | CAUSES[Gate.DRAWDOWN] | CAUSES[Gate.CONSECUTIVE_LOSSES]
    trader.minute(10, **bad)
    assert [trader.minute(m) for m in range(11, 390)] == [[]] * 379
    assert trader.session() == []

    assert trader.resume() == [(gate, False) for gate in BY_HAND]
    assert trader.state.block is None


def test_what_is_by_session_waits_for_it():
    """No minute re-arms it."""
    trader = Trader("risk.drawdown_rearm=session", "risk.consecutive_losses_rearm=session")
    bad = CAUSES[Gate.DAILY_LOSS] | CAUSES[Gate.DRAWDOWN] | CAUSES[Gate.CONSECUTIVE_LOSSES]
    trader.minute(10, **bad)
    assert [trader.minute(m) for m in range(11, 390)] == [[]] * 379

    assert trader.session() == [(gate, False) for gate in BY_HAND]


def test_resume_does_not_lift_a_fault():
    """Its cause decides: while the data are stale no word makes them fresh."""
    trader = Trader()
    trader.minute(10, data_age=5.0)

    assert trader.resume() == []
    assert trader.state.block is Gate.STALE_DATA


def test_resume_does_what_the_advice_of_a_refusal_says():
    """By resume where re-arming is manual; by time or session where it is not."""
    trader = Trader()
    trader.minute(10, losses=3)
    assert "if it is manual, resume" in ADVICE[Gate.CONSECUTIVE_LOSSES]

    assert trader.resume() == []


def test_a_drawdown_that_resume_lifts_is_measured_from_there():
    """The old peak would trip it again in the next frame (A7)."""
    trader = Trader()
    trader.minute(10, equity=85_000.0, day_open=85_000.0)
    fold(trader.state, by_hand(trader.state, trader.risk, 0), equity=85_000.0)

    assert trader.state.peak == 85_000.0
    again = {"equity": 80_000.0, "day_open": 80_000.0, "peak": trader.state.peak}
    assert trader.minute(11, **again) == []


def test_what_re_arms_in_a_minute_leaves_the_others():
    """Each goes by its own clock; the next one due is known."""
    trader = Trader("risk.losses_cooldown_minutes=5")
    trader.minute(10, losses=3, bad_price="A")
    assert trader.state.rearm_minute == 12
    assert trader.minute(12) == [(Gate.PRICES, False)]
    assert (trader.state.block, trader.state.rearm_minute) == (Gate.CONSECUTIVE_LOSSES, 15)

    assert trader.minute(15) == [(Gate.CONSECUTIVE_LOSSES, False)]


def test_a_cause_in_the_minute_of_the_re_arming_wins():
    """It does not re-arm and trip again in one frame."""
    trader = Trader()
    trader.minute(10, bad_price="A")

    assert trader.minute(12, bad_price="A") == []
    assert [trader.minute(m) for m in (13, 14)] == [[], [(Gate.PRICES, False)]]


def test_a_changed_limit_is_in_force_at_once():
    """Wider, it lets no trip go by itself; narrower, it trips what was well before."""
    trader = Trader()
    trader.minute(10, peak=120_000.0)
    trader.risk = config("risk.drawdown_pct=50", "risk.daily_loss_pct=1").risk

    assert trader.minute(11, peak=120_000.0, equity=98_000.0) == [(Gate.DAILY_LOSS, True)]
    assert sorted(trader.state.tripped) == [Gate.DAILY_LOSS, Gate.DRAWDOWN]


def replayed(*sets, sessions=2):
    """Replay generated bars with a planted signal; return the statistics."""
    blocks = synth_blocks(sessions, seed=3, signal=3.0)
    plan = Plan(
        config=config("learning.warm_rows=50", *sets), symbols=SIX,
        open_blocks=lambda skip: iter(blocks[skip:]), trade_from=None, range_label="",
        first_ts_ns=blocks[0].session.open_ns, executor="inline",
    )  # fmt: skip
    return run(plan).stats


def test_a_whole_replay_stops_entering_after_a_losing_round_trip():
    """From the trip to its re-arming no position is opened, and those held still leave (A6, A7)."""
    stats = replayed("risk.max_consecutive_losses=1", "risk.losses_cooldown_minutes=30")
    trips = [t for t in stats.trips if t.breaker is Gate.CONSECUTIVE_LOSSES]
    entered = [trip.entry_ts_ns for trip in stats.round_trips]

    assert trips
    assert any(trip.pnl_micro < 0 for trip in stats.round_trips)
    for trip in trips:
        until = trip.rearmed_ns or 2**63
        # what was sent in the frame before fills at the open of the trip's own frame
        assert not [ts for ts in entered if trip.ts_ns < ts <= until]
        lost = [r for r in stats.round_trips if r.pnl_micro < 0 and r.exit_ts_ns <= trip.ts_ns]
        assert lost, "it trips after a loss, not after a purchase"


def test_a_whole_replay_keeps_the_order_rate():
    """With one order a minute allowed, no minute opens two positions unnoticed."""
    stats = replayed("risk.max_orders_per_minute=1", "rotation.max_positions=6")
    crowded = [n for n in Counter(t.entry_ts_ns for t in stats.round_trips).values() if n > 1]

    assert not crowded or [t for t in stats.trips if t.breaker is Gate.ORDER_RATE]


def test_events_of_the_guard_are_the_only_ones_it_makes():
    """Trips and re-armings, each at the frame's own time."""
    trader = Trader()
    trader.minute(10, bad_price="A")
    events = watch(trader.state, readings(12, losses=3), trader.risk, 99)

    assert {type(event) for event in events} == {BreakerTripped, BreakerRearmed}
    assert {event.ts_ns for event in events} == {99}
