"""The knobs of a paced replay: when a frame is decided, never what."""

import datetime as dt

import numpy as np
import pytest
import trio

from actors.pacing import Asked, Pacing
from engine.errors import BadInputError
from engine.events import Halt
from engine.market.calendar import session_on
from engine.market.frames import Block

DAYS = (dt.date(2025, 7, 2), dt.date(2025, 7, 3))
FIRST, SECOND = (session_on(day) for day in DAYS)


def frames():
    """Yield the frames of both days, one at a time."""
    bars = np.ones((1, 1, 8))
    for session in (FIRST, SECOND):
        for minute in range(session.minutes):
            yield Block(session, minute, ("TQQQ",), bars, np.zeros((1, 2)))


class Run:
    """A supervisor that only notes what it was let do, and trades every tenth minute."""

    def __init__(self, pacing):
        self.pacing = pacing
        self.seen = []
        self.heard = []

    async def run(self):
        for number, block in enumerate(frames()):
            await self.pacing.wait(block, number // 10, self.heard.append)
            self.seen.append((block.session.date, block.first, trio.current_time()))

    @property
    def last(self):
        return self.seen[-1][:2]


@pytest.fixture
async def run(nursery):
    """A run of both days at 60 minutes a minute."""
    made = Run(Pacing(60.0, DAYS))
    nursery.start_soon(made.run)
    yield made
    made.pacing.stop.set()


async def test_frames_come_at_their_speed(run, autojump_clock):
    """At 60, one a second; at 120 from then on, two."""
    await trio.sleep(10.5)
    assert run.last == (DAYS[0], 9)
    run.pacing.turn({"do": "speed", "to": 120})
    await trio.sleep(5.25)
    assert run.last == (DAYS[0], 19)
    assert run.pacing.transport().speed == 120


async def test_pause_step_and_play(run, autojump_clock):
    """While it is paused nothing is decided but what is stepped."""
    await trio.sleep(3.5)
    assert run.pacing.turn({"do": "pause"}).playing is False
    await trio.sleep(100)
    assert len(run.seen) == 3
    for _ in range(2):
        run.pacing.turn({"do": "step"})
        await trio.sleep(1)
    assert len(run.seen) == 5
    run.pacing.turn({"do": "play"})
    await trio.sleep(1.5)
    assert len(run.seen) == 6


async def test_a_command_is_heard_while_it_is_paused(run, autojump_clock):
    """And takes effect with the next frame that is let go."""
    await trio.sleep(1.5)
    run.pacing.turn({"do": "pause"})
    asked = Asked(Halt(), "tui:ann")
    await run.pacing.commands.send(asked)
    await trio.sleep(0.1)
    assert run.heard == [asked]


@pytest.mark.parametrize("speed", [60, "max"])
async def test_commands_are_heard_at_every_speed(run, autojump_clock, speed):
    """At the highest too, where nothing is waited for."""
    run.pacing.turn({"do": "speed", "to": speed})
    await run.pacing.commands.send(Asked(Halt(), "x"))
    await trio.sleep(1.5)
    assert len(run.heard) == 1


async def test_it_goes_to_a_time_and_stands_there(run, autojump_clock):
    """A time of this session, of the next, so many minutes on."""
    await trio.sleep(1.5)
    run.pacing.turn({"do": "seek", "to": "13:47"})
    await trio.sleep(0.1)
    assert run.last == (DAYS[0], 257)
    run.pacing.turn({"do": "seek", "to": "+30"})
    await trio.sleep(0.1)
    assert run.last == (DAYS[0], 287)
    run.pacing.turn({"do": "seek", "to": "07-03 10:00"})
    await trio.sleep(50)
    assert run.last == (DAYS[1], 30)
    assert run.pacing.transport().session_index == 2


async def test_next_trade_and_next_session(run, autojump_clock):
    """It stands as soon as the trade is in the books; a session at its first minute."""
    await trio.sleep(2.5)
    run.pacing.turn({"do": "next_trade"})
    await trio.sleep(50)
    assert run.last == (DAYS[0], 9)
    assert run.pacing.transport().trades == 1
    run.pacing.turn({"do": "next_session"})
    await trio.sleep(50)
    assert run.last == (DAYS[1], 0)
    with pytest.raises(BadInputError, match="last session"):
        run.pacing.turn({"do": "next_session"})


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "seek", "to": "18:00"}, "18:00 is outside of the session 09:30-16:00"),
        ({"do": "seek", "to": "noon"}, "a time such as 13:47"),
        ({"do": "seek", "to": "07-04 10:00"}, "not one of the 2 sessions"),
        ({"do": "seek", "to": "09:30"}, "only a finished run can go back"),
        ({"do": "back"}, "only a finished run can go back"),
        ({"do": "speed", "to": -1}, "a positive number, or max"),
        ({"do": "speed", "to": 10**400}, "a positive number, or max"),
        ({"do": "dance"}, "'dance'"),
    ],
)
async def test_what_cannot_be_done_is_said(run, autojump_clock, request_, words):
    """And nothing changes."""
    await trio.sleep(1.5)
    with pytest.raises(BadInputError, match=words):
        run.pacing.turn(request_)
    await trio.sleep(1)
    assert run.last == (DAYS[0], 1)


async def test_nothing_goes_on_at_the_end(run, autojump_clock):
    """It neither plays nor steps nor looks for a trade; a time before it is no way back."""
    run.pacing.turn({"do": "speed", "to": "max"})
    await trio.sleep(1)
    assert run.last == (DAYS[1], SECOND.minutes - 1)
    assert run.pacing.transport().ended
    assert not run.pacing.transport().playing
    for do in ("play", "step", "next_trade", "next_session"):
        with pytest.raises(BadInputError, match="the replay's last minute"):
            run.pacing.turn({"do": do})
    with pytest.raises(BadInputError, match="finished run can go back"):
        run.pacing.turn({"do": "seek", "to": "10:00"})


async def test_a_refused_knob_leaves_a_seek_on_its_way(run, autojump_clock):
    """So does another speed; what is asked for next takes its place."""
    await trio.sleep(1.5)
    run.pacing.turn({"do": "pause"})
    run.pacing.turn({"do": "seek", "to": "09:50"})
    with pytest.raises(BadInputError):
        run.pacing.turn({"do": "back"})
    run.pacing.turn({"do": "speed", "to": 5})
    assert run.pacing.transport().playing
    await trio.sleep(1)
    assert run.last == (DAYS[0], 20)


async def test_stop_lets_go(autojump_clock):
    """Once it stops nothing waits, paused or not."""
    made = Run(Pacing(1.0, DAYS, playing=False))
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.run)
            await trio.sleep(0.5)
            made.pacing.stop.set()
    assert len(made.seen) == FIRST.minutes + SECOND.minutes
