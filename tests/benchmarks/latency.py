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


def measure(count, scratch, *, sets=(), speed=None, port=0):
    """Trade one session of so many symbols; return what was noted."""
    source = scratch / f"{count}.parquet"
    first = dt.date(2025, 6, 23)
    write_parquet(source, symbols=universe(count), first=first, sessions=3, seed=1, signal=2.0)
    noted = scratch / f"{count}.json"
    with exchange(source, speed=speed, port=port) as url:
        spec = {
            "endpoint": url, "symbols": universe(count), "out": str(scratch / f"run-{count}"),
            "sets": [*BUSY, *sets, f"database.url=sqlite:///{scratch}/{count}.db"],
            "noted": str(noted),
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
    """Return {step: (n, 2) milliseconds of wall and of CPU}."""
    requests = noted["requests"]
    left = [wall for (wall, _), _ in requests]
    frames = noted["frames"]
    firsts = [requests[i][0] for i in np.searchsorted(left, [at[0] for _, at in frames])]
    sent = [order for order in noted["orders"] if order[3] is not None]
    spans = (
        frames,
        [(closed, first) for first, (closed, _) in zip(firsts, frames, strict=True)],
        [(closed, at) for closed, _, entry, at in sent if entry],
        [(closed, at) for closed, _, entry, at in sent if not entry],
    )
    return {
        step: np.diff(np.array(span, float).reshape(-1, 2, 2), axis=1)[:, 0] / 1e6
        for step, span in zip(STEPS, spans, strict=True)
    }


def latency(counts, scratch, console, *, speed=None, port=0):
    """Measure, print a table; return its rows."""
    table = Table("symbols", "frame closed →", box=None)
    for name in ("n", "p50 ms", "p99 ms", "max ms", "goal", "CPU p50", "CPU p99"):
        table.add_column(name, justify="right")
    rows = []
    for count in counts:
        for step, spans in figures(measure(count, scratch, speed=speed, port=port)).items():
            goal = GOALS_MS.get(count) if step == "entry sent" else None
            row = {"symbols": count, "step": step, "n": len(spans), "goal": goal}
            rows.append(row)
            if not len(spans):
                continue
            (p50, cpu50), (p99, cpu99) = np.percentile(spans, [50, 99], axis=0).tolist()
            most = float(spans[:, 0].max())
            row.update(p50=p50, p99=p99, max=most, cpu50=cpu50, cpu99=cpu99)
            shown = (p50, p99, most, f"< {goal:g}" if goal else "", cpu50, cpu99)
            cells = (f"{cell:.1f}" if isinstance(cell, float) else cell for cell in shown)
            table.add_row(str(count), step, str(len(spans)), *cells)
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
