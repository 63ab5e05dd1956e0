"""Every rule of the rotation, reached by a frame made for it."""

from dataclasses import replace

import numpy as np
import pytest

from engine.events import (
    MICRO,
    Decided,
    Decision,
    Gate,
    OcoOrder,
    Order,
    OrderFilled,
    OrderSubmitted,
    SessionOpened,
    Side,
    SymbolQuarantined,
)
from engine.learning.calibration import Evidence, fit
from engine.learning.signals import CONFIDENCE, EXPECTED, PROBABILITY, STALE, WARM, Signals
from engine.market.frames import Doubt
from engine.trading.cycle import decide
from engine.trading.frame import FrameView
from engine.trading.ledger import Ledger, side_of
from engine.trading.quality import Quality
from engine.trading.ranking import leverage_boost, rank, ranking_rules
from engine.trading.state import HELD, State
from engine.trading.tape import Tape
from tests.bars import approved, block_of, config, flat, session

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "SQQQ", "TQQQ")
NOON = 150


def new_state(cfg, cash=100_000):
    state = State(
        "0" * 8, SYMBOLS, Ledger(cash * MICRO), cfg.rotation.cooldown_minutes, cfg.universe.twins
    )
    opened = session().open_ns
    state.apply(
        SessionOpened(ts_ns=opened, date=session().date, minutes=session().minutes, trading=True)
    )
    return state


def frame(cfg, minute=NOON, price=50.0, slope=1.0, **symbols):
    """A frame in which each named symbol has (probability, expected bps, …) or a dict of fields."""
    bars = np.stack([flat(1, price)] * len(SYMBOLS), axis=1)
    block = block_of(bars, first=minute, symbols=SYMBOLS)
    values = np.zeros((1, len(SYMBOLS), 8))
    values[:, :, PROBABILITY] = 0.5
    values[:, :, CONFIDENCE] = 1.0
    values[:, :, WARM] = 1.0
    for symbol, fields in symbols.items():
        row = values[0, SYMBOLS.index(symbol)]
        for column, value in fields.items():
            row[column] = value
    quality = Quality(fit(Evidence.none(len(SYMBOLS))), cfg.quality)
    rules = ranking_rules(cfg, SYMBOLS, block.session.date, block.session.minutes, quality)
    ranking = rank(block, values, np.full(len(SYMBOLS), slope), rules)
    explained = [Signals(values[:, s], np.array([[3e-4, -1e-4]])) for s in range(len(SYMBOLS))]
    names = [("x", "y")] * len(SYMBOLS)
    return FrameView(block, 0, ranking, values, explained, names, quality)


def up(probability=0.6, bps=50.0, **extra):
    return {PROBABILITY: probability, EXPECTED: bps / 1e4, **extra}


def down(probability=0.4, bps=-50.0):
    return {PROBABILITY: probability, EXPECTED: bps / 1e4}


def hold(state, symbol, shares=600, minute=NOON - 40, direction=1, price=50):
    """Put a position into the book, bought `minute`."""
    side = side_of(direction, entry=True)
    ts_ns = state.open_ns + minute * 60_000_000_000
    name = state.next_order_id(symbol, side, 0)
    order = Order(
        order_id=name, symbol=symbol, side=side, shares=shares, entry=True,
        decision=Decision.ENTER_LONG,
    )  # fmt: skip
    state.apply(OrderSubmitted(ts_ns=ts_ns, approved=approved(order)))
    state.apply(
        OrderFilled(
            ts_ns=ts_ns,
            order_id=name,
            symbol=symbol,
            side=side,
            shares=shares,
            price_micro=price * MICRO,
            fee_micro=0,
            slippage_micro=0,
            final=True,
        )
    )
    legs = OcoOrder(
        order_id=f"{name}-legs", symbol=symbol, side=side_of(direction, entry=False),
        shares=shares, stop_micro=round(price * (1 - 0.015 * direction) * MICRO),
        target_micro=round(price * (1 + 0.03 * direction) * MICRO), trail=0.01,
    )  # fmt: skip
    state.apply(OrderSubmitted(ts_ns=ts_ns, approved=approved(legs)))


def decisions(events):
    return {e.symbol: e for e in events if isinstance(e, Decided)}


def orders(events):
    return {e.order.symbol: e.order for e in events if isinstance(e, OrderSubmitted)}


def tape_of(view):
    """A tape that has seen nothing but the frame's block."""
    tape = Tape()
    tape.open_block(view.block)
    return tape


def run(cfg, state, view):
    events, gates = decide(state, view, tape_of(view), cfg)
    return decisions(events), orders(events), gates


def test_a_strong_signal_enters_with_its_numbers_and_drivers():
    """LONG, strong, first in rank, with an edge after costs: enter an equal share of the slots."""
    cfg = config()
    said, sent, _ = run(cfg, new_state(cfg), frame(cfg, AAA=up()))

    assert said["AAA"].decision is Decision.ENTER_LONG
    assert "rank=1, strength=0.2000, edge=" in said["AAA"].reason
    assert said["AAA"].drivers == (("x", 3.0), ("y", -1.0))
    assert (sent["AAA"].side, sent["AAA"].shares) == (Side.BUY, 663)
    assert sent["AAA"].order_id == "00000000-20250625-AAA-BUY-0-0"


GATES = {
    Gate.COLD: up() | {WARM: 0.0},
    Gate.STALE: up() | {STALE: 3.0},
    Gate.STRENGTH: up() | {CONFIDENCE: 0.01},
    Gate.EDGE: up(bps=5.0),
}


@pytest.mark.parametrize("gate", GATES)
def test_each_signal_gate_refuses(gate):
    """Cold, stale, weak and unprofitable signals are refused by name, with numbers."""
    cfg = config()
    said, sent, gates = run(cfg, new_state(cfg), frame(cfg, AAA=GATES[gate]))

    assert said["AAA"].decision is Decision.REFUSED
    assert said["AAA"].gate is gate
    assert gates[0] == gate
    assert not sent


def test_the_earned_slope_refuses_what_only_a_full_slope_would_enter():
    """With the forecast taken in full there is an edge, with what was earned there is none."""
    cfg = config()
    said, _, _ = run(cfg, new_state(cfg), frame(cfg, AAA=up(), slope=0.05))

    assert said["AAA"].gate is Gate.EARNED_SLOPE


@pytest.mark.parametrize(("minute", "enters"), [(358, True), (359, False)])
def test_no_entries_in_the_last_thirty_minutes(minute, enters):
    """The last entry is decided so that it fills before the quiet half hour (A24)."""
    cfg = config()
    said, _, _ = run(cfg, new_state(cfg), frame(cfg, minute=minute, AAA=up()))

    assert (said["AAA"].decision is Decision.ENTER_LONG) == enters
    assert enters or said["AAA"].gate is Gate.WINDOW


def test_rank_beyond_the_slots_is_refused():
    """With three slots the fourth in rank is refused by rank."""
    cfg = config()
    names = dict(zip(("AAA", "BBB", "CCC", "DDD"), (0.9, 0.8, 0.7, 0.6), strict=True))
    said, sent, _ = run(cfg, new_state(cfg), frame(cfg, **{s: up(p) for s, p in names.items()}))

    assert set(sent) == {"AAA", "BBB", "CCC"}
    assert said["DDD"].gate is Gate.RANK


def test_equal_strengths_rank_by_symbol_and_neutral_is_no_candidate():
    """Ties go by symbol; a neutral or untradable direction is neither refused nor entered."""
    cfg = config("rotation.max_positions=1")
    view = frame(cfg, BBB=up(), AAA=up(), CCC=down())
    said, sent, gates = run(cfg, new_state(cfg), view)

    assert set(sent) == {"AAA"}
    assert said["BBB"].gate is Gate.RANK
    assert gates[SYMBOLS.index("CCC")] == Gate.NONE
    assert sorted(view.ranking.rank[0].tolist()) == [1, 2, 3, 4, 5, 6]


def test_shorts_only_when_allowed():
    """allow_short lets a falling symbol be sold short, as strong as its mirror image (B16)."""
    plain, short = config(), config("rotation.allow_short=true")

    assert not run(plain, new_state(plain), frame(plain, AAA=down()))[1]
    said, sent, _ = run(short, new_state(short), frame(short, AAA=down()))
    assert (said["AAA"].decision, sent["AAA"].side) == (Decision.ENTER_SHORT, Side.SELL)
    assert frame(short, AAA=down()).strength(0) == pytest.approx(frame(short, AAA=up()).strength(0))


def test_the_inverse_twin_is_not_entered():
    """TQQQ is refused while SQQQ is held (B22)."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "SQQQ")
    said, _, _ = run(cfg, state, frame(cfg, TQQQ=up(0.9), SQQQ=up(0.6)))

    assert said["TQQQ"].gate is Gate.TWIN


def test_a_twin_that_leaves_lets_the_other_in_after_its_fill():
    """A reversal from SQQQ to TQQQ is one exit and one entry that waits for it."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "SQQQ")
    said, sent, _ = run(cfg, state, frame(cfg, TQQQ=up(0.9), SQQQ=down()))

    assert said["SQQQ"].decision is Decision.EXIT
    assert "reversal" in said["SQQQ"].reason
    assert sent["TQQQ"].after == (sent["SQQQ"].order_id,)


EXITS = {
    Decision.EOD_EXIT: (387, up(), NOON, "before the close"),
    Decision.TIME_EXIT: (NOON, up(), NOON - 120, "held 120 minutes"),
    Decision.RISK_EXIT: (NOON, up() | {STALE: 16.0}, NOON - 10, "no forecast for 16 minutes"),
    Decision.EXIT: (NOON, up(0.5005), NOON - 30, "strength 0.0000 < 0.002"),
}


@pytest.mark.parametrize("decision", EXITS)
def test_each_exit_rule(decision):
    """The close, the clock, a silent forecast and lost strength each end a position, in words."""
    minute, signal, entered, words = EXITS[decision]
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", minute=entered)
    said, sent, _ = run(cfg, state, frame(cfg, minute=minute, AAA=signal))

    assert said["AAA"].decision is decision
    assert words in said["AAA"].reason
    assert (sent["AAA"].side, sent["AAA"].shares, sent["AAA"].entry) == (Side.SELL, 600, False)


@pytest.mark.parametrize("decision", EXITS)
def test_a_bar_that_is_not_believed_ends_no_position(decision):
    """The clock and the signal wait for the next one; the close and a silent forecast do not."""
    minute, signal, entered, _ = EXITS[decision]
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", minute=entered)
    seen = frame(cfg, minute=minute, AAA=signal)
    for column, waits in ((1, False), (0, decision in (Decision.TIME_EXIT, Decision.EXIT))):
        seen.block = replace(seen.block, doubts=(Doubt(0, column, (25.0,) * 5),))
        said, sent, _ = run(cfg, state, seen)
        assert said["AAA"].decision is (Decision.HOLD if waits else decision)
        assert ("AAA" in sent) is not waits


def test_rank_ends_a_position():
    """A position whose rank falls behind min_rank_to_hold leaves (B14: by its own name)."""
    cfg = config("rotation.min_rank_to_hold=1", "rotation.rotation_strength_delta=1")
    state = new_state(cfg)
    hold(state, "AAA")
    said, _, _ = run(cfg, state, frame(cfg, AAA=up(0.6), BBB=up(0.9)))

    assert said["AAA"].reason == "rank 2 > 1 to hold"


@pytest.mark.parametrize("signal", [up(0.5005), {}])
def test_min_hold_delays_exits_by_strength(signal):
    """Within min_hold a weak position stays (A7, B14)."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", minute=NOON - 29)
    said, _, _ = run(cfg, state, frame(cfg, AAA=signal))

    assert said["AAA"].decision is Decision.HOLD


def test_min_hold_does_not_delay_a_reversal():
    """An opposite signal is an exit at any age."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", minute=NOON - 1)

    assert run(cfg, state, frame(cfg, AAA=down()))[0]["AAA"].decision is Decision.EXIT


def test_a_crashed_predictor_does_not_end_a_position_at_once():
    """A cold frame says nothing: the position waits for max_cold_minutes."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA")
    said, sent, _ = run(cfg, state, frame(cfg, AAA={WARM: 0.0, STALE: 10.0}))

    assert not sent
    assert said["AAA"].decision is Decision.HOLD


def full_book(cfg, **signals):
    state = new_state(cfg)
    for symbol in ("AAA", "BBB", "CCC"):
        hold(state, symbol)
    defaults = {"AAA": up(0.6), "BBB": up(0.7), "CCC": up(0.65)}
    return run(cfg, state, frame(cfg, **{**defaults, **signals}))


def test_the_weakest_is_rotated_out_for_a_stronger_candidate():
    """With all slots held the weakest makes room, and the entry waits for its fill (B13)."""
    said, sent, _ = full_book(config(), DDD=up(0.9))

    assert said["AAA"].decision is Decision.ROTATE_OUT
    assert "Rotating out for DDD: strength 0.8000 against 0.2000" in said["AAA"].reason
    assert said["DDD"].decision is Decision.ENTER_LONG
    assert sent["DDD"].after == (sent["AAA"].order_id,)
    assert sent["DDD"].shares == 676  # 34% of the equity at its limit; the slot would allow 796
    assert "676 shares by position_cap" in said["DDD"].reason


def test_what_an_entry_stands_against_is_not_rotated_out_in_its_minute():
    """TQQQ is as large as it is since SQQQ is held: SQQQ stays, DDD finds no slot."""
    cfg = config(
        "rotation.max_positions=2", "universe.twins=[]", "risk.max_underlying_exposure_pct=50"
    )
    state = new_state(cfg)
    hold(state, "SQQQ", shares=300)
    view = frame(cfg, TQQQ=up(0.9), DDD=up(0.8), SQQQ=up(0.51))
    said, sent, _ = run(cfg, state, view)

    assert set(sent) == {"TQQQ"}
    assert 3 * 50 * sent["TQQQ"].shares > 0.5 * 100_000
    assert said["DDD"].gate is Gate.SLOTS


def test_nothing_is_rotated_while_more_is_held_than_may_be():
    """Of three slots one was taken away by an edit: an entry for an exit would leave too many."""
    said, sent, _ = full_book(config("rotation.max_positions=2"), DDD=up(0.9))

    assert said["DDD"].gate is Gate.SLOTS
    assert not any(order.entry for order in sent.values())


def test_no_rotation_within_the_delta():
    """A candidate that is stronger by less than the delta is refused by the slots."""
    said, sent, _ = full_book(config("rotation.rotation_strength_delta=0.7"), DDD=up(0.9))

    assert said["DDD"].gate is Gate.SLOTS
    assert not sent


def test_a_leaving_positions_slot_is_taken_after_its_fill():
    """An exit by its own rule frees its slot in the same frame: one exit, no rotation."""
    said, sent, _ = full_book(config(), AAA=down(), DDD=up(0.9))

    assert said["AAA"].decision is Decision.EXIT
    assert sent["DDD"].after == (sent["AAA"].order_id,)
    assert set(sent) == {"AAA", "DDD"}


def test_two_candidates_do_not_take_one_slot():
    """A freed slot is promised once; the second candidate needs another."""
    cfg = config("rotation.max_positions=3", "rotation.rotation_strength_delta=1")
    said, sent, _ = full_book(cfg, AAA=down(), DDD=up(0.9), TQQQ=up(0.8))

    assert [s for s in sent if sent[s].entry] == ["DDD"] or [s for s in sent if sent[s].entry] == [
        "TQQQ"
    ]
    refused = "TQQQ" if "DDD" in sent else "DDD"
    assert said[refused].gate is Gate.SLOTS


def test_a_working_exit_is_not_sent_twice():
    """While an exit works, no second one is made for the same position."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA")
    view = frame(cfg, AAA=down())
    events, _ = decide(state, view, tape_of(view), cfg)
    for event in events:
        state.apply(event)

    assert not run(cfg, state, frame(cfg, minute=NOON + 1, AAA=down()))[1]


def test_cooldown_bars_a_symbol_after_its_exit():
    """Within cooldown_minutes of its exit a symbol is refused, after them it may enter (A20)."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", minute=NOON - 40)
    name = "out"
    ts_ns = state.open_ns + NOON * 60_000_000_000
    order = Order(
        order_id=name, symbol="AAA", side=Side.SELL, shares=600, entry=False, decision=Decision.EXIT
    )
    state.apply(OrderSubmitted(ts_ns=ts_ns, approved=approved(order)))
    state.apply(
        OrderFilled(
            ts_ns=ts_ns,
            order_id=name,
            symbol="AAA",
            side=Side.SELL,
            shares=600,
            price_micro=50 * MICRO,
            fee_micro=0,
            slippage_micro=0,
            final=True,
        )
    )

    early = run(cfg, state, frame(cfg, minute=NOON + 14, AAA=up()))[0]
    later = run(cfg, state, frame(cfg, minute=NOON + 15, AAA=up()))[0]
    assert early["AAA"].gate is Gate.COOLDOWN
    assert later["AAA"].decision is Decision.ENTER_LONG


def test_quarantine_and_size_refuse():
    """A quarantined symbol, and a share of equity that buys nothing, are refused by name."""
    cfg = config()
    state = new_state(cfg)
    state.apply(SymbolQuarantined(ts_ns=state.open_ns, symbol="AAA", error="x"))
    assert run(cfg, state, frame(cfg, AAA=up()))[0]["AAA"].gate is Gate.QUARANTINE

    poor = new_state(cfg, cash=100)
    assert run(cfg, poor, frame(cfg, AAA=up()))[0]["AAA"].gate is Gate.SIZE


def test_what_was_told_is_not_told_again():
    """REFUSED and HOLD are rows only when they change."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "BBB", minute=NOON - 5)
    view = frame(cfg, AAA=up(bps=5.0), BBB=up())
    for event in decide(state, view, tape_of(view), cfg)[0]:
        state.apply(event)

    assert state.told.tolist()[:2] == [Gate.EDGE, HELD]
    assert decide(state, view, tape_of(view), cfg)[0] == []
    changed = run(cfg, state, frame(cfg, AAA=GATES[Gate.COLD], BBB=up()))[0]
    assert [e.gate for e in changed.values()] == [Gate.COLD]


def test_boosts_follow_leverage():
    """3x 1.5, 2x and volatility 1.3, anything else 1."""
    boosts = [leverage_boost(config(), s) for s in ("TQQQ", "SQQQ", "SSO", "UVXY", "SVIX", "ZZZ")]

    assert boosts == [1.5, 1.5, 1.3, 1.3, 1.3, 1.0]


def test_signs_follow_the_market():
    """Inverse ETFs and volatility fall when the market rises; inverse volatility rises."""
    signs = {s: config().universe.sign(s) for s in ("TQQQ", "SQQQ", "UVXY", "SVIX", "ZZZ")}

    assert signs == {"TQQQ": 1, "SQQQ": -1, "UVXY": -1, "SVIX": 1, "ZZZ": 1}
