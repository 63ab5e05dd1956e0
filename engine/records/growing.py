"""A file that only grows: what is appended is written whole, or the error names the file.

KEY INPUT: bytes, in order.
KEY OUTPUT: the same bytes on the disk, none twice; where the disk is full, room is asked for once.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from engine.errors import BadInputError, DiskError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
Room = Callable[[], bool]
"""Asked when the disk is full; returns whether it made room."""


def no_room() -> bool:
    """Make none."""
    return False


class GrowingFile:
    """One file, open for appending."""

    def __init__(self, path: Path, *, new: bool, room: Room = no_room) -> None:
        """Open it; raises BadInputError if it is to be `new` and exists."""
        try:
            self._file = path.open("xb" if new else "ab", buffering=0)
        except FileExistsError:
            raise BadInputError(f"{path} exists: a run is never written over another") from None
        except OSError as error:
            raise not_written(path, error) from None
        self.path = path
        """Where it is; whoever moves it says so."""
        self._room = room
        self._waiting: list[bytes] = []

    def append(self, data: bytes) -> None:
        """Append bytes; they reach the operating system with the next `flush`."""
        self._waiting.append(data)

    def flush(self) -> None:
        """Hand what was appended to the operating system: it survives the process."""
        rest = b"".join(self._waiting)
        self._waiting = []
        while rest:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as error:
                if error.errno not in FULL or not self._room():
                    self._waiting = [rest]
                    raise not_written(self.path, error) from None

    def sync(self) -> None:
        """Make durable what was appended."""
        self.flush()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise not_written(self.path, error) from None

    def close(self) -> None:
        """Close it; what was not made durable may be lost with the machine."""
        self._file.close()

    @property
    def in_place(self) -> bool:
        """Return whether the file is still found where it was opened."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        here = os.fstat(self._file.fileno())
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def not_written(path: Path, error: OSError) -> DiskError:
    """Return the error of a file that cannot be written, in words."""
    why = "the disk is full" if error.errno in FULL else error.strerror or str(error)
    return DiskError(f"{path}: cannot be written: {why}")
