"""What makes a row of bars untrustworthy, and what is done about it.

KEY INPUT: rows of one file: time, symbol, OHLCV, and their row numbers.
KEY OUTPUT: the rows that stay; a SourceError in strict policy, counts in lenient policy.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.errors import SourceError
from engine.market.frames import MINUTE_NS, Floats, Ints

REASONS = (
    "is not labelled on a whole minute",
    "has a value that is not a number",
    "has a price that is zero or negative",
    "has a negative volume",
    "has high < low",
    "has its open or close outside of low…high",
    "repeats the minute of an earlier row",
    "goes back in time",
)


@dataclass(slots=True)
class SourceReport:
    """What was read and what was left out."""

    rows: int = 0
    outside_session: int = 0
    """Rows outside the exchange's sessions: always dropped."""
    dropped: Counter[str] = field(default_factory=Counter)
    """In lenient policy: "SYMBOL: reason" → rows."""
    empty_sessions: list[str] = field(default_factory=list)
    """Sessions of the calendar, between the first and the last of the data, without any bar."""


@dataclass(slots=True, eq=False)
class Rows:
    """Some rows of one file, in its order."""

    ts_ns: Ints
    code: Ints
    """Index of the row's symbol in `symbols`."""
    ohlcv: Floats
    """(n, 5)."""
    number: Ints
    """1-based number of the data row in the file (the header not counted)."""

    def take(self, chosen: npt.NDArray[np.bool_] | Ints) -> "Rows":
        """Return the chosen rows."""
        return Rows(self.ts_ns[chosen], self.code[chosen], self.ohlcv[chosen], self.number[chosen])


class Validator:
    """Checks the rows of one file, chunk by chunk; times are compared across chunks."""

    def __init__(
        self, file: str, symbols: Sequence[str], report: SourceReport, *, lenient: bool
    ) -> None:
        self._file = file
        self._symbols = symbols
        self._report = report
        self._lenient = lenient
        self._latest = np.full(len(symbols), -1)

    def check(self, rows: Rows) -> Rows:
        """Return the good rows, each symbol's together; raises SourceError in strict policy."""
        rows = rows.take(np.argsort(rows.code, kind="stable"))
        bad = self._values(rows)
        bad = np.where(bad < 0, self._times(rows, bad), bad)
        wrong = np.flatnonzero(bad >= 0)
        if len(wrong) == 0:
            return rows
        if not self._lenient:
            first = wrong[np.argmin(rows.number[wrong])]
            raise SourceError(self._complaint(rows, int(first), int(bad[first]), len(wrong)))
        for i in wrong.tolist():
            self._report.dropped[f"{self._symbols[rows.code[i]]}: {REASONS[bad[i]]}"] += 1
        return rows.take(bad < 0)

    def _values(self, rows: Rows) -> Ints:
        o, h, low, c, v = rows.ohlcv.T
        tests = (
            rows.ts_ns % MINUTE_NS != 0,
            ~np.isfinite(rows.ohlcv).all(axis=1),
            (rows.ohlcv[:, :4] <= 0).any(axis=1),
            v < 0,
            h < low,
            (np.maximum(o, c) > h) | (np.minimum(o, c) < low),
        )
        return np.select(tests, list(range(len(tests))), default=-1)

    def _times(self, rows: Rows, bad: Ints) -> Ints:
        verdict = np.full(len(bad), -1)
        good = np.flatnonzero(bad < 0)
        ts, code = rows.ts_ns[good], rows.code[good]
        starts = np.flatnonzero(np.diff(code, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(code)], strict=True):
            symbol = code[start]
            latest = np.maximum.accumulate(np.append(self._latest[symbol], ts[start:stop]))
            step = ts[start:stop] - latest[:-1]
            verdict[good[start:stop][step == 0]] = 6
            verdict[good[start:stop][step < 0]] = 7
            self._latest[symbol] = latest[-1]
        return verdict

    def _complaint(self, rows: Rows, i: int, reason: int, count: int) -> str:
        moment = np.datetime64(int(rows.ts_ns[i]), "ns").astype("datetime64[s]")
        values = ", ".join(f"{value:g}" for value in rows.ohlcv[i].tolist())
        more = f" ({count - 1} more such rows)" if count > 1 else ""
        return (
            f"{self._file}: row {rows.number[i]} ({self._symbols[rows.code[i]]} {moment} UTC: "
            f"{values}) {REASONS[reason]}{more}. Mend the file, or drop bad rows with --lenient"
        )
