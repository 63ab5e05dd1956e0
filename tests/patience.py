"""How long a test waits before it gives up: longer on a machine that is slow or busy.

A limit in a test is there to end a wait for something that never comes. Every wait polls, so a
large limit costs nothing where that something does come. Limits are written as seconds on an idle
machine that is as fast as the reference, and `patience` turns them into seconds here.
"""

import os
import time

REFERENCE_SECONDS = 0.05
"""What the calibration loop takes on an idle reference machine."""
ROUNDS = 1_500_000
MARGIN = 3.0
"""The least factor: the load may rise after it was measured."""


def _loop_seconds():
    began = time.perf_counter()
    total = 0
    for number in range(ROUNDS):
        total += number & 3
    return time.perf_counter() - began


SLOWNESS = max(1.0, _loop_seconds() / REFERENCE_SECONDS)
"""How much slower this process ran at its start than on the reference; a busy machine counts."""


def _load():
    """Return how many processes want each processor now, at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def patience(seconds):
    """Return the limit to wait for on this machine, never less than `seconds`."""
    return seconds * MARGIN * max(SLOWNESS, _load())
