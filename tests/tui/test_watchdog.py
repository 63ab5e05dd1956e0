"""The watchdog as a process, beside a trader that is killed, hangs, comes back or ends."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from actors.heartbeat import Heart
from engine.config import Alerts
from engine.errors import BadInputError, RotorError
from tests.actors.alpaca.fakes import Answer, Rest
from tests.actors.exchange.venue import floor_of, quiet_market, serving
from tests.patience import patience
from tests.tui.forked import popen
from tui.watchdog import ACTED, LOG, Duty, acted, end_watchdog, watched, watching

ROOT = Path(__file__).parents[2]
SILENCE = float(round(patience(0.7)))
"""Seconds; on a busy machine a heart that beats may be late."""
TRADER = """
import json, sys, trio
from pathlib import Path
from types import SimpleNamespace
from actors.heartbeat import Heart
from tui.watchdog import Duty, watched
given = json.loads(sys.argv[1])
duty = Duty(**given | {"symbols": tuple(given["symbols"])})
async def trade():
    async with watched(Path(duty.folder), Heart(), duty, lambda kind, words: None):
        print("trading", flush=True)
        await trio.sleep_forever()
trio.run(trade)
"""


@pytest.fixture
def hook(monkeypatch):
    """A receiver of alerts."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Rest()
    server.will("POST", "/hook", Answer(200, {}))
    yield server
    server.close()


@pytest.fixture(autouse=True)
def keys(monkeypatch, tmp_path):
    """Keys for the exchange, for us and for children; a run folder."""
    monkeypatch.setenv("APCA_API_KEY_ID", "key")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "run").mkdir()


@pytest.fixture
def run(tmp_path):
    """The run folder; no watchdog outlives the test."""
    folder = tmp_path / "run"
    yield folder
    pid = watching(folder)
    if pid:
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def forked(monkeypatch):
    """Let watchdogs of this process be forked ones."""
    given = SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE)
    monkeypatch.setattr("tui.watchdog.subprocess", given)


async def duty_of(api, folder, hook=None, **changes):
    """A watchdog's duty on an account of the exchange."""
    urls = (f"{hook.url}/hook",) if hook else ()
    given = {
        "folder": str(folder), "symbols": ("AAA",), "endpoint": api.url, "real": True,
        "account": (await api.get("/v2/account"))["account_number"],
        "alerts": Alerts(urls=urls, bell=False).model_dump(), "silence_seconds": SILENCE,
    }  # fmt: skip
    return Duty(**given | changes)


@contextlib.asynccontextmanager
async def trader(duty):
    """A trader in a process of its own, which has started its watchdog."""
    words = [sys.executable, "-c", TRADER, json.dumps(asdict(duty))]
    with popen(words, stdout=subprocess.PIPE) as process:
        try:
            with trio.fail_after(patience(60)):
                assert await trio.to_thread.run_sync(process.stdout.readline) == b"trading\n"
            yield process
        finally:
            process.kill()


async def until(condition):
    with trio.fail_after(patience(60)):
        while not condition():  # noqa: ASYNC110 - another process has no event of ours
            await trio.sleep(0.02)


async def bought(api):
    """Hold AAA with an OCO, BBB without, and let an order for AAA rest."""
    await api.post("/control/pause")
    await api.ask("POST", "/control/speed", {"speed": 3000})
    await api.post("/control/resume")
    with trio.fail_after(patience(30)):
        while (await api.get("/control"))["minute"] < 1:
            pass
    await api.post("/control/pause")
    for symbol in ("AAA", "BBB"):
        assert (await api.order(symbol, qty=10)).status == 200
    assert (await api.oco(60.0, 40.0, qty=10)).status == 200
    assert (await api.order("AAA", "buy", 5, "limit", limit_price=30.0)).status == 200
    held = (await api.ledger())["positions"]
    assert {symbol: position["shares"] for symbol, position in held.items()} == {
        "AAA": 10, "BBB": 10,
    }  # fmt: skip


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_a_trader_that_is_gone_leaves_a_flat_account(tmp_path, run, hook, how):
    """Orders cancelled, position closed, verified, told; a hung trader never trades again."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        await bought(api)
        duty = await duty_of(api, run, hook)
        async with trader(duty) as process:
            watched_by = watching(run)
            os.kill(process.pid, how)
            await until(lambda: watching(run) is None)
            assert await trio.to_thread.run_sync(process.wait) == -signal.SIGKILL
        ledger = await api.ledger()
        working = await api.get("/v2/orders?status=open")

    assert watched_by
    assert list(ledger["positions"]) == ["BBB"]  # not the session's
    assert working == []
    titles = {body["title"] for _, _, body in hook.sent("POST")}
    words = "\n".join(body["message"] for _, _, body in hook.sent("POST"))
    assert titles == {"run: watchdog"}
    assert f"has not beaten for {SILENCE:g} s: cancelling all orders" in words
    assert "the broker confirms: no order and no position in AAA" in words
    assert "killed, so that it cannot trade against us" in (run / LOG).read_text() or (
        how == signal.SIGKILL
    )

    assert acted(run)
    with pytest.raises(BadInputError, match="so it cannot go on"):
        await end_watchdog(run)


async def test_a_trader_that_comes_back_ends_the_watchdog_of_before(
    tmp_path, run, monkeypatch, forked
):
    """At once, with nothing done; its own is replaced if it dies, and ended by a clean end."""
    monkeypatch.setattr("tui.watchdog.MINDING_SECONDS", 0.05)
    told = []

    def tell(kind, words):
        told.append((kind, words))

    async with serving(floor_of(quiet_market(tmp_path))) as api:
        await bought(api)
        duty = await duty_of(api, run, silence_seconds=600.0)
        async with trader(duty) as process:
            first = watching(run)
            process.kill()
        async with watched(run, Heart(), duty, tell):
            second = watching(run)
            os.kill(second, signal.SIGKILL)
            await until(lambda: told)
            third = watching(run)
        still = watching(run)
        ended = await end_watchdog(run)
        ledger = await api.ledger()

    assert len({first, second, third} - {None, 0}) == 3
    assert told == [("watchdog", "the watchdog died (-9); another stands in its place")]
    assert still == third
    assert ended
    assert watching(run) is None
    assert not (run / ACTED).exists()
    assert sorted(ledger["positions"]) == ["AAA", "BBB"]


async def test_keys_of_another_account_make_no_watchdog(tmp_path, run, forked):
    """Then nothing is traded: it could not help."""
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        duty = await duty_of(api, run, account="PA000")
        with pytest.RaisesGroup(pytest.RaisesExc(RotorError, match="could not be started")):
            async with watched(run, Heart(), duty, lambda kind, words: None):
                raise AssertionError

    assert "not PA000's" in (run / LOG).read_text()
    assert watching(run) is None


async def test_without_a_duty_the_heart_beats_and_nobody_watches(run):
    """As in a session on paper."""
    async with watched(run, Heart(), None, lambda kind, words: None):
        assert (run / "heartbeat").exists()
        assert watching(run) is None
    assert not await end_watchdog(run)
