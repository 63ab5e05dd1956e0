"""The engine: synchronous, deterministic, without clock, socket or screen.

Compiled passes are cached by numba per source file, but one file's pass holds the code of others
that it calls. So the cache lies in a folder named after the contents of all files that compile
anything: a changed rule never meets yesterday's machine code.
"""

import hashlib
import os
from pathlib import Path

_HOME = Path(__file__).parent


def _digest() -> str:
    found = hashlib.sha256()
    for path in sorted(_HOME.rglob("*.py")):
        source = path.read_bytes()
        if b"njit" in source or b"register_jitable" in source:
            found.update(source)
    return found.hexdigest()[:16]


# where it cannot be written, numba falls back to the user's own cache folder
os.environ.setdefault("NUMBA_CACHE_DIR", str(_HOME / "__pycache__" / f"compiled-{_digest()}"))
