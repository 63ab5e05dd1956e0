"""Operators' commands on the floor: entries stop first, exits always go."""

import pytest

from engine.events import (
    BreakerRearmed,
    Decided,
    Decision,
    Halt,
    Liquidate,
    OcoOrder,
    OrderCanceled,
    OrderSubmitted,
    Resume,
)
from tests.actors.floor import Floor, bar, quiet, wish
from tests.bars import config

SYMBOLS = ("AAA", "BBB")
SETS = ("rotation.min_hold_minutes=0", "rotation.min_edge_bps=-100")
BOTH = wish(SYMBOLS, *SYMBOLS)
FLAT = [bar(50), bar(50)]


@pytest.fixture
def floor():
    """Both symbols are held."""
    floor = Floor(config(*SETS), SYMBOLS)
    floor.play([FLAT, FLAT], BOTH)
    assert set(floor.state.ledger.positions) == set(SYMBOLS)
    return floor


def entries(events):
    return [
        e.order
        for e in events
        if isinstance(e, OrderSubmitted) and not isinstance(e.order, OcoOrder) and e.order.entry
    ]


@pytest.mark.parametrize("before", [None, Halt(reason="x"), "tripped"])
def test_liquidate_all_sells_at_the_next_open_and_stays_flat(floor, before):
    """Whatever else stands: halted or tripped, everything is sold, and nothing is bought (A10)."""
    if before == "tripped":
        floor.desk.reload(config(*SETS, "risk.daily_loss_pct=0.0001"), "test", [])
        floor.frame([bar(50, close=49.9), bar(50)], BOTH)
        assert floor.state.risk.tripped
    elif before is not None:
        floor.command(before)
        floor.frame(FLAT, BOTH)
    floor.command(Liquidate())
    events = floor.frame(FLAT, BOTH)

    assert [e.decision for e in events if isinstance(e, Decided)][:2] == [Decision.MANUAL_EXIT] * 2
    assert not floor.state.ledger.positions
    assert not entries(floor.play([FLAT] * 30, BOTH))
    assert floor.state.mode == "REDUCE_ONLY"


def test_resume_lets_it_trade_again(floor):
    """After the cooldown of what was sold."""
    floor.command(Liquidate())
    floor.frame(FLAT, BOTH)
    floor.command(Resume())

    assert entries(floor.play([FLAT] * 20, BOTH))
    assert floor.state.mode == "ACTIVE"


def test_liquidate_one_leaves_the_other_and_bars_the_symbol(floor):
    """The symbol waits for its cooldown, even if it was not held at all."""
    floor.command(Halt())
    floor.command(Liquidate(symbol="AAA"))
    floor.frame(FLAT, BOTH)
    assert set(floor.state.ledger.positions) == {"BBB"}

    floor.command(Resume())
    sent = [floor.minute for _ in range(20) if entries(floor.frame(FLAT, BOTH))]
    assert len(sent) == 1
    assert sent[0] >= 3 + 15


def test_a_command_cancels_the_entry_that_is_on_its_way():
    """Given before the open at which it would fill: it does not (FLATTENING first)."""
    floor = Floor(config(*SETS), SYMBOLS)
    assert entries(floor.frame(FLAT, BOTH))
    floor.command(Halt())
    events = floor.frame(FLAT, BOTH)

    assert len([e for e in events if isinstance(e, OrderCanceled)]) == 2
    assert not floor.state.ledger.positions


def test_liquidating_nothing_is_no_error():
    """It is recorded, and entries stay off."""
    floor = Floor(config(*SETS), SYMBOLS)
    floor.command(Liquidate())
    floor.play([FLAT] * 3, BOTH)

    assert not floor.fills()


def test_an_exit_that_works_is_not_sent_twice(floor):
    """A second liquidation finds the exits of the first at work."""
    thin = [bar(50, volume=20), bar(50, volume=20)]
    floor.command(Liquidate())
    floor.frame(thin, quiet(SYMBOLS))
    floor.command(Liquidate())
    events = floor.frame(thin, quiet(SYMBOLS))

    assert not [e for e in events if isinstance(e, OrderSubmitted)]
    assert floor.state.mode == "FLATTENING"


def test_an_order_rate_tripped_by_hand_re_arms_alike_with_and_without_the_scan():
    """Orders that a command sends are filled in its own minute, and still count in the next."""
    histories = []
    for scan in (True, False):
        floor = Floor(config(*SETS), SYMBOLS, scan=scan)
        floor.play([FLAT, FLAT], BOTH)
        floor.desk.reload(config(*SETS, "risk.max_orders_per_minute=1"), "test", [])
        floor.command(Liquidate())
        floor.play([FLAT] * 6, BOTH)
        histories.append(floor.history)

    assert histories[0] == histories[1]
    assert [ts_ns for ts_ns, event in histories[0] if isinstance(event, BreakerRearmed)]


def test_a_reload_reaches_twins_and_the_earned_slope():
    """What is live is in force from the next block on: neither is read only at the start."""
    twins = ("SQQQ", "TQQQ")
    floor = Floor(config(*SETS, "universe.twins=[]"), twins)
    floor.play([FLAT, FLAT], wish(twins, "TQQQ"))
    floor.desk.reload(config(*SETS, "quality.min_shadow_sessions=1"), "test", [])
    floor.play([FLAT, FLAT], wish(twins, "SQQQ", "TQQQ"))

    assert set(floor.state.ledger.positions) == {"TQQQ"}
    assert floor.desk.refusals.by_gate()["twin"] == 2
    assert floor.desk.slope.min_sessions == 1
