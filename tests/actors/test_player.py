"""A finished run is played: any minute of any session, both ways."""

import datetime as dt
from dataclasses import replace

import pytest
import trio

from actors.player import Player
from engine.errors import BadInputError
from tests.tui.cockpit.sample import paper

DAYS = (dt.date(2025, 7, 1), dt.date(2025, 7, 2), dt.date(2025, 7, 3))
MINUTES = (390, 390, 210)
FILLS = ({20: 2, 50: 3}, {}, {5: 1})
"""By session: the fills so far from a minute on."""


def views_of(index):
    """Return a view per minute; the fills are those of FILLS."""
    view, views = paper(), []
    fills = 0
    for minute in range(MINUTES[index]):
        fills = FILLS[index].get(minute, fills)
        stats = replace(view.stats, bars=minute, fills=fills)
        views.append(replace(view, stats=stats))
    return views


@pytest.fixture
async def player(nursery):
    """A player of three days that has loaded the first."""
    loads = []

    async def load(index):
        loads.append(index)
        await trio.sleep(0.01)
        return views_of(index)

    made = Player(DAYS, load)
    made.loads = loads
    nursery.start_soon(made.run)
    await trio.sleep(0.1)
    return made


def place(player):
    """Return (session, minute) as shown, both of the transport and of the view."""
    at = player.view().transport
    assert player.view().stats.bars == at.minute - 1
    return at.session_index, at.minute - 1


async def turned(player, do, to=None):
    """Turn a knob and return where it then stands."""
    player.turn({"do": do, "to": to})
    await trio.sleep(0.1)
    return place(player)


async def test_it_steps_both_ways_over_the_border_of_sessions(player, autojump_clock):
    """Before a session's first minute comes the last of the one before."""
    assert place(player) == (1, 0)
    assert await turned(player, "step") == (1, 1)
    assert await turned(player, "back") == (1, 0)
    assert await turned(player, "seek", "15:59") == (1, 389)
    assert await turned(player, "step") == (2, 0)
    assert await turned(player, "back") == (1, 389)
    with pytest.raises(BadInputError, match="first session"):
        await turned(player, "previous_session")


async def test_it_goes_to_trades_and_over_sessions_without_any(player, autojump_clock):
    """The second day has none."""
    assert await turned(player, "next_trade") == (1, 20)
    assert await turned(player, "next_trade") == (1, 50)
    assert await turned(player, "next_trade") == (3, 5)
    assert await turned(player, "next_trade") == (3, 5)  # there is none after it
    assert await turned(player, "previous_trade") == (1, 50)
    assert await turned(player, "previous_trade") == (1, 20)


async def test_it_goes_to_a_time(player, autojump_clock):
    """Of this day, of another, so many minutes back; a half day has no afternoon."""
    assert await turned(player, "seek", "13:47") == (1, 257)
    assert await turned(player, "seek", "-7") == (1, 250)
    assert await turned(player, "seek", "07-03 10:00") == (3, 30)
    with pytest.raises(BadInputError, match="outside of the session 09:30-13:00"):
        await turned(player, "seek", "13:47")


async def arrived(player, do, to=None):
    """Turn a knob; return where it then stands, and what is said of it."""
    player.turn({"do": do, "to": to})
    short = await player.arrived()
    return *place(player), short


async def test_what_is_not_there_is_said(player, autojump_clock):
    """Once the sessions on the way are looked through, not before."""
    assert await arrived(player, "seek", "07-03 10:00") == (3, 30, "")
    gone = "there is none after this minute"
    assert await arrived(player, "next_trade") == (3, 30, gone)
    assert await arrived(player, "previous_trade") == (3, 5, "")
    assert await arrived(player, "previous_session") == (2, 0, "")
    assert await arrived(player, "seek", "07-01 09:45") == (1, 15, "")
    assert (await arrived(player, "previous_trade"))[2] == "there is none before this minute"


async def test_a_run_that_stopped_early_says_where(nursery, autojump_clock):
    """Its last session has fewer minutes than the exchange's day."""

    async def load(index):
        return views_of(index)[:100]

    player = Player(DAYS[:1], load)
    nursery.start_soon(player.run)
    await trio.sleep(0.1)
    stopped = "11:09 is the run's last minute of that day"
    assert await arrived(player, "seek", "15:59") == (1, 99, stopped)
    assert player.transport().ended
    assert await arrived(player, "seek", "11:08") == (1, 98, "")
    assert not player.transport().ended


@pytest.mark.parametrize("do", ["play", "step"])
async def test_nothing_plays_on_at_the_end(player, autojump_clock, do):
    """It is said, and it stays where it is."""
    await turned(player, "seek", "07-03 12:59")
    assert player.view().transport.ended
    with pytest.raises(BadInputError, match="the run's last minute"):
        player.turn({"do": do})
    await trio.sleep(0.1)
    assert place(player) == (3, 209)
    assert player.view().transport.playing is False


async def test_it_plays_at_its_speed_to_the_end(player, autojump_clock):
    """At 60 a minute a second; at max as fast as it goes; at the end it stands."""
    player.turn({"do": "play"})
    await trio.sleep(10.5)
    assert place(player) == (1, 10)
    player.turn({"do": "speed", "to": "max"})
    await trio.sleep(5)
    assert place(player) == (3, 209)
    assert player.view().transport.playing is False
    assert player.loads == [0, 1, 2]


async def test_every_view_has_another_number(player, autojump_clock):
    """Or a screen would not draw it."""
    first = player.view().sequence
    await turned(player, "step")
    await turned(player, "back")
    assert player.view().sequence == first + 2


async def test_a_knob_is_turned_while_a_shorter_session_is_looked_through(nursery):
    """Minute 300 of a whole day is none of a half day; what was asked last is done."""
    full = [replace(view, stats=replace(view.stats, fills=0)) for view in views_of(1)]
    half = full[:210]

    async def load(index):
        await trio.sleep(0.05)
        return half if index == 1 else full

    player = Player((dt.date(2025, 7, 2), dt.date(2025, 7, 3), dt.date(2025, 7, 7)), load)
    nursery.start_soon(player.run)
    await trio.sleep(0.1)
    await turned(player, "seek", "14:30")
    player.turn({"do": "next_trade"})
    await trio.sleep(0.075)  # the half day is loaded, the day after it is not yet
    assert player.turn({"do": "speed", "to": 5}).minutes == 210
    await trio.sleep(0.2)
    assert place(player) == (1, 300)
