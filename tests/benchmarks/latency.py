"""From the closing of a frame to the order on the wire, fsync included, against a local exchange.

    python -m tests.benchmarks.latency [--symbols 6 50 500] [--speed N]

`rotor exchange` is a process of its own, in lockstep: time stands while the trader works, so that
what is measured is work and never a waiting for the minute. An entry asks for a quote first; an
exit cancels the legs that hold its shares, and waits until they are gone.
"""

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.market.synth import SYMBOLS, write_parquet

GOALS_MS = {6: 50.0, 500: 250.0}
"""p99 of entries, by symbols."""
BUSY = (
    "quality.earned_slope=off", "quality.min_win_rate=0", "session.warmup_sessions=2",
    "learning.horizons=[5]", "rotation.min_hold_minutes=3", "rotation.max_hold_minutes=20",
    "rotation.cooldown_minutes=3", "rotation.min_strength_to_enter=0.001",
    "rotation.min_strength_to_hold=0.0005", "rotation.rotation_strength_delta=0.001",
    "rotation.min_edge_bps=-100", "risk.max_consecutive_losses=100000",
    "risk.daily_loss_pct=100", "risk.drawdown_pct=100", "risk.max_orders_per_minute=1000",
    "risk.max_underlying_exposure_pct=600", "live.max_spread_pct=50",
)  # fmt: skip
STEPS = ("decided and durable", "first request", "entry sent", "exit sent")


def universe(count):
    """Return so many symbols."""
    return SYMBOLS if count == len(SYMBOLS) else tuple(f"S{i:03d}" for i in range(count))


@contextmanager
def exchange(source, *, date=None, speed=None, port=0):
    """Run `rotor exchange` as a child; yields its URL."""
    command = [sys.executable, "-m", "tui.cli", "exchange", str(source), "--json"]
    command += ["--pace", "lockstep"] if speed is None else ["--speed", str(speed)]
    command += ["--port", str(port), *(["--date", str(date)] if date else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield json.loads(child.stdout.readline())["url"]
        finally:
            child.terminate()


def measure(count, scratch, *, speed=None, port=0):
    """Trade one session of so many symbols; return what was noted."""
    source = scratch / f"{count}.parquet"
    first = dt.date(2025, 6, 23)
    write_parquet(source, symbols=universe(count), first=first, sessions=3, seed=1, signal=2.0)
    noted = scratch / f"{count}.json"
    with exchange(source, speed=speed, port=port) as url:
        spec = {
            "endpoint": url, "symbols": universe(count), "out": str(scratch / f"run-{count}"),
            "sets": [*BUSY, f"database.url=sqlite:///{scratch}/{count}.db"], "noted": str(noted),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.wire", json.dumps(spec)],
            capture_output=True, text=True, check=False, timeout=1800,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(noted.read_text())


def figures(noted):
    """Return {step: milliseconds, ascending}."""
    requests = np.array([left for left, _ in noted["requests"]])
    frames = noted["frames"]
    firsts = requests[np.searchsorted(requests, [handed for _, handed in frames])]
    sent = [order for order in noted["orders"] if order[3] is not None]
    spans = (
        [handed - closed for closed, handed in frames],
        [first - closed for first, (closed, _) in zip(firsts, frames, strict=True)],
        [left - closed for closed, _, entry, left in sent if entry],
        [left - closed for closed, _, entry, left in sent if not entry],
    )
    return {step: np.sort(span) / 1e6 for step, span in zip(STEPS, spans, strict=True)}


def latency(counts, scratch, console, *, speed=None, port=0):
    """Measure, print a table; return its rows."""
    table = Table("symbols", "frame closed →", "n", "p50 ms", "p99 ms", "max ms", "goal", box=None)
    rows = []
    for count in counts:
        for step, spans in figures(measure(count, scratch, speed=speed, port=port)).items():
            p50, p99 = np.percentile(spans, [50, 99]) if len(spans) else (np.nan, np.nan)
            most = spans.max(initial=0.0)
            goal = GOALS_MS.get(count) if step == "entry sent" else None
            row = {"symbols": count, "step": step, "n": len(spans), "p50": p50, "p99": p99}
            rows.append({**row, "max": most, "goal": goal})
            shown = (f"{p50:.1f}", f"{p99:.1f}", f"{most:.1f}", f"< {goal:g}" if goal else "")
            table.add_row(str(count), step, str(len(spans)), *shown)
    console.print(table)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--symbols", type=int, nargs="+", default=[6, 50, 500])
    parser.add_argument("--speed", type=float, help="instead of lockstep")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rotor-latency-") as scratch:
        latency(
            options.symbols, Path(scratch), Console(width=110), speed=options.speed,
            port=options.port,
        )  # fmt: skip


if __name__ == "__main__":
    main()
