"""A run's claim on its folder: held while it writes there, gone with its process.

KEY INPUT: a folder that exists.
KEY OUTPUT: at most one holder at a time; whether there is one.

The lock is on the folder itself (flock), so a killed run leaves nothing behind, and a folder that
is moved while its run goes on is held where it is now.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from engine.errors import BadInputError

_ATTEMPTS = 10
_PAUSE_SECONDS = 0.02
"""Whoever only looks holds the folder for a moment, and must not refuse a run."""


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold `folder` for as long as the body runs.

    Raises BadInputError if another run holds it; nothing in it was touched then.
    """
    try:
        at = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be opened ({error})") from None
    try:
        if not _locked(at):
            raise BadInputError(
                f"{folder}: another run is writing there; wait until it has ended, or choose "
                "another --out"
            )
        yield
    finally:
        os.close(at)


def is_claimed(folder: Path) -> bool:
    """Return whether a run that is alive holds the folder; False if it is gone."""
    try:
        at = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(at, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(at)
    return False


def _locked(at: int) -> bool:
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return True  # a file system without locks: nobody can be told apart there
        else:
            return True
    return False
