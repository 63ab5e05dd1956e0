"""`make bench`: throughput of replay, latency of live orders; tables, and bench.json.

Each cell runs in a process of its own on generated bars (Parquet, planted signal 2) with the
default configuration; "busy" cells switch the earned-slope gate off, so that it trades from the
second day on, about fifty fills a day. Marginal rates take start-up out:
(symbol-bars of many sessions − of few) / (CPU seconds of many − of few). Latency: see latency.py.
"""

import argparse
import datetime as dt
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.market.synth import SYMBOLS, write_parquet
from tests.benchmarks.latency import latency

BUSY = ["quality.earned_slope=off"]
NO_TRADES = "rotation.min_edge_bps=9999"
TWELVE = ("ERX", "ERY", "FAS", "FAZ", *SYMBOLS, "TNA", "TZA")
GOALS = {"6 trades 390": 300_000, "6 full 390": 100_000, "6 trades 1": 30_000,
         "100 trades 390": 500_000}  # fmt: skip


def universe(count):
    if count == 2:
        return ("SQQQ", "TQQQ")
    if count in (6, 12):
        return SYMBOLS if count == 6 else TWELVE
    return tuple(f"S{i:03d}" for i in range(count))


def measure(**spec):
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.measure", json.dumps(spec)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def cells(quick):
    """Yield (symbols, sessions few and many, journal, block, settings)."""
    yield 2, (5, 20), "trades", 390, []
    for journal, block in (("none", 390), ("trades", 390), ("full", 390), ("trades", 1)):
        for sets in ([], BUSY):
            yield 6, ((5, 20) if quick else (20, 100)), journal, block, sets
    if quick:
        return
    yield 6, (1, 5), "trades", 390, []
    for journal in ("trades", "full"):
        yield 12, (20, 100), journal, 390, []
    yield 12, (5, 20), "trades", 1, []
    for journal, block in (("trades", 390), ("full", 390), ("trades", 1)):
        yield 100, (5, 20), journal, block, []
    yield 100, (5, 20), "trades", 390, BUSY
    yield 500, (1, 5), "trades", 390, []
    yield 500, (1, 5), "full", 390, []


def main():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six symbols, few sessions")
    parser.add_argument("--repeat", type=int, default=1, help="runs per cell; the median is told")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="rotor-bench-") as scratch:
        result = bench(Path(scratch), options, console)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {options.out}")


def bench(scratch, options, console):
    chosen = list(cells(options.quick))
    paths = {}
    for count, (_, many), *_ in chosen:
        paths[count] = max(paths.get(count, 0), many)
    for count, sessions in list(paths.items()):
        path = scratch / f"{count}.parquet"
        console.print(f"generating {count} symbols × {sessions} sessions")
        write_parquet(
            path, symbols=universe(count), first=dt.date(2024, 1, 2), sessions=sessions, seed=1,
            signal=2.0,
        )  # fmt: skip
        paths[count] = str(path)
    table = Table("symbols", "sessions", "journal", "block", box=None)
    for name in ("marginal sb/CPU s", "goal", "whole run", "fills", "peak MB", "grown MB"):
        table.add_column(name, justify="right")
    rows = [cell(paths[count], count, *rest, options.repeat) for count, *rest in chosen]
    for row in rows:
        goal = GOALS.get(f"{row['symbols']} {row['journal']} {row['block']}")
        goal = goal if row["sessions"] != (1, 5) else None
        table.add_row(
            f"{row['symbols']}{' busy' if row['busy'] else ''}", "{}…{}".format(*row["sessions"]),
            row["journal"],
            str(row["block"]), f"{row['marginal']:,.0f}", f"{goal:,}" if goal else "",
            f"{row['rate']:,.0f}", f"{row['fills']:,}", f"{row['peak_mb']:.0f}",
            f"{row['grown_mb']:.0f}",
        )  # fmt: skip
    console.print(table)
    six = {"path": paths[6], "sets": BUSY, "sessions": 20, "journal": "full", "block": 390}
    reference = measure(kind="kernels", **six)
    console.print(
        f"bare kernels {reference['kernels']:,.0f} symbol-bars/CPU s; "
        f"NumPy RLS loop {reference['numpy_rls']:,.0f} rows/CPU s"
    )
    parts = {j: measure(kind="shares", **{**six, "journal": j}) for j in ("trades", "full")}
    shares = Table("share of CPU (profiled)", *parts, box=None)
    for name in parts["full"]:
        shares.add_row(name, *(f"{100 * part[name]:.0f}%" for part in parts.values()))
    console.print(shares)
    return {
        "latency": latency([6] if options.quick else [6, 50, 500], scratch, console),
        "machine": platform.processor() or platform.machine(), "python": platform.python_version(),
        "cells": rows, "references": reference, "shares": parts,
        "linearity": linearity(paths, options.quick, console),
    }  # fmt: skip


def cell(path, count, sessions, journal, block, sets, repeat):
    spec = {"kind": "replay", "path": path, "sets": sets, "journal": journal, "block": block}
    runs = []
    for _ in range(repeat):
        few, many = (measure(**spec, sessions=n) for n in sessions)
        gained = many["symbol_bars"] - few["symbol_bars"]
        runs.append((gained / (many["cpu"] - few["cpu"]), many))
    rate, many = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
    return {
        "symbols": count, "sessions": sessions, "journal": journal, "block": block,
        "busy": bool(sets),
        "marginal": rate, "rate": many["symbol_bars"] / many["cpu"], "fills": many["fills"],
        "peak_mb": many["peak_mb"], "grown_mb": many["grown_mb"],
    }  # fmt: skip


def linearity(paths, quick, console):
    """How cost grows: sessions 60…100 against 20…60, and 500 symbols against 12."""
    if quick:
        return {}

    def figures(count, sessions, sets):
        spec = {"path": paths[count], "sets": sets, "journal": "trades", "block": 390}
        done = measure(kind="replay", **spec, sessions=sessions)
        return done["cpu"], done["symbol_bars"]

    def growth(sets):
        at = [figures(12, sessions, sets) for sessions in (20, 60, 100)]
        first, second = (
            (many[0] - few[0]) / (many[1] - few[1])
            for few, many in zip(at[:-1], at[1:], strict=True)
        )
        return second / first

    def whole(count):
        cpu, bars = figures(count, 5, [])
        return cpu / bars

    told = {
        "sessions 60…100 / 20…60 (12 symbols, no trades)": growth([*BUSY, NO_TRADES]),
        "sessions 60…100 / 20…60 (12 symbols, busy)": growth(BUSY),
        "symbols 500 / 12 (5 sessions)": whole(500) / whole(12),
    }
    for name, ratio in told.items():
        console.print(f"cost per symbol-bar, {name}: {ratio:.2f}×")
    return told


if __name__ == "__main__":
    main()
