"""One measurement in a process of its own: CPU seconds, peak memory, shares.

python -m tests.benchmarks.measure '{"kind": "replay", …}' prints one JSON object.
"""

import cProfile
import json
import pstats
import resource
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from actors.system import Plan, run
from engine.config import load_config
from engine.learning.predictors import make_predictor
from engine.learning.signals import Context
from engine.market.grid import Gridder, session_blocks
from engine.market.sources import open_source

SHARES = {
    "kernel (features + EWRLS)": ("engine/learning",),
    "reading and grid": ("engine/market", "pyarrow", "actors/feed.py"),
    "decision loop": ("engine/trading", "engine/simulation", "actors/desk.py", "records/stats.py"),
    "journal": ("engine/records/journal.py", "engine/records/rows.py", "actors/journal.py"),
    "trio and mailboxes": ("trio/", "actors/", "outcome"),
}


def plan_of(spec, folder):
    config, _ = load_config(sets=spec.get("sets", []))
    source = open_source(Path(spec["path"]))
    signs = [config.universe.sign(symbol) for symbol in source.symbols]
    dates = source.session_dates()[: spec["sessions"]]

    def open_blocks(skip):
        sessions = source.sessions(dates[0], dates[-1])
        return islice(session_blocks(sessions, Gridder(source.symbols, signs)), skip, None)

    return Plan(
        config=config, symbols=source.symbols, open_blocks=open_blocks, trade_from=None,
        range_label="", first_ts_ns=0, folder=Path(folder) if spec["journal"] != "none" else None,
        level=spec["journal"], block_size=spec["block"],
    )  # fmt: skip


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def replay(spec):
    """Replay once after a warm-up of one session; return figures."""
    with tempfile.TemporaryDirectory() as scratch:
        warm = plan_of({**spec, "sessions": 1}, f"{scratch}/warm")
        run(warm)
        before = peak_mb()
        plan = plan_of(spec, f"{scratch}/run")
        wall, cpu = time.perf_counter(), time.process_time()
        outcome = run(plan)
        cpu = time.process_time() - cpu
        wall = time.perf_counter() - wall
    stats = outcome.stats
    return {
        "symbol_bars": stats.symbol_bars, "cpu": cpu, "wall": wall, "fills": stats.fills,
        "round_trips": len(stats.round_trips), "peak_mb": peak_mb(), "grown_mb": peak_mb() - before,
    }  # fmt: skip


def kernels(spec):
    """Features and EWRLS alone, single thread; and a plain NumPy RLS loop for scale."""
    plan = replace(plan_of({**spec, "journal": "none"}, ""), block_size=390)
    blocks = list(plan.open_blocks(0))
    universe = plan.config.universe
    learners = [
        make_predictor("ewrls", Context(s, i, plan.symbols, universe.sign(s)))
        for i, s in enumerate(plan.symbols)
    ]
    for learner in learners:
        learner.process(blocks[0])
    cpu = time.process_time()
    for block in blocks[1:]:
        for learner in learners:
            learner.process(block)
    cpu = time.process_time() - cpu
    bars = sum(int(block.bars[:, :, 5].sum()) for block in blocks[1:])
    return {"kernels": bars / cpu, "numpy_rls": numpy_rls()}


def numpy_rls(rows=20_000, n=29):
    """Return rows per CPU second of the textbook update of one covariance in NumPy."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((rows, n)), rng.standard_normal(rows)
    p, w = np.eye(n), np.zeros(n)
    cpu = time.process_time()
    for row, target in zip(x, y, strict=True):
        px = p @ row
        gain = px / (0.9999 + row @ px)
        w += gain * (target - w @ row)
        p = (p - np.outer(gain, px)) / 0.9999
    return rows / (time.process_time() - cpu)


def shares(spec):
    """Return the share of CPU by part of the program, under cProfile (inline executor)."""
    with tempfile.TemporaryDirectory() as scratch:
        run(plan_of({**spec, "sessions": 1}, f"{scratch}/warm"))
        plan = replace(plan_of(spec, f"{scratch}/run"), executor="inline")
        profile = cProfile.Profile()
        profile.runcall(run, plan)
    table = pstats.Stats(profile).stats
    times = dict.fromkeys([*SHARES, "rest"], 0.0)
    for (path, _, _), (_, _, own, _, _) in table.items():
        name = next((n for n, keys in SHARES.items() if any(k in path for k in keys)), "rest")
        times[name] += own
    total = sum(times.values())
    return {name: value / total for name, value in times.items()}


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    kinds = {"replay": replay, "kernels": kernels, "shares": shares}
    print(json.dumps(kinds[spec["kind"]](spec)))
