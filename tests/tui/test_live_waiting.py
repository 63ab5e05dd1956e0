"""While `rotor live` waits for its session: Ctrl-C, and a clock that is set."""

from types import SimpleNamespace

import trio

from actors.remote_time import RemoteTime
from actors.session_clock import SECOND_NS, RemoteClock, WallClock
from tui import live
from tui.live_session import LiveRequest


async def test_ctrl_c_ends_it_with_an_exit_code(monkeypatch, tmp_path):
    """Neither a session nor a traceback; the exchange's clock is let go of."""

    async def clock(self, task_status):
        task_status.started()
        await trio.sleep_forever()

    async def account(venue):
        return None

    async def session(clock, stop):
        stop.set()
        return

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RemoteTime, "run", clock)
    monkeypatch.setattr(live, "open_account", account)
    monkeypatch.setattr(live, "next_session", session)
    request = LiveRequest(endpoint="http://127.0.0.1:9", sets=("database.url=",))

    assert await live.run_live(request) == 1
    assert list(tmp_path.iterdir()) == []


async def test_a_clock_that_is_set_is_told_and_alerted_to(autojump_clock, nursery, capfd):
    """From before the bell on; the exchange of a rehearsal has its own time."""
    alerts, set_by = [], 0

    def steady():
        return round(trio.current_time() * SECOND_NS)

    async def asked():
        return SimpleNamespace(now_ns=steady())

    venue = SimpleNamespace(facts=SimpleNamespace(clock=asked), drop_orders=print)
    alerter = SimpleNamespace(tell=lambda *said: alerts.append(said))
    clock = WallClock(lambda: steady() + set_by, steady)
    await live._mind_clock(nursery, RemoteClock(), venue, alerter)
    assert not nursery.child_tasks
    await live._mind_clock(nursery, clock, venue, alerter)
    await trio.sleep(2)
    set_by = 60 * SECOND_NS
    await trio.sleep(2)

    assert [kind for kind, _ in alerts] == ["disconnect", "disconnect"]
    assert "set forward by 60.0 s" in capfd.readouterr().err
    assert clock.now_ns() == steady()
