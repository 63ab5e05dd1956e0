"""Bars in a Parquet file, read some row groups at a time when it is sorted by time.

KEY INPUT: a .parquet file in one of bar_file.py's layouts.
KEY OUTPUT: its symbols and rows; memory does not grow with the file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import SourceError
from engine.market.bar_file import (
    EARLIEST,
    LATEST,
    ORIGIN,
    PRICES,
    TIMES,
    UNITS,
    BarFile,
    check_symbol,
)
from engine.market.frames import Floats, Ints

BATCH_ROWS = 10_000
"""Rows read at a time."""


class ParquetFile(BarFile):
    """A Parquet file, read some row groups at a time when it is sorted by time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{path}: not a Parquet file: {error}") from None
        columns = self._file.schema_arrow.names
        self._time = self.pick_time(columns)
        self._many = "symbol" in columns
        if not TIMES[self._time]:
            kind = self._file.schema_arrow.field(self._time).type
            if not pa.types.is_timestamp(kind) or kind.tz is None:
                raise SourceError(
                    f"{path}: column {self._time} is {kind}; it must be a timestamp with a zone"
                )
        self._check_types()
        if self._file.metadata.num_rows == 0:
            raise SourceError(f"{path}: has no rows")

    def _check_types(self) -> None:
        import pyarrow as pa

        schema = self._file.schema_arrow
        if TIMES[self._time] and not pa.types.is_integer(schema.field(self._time).type):
            kind = schema.field(self._time).type
            raise SourceError(f"{self.path}: column {self._time} is {kind}; it must be integer")
        for name in PRICES:
            kind = schema.field(name).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                raise SourceError(f"{self.path}: column {name} is {kind}; it must be a number")

    def _read(self, groups: Sequence[int], columns: Sequence[str]) -> Any:
        """Read row groups; raises SourceError if they are damaged."""
        import pyarrow as pa

        try:
            return self._file.read_row_groups(
                list(groups), columns=list(columns), use_threads=False
            )
        except (pa.ArrowException, OSError) as error:
            raise SourceError(
                f"{self.path}: is damaged ({error}); fetch or make the file again"
            ) from None

    def symbols(self) -> tuple[str, ...]:
        """Return the symbols in the file, sorted."""
        if not self._many:
            return (self.name_symbol(),)
        import pyarrow.compute as pc

        found: set[str] = set()
        for group in range(self._file.num_row_groups):
            column = self._read([group], ["symbol"]).column(0)
            if column.null_count:
                raise SourceError(f"{self.path}: column symbol has empty cells")
            found.update(pc.unique(column.cast("string")).to_pylist())
        return tuple(sorted(check_symbol(str(symbol), self.path) for symbol in found))

    def origin(self) -> str | None:
        """Return the file's ORIGIN, None if it has none."""
        text = (self._file.schema_arrow.metadata or {}).get(ORIGIN.encode())
        return text.decode() if text else None

    def times(self, chosen: Sequence[str]) -> Iterator[Ints]:
        """Yield the times of the chosen symbols in each row group."""
        all_of_them = not self._many or set(chosen) == set(self.symbols())
        for group in range(self._file.num_row_groups):
            yield self._group_times(group, () if all_of_them else chosen)

    def chunks(
        self, chosen: Sequence[str], first_ns: int, last_ns: int
    ) -> Iterator[tuple[Ints, Ints, Floats, Ints]]:
        """Yield the rows of some row groups at a time; all at once when groups overlap in time."""
        groups = self._groups_between(first_ns, last_ns)
        batch: list[int] = []
        row = at = 0
        whole = self._overlap(groups)
        for group in groups:
            if not batch:
                at = self._first_row(group)
                row = 0
            batch.append(group)
            row += self._file.metadata.row_group(group).num_rows
            if group == groups[-1] or (row >= BATCH_ROWS and not whole):
                ts, code, ohlcv, number = self._rows(batch, at, chosen)
                keep = (ts >= first_ns) & (ts <= last_ns)
                yield ts[keep], code[keep], ohlcv[keep], number[keep]
                batch = []

    def _first_row(self, group: int) -> int:
        return sum(self._file.metadata.row_group(g).num_rows for g in range(group))

    def _groups_between(self, first_ns: int, last_ns: int) -> list[int]:
        """Return the row groups from the first to the last that may have rows in the range."""
        groups = range(self._file.num_row_groups)
        limits = [self._limits(group) for group in groups]
        hits = [g for g in groups if (x := limits[g]) is None or _meets(x, first_ns, last_ns)]
        return list(range(hits[0], hits[-1] + 1)) if hits else []

    def _overlap(self, groups: Sequence[int]) -> bool:
        latest = -(2**63)
        for group in groups:
            limits = self._limits(group)
            if limits is None or limits[0] < latest:
                return len(groups) > 1
            latest = limits[1]
        return False

    def _limits(self, group: int) -> tuple[int, int] | None:
        meta = self._file.metadata.row_group(group)
        for i in range(meta.num_columns):
            column = meta.column(i)
            if column.path_in_schema == self._time and column.statistics is not None:
                unit = TIMES[self._time]
                low, high = column.statistics.min, column.statistics.max
                if unit:
                    return low * unit, high * unit
                return round(low.timestamp() * 1e9), round(high.timestamp() * 1e9)
        return None

    def _group_times(self, group: int, chosen: Sequence[str]) -> Ints:
        if not chosen:
            return self._to_ns(self._read([group], [self._time]).column(0))
        return self._rows([group], 0, chosen)[0]

    def _to_ns(self, column: Any) -> Ints:
        import pyarrow as pa

        unit = TIMES[self._time]
        if column.null_count:
            raise SourceError(f"{self.path}: column {self._time} has empty cells")
        if unit:
            numbers = np.asarray(column.to_numpy(), np.int64)
            odd = np.flatnonzero((numbers < EARLIEST // unit) | (numbers > LATEST // unit))
            if len(odd):
                raise SourceError(
                    f"{self.path}: {self._time} {numbers[odd[0]]} is no moment in {UNITS[unit]} "
                    "from 1990 to 2100"
                )
            return numbers * unit
        return np.asarray(column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy())

    def _rows(
        self, groups: list[int], first_row: int, chosen: Sequence[str]
    ) -> tuple[Ints, Ints, Floats, Ints]:
        import pyarrow as pa
        import pyarrow.compute as pc

        names = [self._time, *PRICES, *(["symbol"] if self._many else [])]
        table = self._read(groups, names)
        ts = self._to_ns(table.column(self._time))
        ohlcv = np.column_stack([table.column(n).cast("float64").to_numpy() for n in PRICES])
        number = np.arange(first_row + 1, first_row + 1 + len(ts))
        if not self._many:
            return ts, np.zeros(len(ts), np.int64), ohlcv, number
        symbol = table.column("symbol").cast("string")
        code = pc.fill_null(pc.index_in(symbol, pa.array(list(chosen))), -1).to_numpy()
        keep = np.flatnonzero(code >= 0)
        return ts[keep], code[keep].astype(np.int64), ohlcv[keep], number[keep]


def _meets(limits: tuple[int, int], first_ns: int, last_ns: int) -> bool:
    return limits[0] <= last_ns and limits[1] >= first_ns
