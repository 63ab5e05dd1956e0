"""The process from which the tests' processes are forked: all imported, kernels loaded, no thread.

    python -m tests.tui.fork_server FD

FD is a socket to the test process. A message is a command with its folder and environment, and four
files: stdin, stdout, stderr, and a socket on which the child's number and later its exit status are
told. When the test process ends, its end of FD is closed: the children are killed, the server ends.
"""

import atexit
import contextlib
import ctypes
import faulthandler
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import termios
import threading
import time
import warnings

from tests.patience import patience

MESSAGE_BYTES = 1 << 18
DIE_WITH_PARENT = 1
"""prctl's PR_SET_PDEATHSIG."""
PACKAGES = ("engine", "actors", "tui")
WITHOUT = "engine.records.store.migrations"
"""Alembic runs these files itself."""
LATE = ("pyarrow.parquet", "anyio._backends._trio", "pydantic.dataclasses", "rich._emoji_codes")
"""What libraries import when they are first used."""
IMPORTED_FROM = list(sys.path)


def prepare():
    """Import all that a command may need and load every kernel, without leaving a thread."""
    for package in PACKAGES:
        folders = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folders, f"{package}."):
            if not module.name.startswith(WITHOUT):
                importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    from actors import executor
    from tui.warm import warm

    threshold, executor.THREAD_THRESHOLD = executor.THREAD_THRESHOLD, sys.maxsize
    warm()
    executor.THREAD_THRESHOLD = threshold
    _wait_until_alone()
    gc.collect()
    gc.freeze()  # else a collection in a child would copy every page


def _wait_until_alone():
    """Wait for threads that are about to end; raise if one stays, which would not be forked."""
    end = time.monotonic() + patience(10)
    while len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - names are enough
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.001)


class Server:
    """Forks children when asked, and tells how they ended."""

    def __init__(self, control):
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._children = {}

    def serve(self):
        """Serve; return None when the test process is gone, in a child what it is to be."""
        while True:
            for file, _ in self._poll.poll():
                if file in self._children:
                    self._reap(file)
                    continue
                order, files, *_ = socket.recv_fds(self._control, MESSAGE_BYTES, 4)
                if not order:
                    self._kill_all()
                    return None
                if child := self._fork(order, files):
                    return child

    def _reap(self, file):
        pid, report = self._children.pop(file)
        self._poll.unregister(file)
        os.close(file)
        _, status = os.waitpid(pid, 0)
        with report, contextlib.suppress(OSError):  # nobody may wait for it
            report.send(str(status).encode())

    def _fork(self, order, files):
        """Fork a child; return its Child in it, else None."""
        report = socket.socket(fileno=files.pop())
        server = os.getpid()
        pid = os.fork()
        if not pid:
            report.close()
            self._leave()
            return Child(server, files, **json.loads(order))
        for file in files:
            os.close(file)
        waited = os.pidfd_open(pid)
        self._children[waited] = (pid, report)
        self._poll.register(waited, select.POLLIN)
        report.send(str(pid).encode())
        return None

    def _kill_all(self):
        for pid, _ in self._children.values():
            os.kill(pid, signal.SIGKILL)

    def _leave(self):
        """Close, in a child, what is the server's."""
        self._control.close()
        for file, (_, report) in self._children.items():
            os.close(file)
            report.close()


class Child:
    """What a forked process is to be."""

    def __init__(self, server, files, *, words, cwd, env, session, terminal):
        self._server = server
        self._files = files
        self._words = words
        self._cwd = cwd
        self._env = env
        self._session = session
        self._terminal = terminal

    def run(self):
        """Become a Python process with this command; return the exit code."""
        self._separate()
        self._take_files()
        os.environ.clear()
        os.environ.update(self._env)
        os.chdir(self._cwd)
        path = os.environ.get("PYTHONPATH", "")
        sys.path[:] = [self._cwd, *filter(None, path.split(os.pathsep)), *IMPORTED_FROM]
        if os.environ.get("PYTHONFAULTHANDLER"):
            faulthandler.enable()
        if "COVERAGE_PROCESS_START" in os.environ:  # tests.mutants.reach
            _measured()
        _draw_anew()
        return _execute(self._words[1:])

    def _separate(self):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
        if self._session:
            os.setsid()
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != self._server:  # it died before that
            os.kill(os.getpid(), signal.SIGKILL)

    def _take_files(self):
        for standard, file in enumerate(self._files):
            os.dup2(file, standard)
            os.close(file)
        if self._terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = sys.__stdout__ = _writer(1, errors="strict", line_buffering=os.isatty(1))
        sys.stderr = sys.__stderr__ = _writer(2, errors="backslashreplace", line_buffering=True)


def _writer(file, **options):
    return io.TextIOWrapper(os.fdopen(file, "wb", closefd=False), encoding="utf-8", **options)


def _measured():
    """Count what is run from now on for the test that has started it."""
    from coverage import Coverage

    running = Coverage.current()
    if running is not None:
        running.switch_context(os.environ.get("ROTOR_TEST", ""))


def _draw_anew():
    """Let what is random be so in each process: Python's own generator does so itself."""
    from trio._core import _run

    _run._r.seed()


def _execute(words):
    """Run what stands behind `python`."""
    options = []
    while words[0] == "-W":
        options.append(words[1])
        words = words[2:]
    sys.warnoptions += options
    warnings._processoptions(options)
    flag, what, *sys.argv[1:] = words
    if flag == "-c":
        sys.argv[0] = "-c"
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        return 0
    assert flag == "-m", f"python {flag}: start it with subprocess"
    if what in sys.modules:
        sys.argv[0] = sys.modules[what].__file__
        return sys.modules[what].main()
    runpy.run_module(what, run_name="__main__", alter_sys=True)
    return 0


def live(child):
    """Run a child, and end it as the interpreter does, but for taking all modules apart (0.2 s).

    What is not a plain exit code is left to the interpreter: errors, interrupts, closed files.
    """
    try:
        code = child.run()
    except SystemExit as error:
        if not isinstance(error.code, int | None):
            raise
        code = error.code
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end us
    prepare()
    child = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if child is not None:
        live(child)
