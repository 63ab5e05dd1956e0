"""A program on a terminal of its own: what it writes, what it is typed, how it leaves it.

A Python program is forked from a process that has imported everything, unless it is to be `cold`.
Limits are for an idle machine: they grow with the load, and what is late is killed.
"""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.patience import patience
from tests.tui.forked import popen

ROOT = Path(__file__).parents[3]
SIZES = ("COLUMNS", "LINES")
PYTHON = (sys.executable, "-W", "error::RuntimeWarning")
LEFT = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l")
"""The main screen is back, the cursor is seen, the mouse is the terminal's again."""


class Terminal:
    """A pseudo-terminal with one program on it."""

    def __init__(self, *words, cwd=ROOT, env=None, width=80, height=24, program=PYTHON, cold=False):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._theirs = theirs
        self._open = True
        self.before = termios.tcgetattr(theirs)
        start = subprocess.Popen if cold or program is not PYTHON else popen
        with _hangup_ends_it():
            self.child = start(
                [*program, *map(str, words)],
                stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, start_new_session=True,
                env={
                    **os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color",
                    "COLUMNS": str(width), "LINES": str(height),  # xdist sets its own
                    **{name: value for name, value in (env or {}).items() if name not in SIZES},
                },
            )  # fmt: skip
        self.written = bytearray()  # of a long look it would be copied at every read

    def read(self, seconds=0.05):
        """Take what was written; how many bytes there were."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return 0
        with contextlib.suppress(OSError):
            chunk = os.read(self._ours, 65536)
            self.written += chunk
            return len(chunk)
        return 0

    def wait_for(self, text, seconds=30, *, since=0):
        """Read until a text was written after `since`; how long it took."""
        began, wanted, limit = time.monotonic(), text.encode(), patience(seconds)
        while wanted not in self.written[since:]:
            self.read()
            took = time.monotonic() - began
            assert took < limit, f"{text!r} never came in {limit:.0f} s: {self.written[-2000:]!r}"
            assert self.child.poll() is None or self.read() or wanted in self.written[since:], (
                f"it ended before {text!r}: {self.written[-2000:]!r}"
            )
        return time.monotonic() - began

    def type(self, keys):
        """Press keys."""
        os.write(self._ours, keys.encode())

    def kill(self, signum):
        """Send a signal."""
        self.child.send_signal(signum)

    def end(self, seconds=30):
        """Wait until it has ended; its exit code."""
        deadline = time.monotonic() + patience(seconds)
        while self.child.poll() is None:
            self.read()
            assert time.monotonic() < deadline, f"it goes on: {self.written[-2000:]!r}"
        while self.read(0.01):
            pass
        return self.child.returncode

    def hang_up(self):
        """Close the terminal beneath the program."""
        if self._open:
            self._open = False
            os.close(self._ours)
            os.close(self._theirs)

    @property
    def restored(self):
        """Whether the terminal is as it was before."""
        modes = termios.tcgetattr(self._theirs)
        return modes == self.before and all(sign in self.written for sign in LEFT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.hang_up()


@contextlib.contextmanager
def _hangup_ends_it():
    """Let a child take SIGHUP as a terminal's program does, though the tests may ignore it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
