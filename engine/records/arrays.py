"""Arrays in a file: written whole or not at all, known by what they hold, no pickles.

KEY INPUT: arrays by name.
KEY OUTPUT: an .npz file and the SHA-256 of its arrays; the same arrays, or DamagedError.
"""

import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from engine.errors import DamagedError
from engine.market.frames import Arrays

_UNREADABLE = (
    EOFError, LookupError, MemoryError, NotImplementedError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and zipfile raise for a file that is no archive of arrays, or was changed."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def arrays_sha256(arrays: Arrays) -> str:
    """Return the SHA-256 of the file that these arrays make."""
    return hashlib.sha256(_packed(arrays)).hexdigest()


def write_arrays(path: Path, arrays: Arrays) -> str:
    """Write the file; return its SHA-256, which is the same for the same arrays."""
    packed = _packed(arrays)
    scratch = path.with_name(f"{path.name}.tmp")
    scratch.write_bytes(packed)
    scratch.replace(path)
    return hashlib.sha256(packed).hexdigest()


def read_arrays(path: Path, sha256: str | None) -> Arrays:
    """Return the arrays; raises DamagedError if the file is not that of `sha256` (None: any)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: is missing ({error.strerror})") from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedError(f"{path}: was changed after it was written (its checksum does not hold)")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except _UNREADABLE as error:
        raise DamagedError(f"{path}: is no archive of arrays ({error})") from None


def _packed(arrays: Arrays) -> bytes:
    """Return an .npz file, in order of the names and without the time of day."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in sorted(arrays):
            part = io.BytesIO()
            np.lib.format.write_array(part, np.asarray(arrays[name]), allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), part.getbuffer())
    return packed.getvalue()
