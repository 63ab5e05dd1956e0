"""Bits flipped at random in the files of two runs, and what the commands say of each.

    python -m tests.endurance.fuzz [--flips 5000] [--seed 1]

A replay that ended and a live session that was killed. After each flip `rotor verify` is asked, and
with every fourth one other reader in turn: none may end in a traceback, accept the file, change the
folder, or not name what it refuses.
"""

import argparse
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import pytest
from rich.console import Console

from tests.endurance.damage import READERS, asked, contents, damaged, faults, flipped, rng_of
from tests.engine.records.store.folders import write_run
from tests.tui.live_days import day, lived

REPLAYED, LIVE = "replayed", "live"
PARTS = ("-", "summary.json", "manifest.json", "warmup.npz", "inputs.jsonl")


def make_runs(place, patch):
    """Make both runs in a folder that is also the working one; the database knows them."""

    async def killed():
        async with day(place / LIVE) as here:
            await here.killed(bool)

    write_run(place / REPLAYED, sessions=1)
    assert asked(lived, killed, patch)[0] == 0
    for name in (REPLAYED, LIVE):
        code, said = asked(READERS["rebuild"], str(place / name))
        assert code == 0, said


def flips(place, count, seed):
    """Flip bits, one at a time; return what must not be, in sentences."""
    rng, others, found = rng_of(seed), cycle(r for r in READERS if r != "verify"), []
    whole = {name: contents(place / name) for name in (REPLAYED, LIVE)}
    paths = [p for each in whole.values() for p in each if p.suffix in (".jsonl", ".json", ".npz")]
    for number in range(count):
        path = rng.choice(paths)
        readers = ("verify",) if number % 4 else ("verify", next(others))
        with damaged(path, flipped, rng):
            run = path.relative_to(place).parts[0]
            before = whole[run] | {path: path.read_bytes()}
            torn = _torn(path, whole)
            for reader in readers:
                found += faults(reader, place / run, path, before, may_be_a_kill=torn)
    return found


def _torn(path, whole):
    """Return whether a flip has only taken the end of a killed session's last frame."""
    if path.parent.name != LIVE or path.suffix != ".jsonl":
        return False
    was = whole[LIVE][path]
    place = next(i for i, (a, b) in enumerate(zip(path.read_bytes(), was, strict=True)) if a != b)
    return place >= was.rfind(b"\n", 0, -1) + 1


def main():
    """Flip and tell; exit code 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flips", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    console, patch = Console(width=110), pytest.MonkeyPatch()
    with tempfile.TemporaryDirectory(prefix="rotor-fuzz-") as scratch:
        place = Path(scratch)
        patch.chdir(place)
        make_runs(place, patch)
        began = time.process_time()
        found = flips(place, options.flips, options.seed)
        patch.undo()
    for words in found[:20]:
        console.print(words, highlight=False, markup=False)
    console.print(
        f"{options.flips:,} flips in {time.process_time() - began:.0f} CPU seconds: {len(found)} "
        "tracebacks, silent acceptances, changed or unnamed files",
        highlight=False,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
