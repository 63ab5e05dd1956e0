"""The engine's kernels, compiled once after an installation.

Each of several workers, and each fork server of theirs, would else compile them for itself.
"""

import os
import subprocess
import sys
from pathlib import Path

import engine

ROOT = Path(engine.__file__).parents[1]
CODE = "from tui.warm import warm; warm()"


def compile_once():
    """Compile all kernels in a process of its own, unless some are cached."""
    if not any(Path(os.environ["NUMBA_CACHE_DIR"]).rglob("*.nbi")):
        subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True)
