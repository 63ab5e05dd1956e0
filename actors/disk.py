"""The disk of a live session: watched, and some room on it kept for the records of exits.

KEY INPUT: the run folder, `[live] min_free_mb`.
KEY OUTPUT: a halt, in words, where little is left or the records are gone; a reserve that is given
up when a record cannot be written otherwise.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import trio

from actors.crew import innermost
from actors.session_clock import SessionClock, move_on_after
from engine.errors import DamagedError, DiskError
from engine.records.inputs import InputLog
from engine.trading.lots import Position

NAME = ".reserve"
SIZE = 16_000_000
"""A day of records, and more: what is held can leave by them."""
LOOK_SECONDS = 60.0
MB = 1_000_000


class Reserve:
    """A file that takes room until the room is needed."""

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        """Take nothing yet."""
        self.freed = trio.Event()
        """Set, and made anew, when it is given up."""
        self._path = folder / NAME
        self._size = size

    def take(self) -> bool:
        """Take the room; return False if there is not so much."""
        try:
            with self._path.open("ab") as file:
                missing = self._size - file.tell()
                if missing > 0 and hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self._size)
                elif missing > 0:
                    file.write(bytes(missing))
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True

    def free(self) -> bool:
        """Give the room up; return whether there was any."""
        there = self._path.exists()
        self._path.unlink(missing_ok=True)
        event, self.freed = self.freed, trio.Event()
        event.set()
        return there


class DiskWatch:
    """Looks each minute, and as soon as the reserve is given up."""

    def __init__(
        self,
        folder: Path,
        least_mb: int,
        reserve: Reserve,
        clock: SessionClock,
        halt: Callable[[str], None],
    ) -> None:
        """`halt` is told once why nothing is to be opened any more."""
        self._folder = folder
        self._least_mb = least_mb
        self._reserve = reserve
        self._clock = clock
        self._halt = halt
        self._told = ""

    async def run(self, log: InputLog) -> None:
        """Watch for ever."""
        while True:
            freed = self._reserve.freed
            kind, words = self._trouble(log)
            if words and kind != self._told:
                self._halt(words)
            elif self._told and not words:
                self._reserve.take()
            self._told = kind
            async with move_on_after(self._clock, LOOK_SECONDS):
                await freed.wait()

    def _trouble(self, log: InputLog) -> tuple[str, str]:
        """Return what is wrong, in a word and in words; both empty if nothing is."""
        if not log.in_place:
            return "gone", (
                f"{log.path} was deleted or replaced while this session writes it: its records "
                "are lost, and it cannot be taken up again; do not stop it before it is flat"
            )
        free_mb = shutil.disk_usage(self._folder).free // MB
        if free_mb < self._least_mb:
            return "full", (
                f"{free_mb:,} MB are free on the disk of {self._folder}, fewer than [live] "
                f"min_free_mb = {self._least_mb:,}: make room, then rotor resume"
            )
        return "", ""


def held_words(positions: Iterable[Position]) -> str:
    """Return what is held and what it cost, in words; what Rotor did not open has no stop."""
    named = [
        f"{position.quantity:,} {position.symbol} (${position.shares * position.entry_price:,.0f}"
        + (", not opened by Rotor, without a stop)" if position.orphan else ")")
        for position in positions
    ]
    return ", ".join(named) or "nothing"


def in_words(error: BaseExceptionGroup[BaseException] | DiskError, held: str) -> BaseException:
    """Return what is to be raised for it: of damaged records or a full disk a sentence alone."""
    found = innermost(error) if isinstance(error, BaseExceptionGroup) else error
    if isinstance(found, DiskError):
        resting = "; stops and targets of ours rest at the broker" if held != "nothing" else ""
        return DiskError(
            f"{found}; open: {held}{resting}; make room, then rotor live takes the session up again"
        )
    return found if isinstance(found, DamagedError) else error
