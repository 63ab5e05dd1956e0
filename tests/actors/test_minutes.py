"""The live feed: a frame a minute, on time, whatever comes."""

import datetime as dt

import numpy as np
import pytest
import trio

from actors.minutes import GRACE_SECONDS, Minutes
from actors.session_clock import TrioClock
from actors.venue import Bar, Connected, Lost, Unreachable
from engine.market.calendar import session_on
from engine.market.frames import MINUTE_NS

SESSION = session_on(dt.date(2025, 7, 3))
SYMBOLS = ("AAA", "BBB")


def bar(symbol, minute, close=10.0, *, updated=False):
    start = SESSION.open_ns + minute * MINUTE_NS
    return Bar(symbol, start, 10.0, max(10.0, close), min(10.0, close), close, 100.0, updated)


class Stream:
    """A venue whose stream says what it is told to, at its times."""

    def __init__(self, script, history=(), after=()):
        """`after` is what a second connection says; seconds count from the first."""
        self.scripts = [script, after]
        self.history = list(history)
        self.asked = []
        self.connected = []

    @property
    def connections(self):
        return len(self.connected)

    async def bar_stream(self, symbols, out):
        self.connected.append(trio.current_time())
        await out.send(Connected(self.connections))
        for seconds, message in self.scripts.pop(0) if self.scripts else ():
            await trio.sleep_until(self.connected[0] + seconds)
            await out.send(message)
        await trio.sleep_forever()

    async def bars(self, symbols, start_ns, end_ns):
        self.asked.append((start_ns, end_ns))
        if self.history is None:
            raise Unreachable("no answer")
        return [b for b in self.history if start_ns <= b.start_ns < end_ns]


async def frames(venue, count, *, began=0.0, first=0, lost=lambda _: None):
    """The first frames and when each came, seconds after the bell."""
    clock = TrioClock(SESSION.open_ns + round(began * 1e9))
    minutes, found = Minutes(venue, clock, SESSION, SYMBOLS, lost=lost), []

    async def give(frame):
        found.append(((clock.now_ns() - SESSION.open_ns) / 1e9, frame))
        if len(found) == count:
            scope.cancel()

    with trio.CancelScope() as scope:
        await minutes.run(first, give)
    return found, minutes.counts


def there(frame):
    return [s for s, symbol in enumerate(SYMBOLS) if not np.isnan(frame.bars[s, 0])]


async def test_a_frame_closes_when_all_have_reported(autojump_clock):
    """At once with the last bar, in order, with its prices."""
    venue = Stream([(60.1, bar("AAA", 0, 11.0)), (60.2, bar("BBB", 0)), (120.3, bar("BBB", 1)),
                    (120.4, bar("AAA", 1))])  # fmt: skip
    found, _ = await frames(venue, 2)

    assert [round(at, 3) for at, _ in found] == [60.2, 120.4]
    assert found[0][1].bars[0].tolist() == [10.0, 11.0, 10.0, 11.0, 100.0]
    assert [frame.minute for _, frame in found] == [0, 1]


async def test_it_waits_no_longer_than_the_grace(autojump_clock):
    """A thin symbol's minute closes without it; its late bar is counted, not learned."""
    venue = Stream([(60.1, bar("AAA", 0)), (120.1, bar("AAA", 1)), (122.5, bar("BBB", 1)),
                    (180.1, bar("AAA", 2)), (180.2, bar("BBB", 2))])  # fmt: skip
    found, counts = await frames(venue, 3)

    assert [round(at, 3) for at, _ in found] == [60 + GRACE_SECONDS, 120 + GRACE_SECONDS, 180.2]
    assert [there(frame) for _, frame in found] == [[0], [0], [0, 1]]
    assert counts.late == 1


async def test_what_a_broken_stream_missed_is_asked_for(autojump_clock):
    """Before the minute is decided, and marked."""
    venue = Stream(
        [(60.1, bar("AAA", 0)), (60.1, bar("BBB", 0)), (90.0, Lost("cut")), (100.0, Connected(2)),
         (120.1, bar("AAA", 1))],
        [bar("AAA", 1, 99.0), bar("BBB", 1, 12.0)],
    )  # fmt: skip
    found, _ = await frames(venue, 2)

    frame = found[1][1]
    assert there(frame) == [0, 1]
    assert frame.backfilled
    assert not frame.late
    assert frame.bars[0, 3] == 10.0  # what the stream said holds
    assert frame.bars[1, 3] == 12.0


HISTORY = [bar(symbol, minute) for minute in range(6) for symbol in SYMBOLS]


async def test_a_mute_stream_is_connected_again(autojump_clock):
    """No bar of any symbol 75 s into a minute, but history has them: the stream is dead."""
    venue = Stream([], HISTORY)
    found, _ = await frames(venue, 3)

    start = venue.connected[0]
    assert [round(at - start) for at in venue.connected] == [0, 75, 135]
    assert [round(at) for at, _ in found] == [62, 122, 182]
    assert [there(frame) for _, frame in found] == [[0, 1]] * 3
    assert [bool(frame.mute) for _, frame in found] == [False, True, True]


async def test_frames_are_mute_until_a_bar_comes(autojump_clock):
    """Whatever bar, of whatever symbol, in whatever minute."""
    venue = Stream([], HISTORY, [(125.0, bar("AAA", 1))])
    found, _ = await frames(venue, 3)

    assert venue.connections == 2
    assert [bool(frame.mute) for _, frame in found] == [False, True, False]


async def test_a_bar_that_is_only_late_is_no_mute_stream(autojump_clock):
    """Ten seconds late, of one symbol: history stood in for it, nothing is broken."""
    venue = Stream([(70.0, bar("AAA", 0)), (120.1, bar("AAA", 1)), (120.2, bar("BBB", 1))], HISTORY)
    found, counts = await frames(venue, 2)

    assert venue.connections == 1
    assert [bool(frame.mute) for _, frame in found] == [False, False]
    assert counts.late == 1


async def test_a_stream_that_is_connecting_is_left_to_it(autojump_clock):
    """It is down over two minutes' ends: mute, and not connected again from here."""
    venue = Stream(
        [(30.0, Lost("cut")), (170.0, Connected(2)),
         *((180.1, bar(symbol, 2)) for symbol in SYMBOLS)], HISTORY,
    )  # fmt: skip
    found, _ = await frames(venue, 3)

    assert venue.connections == 1
    assert [bool(frame.mute) for _, frame in found] == [False, True, False]
    assert [there(frame) for _, frame in found] == [[0, 1]] * 3


@pytest.mark.parametrize("reason", ["connection limit exceeded", "keys refused"])
async def test_a_stream_that_is_refused_is_not_called_mute(autojump_clock, reason):
    """Too many connections, say: the frames, and so the breaker, have the broker's words."""
    venue = Stream([(30.0, Lost(reason)), (90.0, Lost(f"{reason} for 60 s"))], HISTORY)
    found, _ = await frames(venue, 3)

    down = f"the bar stream is down ({reason} for 60 s)"
    assert [frame.mute for _, frame in found] == ["", down, down]


async def test_a_stream_given_up_is_begun_again(autojump_clock):
    """A fatal loss: once a minute it is tried, and until then nothing is opened."""
    venue = Stream([(30.0, Lost("keys", fatal=True))], HISTORY)
    found, _ = await frames(venue, 2)

    assert venue.connections == 2
    assert [bool(frame.mute) for _, frame in found] == [False, True]


async def test_what_keeps_a_stream_down_is_told_once(autojump_clock):
    """And again once it has stood, or is refused for another reason."""
    keys = Lost("keys refused", fatal=True)
    venue = Stream([(30.0, Lost("cut")), (31.0, keys), (32.0, keys), (40.0, Connected(2)),
                    (50.0, keys), (51.0, keys)], HISTORY)  # fmt: skip
    told = []
    await frames(venue, 1, lost=told.append)

    assert told == ["cut", "keys refused", "keys refused"]


async def test_a_stream_that_came_back_after_the_minute_is_not_mute(autojump_clock):
    """It missed the minute's bars with its connection, and history has told them."""
    venue = Stream([(59.0, Lost("cut")), (61.0, Connected(2)), (120.1, bar("AAA", 1)),
                    (120.1, bar("BBB", 1))], HISTORY)  # fmt: skip
    found, _ = await frames(venue, 2)

    assert venue.connections == 1
    assert [bool(frame.mute) for _, frame in found] == [False, False]


async def test_silence_everywhere_is_a_fact(autojump_clock):
    """No bar here nor in history: frames without bars, on time, by the same connection."""
    venue = Stream([])
    found, _ = await frames(venue, 2)

    assert [there(frame) for _, frame in found] == [[], []]
    assert [bool(frame.mute) for _, frame in found] == [False, False]
    assert venue.connections == 1


async def test_silence_of_which_nothing_is_known_is_no_fact(autojump_clock):
    """No bar, and no answer from history: connected again, and nothing is opened."""
    venue = Stream([])
    venue.history = None
    found, _ = await frames(venue, 2)

    assert [bool(frame.mute) for _, frame in found] == [False, True]
    assert venue.connections == 2


async def test_a_session_taken_up_late_starts_from_history(autojump_clock):
    """Minutes long over are late; of the one that just ended bars may still come."""
    history = [bar(symbol, minute) for minute in range(10) for symbol in SYMBOLS]
    venue = Stream([(0.5, bar("AAA", 10)), (0.7, bar("BBB", 10))], history)
    found, _ = await frames(venue, 11, began=660.3)

    assert [frame.late for _, frame in found] == [True] * 10 + [False]
    assert [there(frame) for _, frame in found] == [[0, 1]] * 11


async def test_strange_bars_are_left_out(autojump_clock):
    """Before the bell, of other symbols, or no numbers; a crossed one is the grid's to judge."""
    bad = bar("BBB", 0)._replace(low=float("nan"))
    venue = Stream([(10.0, bar("AAA", -1)), (20.0, bar("CCC", 0)), (60.1, bad),
                    (60.1, bar("AAA", 0))])  # fmt: skip
    found, counts = await frames(venue, 1)

    assert there(found[0][1]) == [0]
    assert counts.outside == 2


async def test_a_revision_of_a_closed_minute_is_not_learned(autojump_clock):
    """One of the open minute takes the bar's place."""
    venue = Stream([
        (60.1, bar("AAA", 0)), (60.2, bar("BBB", 0)), (61.0, bar("AAA", 0, 50.0, updated=True)),
        (120.1, bar("AAA", 1)), (120.2, bar("AAA", 1, 12.0, updated=True)), (120.3, bar("BBB", 1)),
    ])  # fmt: skip
    found, counts = await frames(venue, 2)

    assert counts.revised == 1
    assert found[0][1].bars[0, 3] == 10.0
    assert found[1][1].bars[0, 3] == 12.0
