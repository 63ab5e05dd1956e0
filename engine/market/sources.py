"""Bar sources: a file or a folder of files, as sessions of bars in order of date.

KEY INPUT: a path, the symbols wanted, a range of New York dates.
KEY OUTPUT: SessionBars, one session at a time, NaN where a minute has no bar.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.errors import SourceError
from engine.market.bar_file import BarFile
from engine.market.calendar import sessions_between
from engine.market.csv_file import CsvFile
from engine.market.frames import MINUTE_NS, Floats, Ints, Session
from engine.market.parquet_file import ParquetFile
from engine.market.validation import Rows, SourceReport, Validator

_SUFFIXES = (".parquet", ".csv", ".csv.gz")
_DAY_NS = 24 * 60 * MINUTE_NS


class SessionBars(NamedTuple):
    """One session of all symbols."""

    session: Session
    bars: Floats
    """(minutes, S, 5): open, high, low, close, volume; NaN without a bar."""


class Source:
    """Bars of some symbols; made by `open_source`."""

    def __init__(self, path: Path, files: dict[BarFile, tuple[str, ...]], *, lenient: bool) -> None:
        self.path = path
        self.symbols = tuple(sorted(symbol for chosen in files.values() for symbol in chosen))
        self.report = SourceReport()
        """Of the latest pass of `sessions`."""
        self._files = files
        self._lenient = lenient
        self._dates: list[dt.date] | None = None

    def session_dates(self) -> list[dt.date]:
        """Return the dates of the sessions in which the files have any bar, in order."""
        if self._dates is None:
            found: set[int] = set()
            moments = [
                np.unique(ts) for file, chosen in self._files.items() for ts in file.times(chosen)
            ]
            calendar = _Calendar(moments)
            for ts in moments:
                found.update(calendar.place(ts)[0].tolist())
            self._dates = [calendar.sessions[i].date for i in sorted(found - {-1})]
        return self._dates

    def sessions(
        self, first: dt.date | None = None, last: dt.date | None = None
    ) -> Iterator[SessionBars]:
        """Yield the sessions from `first` to `last`, both included, that have a bar.

        Raises SourceError at the first row that cannot be trusted, unless lenient.
        """
        self.report = SourceReport()
        dates = [
            day
            for day in self.session_dates()
            if (first is None or day >= first) and (last is None or day <= last)
        ]
        if not dates:
            return
        sessions = sessions_between(dates[0], dates[-1])
        have = set(dates)
        self.report.empty_sessions = [str(x.date) for x in sessions if x.date not in have]
        place = {symbol: s for s, symbol in enumerate(self.symbols)}
        streams = [
            _Stream(file, chosen, [place[symbol] for symbol in chosen], sessions, self)
            for file, chosen in self._files.items()
        ]
        for i, session in enumerate(sessions):
            bars = np.full((session.minutes, len(self.symbols), 5), np.nan)
            for stream in streams:
                stream.fill(i, bars)
            if session.date in have:
                yield SessionBars(session, bars)

    def origins(self) -> list[str]:
        """Return what the files say of where their bars come from."""
        return sorted({text for file in self._files if (text := file.origin()) is not None})

    def sha256(self) -> dict[str, str]:
        """Return the SHA-256 of each file by its name."""
        hashes = {}
        for file in self._files:
            with file.path.open("rb") as stream:
                hashes[file.name] = hashlib.file_digest(stream, "sha256").hexdigest()
        return hashes

    def validator(self, file: BarFile, chosen: Sequence[str]) -> Validator:
        """Return a validator for one pass over a file."""
        return Validator(str(file.path), chosen, self.report, lenient=self._lenient)


class _Calendar:
    """Sessions around some moments, and which moment lies in which."""

    def __init__(self, moments: Sequence[Ints], sessions: list[Session] | None = None) -> None:
        if sessions is None:
            ends = [int(edge) for ts in moments if len(ts) for edge in (ts[0], ts[-1])]
            first, last = _date(min(ends)), _date(max(ends))
            sessions = sessions_between(first, last)
        self.sessions = sessions
        self._opens = np.array([x.open_ns for x in sessions], np.int64)
        self._closes = np.array([x.close_ns for x in sessions], np.int64)

    def place(self, ts: Ints) -> tuple[Ints, Ints]:
        """Return (session index or −1, minute of the session) of each moment."""
        if not self.sessions:
            return np.full(len(ts), -1), np.zeros(len(ts), np.int64)
        index = np.searchsorted(self._opens, ts, "right") - 1
        outside = (index < 0) | (ts >= self._closes[index])
        minute = (ts - self._opens[index]) // MINUTE_NS
        return np.where(outside, -1, index), minute


class _Stream:
    """One pass over a file, handed out session by session."""

    def __init__(
        self,
        file: BarFile,
        chosen: Sequence[str],
        columns: list[int],
        sessions: list[Session],
        source: Source,
    ) -> None:
        self._columns = np.array(columns)
        self._calendar = _Calendar((), sessions)
        self._report = source.report
        self._validator = source.validator(file, chosen)
        first, last = sessions[0].open_ns, sessions[-1].close_ns - 1
        # whole days, so that rows outside of the sessions are counted
        self._chunks = file.chunks(chosen, first - _DAY_NS // 2, last + _DAY_NS // 2)
        self._waiting: list[tuple[Ints, Ints, Ints, Floats]] = []
        self._done = False

    def fill(self, index: int, bars: Floats) -> None:
        """Write the rows of session `index` into `bars` (minutes, S, 5)."""
        while not self._done and not any(i[-1] > index for i, *_ in self._waiting):
            self._read()
        later = []
        for sessions, minute, code, ohlcv in self._waiting:
            stop = int(np.searchsorted(sessions, index, "right"))
            bars[minute[:stop], self._columns[code[:stop]]] = ohlcv[:stop]
            if stop < len(sessions):
                later.append((sessions[stop:], minute[stop:], code[stop:], ohlcv[stop:]))
        self._waiting = later

    def _read(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._done = True
            return
        rows = Rows(*chunk)
        index, _ = self._calendar.place(rows.ts_ns)
        self._report.rows += len(index)
        inside = index >= 0
        self._report.outside_session += int(np.count_nonzero(~inside))
        rows = self._validator.check(rows.take(inside))
        if len(rows.ts_ns) == 0:
            return
        index, minute = self._calendar.place(rows.ts_ns)
        order = np.argsort(index, kind="stable")
        self._waiting.append((index[order], minute[order], rows.code[order], rows.ohlcv[order]))


def open_source(
    path: Path, *, symbols: Sequence[str] | None = None, lenient: bool = False
) -> Source:
    """Open a file or folder of bars; by default with all symbols that it has.

    Raises SourceError when there is nothing to read, when a symbol wanted is not there, and when
    one is in two files.
    """
    owner: dict[str, BarFile] = {}
    for file in _open_files(path):
        for symbol in file.symbols():
            if symbol in owner:
                raise SourceError(
                    f"{path}: {symbol} is in {owner[symbol].name} and in {file.name}; "
                    "keep one of them"
                )
            owner[symbol] = file
    wanted = sorted(owner) if symbols is None else list(dict.fromkeys(symbols))
    missing = [symbol for symbol in wanted if symbol not in owner]
    if missing:
        raise SourceError(f"{path}: has no {', '.join(missing)}; it has {', '.join(sorted(owner))}")
    files: dict[BarFile, tuple[str, ...]] = {}
    for symbol in wanted:
        files[owner[symbol]] = (*files.get(owner[symbol], ()), symbol)
    return Source(path, files, lenient=lenient)


def _open_files(path: Path) -> list[BarFile]:
    if path.is_file():
        return [_open(path)]
    if not path.is_dir():
        raise SourceError(f"{path}: there is no such file or folder")
    found = sorted(p for p in path.iterdir() if p.is_file() and p.name.lower().endswith(_SUFFIXES))
    if not found:
        raise SourceError(f"{path}: holds no {', '.join(_SUFFIXES)} file")
    return [_open(p) for p in found]


def _open(path: Path) -> BarFile:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return ParquetFile(path)
    if name.endswith((".csv", ".csv.gz")):
        return CsvFile(path)
    raise SourceError(f"{path}: not one of {', '.join(_SUFFIXES)}")


def _date(ts_ns: int) -> dt.date:
    # New York is behind UTC: the UTC date is the session's or the next day, never an earlier one
    return dt.datetime.fromtimestamp(ts_ns // 1_000_000_000, dt.UTC).date()
