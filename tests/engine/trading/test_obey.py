"""What an operator's command does, and that nothing but Resume undoes a halt."""

import datetime as dt

import pytest

from engine.events import (
    BreakerRearmed,
    BreakerTripped,
    CommandGiven,
    ConfigChanged,
    Decided,
    Decision,
    Gate,
    Halt,
    Liquidate,
    Mode,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderSubmitted,
    PredictorRestarted,
    Resume,
    SessionOpened,
    Side,
    StreamLost,
    StreamRestored,
)
from engine.simulation.broker import SimulatedBroker
from engine.trading.operator import cancel_entries, obey
from engine.trading.risk_state import Halted
from tests.bars import approved, block_of, config, flat
from tests.engine.trading.test_cycle import (
    GATES,
    NOON,
    SYMBOLS,
    down,
    frame,
    hold,
    new_state,
    run,
    up,
)

HALT, RESUME, EVERYTHING = Halt(reason="news"), Resume(), Liquidate()


def at(state, minute=NOON):
    return state.open_ns + minute * 60_000_000_000


def give(state, command, actor="ann", minute=NOON):
    """Obey and apply a command; return (events, ids to cancel)."""
    events, cancels = obey(state, command, actor, at(state, minute))
    for event in events:
        state.apply(event)
    return events, cancels


def entry(state, symbol, shares=100, after=()):
    """An entry that works at the broker, or waits here for exits."""
    order = Order(
        order_id=f"in-{symbol}", symbol=symbol, side=Side.BUY, shares=shares, entry=True,
        decision=Decision.ENTER_LONG, after=after,
    )  # fmt: skip
    state.apply(OrderSubmitted(ts_ns=at(state), approved=approved(order)))
    return order.order_id


def said(events):
    return {e.symbol: e for e in events if isinstance(e, Decided)}


def sold(events):
    return {e.order.symbol: e.order for e in events if isinstance(e, OrderSubmitted)}


def canceled(events):
    return [e.order_id for e in events if isinstance(e, OrderCanceled)]


def test_liquidate_all_sells_everything_that_is_held():
    """Each position whole, its legs replaced, with who said so; then nothing more is entered."""
    state = new_state(config())
    hold(state, "AAA", 600)
    hold(state, "TQQQ", 70)
    legs = {state.symbols[s]: legs.order.order_id for s, legs in state.legs.items()}
    events, cancels = give(state, EVERYTHING)

    assert events[0] == CommandGiven(ts_ns=at(state), command=EVERYTHING, actor="ann")
    assert {s: e.decision for s, e in said(events).items()} == dict.fromkeys(
        ("AAA", "TQQQ"), Decision.MANUAL_EXIT
    )
    assert said(events)["AAA"].reason == "liquidated by ann"
    orders = sold(events)
    assert {s: (o.side, o.shares, o.entry, o.replaces) for s, o in orders.items()} == {
        "AAA": (Side.SELL, 600, False, legs["AAA"]),
        "TQQQ": (Side.SELL, 70, False, legs["TQQQ"]),
    }
    assert len({order.order_id for order in orders.values()}) == 2
    assert cancels == []
    assert (state.mode, state.risk.block) == (Mode.FLATTENING, Gate.REDUCE_ONLY)


def test_liquidate_all_buys_shorts_back():
    """The side that closes, for as many shares as are short (A10)."""
    state = new_state(config("rotation.allow_short=true"))
    hold(state, "AAA", 300, direction=-1)
    order = sold(give(state, EVERYTHING)[0])["AAA"]

    assert (order.side, order.shares) == (Side.BUY, 300)


def test_liquidate_one_symbol_leaves_the_others():
    """It is sold and not entered again at once; nothing else is touched or blocked."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", 600)
    hold(state, "BBB", 100)
    entry(state, "CCC")
    events, cancels = give(state, Liquidate(symbol="AAA"))

    assert list(sold(events)) == ["AAA"]
    assert (cancels, state.risk.block, state.mode) == ([], None, Mode.ACTIVE)
    assert state.legs[SYMBOLS.index("BBB")].resting
    assert state.cooldown_until[0] == NOON + cfg.rotation.cooldown_minutes
    assert run(cfg, state, frame(cfg, NOON + 14, AAA=up(), BBB=up()))[1] == {}


@pytest.mark.parametrize("command", [EVERYTHING, Liquidate(symbol="AAA")])
def test_liquidate_with_nothing_held_sells_nothing(command):
    """It is told and in force, without an order."""
    state = new_state(config())
    events, cancels = give(state, command)

    assert [type(event) for event in events] == [CommandGiven]
    assert cancels == []
    everything = command == EVERYTHING
    assert state.risk.block is (Gate.REDUCE_ONLY if everything else None)
    assert state.mode is (Mode.REDUCE_ONLY if everything else Mode.ACTIVE)


def test_liquidate_twice_sells_once():
    """What already leaves is not sold again (A12)."""
    state = new_state(config())
    hold(state, "AAA", 600)
    give(state, EVERYTHING)

    assert sold(give(state, EVERYTHING)[0]) == {}
    assert sold(give(state, Liquidate(symbol="AAA"))[0]) == {}


ENTRIES_FIRST = {
    "halt": (HALT, ["in-BBB"], ["in-CCC"]),
    "liquidate all": (EVERYTHING, ["in-BBB"], ["in-CCC"]),
    "liquidate the waiting": (Liquidate(symbol="BBB"), ["in-BBB"], []),
    "liquidate the working": (Liquidate(symbol="CCC"), [], ["in-CCC"]),
    "liquidate another": (Liquidate(symbol="AAA"), [], []),
    "resume": (RESUME, [], []),
}


@pytest.mark.parametrize("case", ENTRIES_FIRST)
def test_entries_are_canceled_before_anything_is_sold(case):
    """Those that wait here are gone at once, those at the broker are cancelled there, no exit."""
    command, here, there = ENTRIES_FIRST[case]
    state = new_state(config())
    hold(state, "AAA", 600)
    hold(state, "DDD", 100)
    give(state, Liquidate(symbol="DDD"), actor="bob")
    leaving = next(iter(state.working))
    entry(state, "BBB", after=(leaving,))
    entry(state, "CCC")
    events, cancels = give(state, command)

    assert (canceled(events), cancels) == (here, there)
    kinds = [type(event) for event in events]
    assert kinds == sorted(kinds, key=[CommandGiven, OrderCanceled, Decided, OrderSubmitted].index)
    assert all(e.reason == "canceled by ann" for e in events if isinstance(e, OrderCanceled))
    assert leaving in state.working
    assert set(state.working) >= set(there), "the broker has the last word on what it works"
    assert not set(state.working) & set(here)


def test_canceled_at_the_broker_is_not_filled():
    """The cancellation comes before the open at which the entry would have filled."""
    state = new_state(config())
    broker = SimulatedBroker(config(), SYMBOLS)
    entry(state, "CCC")
    broker.submit([working.approved for working in state.working.values()])
    _, cancels = give(state, HALT)
    broker.cancel(cancels)
    (report,) = broker.match(block_of([flat(6)], symbols=SYMBOLS), 0)
    state.apply(report)

    assert isinstance(report, OrderCanceled)
    assert (state.working, state.ledger.positions) == ({}, {})


def test_cancel_entries_of_all_or_of_one():
    """As breakers do when they trip, with their words."""
    state = new_state(config())
    hold(state, "AAA", 600)
    for symbol in ("BBB", "CCC"):
        entry(state, symbol)

    assert cancel_entries(state, None, "x", 0) == ([], ["in-BBB", "in-CCC"])
    assert cancel_entries(state, "CCC", "x", 0) == ([], ["in-CCC"])
    assert cancel_entries(state, "AAA", "x", 0) == ([], [])


def test_a_halt_sells_nothing_and_refuses_entries_with_who_and_why():
    """Positions stay, with their legs; the refusal names the halt."""
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", 600)
    events, _ = give(state, HALT)
    row = run(cfg, state, frame(cfg, BBB=up()))[0]["BBB"]

    assert [type(event) for event in events] == [CommandGiven]
    assert state.legs[0].resting
    assert state.mode is Mode.REDUCE_ONLY
    assert (row.decision, row.gate) == (Decision.REFUSED, Gate.HALTED)
    assert row.reason == "halted by ann: news"
    assert row.advice == "resume when the reason of the halt is gone"
    assert state.risk.halt == Halted(at(state), "ann", "news")


def test_resume_lets_entries_in_again():
    """After a halt, after everything was liquidated, and after both."""
    cfg = config()
    for commands in ([HALT], [EVERYTHING], [HALT, EVERYTHING], [EVERYTHING, HALT], [HALT, HALT]):
        state = new_state(cfg)
        for command in commands:
            give(state, command)
        assert run(cfg, state, frame(cfg, AAA=up()))[1] == {}
        give(state, RESUME)

        assert (state.mode, state.risk.block, state.risk.words()) == (Mode.ACTIVE, None, "")
        assert list(run(cfg, state, frame(cfg, AAA=up()))[1]) == ["AAA"]


def test_resume_without_a_halt_changes_nothing():
    """It is told, and that is all."""
    state = new_state(config())

    assert [type(event) for event in give(state, RESUME)[0]] == [CommandGiven]
    assert state.risk.block is None


def survivors(state):
    """What may happen while halted, none of which is Resume."""
    ts_ns, gate = at(state, NOON + 1), Gate.DAILY_LOSS
    tomorrow = state.open_ns + 86_400 * 10**9
    return {
        "configuration": [
            ConfigChanged(ts_ns=ts_ns, actor="ann", changes=(("risk.daily_loss_pct", 5.0, 9.0),))
        ],
        "a breaker trips and re-arms": [
            BreakerTripped(ts_ns=ts_ns, breaker=gate, reason="x", rearms="y", rearm_minute=None),
            BreakerRearmed(ts_ns=ts_ns, breaker=gate, reason="by hand"),
        ],
        "a new session": [
            SessionOpened(ts_ns=tomorrow, date=dt.date(2025, 6, 26), minutes=390, trading=True)
        ],
        "the stream": [StreamLost(ts_ns=ts_ns, reason="x"), StreamRestored(ts_ns=ts_ns)],
        "a restart": [PredictorRestarted(ts_ns=ts_ns, symbol="AAA", error="x", restarts=1)],
        "another command": [
            CommandGiven(ts_ns=ts_ns, command=Liquidate(symbol="AAA"), actor="bob")
        ],
    }


@pytest.mark.parametrize("what", survivors(new_state(config())))
@pytest.mark.parametrize(("command", "gate"), [(HALT, Gate.HALTED), (EVERYTHING, Gate.REDUCE_ONLY)])
def test_nothing_but_resume_lifts_it(what, command, gate):
    """Not an edited limit, not a breaker that re-arms, not tomorrow (A1)."""
    state = new_state(config())
    give(state, command)
    for event in survivors(state)[what]:
        state.apply(event)

    assert (state.risk.block, state.mode) == (gate, Mode.REDUCE_ONLY)
    other = config("risk.daily_loss_pct=9", "risk.risk_per_trade_pct=1", "rotation.max_positions=2")
    row = run(other, state, frame(other, NOON + 30, BBB=up()))[0]["BBB"]
    assert (row.decision, row.gate) == (Decision.REFUSED, gate)


def test_a_halt_goes_before_what_else_blocks():
    """It is named first, and what stood tripped under it still stands when it is lifted (A1)."""
    state = new_state(config())
    event = BreakerTripped(
        ts_ns=at(state, 100), breaker=Gate.DRAWDOWN, reason="deep", rearms="", rearm_minute=None
    )
    state.apply(event)
    give(state, HALT)
    assert state.risk.block is Gate.HALTED
    assert state.risk.words() == "halted by ann: news; deep"
    assert state.risk.blocked_since_ns == at(state, 100)
    give(state, RESUME)

    assert state.risk.block is Gate.DRAWDOWN


def halted(state):
    give(state, HALT)


def tripped(state):
    for gate in Gate:
        if Gate.DAILY_LOSS <= gate <= Gate.ORDER_RATE:
            state.apply(
                BreakerTripped(
                    ts_ns=at(state), breaker=gate, reason="x", rearms="", rearm_minute=None
                )
            )


EXITS = {
    "reversal": (NOON, down(), NOON - 10, Decision.EXIT),
    "strength": (NOON, up(0.5005), NOON - 30, Decision.EXIT),
    "the clock": (NOON, up(), NOON - 120, Decision.TIME_EXIT),
    "the close": (387, up(), NOON, Decision.EOD_EXIT),
}


@pytest.mark.parametrize("why", EXITS)
@pytest.mark.parametrize("block", [halted, tripped])
def test_what_blocks_entries_never_blocks_an_exit(block, why):
    """Halted, or with every breaker tripped: each rule still sells all that is held (A10)."""
    minute, signal, bought, decision = EXITS[why]
    cfg = config()
    state = new_state(cfg)
    hold(state, "AAA", 600, minute=bought)
    block(state)
    rows, orders, _ = run(cfg, state, frame(cfg, minute, AAA=signal, BBB=up(0.9)))

    assert rows["AAA"].decision is decision
    assert list(orders) == ["AAA"]
    assert (orders["AAA"].side, orders["AAA"].shares) == (Side.SELL, 600)


@pytest.mark.parametrize("block", [halted, tripped])
def test_legs_rest_on_while_entries_are_blocked(block):
    """The stop protects whatever happens; no command but a sale takes it away (A10, A14)."""
    state = new_state(config())
    hold(state, "AAA", 600)
    before = state.legs[0]
    block(state)

    assert state.legs[0] is before
    assert before.resting
    assert isinstance(before.order, OcoOrder)


def test_what_fills_after_everything_was_sold_leaves_too():
    """An entry that the cancellation missed is sold in the next frame, until all is flat."""
    cfg = config()
    state = new_state(cfg)
    give(state, EVERYTHING, minute=NOON - 2)
    hold(state, "AAA", 600, minute=NOON - 1)
    assert state.mode is Mode.FLATTENING
    rows, orders, _ = run(cfg, state, frame(cfg, AAA=up(0.9)))

    assert rows["AAA"].decision is Decision.MANUAL_EXIT
    assert orders["AAA"].shares == 600


def test_a_full_book_does_not_rotate_while_halted():
    """No position is sold for an entry that would be refused (A10)."""
    cfg = config()
    state = new_state(cfg)
    for symbol in ("AAA", "BBB", "CCC"):
        hold(state, symbol)
    give(state, HALT)
    rows, orders, _ = run(
        cfg, state, frame(cfg, AAA=up(0.6), BBB=up(0.7), CCC=up(0.65), DDD=up(0.9))
    )

    assert orders == {}
    assert rows["DDD"].gate is Gate.HALTED


@pytest.mark.parametrize("gate", GATES)
def test_a_signal_that_would_not_enter_anyway_keeps_its_own_reason(gate):
    """The halt is told of what it keeps out, not of what the signal's own gates refuse."""
    cfg = config()
    state = new_state(cfg)
    give(state, HALT)

    assert run(cfg, state, frame(cfg, AAA=GATES[gate]))[0]["AAA"].gate is gate
