"""The bars of the sessions before a run, kept so that it can go on from them again.

KEY INPUT: earlier sessions' bars.
KEY OUTPUT: warmup.npz in the run folder and its checksum; the same bars again.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import DamagedError
from engine.market.calendar import session_on
from engine.market.frames import Floats, Session
from engine.records.arrays import read_arrays, write_arrays

Warmup = Sequence[tuple[Session, Floats]]
"""Sessions in order, with their bars (T, S, 5), NaN where there was none."""
NAME = "warmup.npz"
BACKTEST = "pass"
"""The folder of the backtest of these sessions, and its table in the run's manifest."""


def write_warmup(folder: Path, warmup: Warmup) -> str:
    """Write the bars, whole or not at all; return the SHA-256 of what the file holds."""
    return write_arrays(folder / NAME, {str(session.date): bars for session, bars in warmup})


def read_warmup(folder: Path, manifest: dict[str, Any]) -> list[tuple[Session, Floats]]:
    """Return the bars; raises DamagedError if they are not those that were written."""
    arrays = read_arrays(folder / NAME, manifest.get("warmup_sha256"))
    return [_session(folder / NAME, n, b, len(manifest["symbols"])) for n, b in arrays.items()]


def _session(path: Path, name: str, bars: Floats, symbols: int) -> tuple[Session, Floats]:
    try:
        session = session_on(dt.date.fromisoformat(name))
    except ValueError:
        session = None
    if session is None:
        raise DamagedError(f"{path}: is no warm-up of a session (no session on {name})")
    if bars.dtype != np.float64 or bars.shape != (session.minutes, symbols, 5):
        raise DamagedError(
            f"{path}: is no warm-up of a session ({name} has bars of shape {bars.shape})"
        )
    return session, bars
