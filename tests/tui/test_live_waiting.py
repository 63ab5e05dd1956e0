"""Ctrl-C while `rotor live` waits for its session."""

import trio

from actors.remote_time import RemoteTime
from tui import live
from tui.live_session import LiveRequest


async def test_it_ends_with_an_exit_code(monkeypatch, tmp_path):
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
