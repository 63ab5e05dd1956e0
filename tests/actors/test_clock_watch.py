"""A clock that was set, a machine that slept: what session time does, and what is said."""

import pytest
import trio

from actors import clock_watch
from actors.clock_watch import check_clock, watch_clock
from actors.session_clock import MOMENT_NS, SECOND_NS, WallClock, steady_ns
from actors.venue import Unreachable

NOON = 1_751_558_400 * SECOND_NS


class Machine:
    """A wall and a count that does not follow it, both moved by Trio's clock."""

    def __init__(self):
        self.set_by = 0.0
        """Seconds."""
        self.slept = 0.0
        self.broker = 0.0
        """Seconds that the broker's clock is before the count."""
        self.asked = 0
        self.answers = True
        self.clock = WallClock(self.wall, self.steady)
        self.said = []

    def steady(self):
        return round((trio.current_time() + self.slept) * SECOND_NS)

    def wall(self):
        return NOON + self.steady() + round(self.set_by * SECOND_NS)

    async def ask(self):
        self.asked += 1
        if not self.answers:
            raise Unreachable("the broker is not there")
        return NOON + self.steady() + round(self.broker * SECOND_NS)

    def now(self):
        """Session time, as seconds beyond the count."""
        return (self.clock.now_ns() - NOON - self.steady()) / SECOND_NS


@pytest.fixture
async def machine():
    return Machine()


async def watched(machine, nursery, **options):
    nursery.start_soon(lambda: watch_clock(machine.clock, machine.ask, machine.said.append))
    await trio.sleep(1.5)


async def test_small_corrections_are_followed(autojump_clock, machine, nursery):
    """As NTP makes them; nothing is said, nobody asked."""
    await watched(machine, nursery)
    for _ in range(20):
        machine.set_by += 0.3
        await trio.sleep(1)

    assert machine.now() == pytest.approx(6.0)
    assert (machine.said, machine.asked) == ([], 0)


@pytest.mark.parametrize("seconds", [1.5, -1.5, 3600.0, -3600.0])
async def test_a_step_is_not_followed_where_the_broker_does_not_agree(
    autojump_clock, machine, nursery, seconds
):
    """Somebody set the clock wrong: session time goes on as it was."""
    await watched(machine, nursery)
    machine.set_by = seconds
    assert machine.now() == 0.0  # at once, before anybody looks
    await trio.sleep(3)

    assert machine.now() == 0.0
    assert ("forward" if seconds > 0 else "back") in machine.said[0]
    assert "does not agree: session time goes on as it was; set this machine's" in machine.said[1]
    await trio.sleep(60)
    assert (len(machine.said), machine.asked) == (2, 1)


@pytest.mark.parametrize("seconds", [1.5, -3600.0])
async def test_a_step_is_followed_where_the_broker_agrees(
    autojump_clock, machine, nursery, seconds
):
    """NTP put a wrong clock right."""
    machine.broker = seconds
    await watched(machine, nursery)
    machine.set_by = seconds
    await trio.sleep(3)

    assert machine.now() == seconds
    assert machine.said[1] == "the broker's clock agrees with it: session time follows"


async def test_until_the_broker_answers_nothing_is_followed(autojump_clock, machine, nursery):
    """It is asked again; a clock that is set once more meanwhile is judged as it is then."""
    machine.answers, machine.broker = False, 20.0
    await watched(machine, nursery)
    machine.set_by = 10.0
    await trio.sleep(30)
    assert (machine.now(), len(machine.said)) == (0.0, 1)
    machine.set_by = 20.0
    machine.answers = True
    await trio.sleep(10)

    assert machine.now() == 20.0
    assert "set forward by 20.0 s" in machine.said[1]


async def test_a_clock_set_back_to_what_it_was_is_told(autojump_clock, machine, nursery):
    """Session time never moved."""
    await watched(machine, nursery)
    machine.set_by = 10.0
    await trio.sleep(3)
    machine.set_by = 0.0
    await trio.sleep(3)

    assert (machine.now(), machine.clock.held_ns) == (0.0, 0)
    assert machine.said[-1] == "this machine's clock was set back to what it was"


async def test_a_laptop_that_slept_says_so(autojump_clock, machine, nursery, monkeypatch):
    """The wall and the count went on, the process did not: streams are made new."""
    woken = []
    monkeypatch.setattr(clock_watch, "steady_ns", machine.steady)
    monkeypatch.setattr(
        clock_watch.time, "monotonic_ns", lambda: round(trio.current_time() * SECOND_NS)
    )
    nursery.start_soon(
        watch_clock, machine.clock, machine.ask, machine.said.append, lambda: woken.append(1)
    )
    await trio.sleep(1.5)
    machine.slept = 600.0
    await trio.sleep(1)

    assert len(machine.said) == 1
    assert machine.said[0].startswith(
        "this machine slept for 10 minutes: its streams are connected"
    )
    assert (woken, machine.now()) == ([1], 0.0)


async def test_who_waits_is_not_held_up_by_a_machine_that_slept(autojump_clock, machine):
    """The wait was for a moment of the wall."""
    async with trio.open_nursery() as nursery:
        with trio.fail_after(3):
            nursery.start_soon(machine.clock.sleep_until, machine.clock.now_ns() + 900 * SECOND_NS)
            await trio.sleep(1)
            machine.slept = 899.5


@pytest.mark.parametrize(
    ("off", "words"),
    [(0.0, []), (0.9, []), (3.0, ["3.0 s behind the broker's"]), (-3600.0, ["60 minutes before"])],
)
async def test_a_clock_that_is_wrong_is_told_before_the_session(
    autojump_clock, machine, off, words
):
    """With what to do."""
    machine.broker = off
    await check_clock(machine.clock, machine.ask, machine.said.append)

    assert [word in said for word, said in zip(words, machine.said, strict=True)] == [True] * len(
        words
    )
    machine.answers = False
    await check_clock(machine.clock, machine.ask, machine.said.append)
    assert len(machine.said) == len(words)


def test_a_thread_that_had_to_wait_between_two_readings_sees_no_step():
    """The readings are of one moment, or are taken again."""
    pauses = iter([0, 0, 5 * SECOND_NS, 0, 0])
    count = 0

    def steady():
        nonlocal count
        count += next(pauses, 0)
        return count

    clock = WallClock(lambda: count, steady)
    assert (clock.now_ns(), clock.held_ns) == (5 * SECOND_NS, 0)
    assert MOMENT_NS < SECOND_NS


def test_the_count_goes_on():
    """Wherever the system has one."""
    assert steady_ns() <= steady_ns()
