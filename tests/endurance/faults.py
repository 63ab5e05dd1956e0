"""Many sessions of `rotor live`, each under another seed of faults: what must hold, held.

    python -m tests.endurance.faults --seeds 0:300 [--families all] [--date D] [--source FOLDER]

Each is an exchange of its own in lockstep, and a `rotor live` on it, as `rotor rehearse --speed max
--faults SEED:FAMILIES` runs them (the exchange outlives the session here, since its ledger is asked
for). Where hands are among the families, every tenth seed has another program on the account, which
trades over REST.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from tests.endurance.checks import bare, breaches, loud, unheard_entries
from tests.endurance.other_program import OtherProgram
from tests.patience import patience
from tests.tui.rehearsal import DEMO, HALF_DAY, exchange


def trial(seed, folder, options):
    """Trade one session; return what came of it. Its records lie in the folder."""
    folder.mkdir(parents=True)
    began = time.perf_counter()
    row = {
        "seed": seed, "folder": str(folder), "fills": 0, "faults": 0, "bare": 0.0, "unheard": 0,
        "loud": False, "kinds": [],
    }  # fmt: skip
    try:
        row |= _played(seed, folder, options)
    except (OSError, ValueError, AssertionError) as error:
        row["breaches"] = [f"the exchange failed: {error}"]
    return row | {"seconds": round(time.perf_counter() - began, 1)}


def _played(seed, folder, options):
    words = ("--faults", seed if options.families == "wire" else f"{seed}:{options.families}")
    with (
        tempfile.TemporaryDirectory(prefix="rotor-") as sockets,  # their paths must be short
        exchange(folder, sockets, *words, date=options.date, source=options.source) as place,
    ):
        process = place.start(folder / "run")
        limit = patience(options.timeout)
        with _beside(place, seed, options):
            stdout, stderr, stuck = _ended(process, place, limit)
        account, state = place.ledger(), place.asked("/control")
    _write(folder, ledger=account, control=stuck or state)
    (folder / "stderr.txt").write_bytes(stderr)
    hit = [fault["kind"] for fault in state["faults"] if fault["hits"]]
    row = {"faults": len(hit), "kinds": sorted(set(hit))}
    if stuck:
        words = f"stuck after {limit:.0f} s; control.json has the clients"
        return row | {"breaches": [words]}
    if not stdout:
        return row | {"breaches": [f"exit code {process.returncode}: {stderr.decode()[-300:]}"]}
    summary = orjson.loads(stdout)
    return row | {
        "fills": summary["trades_executed"],
        "bare": max((seconds for seconds, *_ in bare(account)), default=0.0),
        "unheard": len(unheard_entries(account)),
        "loud": loud(summary, process.returncode),
        "breaches": breaches(folder / "run", account, summary, process.returncode),
    }


@contextmanager
def _beside(place, seed, options):
    """Have another program trade in the account meanwhile, of every tenth seed."""
    hands = options.families == "all" or "hands" in options.families.split(",")
    if not hands or seed % 10 != REST_SEED:
        yield
        return
    other = OtherProgram(place, minute=20 + seed % 60)
    other.start()
    try:
        yield
    finally:
        other.stop()


REST_SEED = 5


def _ended(process, place, seconds):
    """Wait for the session; return what it printed, and how the exchange stood if it hangs."""
    try:
        return (*process.communicate(timeout=seconds), None)
    except subprocess.TimeoutExpired:
        stuck = place.asked("/control")
        process.send_signal(signal.SIGABRT)  # with PYTHONFAULTHANDLER=1 it says where it was
        return (*process.communicate(), stuck)


def _write(folder, **objects):
    for name, found in objects.items():
        (folder / f"{name}.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def seeds_of(text):
    """Return the seeds of `0:200`, `437` or `400:608,1031`."""
    found = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        found += range(int(first), int(last)) if colon else [int(first)]
    return found


def run(seeds, scratch, options, console):
    """Try all seeds; return their rows, in order."""
    rows = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(lambda seed: trial(seed, scratch / str(seed), options), seeds):
            rows.append(row)
            if not (row["breaches"] or options.keep):
                shutil.rmtree(row["folder"])
            told = _line(row) + ("; ".join(row["breaches"]) or "holds")
            console.print(
                f"{len(rows):>4}/{len(seeds)}  {told}", highlight=False, markup=False,
                soft_wrap=True,
            )  # fmt: skip
    return rows


def _line(row):
    return (
        f"seed {row['seed']:>5}  {row['fills']:>4} fills  {row['faults']:>2} faults hit  "
        f"bare {row['bare']:.2f} s  {row['unheard']:>2} unheard  took {row['seconds']:>5.1f} s  "
        f"{'loud  ' if row['loud'] else ''}"
    )


def tell(rows, console):
    """Print what failed, and the sum.

    Unheard: sent on an order stream that was dead, which nobody had noticed yet.
    """
    failed = [row for row in rows if row["breaches"]]
    if failed:
        table = Table("seed", "faults", "what does not hold", "records", box=None)
        for row in failed:
            kinds, words = ", ".join(row["kinds"]), "\n".join(row["breaches"])
            table.add_row(str(row["seed"]), kinds, words, row["folder"])
        console.print(table, highlight=False, markup=False)
    fills, faults = sum(row["fills"] for row in rows), sum(row["faults"] for row in rows)
    unheard = sum(row["unheard"] for row in rows)
    loudly = sum(row["loud"] for row in rows)
    longest = max((row["bare"] for row in rows), default=0.0)
    console.print(
        f"{len(rows)} seeds, {fills:,} fills, {faults:,} faults that hit; nothing was bare for "
        f"more than {longest:.2f} s; {unheard} entries unheard; {loudly} ended loudly; "
        f"{len(failed)} failed",
        highlight=False,
    )


def main():
    """Try the seeds; exit code 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("0:300"), help="such as 0:300")
    parser.add_argument(
        "--families", default="all", help="of faults: all, wire, or such as hands,cash"
    )
    parser.add_argument("--date", default=HALF_DAY)
    parser.add_argument("--source", type=Path, default=DEMO, help="bars; default: the demo's")
    parser.add_argument("--jobs", type=int, default=1, help="sessions at a time")
    parser.add_argument(
        "--timeout", type=float, default=180.0, help="seconds for a session; more on a busy machine"
    )
    parser.add_argument("--keep", action="store_true", help="all folders, not only failed ones")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    options.source = options.source.resolve()
    console = Console(width=140, stderr=options.json)
    scratch = Path(tempfile.mkdtemp(prefix="rotor-faults-"))
    rows = run(options.seeds, scratch, options, console)
    tell(rows, console)
    if options.json:
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
    if not any(scratch.iterdir()):
        scratch.rmdir()
    return 1 if any(row["breaches"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
