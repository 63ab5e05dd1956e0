"""The supervisor's heartbeat: a file that changes every second while it does its work.

KEY INPUT: when the supervisor takes up an input, and when it is done with it.
KEY OUTPUT: the file `heartbeat` in the run folder, replaced as a whole; read by the watchdog.

It stops with the process, with its event loop, and with an input that is not done with for long:
a supervisor that hangs is as dead as one that was killed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trio

NAME = "heartbeat"
BEAT_SECONDS = 1.0
STUCK_SECONDS = 30.0
"""An input that takes longer stops the heart."""


class Heart:
    """Beats for one supervisor."""

    def __init__(self) -> None:
        self._since: float | None = None
        """When the input at hand was taken up."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Note that the supervisor is busy with one input for as long as the body runs."""
        self._since = trio.current_time()
        try:
            yield
        finally:
            self._since = None

    @property
    def stuck(self) -> bool:
        """Return whether the input at hand takes too long."""
        return self._since is not None and trio.current_time() > self._since + STUCK_SECONDS

    async def beat(
        self,
        folder: Path,
        seconds: float = BEAT_SECONDS,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Beat into a run folder every so many seconds, for ever; started after the first beat."""
        count = 0
        while True:
            if not self.stuck:
                count += 1
                _write(folder / NAME, count)
            if count == 1:
                task_status.started()
            await trio.sleep(seconds)


def _write(path: Path, count: int) -> None:
    beat = f"{count:12}\n".encode()
    scratch = path.with_name(f"{NAME}.tmp")
    try:
        scratch.write_bytes(beat)
        scratch.replace(path)
    except OSError:  # the disk is full: the one of before is written over, if it is still there
        with suppress(OSError), path.open("r+b") as file:
            file.write(beat)
