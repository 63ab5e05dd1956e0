"""What the cockpit costs, and how soon a key is answered: `python -m tests.benchmarks.cockpit`.

On a terminal of its own, 20 symbols, every row of every view another one, five views a second.
Goals: below 15% of a core; p99 of keys below 100 ms.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.tui.cockpit.terminal import Terminal

SIZES = ((80, 24), (120, 40), (160, 50))
KEYS = (
    ("?", "Here: Dashboard"), ("\x1b", ""), (":", "tab complete"), ("\x1b", ""),
    ("h", "halted by you"), ("l", "Liquidate"), ("n", ""), ("2", "2 Trades"), ("1", "Signals"),
    ("\x10", "hat to do"), ("\x1b", ""),
)  # fmt: skip
"""What is typed, and the words that must come; empty: not timed."""


def cost(terminal, seconds):
    """Return the share of a core that drawing takes, nothing being typed."""
    process = psutil.Process(terminal.child.pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    idle(terminal, seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)


def idle(terminal, seconds):
    """Take what is drawn for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read(0.01)


def answers(terminal, rounds, rng):
    """Return, by key, how many seconds it took from the key to its words on the terminal."""
    took = {key: [] for key, words in KEYS if words}
    for _ in range(rounds):
        for key, words in KEYS:
            idle(terminal, rng.uniform(0.25, 0.45))  # at any moment between two views
            since, began = len(terminal.written), time.monotonic()
            terminal.type(key)
            if words:
                terminal.wait_for(words, 10, since=since)
                took[key].append(time.monotonic() - began)
    return took


def main():
    """Measure every size and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    app = Path(__file__).with_name("busy_cockpit.py")
    for width, height in SIZES:
        with (
            tempfile.TemporaryDirectory() as state,
            Terminal(
                app, width=width, height=height, env={"XDG_STATE_HOME": state}, cold=True
            ) as terminal,
        ):
            terminal.wait_for("PAPER")
            idle(terminal, 2)
            share = cost(terminal, given.seconds)
            took = answers(terminal, given.rounds, random.Random(1))
        every = 1e3 * np.concatenate([np.array(seconds) for seconds in took.values()])
        p50, p99 = np.percentile(every, (50, 99))
        keys = f"{len(every)} keys, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
        print(f"{width}×{height}: {share:.1%} of a core; {keys}", flush=True)
        for key, seconds in took.items():
            median, most = 1e3 * np.median(seconds), 1e3 * max(seconds)
            print(f"   {key!r:6} median {median:.0f} ms, most {most:.0f}", flush=True)


if __name__ == "__main__":
    main()
