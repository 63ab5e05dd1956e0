"""The cockpit's terminal: it may stall or go away, and holds up nothing.

KEY INPUT: what the screen draws.
KEY OUTPUT: it, as far as the terminal takes it; the rest is left out, and drawn anew later.

Textual's own driver waits for a terminal that does not take what is written; here that would be
the trading that waits. Uses private names of Textual, whose version is pinned.
"""

import os
import select
import threading
from contextlib import suppress
from queue import Full
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from tui.cockpit.app import Cockpit
from tui.cockpit.settings import Settings
from tui.cockpit.source import Source

LOOK_MS = 500
CLOSE_SECONDS = 2.0
"""How long an end waits for a terminal that has stalled."""


def on_terminal(source: Source, own: Settings) -> Cockpit:
    """Return the cockpit for this terminal, or for the browser that textual-serve stands for."""
    app = Cockpit(source, own)
    if "TEXTUAL_DRIVER" not in os.environ:
        app.driver_class = PatientDriver
    return app


class PatientDriver(LinuxDriver):
    """A driver that never waits."""

    gone = False
    """The terminal is closed: what is drawn is seen by nobody."""
    _left_out = False
    _closed = False

    def write(self, data: str) -> None:
        """Write, unless the terminal is behind."""
        queue = self._writer_thread._queue if self._writer_thread is not None else None
        if self.gone or queue is None or queue.full():
            self._left_out = True
            return
        super().write(data)
        if self._left_out and queue.qsize() <= 1:
            self._left_out = False
            self._app.call_later(self._app.refresh, layout=True)

    def start_application_mode(self) -> None:
        """Start, and look for the terminal's end."""
        self._closed = False
        super().start_application_mode()  # type: ignore[no-untyped-call]
        threading.Thread(target=self._await_hangup, name="hangup", daemon=True).start()

    def _sigcont_application(self, *args: Any) -> None:
        # stopped without being asked (SIGSTOP) its threads still run: a second pair would read the
        # same keys, and the first never end
        if not self._must_signal_resume:
            self.suspend_application_mode()
        super()._sigcont_application(*args)

    def run_input_thread(self) -> None:
        """Take keys until the terminal is closed."""
        with suppress(OSError):
            super().run_input_thread()

    def close(self) -> None:
        """Write what is left, if the terminal takes it within seconds."""
        self._closed = True
        writer = self._writer_thread
        if writer is not None and not self.gone:
            with suppress(Full):
                writer._queue.put(None, timeout=CLOSE_SECONDS)
            writer.join(CLOSE_SECONDS)

    def _await_hangup(self) -> None:
        watched = select.poll()
        watched.register(self.fileno, 0)
        while not self._closed:
            if watched.poll(LOOK_MS):
                self.gone = True
                self.exit_event.set()  # else the thread that reads keys would read nothing for ever
                if isinstance(self._app, Cockpit):
                    self._loop.call_soon_threadsafe(self._app.terminal_gone)
                return
