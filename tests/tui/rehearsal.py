"""A local exchange and `rotor live` on it, as processes of their own."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import orjson

from tests.endurance.checks import breaches
from tests.patience import patience
from tests.tui.forked import popen

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "replays" / "demo"
HALF_DAY = "2025-07-03"
BUSY = (
    "quality.min_win_rate=0", "rotation.cooldown_minutes=1", "rotation.min_edge_bps=-20",
    "rotation.max_hold_minutes=12", "rotation.min_hold_minutes=3", "risk.daily_loss_pct=100",
    "risk.drawdown_pct=100", "risk.max_consecutive_losses=1000", "session.warmup_sessions=3",
)  # fmt: skip
"""Settings under which much is traded."""


def sets(*items):
    return [word for item in (*items, "database.url=") for word in ("--set", item)]


class Exchange:
    """One that listens; `rotor live` trades on it."""

    def __init__(self, url, folder, runtime_dir, popen):
        self.url = url
        self.folder = folder
        self._popen = popen
        self.env = os.environ | {
            "ROTOR_RUNTIME_DIR": runtime_dir, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1",
        }  # fmt: skip

    def start(self, out, *words, settings=BUSY, config=DEMO / "config.toml"):
        """Start `rotor live`; its process."""
        command = [
            sys.executable, "-m", "tui.cli", "live", "--endpoint", self.url, "--out", str(out),
            "--json", "--config", str(config), "--hold", "always", *words,
            *sets(*settings),
        ]  # fmt: skip
        return self._popen(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def trade(self, out, *words, settings=BUSY):
        """Run `rotor live` to its end; its summary."""
        return summary_of(self.start(out, *words, settings=settings))

    def asked(self, path, method="GET", **body):
        data = orjson.dumps(body) if body else None
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=patience(10)) as answer:
            return orjson.loads(answer.read())

    def ledger(self):
        """The only account, as the exchange has it."""
        (account,) = self.asked("/control/ledger")["accounts"].values()
        return account


def summary_of(process):
    """Wait until a session has ended; its summary."""
    limit = patience(170)
    try:
        stdout, stderr = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"the session was not over after {limit:.0f} s") from None
    assert stdout, stderr.decode()
    return orjson.loads(stdout)


@contextmanager
def exchange(folder, runtime_dir, *words, date=HALF_DAY, source=DEMO, popen=popen):
    """Run an exchange in lockstep for as long as the body runs.

    With subprocess.Popen it and what trades on it are started as users start them.
    """
    command = [
        sys.executable, "-m", "tui.cli", "exchange", str(source), "--date", date, "--port", "0",
        "--json", "--pace", "lockstep", *map(str, words), *sets(),
    ]  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    child = popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        line = child.stdout.readline()
        assert line, child.stderr.read().decode()
        yield Exchange(orjson.loads(line)["url"], folder, runtime_dir, popen)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=patience(5))
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def wait_for(condition, seconds=60):
    """Wait until something is so."""
    end = time.monotonic() + patience(seconds)
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def rows(folder, name):
    """A journal's rows without their checksums."""
    found = []
    for line in (folder / f"{name}.jsonl").read_bytes().splitlines():
        row = orjson.loads(line)
        row.pop("chain", None)
        found.append(row)
    return found


def logged(folder, kind):
    """The rows of one kind of the input log."""
    found = map(orjson.loads, (folder / "inputs.jsonl").read_bytes().splitlines())
    return [row for row in found if row["in"] == kind]


def met_quotes(out, summary, *, streamed):
    """Hold that every order met a quote that is written down, and where it came from."""
    met = logged(out, "quote")
    fills = {row["order_id"]: row for row in rows(out, "trades")}
    sent = {row["order_id"] for row in met}
    assert {row["streamed"] for row in met} == {streamed}
    assert {name for name, row in fills.items() if row["action"] == "ENTRY"} <= sent
    assert summary["parity"]["same_decisions"] is True
    assert summary["parity"]["quotes"] == len(sent)
    assert summary["parity"]["orders_at_a_quote"] == len(sent & fills.keys()) > 5
    assert summary["parity"]["median_spread_bps"] > 0


def sound(exchange, summary):
    """Hold a session that ended against the exchange's own books."""
    account = exchange.ledger()
    assert breaches(Path(summary["run_dir"]), account, summary) == []
    return account
