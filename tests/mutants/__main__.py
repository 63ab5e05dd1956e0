"""How much of what could go wrong with money does the suite notice? Faults, planted one by one.

    python -m tests.mutants [--count 200] [--seed 1] [--seconds 120] [--jobs 2] [--json FILE]

Some 200 faults of one line are drawn by a seed from the modules where a fault costs money, and
some thirty are chosen by hand (chosen.py). For each the tests are run that reach its line,
until one fails. Which tests reach which line is recorded first, by one run of the suite under
coverage.py; that is kept in --folder and done again with --record. A survivor is listed with how
many of the tests that reach it were run: a fault is given --seconds of tests, by their recorded
durations, those of the module's own test file first.
"""

import argparse
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import orjson

from tests.mutants.chosen import chosen
from tests.mutants.copy import ROOT, Copy
from tests.mutants.reach import Reach, record
from tests.mutants.sites import Mutant, mutants_of

MODULES = (
    "engine/trading/approval.py", "engine/trading/approving.py", "engine/trading/breakers.py",
    "engine/trading/exposure.py", "engine/trading/risk_state.py", "engine/trading/sizing.py",
    "engine/trading/protect.py", "engine/trading/ledger.py", "engine/trading/costs.py",
    "engine/trading/lots.py", "engine/trading/positions.py", "actors/alpaca/refusals.py",
    "actors/presence.py",
    "engine/trading/state.py", "engine/simulation/broker.py", "engine/records/inputs.py",
    "engine/records/overrides.py", "engine/records/reading.py", "actors/guard.py",
    "actors/intents.py", "actors/transitions.py", "actors/orders.py", "actors/execution.py",
    "actors/sending.py", "actors/inquiry.py", "actors/last_look.py", "actors/flatness.py",
    "actors/orphans.py", "actors/comparison.py", "actors/recovery.py", "actors/reloading.py",
    "actors/control.py", "tui/verify.py",
)  # fmt: skip
"""Risk limits and breakers, sizing, ledger, costs, fills, order ids and transitions, the inputs
log, recovery, the flatten ladder, orphans, reload, the control socket, verify."""
START_SECONDS = 60.0
"""For pytest to begin, and for what is planted to be slow."""
SLOWER = 4.0


def drawn(root: Path, count: int, seed: int) -> list[Mutant]:
    """Return the faults of a tree: those chosen by hand, then as many drawn."""

    def read(path: str) -> str:
        return (root / path).read_text()

    by_hand = chosen(read)
    known = {(m.path, m.line, m.after) for m in by_hand}
    every = [m for path in MODULES for m in mutants_of(path, read(path))]
    others = [m for m in every if (m.path, m.line, m.after) not in known]
    return by_hand + sorted(random.Random(seed).sample(others, min(count, len(others))))


def trial(mutant: Mutant, reach: Reach, copy: Copy, seconds: float, first: str) -> dict:
    """Plant a fault and run the tests that reach it, that named `first` before the others."""
    there = reach.tests(mutant.path, mutant.line)
    there.sort(key=lambda test: test != first)
    tests, planned = [], 0.0
    for test in there:
        if tests and planned + reach.seconds[test] > seconds:
            continue
        tests.append(test)
        planned += reach.seconds[test]
    began = time.perf_counter()
    copy.plant(mutant)
    kernels = "njit" in (copy.root / mutant.path).read_text()
    came = "unreached"
    if tests:
        came = copy.run(tests, START_SECONDS + SLOWER * planned, kernels=kernels)
    copy.restore()
    return {
        "mutant": mutant.name, "path": mutant.path, "line": mutant.line, "before": mutant.before,
        "after": mutant.after, "killed": came not in ("passed", "unreached"), "came": came,
        "tests": len(tests), "reach": len(there),
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def run(mutants, reach: Reach, options) -> list[dict]:
    """Try all, some at a time; tell of each as it ends."""
    killers = _killers(options.before)
    copies: SimpleQueue[Copy] = SimpleQueue()
    made = [Copy(options.root) for _ in range(options.jobs)]
    for copy in made:
        copies.put(copy)

    def one(mutant):
        copy = copies.get()
        try:
            return trial(mutant, reach, copy, options.seconds, killers.get(mutant.name, ""))
        finally:
            copies.put(copy)

    rows = []
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for row in pool.map(one, mutants):
                rows.append(row)
                word = "killed  " if row["killed"] else "SURVIVES"
                _say(f"{len(rows):>4}/{len(mutants)} {word} {row['mutant']}  {row['came']}")
    finally:
        for copy in made:
            copy.close()
    return rows


def _killers(path: Path | None) -> dict[str, str]:
    """Return which test noticed each fault in an earlier run: it is tried first."""
    rows = orjson.loads(path.read_bytes()) if path else []
    return {row["mutant"]: row["came"].removeprefix("failed ").split(" - ")[0] for row in rows}


def tell(rows) -> None:
    """Print the survivors, and the sum."""
    for row in rows:
        if not row["killed"]:
            _say(f"\n{row['mutant']}\n    - {row['before']}\n    + {row['after']}")
            _say(f"    {row['tests']} of the {row['reach']} tests that reach it were run")
    killed = sum(row["killed"] for row in rows)
    _say(f"\n{killed} of {len(rows)} faults were noticed, {len(rows) - killed} were not")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Draw, plant, run, tell; exit code 1 only where it cannot be done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200, help="of the drawn faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120.0, help="of tests for a fault")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to measure")
    parser.add_argument("--folder", type=Path, help="of the recorded run; default ROOT/.mutants")
    parser.add_argument("--record", action="store_true", help="record anew what tests reach")
    parser.add_argument("--list", action="store_true", help="list the faults, and end")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--before", type=Path, help="rows of an earlier run, to be quick")
    options = parser.parse_args()
    options.root = options.root.resolve()
    mutants = [
        m for m in drawn(options.root, options.count, options.seed) if options.only in m.name
    ]
    if options.list:
        for mutant in mutants:
            _say(f"{mutant.name}\n    - {mutant.before}\n    + {mutant.after}")
        return 0
    folder = (options.folder or options.root / ".mutants").resolve()
    if options.record or not (folder / "data").exists():
        record(options.root, folder, MODULES)
    rows = run(mutants, Reach(options.root, folder), options)
    if options.json:
        options.json.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    tell(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
