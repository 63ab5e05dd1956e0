"""The engine: synchronous, deterministic, without clock, socket or screen.

Compiled passes are cached by numba per source file, but one file's pass holds the code of others
that it calls. So the cache lies in a folder named after the contents of all files that compile
anything: a changed rule never meets yesterday's machine code.
"""

import hashlib
import os
import tempfile
from pathlib import Path

_HOME = Path(__file__).parent


def _digest() -> str:
    found = hashlib.sha256()
    for path in sorted(_HOME.rglob("*.py")):
        source = path.read_bytes()
        if b"njit" in source or b"register_jitable" in source:
            found.update(source)
    return found.hexdigest()[:16]


def _cache_folder() -> str:
    """Return a folder of ours to cache in: beside the code, else the user's, else a scratch one."""
    name = f"compiled-{_digest()}"
    home = os.environ.get("HOME", "/nonexistent")
    user = Path(os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache", "rotor")
    for base in (_HOME / "__pycache__", user):
        folder = base / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return tempfile.mkdtemp(prefix="rotor-compiled-")


if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = _cache_folder()
