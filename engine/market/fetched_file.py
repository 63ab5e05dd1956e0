"""One symbol's fetched bars: a Parquet file that says which spans of which months it holds.

KEY INPUT: bars of one month at a time.
KEY OUTPUT: a file that `open_source` reads, whole after every month, a row group a month.
"""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.errors import BadInputError
from engine.market.bar_file import ORIGIN, PRICES
from engine.market.frames import Floats, Ints, Session

_FETCHED = b"rotor.fetched"


class Span(NamedTuple):
    """Part of one month: New York dates, both included."""

    first: dt.date
    last: dt.date

    @property
    def month(self) -> str:
        """Return the month, as 2025-07."""
        return self.first.isoformat()[:7]

    def covers(self, other: "Span") -> bool:
        """Return whether another span lies in this one."""
        return self.first <= other.first and other.last <= self.last

    def joined(self, other: "Span") -> "Span":
        """Return the span from the earlier first to the later last date."""
        return Span(min(self.first, other.first), max(self.last, other.last))


class FetchedFile:
    """The bars of one symbol; written anew, and atomically, with every month."""

    def __init__(self, path: Path, symbol: str, feed: str) -> None:
        """Open a file, or begin one.

        Raises BadInputError if it is there and was not fetched, or is of another symbol or feed.
        """
        self.path = path
        self._symbol = symbol
        self._feed = feed
        self._spans: dict[str, Span] = {}
        self._tables: dict[str, Any] = {}
        if path.exists():
            self._load()

    @property
    def rows(self) -> int:
        """Return how many bars it holds."""
        return sum(table.num_rows for table in self._tables.values())

    def missing(self, span: Span) -> Span | None:
        """Return what has to be fetched so that it holds a span; None if it does."""
        held = self._spans.get(span.month)
        if held is None:
            return span
        return None if held.covers(span) else held.joined(span)

    def put(self, span: Span, ts_ns: Ints, ohlcv: Floats) -> None:
        """Take in all bars of a span, in order of time, and write the file if it has any."""
        import pyarrow as pa

        columns = {"symbol": pa.array([self._symbol] * len(ts_ns), pa.string())}
        columns["timestamp"] = pa.array(ts_ns // 1_000_000).cast(pa.timestamp("ms", "UTC"))
        columns |= {name: pa.array(ohlcv[:, i]) for i, name in enumerate(PRICES)}
        self._tables[span.month] = pa.table(columns)
        self._spans[span.month] = span
        if self.rows:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        months = sorted(self._spans)
        said = {
            "symbol": self._symbol,
            "feed": self._feed,
            "months": {m: [*map(str, self._spans[m]), self._tables[m].num_rows] for m in months},
        }
        origin = f"Alpaca, feed {self._feed}, as traded (not adjusted)"
        meta = {ORIGIN.encode(): origin.encode(), _FETCHED: orjson.dumps(said)}
        schema = self._tables[months[0]].schema.with_metadata(meta)
        scratch = self.path.with_name(f".{self.path.name}.tmp")
        try:
            with scratch.open("wb") as file:
                with pq.ParquetWriter(pa.PythonFile(file), schema, compression="zstd") as writer:
                    for month in months:
                        if self._tables[month].num_rows:
                            writer.write_table(self._tables[month].replace_schema_metadata(meta))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.path)
        finally:
            scratch.unlink(missing_ok=True)

    def _load(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.path)
        except (pa.ArrowException, OSError) as error:
            raise BadInputError(
                f"{self.path}: is damaged ({error}); remove it and fetch it again"
            ) from None
        text = (table.schema.metadata or {}).get(_FETCHED)
        if text is None:
            raise BadInputError(f"{self.path}: was not fetched; choose another --out folder")
        said = orjson.loads(text)
        if (said["symbol"], said["feed"]) != (self._symbol, self._feed):
            raise BadInputError(
                f"{self.path}: has {said['symbol']} of feed {said['feed']}, not {self._symbol} of "
                f"{self._feed}; choose another --out folder: feeds do not mix"
            )
        at = 0
        for month, (first, last, rows) in said["months"].items():
            self._spans[month] = Span(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
            self._tables[month] = table.slice(at, rows)
            at += rows


def months_between(first: dt.date, last: dt.date) -> list[Span]:
    """Return the range, both ends included, cut at the months' ends."""
    spans = []
    while first <= last:
        following = (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        spans.append(Span(first, min(last, following - dt.timedelta(days=1))))
        first = following
    return spans


def in_sessions(ts_ns: Ints, sessions: Sequence[Session]) -> NDArray[np.bool]:
    """Return which moments lie in one of some sessions, in order of date; at least one."""
    opens = np.array([session.open_ns for session in sessions], np.int64)
    closes = np.array([session.close_ns for session in sessions], np.int64)
    index = np.searchsorted(opens, ts_ns, "right") - 1
    inside: NDArray[np.bool] = (index >= 0) & (ts_ns < closes[np.maximum(index, 0)])
    return inside
