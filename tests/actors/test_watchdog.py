"""The heart and the watchdog, in virtual time."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from actors import watchdog
from actors.heartbeat import NAME, STUCK_SECONDS, Heart
from actors.venue import Accepted, BrokerOrder, Holding, Rejected, Status, Unknown, Unreachable
from actors.watchdog import Flattener, until_silent
from engine.events import Side


@pytest.fixture
def autojump_clock():
    """Time that jumps when everybody waits."""
    return MockClock(autojump_threshold=0)


def beats(folder):
    return int((folder / NAME).read_text())


async def test_the_heart_beats_every_second(tmp_path, autojump_clock, nursery):
    """A file that changes as a whole, and nothing beside it."""
    await nursery.start(Heart().beat, tmp_path)
    first = beats(tmp_path)
    await trio.sleep(10.5)

    assert (first, beats(tmp_path)) == (1, 11)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


async def test_an_input_that_hangs_stops_the_heart(tmp_path, autojump_clock, nursery):
    """Not at once; and the heart goes on when the input is done with."""
    heart = Heart()
    await nursery.start(heart.beat, tmp_path)
    with heart.at_work():
        await trio.sleep(STUCK_SECONDS - 0.5)
        late = beats(tmp_path)
        await trio.sleep(60)
        stopped = beats(tmp_path)
    await trio.sleep(5)

    assert late == STUCK_SECONDS
    assert stopped <= late + 1
    assert beats(tmp_path) > stopped


async def test_the_watchdog_waits_for_as_long_as_the_heart_beats(tmp_path, autojump_clock, nursery):
    """A quarter of an hour of beats is no silence; ninety seconds without one are."""
    scope = trio.CancelScope()

    async def heart(task_status):
        with scope:
            await Heart().beat(tmp_path, task_status=task_status)

    await nursery.start(heart)
    silent = trio.Event()

    async def watch():
        await until_silent(tmp_path / NAME, 90.0)
        silent.set()

    nursery.start_soon(watch)
    await trio.sleep(900)
    before = silent.is_set()
    scope.cancel()
    stopped = trio.current_time()
    await silent.wait()

    assert not before
    assert 88 <= trio.current_time() - stopped <= 92


@pytest.mark.parametrize("there", [True, False], ids=["standing", "missing"])
async def test_a_heartbeat_that_stands_or_is_missing_is_silence(tmp_path, autojump_clock, there):
    """Removing the file is no way to keep the watchdog quiet."""
    if there:
        (tmp_path / NAME).write_text("7\n")
    await until_silent(tmp_path / NAME, 90.0)

    assert 90 <= trio.current_time() <= 92


def order(broker_id, symbol="TQQQ", **changes):
    return BrokerOrder(
        client_id=broker_id, broker_id=broker_id, symbol=symbol, side=Side.SELL, kind="limit",
        shares=10, filled=0, filled_price_micro=None, status=Status.WORKING, said="new",
        stop_micro=None, limit_micro=None, updated_ns=0, replaces="", **changes,
    )  # fmt: skip


class Broker:
    """An account whose orders take effect at the next look."""

    def __init__(self, orders=(), held=None):
        self.working = {one.broker_id: one for one in orders}
        self.held = dict(held or {})
        self.did = []
        self.troubles = []
        self.answers = []
        self.fills = True

    def trouble(self):
        if self.troubles:
            raise self.troubles.pop(0)

    async def orders(self):
        self.trouble()
        if self.fills:
            for one in [o for o in self.working.values() if o.kind == "market"]:
                del self.working[one.broker_id]
                del self.held[one.symbol]
        return list(self.working.values())

    async def holdings(self):
        self.trouble()
        return [Holding(s, n, 1, n) for s, n in self.held.items()]

    async def cancel(self, broker_id):
        self.did.append(f"cancel {broker_id}")
        if broker_id in self.working:
            del self.working[broker_id]
        else:
            for one in list(self.working.values()):
                if broker_id in [leg.broker_id for leg in one.legs]:
                    del self.working[one.broker_id]

    async def close(self, symbol):
        self.did.append(f"close {symbol}")
        assert not [o for o in self.working.values() if o.symbol == symbol], "shares are held"
        if self.answers:
            return self.answers.pop(0)
        closing = order(f"close-{symbol}-{len(self.did)}", symbol)
        closing = replace(closing, kind="market")
        self.working[closing.broker_id] = closing
        return Accepted(closing)


async def flatten(broker, *symbols):
    said = []
    flat = await Flattener(broker, symbols or ("TQQQ", "SQQQ"), said.append).flatten()
    return flat, said


async def test_orders_are_cancelled_before_positions_are_closed(autojump_clock):
    """Legs hold the shares: they go first; what is closed is closed once."""
    broker = Broker([order("legs"), order("entry", "SQQQ")], {"TQQQ": 10})
    flat, _ = await flatten(broker)

    assert flat
    assert broker.did == ["cancel legs", "cancel entry", "close TQQQ"]
    assert (broker.working, broker.held) == ({}, {})


async def test_other_symbols_of_the_account_are_left_alone(autojump_clock):
    """The account may be shared: what is not the session's is neither cancelled nor closed."""
    broker = Broker([order("theirs", "MSFT")], {"MSFT": 5, "TQQQ": 10})
    flat, _ = await flatten(broker)

    assert flat
    assert (set(broker.working), broker.held) == ({"theirs"}, {"MSFT": 5})


async def test_a_stop_whose_parent_is_over_is_cancelled_by_its_own_id(autojump_clock):
    """An OCO's list entry may be filled or cancelled while its leg still works."""
    root = order("root", legs=(order("stop"),))
    broker = Broker([replace(root, status=Status.CANCELED)], {})
    flat, _ = await flatten(broker)

    assert flat
    assert broker.did == ["cancel stop"]


async def test_a_short_position_is_closed_too(autojump_clock):
    """Shares below zero are a position."""
    broker = Broker([], {"SQQQ": -7})

    assert (await flatten(broker))[0]
    assert broker.held == {}


async def test_a_broker_that_does_not_answer_is_asked_again(autojump_clock):
    """Silence, a refusal and an unknown answer are no end; flat is what the broker says twice."""
    broker = Broker([], {"TQQQ": 10})
    broker.troubles = [Unreachable("504"), Unreachable("reset")]
    broker.answers = [Rejected("halted"), Unknown("no answer in time")]
    flat, said = await flatten(broker)

    assert flat
    assert broker.did == ["close TQQQ"] * 3
    assert any("504" in words for words in said)
    assert any("refused: halted" in words for words in said)


async def test_our_own_closing_order_is_waited_for_not_cancelled(autojump_clock, nursery):
    """A halted symbol's order rests until it trades again."""
    broker = Broker([], {"TQQQ": 10})
    broker.fills = False

    async def later():
        await trio.sleep(600)
        broker.fills = True

    nursery.start_soon(later)
    flat, _ = await flatten(broker)

    assert flat
    assert broker.did == ["close TQQQ"]


async def test_what_cannot_be_closed_in_an_hour_is_told(autojump_clock):
    """The end is never taken for flat."""
    broker = Broker([], {"TQQQ": 10})
    broker.fills = False
    flat, _ = await flatten(broker)

    assert not flat
    assert trio.current_time() >= watchdog.GIVE_UP_SECONDS
