"""What the account is known to hold: the newest word counts, and none is no word."""

import pytest
import trio
import trio.testing

from actors.holdings import Holdings
from actors.session_clock import SECOND_NS, TrioClock
from actors.venue import Holding, Unreachable

START = 1_750_000_000 * SECOND_NS


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


class Broker:
    """Answers what it holds, as late as a test says."""

    def __init__(self):
        self.held, self.wait = {}, 0.0

    async def holdings(self):
        answer = [Holding(symbol, shares, 1, shares) for symbol, shares in self.held.items()]
        await trio.sleep(self.wait)
        return answer


@pytest.fixture
async def known(mock_clock):
    """Return a broker, what is known of it, and a clock."""
    clock, broker = TrioClock(START), Broker()
    return broker, Holdings(broker, clock), clock


async def test_before_any_answer_nothing_is_known(known):
    """Then what it does not name is not held."""
    broker, holdings, _ = known
    assert holdings.shares("A") is None
    assert holdings.sellable("A", -1) is None
    broker.held = {"A": 5}
    await holdings.ask()

    assert (holdings.shares("A"), holdings.shares("B")) == (5, 0)
    assert (holdings.sellable("A", -1), holdings.sellable("A", 1)) == (5, 0)


async def test_fills_since_the_answer_are_counted(known):
    """Those from before it are in it."""
    broker, holdings, clock = known
    broker.held = {"A": 5}
    await trio.sleep(10)
    await holdings.ask()
    holdings.filled("A", -1, None, clock.now_ns() - SECOND_NS)
    before = holdings.shares("A")
    await trio.sleep(1)
    for _ in range(2):
        holdings.filled("A", -1, None, clock.now_ns())

    assert (before, holdings.shares("A")) == (5, 3)


async def test_the_position_after_a_fill_is_the_newest_word(known):
    """An older event that comes late changes nothing; nor does one from before the question."""
    broker, holdings, clock = known
    broker.held = {"A": 9}
    await holdings.ask()
    await trio.sleep(5)
    now = clock.now_ns()
    holdings.filled("A", -2, 4, now)
    holdings.filled("A", -3, 6, now - SECOND_NS)
    newest = holdings.shares("A")
    broker.held = {"A": 1}
    await trio.sleep(5)
    await holdings.ask()
    holdings.filled("A", -2, 4, now + 1)

    assert (newest, holdings.shares("A")) == (4, 1)


async def test_a_fill_that_comes_while_it_is_asked_counts(known):
    """The answer may be from before it."""
    broker, holdings, clock = known
    broker.held, broker.wait = {"A": 5}, 1.0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holdings.ask)
        await trio.sleep(0.5)
        holdings.filled("A", -5, 0, clock.now_ns())

    assert holdings.shares("A") == 0


async def test_without_an_answer_what_is_known_stands(known):
    """The question is not answered with nothing."""
    broker, holdings, _ = known
    broker.held = {"A": 5}
    await holdings.ask()

    async def silence():
        raise Unreachable("no answer")

    broker.holdings = silence
    with pytest.raises(Unreachable):
        await holdings.ask()

    assert holdings.shares("A") == 5
