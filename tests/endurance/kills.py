"""One session of `rotor live`, killed -9 at many moments and started again each time.

    python -m tests.endurance.kills [--kills 50] [--seed 1] [--date D] [--source FOLDER]

First the session is traded undisturbed, on an exchange of its own; then once more, with the kills.
The exchange runs in lockstep and its time stands while nobody is there (--hold always), so that
both must come to the same decisions, fills and forecasts. Moments are drawn over the whole session,
by how much of the log is written, and, one in four, over the seconds after a start.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from itertools import zip_longest
from pathlib import Path

import orjson
from rich.console import Console

from tests.endurance.checks import breaches
from tests.patience import patience
from tests.tui.rehearsal import DEMO, HALF_DAY, exchange, rows
from tui.cli import main as rotor

FORECAST = 1e-9
"""How far learners' figures may be apart."""
START_SECONDS = 2.0
"""From a start to where it trades, of a forked process."""
SOON_BYTES = 1_000
EARLY = 0.25
"""Of the kills, those that hit a session that starts or is taken up again."""


def undisturbed(folder, options):
    """Trade the session without a kill; return its run folder and the exchange's ledger."""
    folder.mkdir()
    with exchange(folder, options.sockets, date=options.date, source=options.source) as place:
        place.trade(folder / "run")
        return folder / "run", place.ledger()


def killed(folder, moments, options, console):
    """Trade the session with kills; return its run folder, ledger, summary and what was killed.

    Fewer are killed than there are moments if the session is over before.
    """
    folder.mkdir()
    run, hit = folder / "run", []
    log = run / "inputs.jsonl"
    with exchange(folder, options.sockets, date=options.date, source=options.source) as place:
        for number, moment in enumerate(moments, start=1):
            process = place.start(run)
            _wait(process, log, moment)
            process.kill()
            if over := process.communicate()[0]:
                return run, place.ledger(), orjson.loads(over), hit
            hit.append(_size(log))
            words = f"kill {number:>3}/{len(moments)}: {moment.words}, log {hit[-1]:,} bytes"
            console.print(words, highlight=False)
        summary = place.trade(run)
        return run, place.ledger(), summary, hit


class Moment:
    """When a process is killed: some seconds after its start, or once the log is so long."""

    def __init__(self, *, size=None, seconds=0.0):
        self.size = size
        self.seconds = seconds
        self.words = f"{seconds:.2f} s after the start" if size is None else "while it trades"


def draw(count, length, seed):
    """Return moments, in order of where they lie in a log of so many bytes."""
    rng = random.Random(seed)
    early = round(count * EARLY)
    late = sorted(rng.uniform(0, 0.98) * length for _ in range(count - early))
    moments = [Moment(size=size, seconds=rng.uniform(0, 0.05)) for size in late]
    for _ in range(early):
        moments.insert(rng.randint(0, count), Moment(seconds=rng.uniform(0, START_SECONDS)))
    return moments


def _wait(process, log, moment):
    limit = time.monotonic() + patience(170)
    while moment.size is not None and _size(log) < moment.size and process.poll() is None:
        assert time.monotonic() < limit, f"the session stands at {_size(log):,} bytes of its log"
        time.sleep(0.001)
    end, begun = time.monotonic() + moment.seconds, _size(log)
    # once it trades again, what is left of the session is for the other kills
    while time.monotonic() < end and process.poll() is None and _size(log) <= begun + SOON_BYTES:
        time.sleep(0.001)


def _size(log):
    return log.stat().st_size if log.exists() else 0


def differences(whole, run):
    """Return what is not as in the undisturbed session, in sentences."""
    found = []
    for name in ("signals", "decisions"):
        found += _first_difference(name, rows(run, name), rows(whole, name))
    found += _first_difference("trades", _fills(run), _fills(whole))
    apart = max(abs(a - b) for a, b in zip(_figures(run), _figures(whole), strict=True))
    if apart > FORECAST:
        found.append(f"the learners' scores are {apart:g} apart")
    return found


def _first_difference(name, ours, theirs):
    for number, (a, b) in enumerate(zip_longest(ours, theirs), start=1):
        if a != b:
            return [f"{name}, row {number}: {a}, undisturbed {b}"]
    return []


def _fills(run):
    # ids, and which fill pays the next cent of the day, follow the order in which reports arrive
    told = [[row.get(name) for name in _OF_FILLS] for row in rows(run, "trades")]
    return sorted(told, key=repr)


_OF_FILLS = ("timestamp_ms", "symbol", "action", "direction", "shares", "price", "reason")


def _figures(run):
    """Return what the learners' forecasts were worth, at full precision, by symbol and horizon."""
    manifest = orjson.loads((run / "manifest.json").read_bytes())
    scores = [score for each in manifest["scores"].values() for score in each]
    slope = manifest["earned_slope"].values()
    return [float(value) for row in scores for value in row.values()] + [float(v) for v in slope]


def verified(run):
    """Return whether `rotor verify` passes."""
    with redirect_stdout(StringIO()) as said:
        code = rotor(["verify", str(run)])
    return [] if code == 0 else [f"rotor verify: {said.getvalue()}"]


def main():
    """Kill, compare; exit code 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--date", default=HALF_DAY)
    parser.add_argument("--source", type=Path, default=DEMO, help="bars; default: the demo's")
    options = parser.parse_args()
    options.source = options.source.resolve()
    console = Console(width=110)
    scratch = Path(tempfile.mkdtemp(prefix="rotor-kills-"))
    try:
        found = compared(scratch, options, console)
    except (AssertionError, OSError, ValueError) as error:
        found = [f"it could not be done: {error}"]
        console.print(found[0], highlight=False, markup=False)
    if found:
        console.print(f"records: {scratch}", highlight=False)
    else:
        shutil.rmtree(scratch)
    return 1 if found else 0


def compared(scratch, options, console):
    """Trade the session twice; return what does not hold, in sentences, which are printed too."""
    with tempfile.TemporaryDirectory(prefix="rotor-") as sockets:  # their paths must be short
        options.sockets = os.environ["ROTOR_RUNTIME_DIR"] = sockets
        whole, ledger = undisturbed(scratch / "undisturbed", options)
        moments = draw(options.kills, _size(whole / "inputs.jsonl"), options.seed)
        run, account, summary, hit = killed(scratch / "killed", moments, options, console)
        found = [*breaches(run, account, summary), *differences(whole, run), *verified(run)]
    if account["cash_micro"] != ledger["cash_micro"]:
        found.append(f"cash {account['cash_micro']}, undisturbed {ledger['cash_micro']}")
    if len(hit) < len(moments):
        found.append(f"the session was over before kill {len(hit) + 1} of {len(moments)}")
    console.print(
        f"{len(hit)} kills, {sum(size > 0 for size in hit)} after the first input; "
        f"{summary['trades_executed']} fills, {summary['round_trips']} round trips; "
        f"decisions, fills, forecasts, ledger and verify: {'; '.join(found) or 'all hold'}",
        highlight=False, markup=False,
    )  # fmt: skip
    return found


if __name__ == "__main__":
    sys.exit(main())
