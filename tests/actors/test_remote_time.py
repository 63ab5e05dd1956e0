"""The trader's side of an exchange's clock."""

from types import SimpleNamespace

import trio

from actors.remote_time import RemoteTime
from actors.session_clock import SECOND_NS, RemoteClock
from tests.actors.exchange.venue import floor_of, quiet_market, serving
from tests.patience import patience

IDLE = SimpleNamespace(bars_seen=0, updates_seen=0, waiting=False, streams_up=0)


async def test_while_time_flows_the_trader_rests(tmp_path):
    """It has nothing to say then: a word of each idle moment would make the next one."""
    words = []
    floor = floor_of(quiet_market(tmp_path), speed=60)
    async with serving(floor) as api, trio.open_nursery() as nursery:
        time = RemoteTime(api.url, "key", RemoteClock(), hold="never")
        time._word = lambda: words.append(1) or {"number": len(words)}
        await nursery.start(time.run)
        time.busy, time.gauge = False, IDLE
        await trio.sleep(0.3)
        assert time.state["mode"] == "speed"
        assert words == []
        await api.post("/control/speed", speed=None)
        with trio.fail_after(patience(10)):
            while not words:  # noqa: ASYNC110 - nothing else tells
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


def test_an_idle_trader_says_what_it_has_taken():
    """And when it wants to wake; a busy one that it is busy, once it has said anything."""
    time = RemoteTime("http://127.0.0.1:9", "key", RemoteClock(), hold="never")
    time.state = {"now": 7 * SECOND_NS, "mode": "lockstep"}
    assert time._word() == {}
    time.busy, time.gauge = False, IDLE
    word = time._word()
    assert word == {"at": 7 * SECOND_NS, "timer": None, "bars": 0, "updates": 0, "streams": 0}
    time._last, time.busy = word, True
    assert time._word() == word | {"busy": True}
