"""Entries end where the broker refuses: a symbol after three of one kind, all for the account."""

import pytest

from engine.events import (
    CommandGiven,
    ExitRefused,
    Gate,
    Halt,
    OrderRejected,
    RefusalKind,
    Resume,
    SessionOpened,
)
from engine.trading.breakers import Rejects
from engine.trading.ledger import Ledger
from engine.trading.state import State
from tests.bars import DAY, config, session
from tests.engine.trading.test_breakers import readings


@pytest.fixture
def state():
    state = State("0" * 8, ("AAA", "BBB"), Ledger(10**11), 15)
    opened = SessionOpened(ts_ns=session().open_ns, date=DAY, minutes=390, trading=True)
    state.apply(opened)
    return state


def refuse(state, symbol="AAA", kind=RefusalKind.WASH_TRADE, words="wash trade"):
    state.apply(OrderRejected(ts_ns=0, order_id="x", symbol=symbol, reason=words, kind=kind))


def test_three_refusals_of_one_kind_bar_the_symbol_for_the_session(state):
    """Whatever is accepted in between; not two of one kind and two of another."""
    refuse(state)
    refuse(state)
    refuse(state, kind=RefusalKind.NOT_TRADABLE)
    refuse(state, kind=RefusalKind.NOT_TRADABLE)
    state.risk.rejects = 0  # as a fill in between leaves it
    assert not state.risk.refuses("AAA")
    refuse(state)
    assert state.risk.refuses("AAA")
    assert not state.risk.refuses("BBB")
    state.apply(SessionOpened(ts_ns=session().open_ns, date=DAY, minutes=390, trading=True))
    assert not state.risk.refuses("AAA")


@pytest.mark.parametrize("kind", [RefusalKind.RESTRICTED, RefusalKind.KEYS])
def test_what_concerns_the_account_stops_all_entries_until_they_are_resumed(state, kind):
    """Whether an entry or an exit met it; exits are never stopped."""
    state.apply(
        ExitRefused(ts_ns=0, order_id="x", symbol="AAA", reason="restricted", kind=kind, tries=1)
    )
    assert state.risk.block is Gate.ACCOUNT
    assert state.risk.words() == "the broker refuses the account's orders: restricted"
    state.apply(CommandGiven(ts_ns=0, actor="ann", command=Resume()))
    assert state.risk.block is None
    refuse(state, kind=kind, words="restricted")
    assert state.risk.block is Gate.ACCOUNT


def test_a_halt_comes_first(state):
    """As it is the operator's own."""
    refuse(state, kind=RefusalKind.KEYS)
    state.apply(CommandGiven(ts_ns=0, actor="ann", command=Halt()))
    assert state.risk.block is Gate.HALTED


def test_the_breaker_has_the_brokers_words():
    """Not only a number."""
    seen = readings(rejects=3)._replace(refusal="insufficient buying power")
    why = Rejects().exceeded(seen, config().risk)
    assert why == "3 orders rejected in a row; the broker: insufficient buying power"
