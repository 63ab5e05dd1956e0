"""The bars that warmed a live session's learners, kept so that they can be warmed again.

KEY INPUT: earlier sessions' bars.
KEY OUTPUT: warmup.npz in the run folder and its checksum; the same bars again.
"""

import datetime as dt
import hashlib
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BadInputError, DamagedError
from engine.market.calendar import session_on
from engine.market.frames import Floats, Session

Warmup = list[tuple[Session, Floats]]
NAME = "warmup.npz"
_UNREADABLE = (
    BadInputError, EOFError, LookupError, MemoryError, NotImplementedError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and zipfile raise for a file that is no archive of arrays, or was changed."""


def write_warmup(folder: Path, warmup: Warmup) -> str:
    """Write the bars, whole or not at all; return the file's SHA-256."""
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **{str(session.date): bars for session, bars in warmup})
    scratch = folder / f"{NAME}.tmp"
    scratch.write_bytes(packed.getbuffer())
    scratch.replace(folder / NAME)
    return hashlib.sha256(packed.getbuffer()).hexdigest()


def read_warmup(folder: Path, manifest: dict[str, Any]) -> Warmup:
    """Return the bars; raises DamagedError if they are not those that were written."""
    path = folder / NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: is missing ({error.strerror})") from None
    seal = manifest.get("warmup_sha256")
    if seal is not None and seal != hashlib.sha256(data).hexdigest():
        raise DamagedError(f"{path}: was changed after it was written (its checksum does not hold)")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return [_session(n, arrays[n], len(manifest["symbols"])) for n in arrays.files]
    except _UNREADABLE as error:
        raise DamagedError(f"{path}: is no warm-up of a session ({error})") from None


def _session(name: str, bars: Floats, symbols: int) -> tuple[Session, Floats]:
    session = session_on(dt.date.fromisoformat(name))
    if session is None:
        raise BadInputError(f"no session on {name}")
    if bars.dtype != np.float64 or bars.shape[1:] != (symbols, 5):
        raise BadInputError(f"{name} has bars of shape {bars.shape}")
    return session, bars
