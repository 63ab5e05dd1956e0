"""`rotor live --live` on an exchange: through the gate, watched, told of, and killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest
import trio

from tests.actors.alpaca.fakes import Answer, Rest
from tests.actors.exchange.venue import DAY, HALF, floor_of, serving, write_market
from tests.bars import walk
from tests.patience import patience
from tests.tui.forked import popen
from tui.watchdog import acted, watching

ROOT = Path(__file__).parents[2]
EAGER = (
    "quality.earned_slope=off", "quality.min_win_rate=0", "rotation.min_edge_bps=-1000",
    "rotation.min_strength_to_enter=0", "rotation.min_strength_to_hold=0", "learning.warm_rows=0",
    "signal.buy_threshold=0.5", "signal.sell_threshold=0.5", "session.warmup_sessions=1",
    "database.url=",
)  # fmt: skip
"""Settings that enter as soon as anything can be entered."""
SECRET = "TOKENOFMINE"


@pytest.fixture
def hook():
    """A receiver of alerts, at an address that nobody else may learn."""
    server = Rest()
    server.will("POST", f"/{SECRET}", Answer(200, {}))
    yield server
    server.close()


@pytest.fixture
def rotor(tmp_path, runtime_dir, hook):
    """Start `rotor live --live`; returns its process."""
    env = os.environ | {
        "ROTOR_RUNTIME_DIR": runtime_dir, "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "APCA_API_KEY_ID": "key", "APCA_API_SECRET_KEY": "secret",
    }  # fmt: skip
    started = []

    lowered = ("quality.earned_slope", "quality.min_win_rate", "rotation.min_edge_bps")
    accepted = ", ".join(f'"{key}"' for key in lowered)
    (tmp_path / "config.toml").write_text(f"[live]\naccept = [{accepted}]\n")

    def start(url, number, *words):
        alerts = f'alerts.urls=["{hook.url}/{SECRET}"]'
        sets = [w for s in (*EAGER, f"live.account={number}", alerts) for w in ("--set", s)]
        words = [
            sys.executable, "-m", "tui.cli", "live", "--live", "--endpoint", url, "--json",
            "--symbols", "AAA,BBB", "--out", tmp_path / "run", *sets, *words,
        ]  # fmt: skip
        started.append(
            popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=env,
                cwd=tmp_path,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
    if (tmp_path / "run").exists() and watching(tmp_path / "run"):
        os.kill(watching(tmp_path / "run"), signal.SIGKILL)


def half_day(folder):
    """A market of two walks on the day before, and on a half day."""
    days = {}
    for d, (day, minutes) in enumerate(((DAY, 390), (HALF, 210))):
        days[day] = {}
        for s, (symbol, price) in enumerate((("AAA", 50.0), ("BBB", 20.0))):
            bars = np.round(walk(minutes, seed=10 * d + s, missing=0.0, price=price), 2)
            bars[:, 1] = np.maximum(bars[:, 1], bars[:, [0, 3]].max(axis=1))
            bars[:, 2] = np.minimum(bars[:, 2], bars[:, [0, 3]].min(axis=1))
            days[day][symbol] = bars
    return floor_of(write_market(folder, days), day=HALF)


async def finish(process):
    with trio.fail_after(patience(180)):
        out, err = await trio.to_thread.run_sync(process.communicate)
    return process.returncode, out, err


async def until(condition):
    while not condition():  # noqa: ASYNC110 - another process has no event of ours
        await trio.sleep(0.05)


def told(hook):
    return [(body["title"], body["message"]) for _, _, body in hook.sent("POST")]


async def test_a_session_of_real_money_ends_flat_unwatched_and_told(tmp_path, rotor, hook):
    """The watchdog goes with the session; nothing that was written has the alerts' address."""
    async with serving(half_day(tmp_path)) as api:
        number = (await api.get("/v2/account"))["account_number"]
        code, out, err = await finish(rotor(api.url, number))
        ledger = await api.ledger()
    folder = tmp_path / "run"

    assert code == 0, err
    summary = orjson.loads(out)
    assert summary["trades_executed"] > 0
    assert summary["confirmed_flat"]
    assert ledger["positions"] == {}
    assert "watching process" in (folder / "watchdog.log").read_text()
    assert watching(folder) is None
    assert not acted(folder)
    assert "the session is over" in told(hook)[-1][1]
    assert told(hook)[-1][0].startswith("run: ")
    for path in filter(Path.is_file, folder.rglob("*")):
        assert SECRET.encode() not in path.read_bytes(), path


async def test_a_session_that_is_killed_is_made_flat_and_not_taken_up(tmp_path, rotor, hook):
    """Killed with a position: its watchdog closes it, and the session cannot sell it again."""
    async with serving(half_day(tmp_path)) as api:
        number = (await api.get("/v2/account"))["account_number"]
        process = rotor(
            api.url, number, "--watchdog-after", f"{patience(1.2):.0f}", "--hold", "always"
        )
        with trio.fail_after(patience(180)):
            while not (await api.ledger())["positions"]:
                assert process.poll() is None
                await trio.sleep(0.02)
            process.kill()
            await finish(process)
            await until(lambda: watching(tmp_path / "run") is None)
        ledger = await api.ledger()
        code, _, err = await finish(rotor(api.url, number, "--hold", "always"))
        after = await api.ledger()

    assert ledger["positions"] == {}
    assert all(order["status"] != "new" for order in ledger["orders"])
    assert [title for title, _ in told(hook)].count("run: watchdog") >= 1
    assert any("the broker confirms: no order and no position" in words for _, words in told(hook))
    assert code == 2
    assert "the watchdog has closed this session's positions" in err
    assert after["orders"] == ledger["orders"]
