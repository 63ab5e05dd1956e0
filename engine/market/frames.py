"""The shapes in which bars travel: Session, Block, and one minute of it, a frame.

KEY INPUT: bars of one minute, labelled by their start (UTC ns).
KEY OUTPUT: a Block, read-only and shared by every actor.

All values of one symbol-minute lie in one 64-byte record, so that a kernel touches one cache
line per symbol-bar and needs one compiled signature.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Arrays = dict[str, npt.NDArray[Any]]
"""What is kept of an object, by name; a part's names begin with its own and a slash."""


def above(name: str, arrays: Arrays) -> Arrays:
    """Return a part's arrays under its name."""
    return {f"{name}/{inner}": array for inner, array in arrays.items()}


def below(arrays: Arrays, name: str) -> Arrays:
    """Return a part's arrays by the names that it gave."""
    start = f"{name}/"
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}


MINUTE_NS = 60_000_000_000
OPEN, HIGH, LOW, CLOSE, VOLUME, PRESENT, AGE, SURPRISE = range(8)
FIELDS = 8


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of the exchange, from its real open to its real close."""

    date: dt.date
    """The New York date."""
    open_ns: int
    """UTC ns of the opening bell; the first bar of the session starts here."""
    close_ns: int
    """UTC ns of the closing bell; the last bar starts one minute earlier."""

    @property
    def minutes(self) -> int:
        """Return the number of bars in the session: 390, or 210 on a half day."""
        return (self.close_ns - self.open_ns) // MINUTE_NS


class Doubt(NamedTuple):
    """A bar that was not believed."""

    t: int
    """Its frame in the block."""
    column: int
    ohlcv: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Consecutive frames of one session: T minutes of S symbols, read-only."""

    session: Session
    first: int
    """Minute of the session (0 = the open) of the block's first frame."""
    symbols: tuple[str, ...]
    """Sorted; column s of `bars` is symbols[s]."""
    bars: Floats
    """(T, S, 8): OPEN HIGH LOW CLOSE VOLUME, PRESENT (1.0 or 0.0), AGE, SURPRISE.

    A minute without a bar has PRESENT 0, the last close in OPEN, HIGH, LOW and CLOSE (NaN when the
    symbol has never traded), VOLUME 0, and AGE = minutes since its last bar (0 on a present one).
    SURPRISE is the minute's log return in units of the volatility known before it, clipped to ±4,
    0 without a bar.
    """
    universe: Floats
    """(T, 2): the sum over present symbols of sign × SURPRISE, and how many were present.

    sign is +1 for what gains when the market rises and −1 for what falls.
    """
    doubts: tuple[Doubt, ...] = ()
    """Bars that were not believed, by frame and column; in `bars` their minute has no bar."""

    def __len__(self) -> int:
        return len(self.bars)

    @property
    def close(self) -> Floats:
        """Return the (T, S) view of closes (carried where absent)."""
        return self.bars[:, :, CLOSE]

    def ts_ns(self, t: int) -> int:
        """Return the UTC ns at which frame t starts (the label of its bars)."""
        return self.session.open_ns + (self.first + t) * MINUTE_NS

    def split(self, size: int) -> "list[Block]":
        """Cut the block into blocks of at most `size` frames; views, not copies."""
        return [self.slice(a, min(a + size, len(self))) for a in range(0, len(self), size)]

    def slice(self, start: int, stop: int) -> "Block":
        """Return frames start…stop as a block of the same session; views, not copies."""
        return Block(
            self.session,
            self.first + start,
            self.symbols,
            self.bars[start:stop],
            self.universe[start:stop],
            tuple(d._replace(t=d.t - start) for d in self.doubts if start <= d.t < stop),
        )
