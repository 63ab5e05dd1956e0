"""Real processes that start quickly: forked from one that has imported everything.

`popen` and `run` take a command `[sys.executable, "-m", "tui.cli", …]` and what subprocess.Popen
and subprocess.run take, and return the same. The child is a process with a number, signals and an
exit code of its own; only its imports, more than a second, were done before, by the fork server of
this test process (tests/tui/fork_server.py). What starts as users start it, by subprocess: a replay
of the demo (test_cli.py), a session and its exchange (test_live.py), watchdogs, what a browser shows.
"""

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
READ_ONCE = ("TEXTUAL", "PYTHON", "LANG", "LC_", "TZ")
"""How variables begin that the interpreter or a module reads when it starts."""
READ_LATER = {"PYTHONPATH", "PYTHONFAULTHANDLER"}
"""Those among them that a forked child applies."""
STARTED_WITH = dict(os.environ)
"""The server's environment."""
WITHOUT_THREADS = {
    "OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false",
}  # fmt: skip
"""For libraries that start some when they are imported: a fork would not have them."""
_lock = threading.Lock()
_servers = []


def popen(words, *, terminal=False, **options):
    """Start a Python command, as subprocess.Popen; from the fork server wherever that can be.

    `terminal`: what stdin is becomes the terminal of the child's session (start_new_session).
    """
    env = options.get("env")
    if sys.platform != "linux" or not _forks(env or os.environ):
        return subprocess.Popen(words, **options)
    return _Forked(words, terminal=terminal, **options)


def run(words, *, timeout=None, check=False, capture_output=False, **options):
    """Run a Python command to its end, as subprocess.run."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with popen(words, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words, out, err)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _forks(env):
    """Return whether a fork of the server is what a child with this environment would be."""
    return all(
        value == STARTED_WITH.get(name)
        for name, value in env.items()
        if name.startswith(READ_ONCE) and name not in READ_LATER
    )


class _Forked(subprocess.Popen):
    """A Popen whose process the server forks and reaps."""

    def __init__(self, words, *, terminal, **options):
        self._terminal = terminal
        super().__init__(words, **options)

    def _execute_child(
        self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo,
        creationflags, shell, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
        restore_signals, gid, gids, uid, umask, start_new_session, process_group,
    ):  # fmt: skip
        assert not any((executable, preexec_fn, pass_fds, shell)), "the server cannot do that"
        files = [p2cread, c2pwrite, errwrite]
        files = [standard if file == -1 else file for standard, file in enumerate(files)]
        order = {
            "words": [os.fspath(word) for word in args], "cwd": os.fspath(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
            "session": start_new_session, "terminal": self._terminal,
        }  # fmt: skip
        try:
            self._report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                _ask_server(json.dumps(order).encode(), [*files, theirs.fileno()])
            self.pid = self._told()
        finally:
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        self._child_created = True

    def _told(self):
        """Receive the next number: the pid, and in the end the status that waitpid gave."""
        text = self._report.recv(32)
        if not text:
            raise RuntimeError("the fork server has ended")
        return int(text)

    def _try_wait(self, wait_flags):
        seconds = 0 if wait_flags & os.WNOHANG else None
        if self._report.fileno() != -1 and select.select([self._report], [], [], seconds)[0]:
            with self._report:
                return self.pid, self._told()
        return 0, 0

    def _internal_poll(self, _deadstate=None):
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


def _ask_server(order, files):
    with _lock:
        if not _servers:
            _servers.append(_start_server())
        socket.send_fds(_servers[0][0], [order], files)


def _start_server():
    """Start the server; it and its children end when this process does, however that ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = STARTED_WITH | WITHOUT_THREADS | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tests.tui.fork_server", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(
            words, cwd=ROOT, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
    atexit.register(_end_server, ours, process)
    return ours, process


def _end_server(control, process):
    control.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
