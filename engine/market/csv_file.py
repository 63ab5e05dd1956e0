"""Bars in a CSV file, plain or gzipped, read whole.

KEY INPUT: a .csv or .csv.gz file in one of bar_file.py's layouts.
KEY OUTPUT: its symbols and rows; SourceError for what cannot be read.
"""

import gzip
import io
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import SourceError
from engine.market.bar_file import (
    EARLIEST,
    LATEST,
    PRICES,
    TIMES,
    UNITS,
    BarFile,
    check_symbol,
)
from engine.market.frames import Floats, Ints

_EMPTY = ["", "nan", "NaN", "NaN ", "null", "NULL", "NA", "N/A"]
"""What stands for a missing number; in a column of symbols they are symbols."""
_ZONES = ({"Z"}, {"+00:00"}, {"-04:00", "-05:00"})


class CsvFile(BarFile):
    """A CSV file, read whole."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._rows: tuple[Ints, Ints, Floats] | None = None
        self._symbols: tuple[str, ...] = ()

    def symbols(self) -> tuple[str, ...]:
        """Return the symbols in the file, sorted."""
        self._load()
        return self._symbols

    def times(self, chosen: Sequence[str]) -> Iterator[Ints]:
        """Yield all times of the chosen symbols."""
        ts, code, _ = self._load()
        yield ts[np.isin(code, [self._symbols.index(symbol) for symbol in chosen])]

    def chunks(
        self, chosen: Sequence[str], first_ns: int, last_ns: int
    ) -> Iterator[tuple[Ints, Ints, Floats, Ints]]:
        """Yield the file as one chunk."""
        ts, code, ohlcv = self._load()
        place = {symbol: i for i, symbol in enumerate(chosen)}
        recode = np.array([place.get(symbol, -1) for symbol in self._symbols])
        keep = np.flatnonzero((recode[code] >= 0) & (ts >= first_ns) & (ts <= last_ns))
        if len(keep):
            yield ts[keep], recode[code[keep]], ohlcv[keep], keep + 1

    def _load(self) -> tuple[Ints, Ints, Floats]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> tuple[Ints, Ints, Floats]:
        import pandas as pd

        header, rows = self._text()
        columns = [cell.strip().strip('"').lower() for cell in header.split(",")]
        twice = sorted({name for name in columns if name and columns.count(name) > 1})
        if twice:
            raise SourceError(f"{self.path}: column {twice[0]} is there twice")
        time = self.pick_time(columns)
        empty = {name: _EMPTY for name in columns if name in (*PRICES, *TIMES)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    io.BytesIO(rows), header=None, names=columns, index_col=False,
                    dtype={"symbol": str}, keep_default_na=False, na_values=empty,
                )  # fmt: skip
        except pd.errors.EmptyDataError:
            raise SourceError(f"{self.path}: has a header but no rows") from None
        except pd.errors.ParserWarning:
            raise SourceError(f"{self.path}: rows have more cells than the header") from None
        except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
            raise SourceError(f"{self.path}: not a CSV file of bars: {error}") from None
        if frame.empty:
            raise SourceError(f"{self.path}: has a header but no rows")
        ts = self._times(frame, time)
        ohlcv = np.column_stack([self._numbers(frame, name) for name in PRICES])
        if "symbol" in frame.columns:
            blank = np.flatnonzero(frame["symbol"].isna() | (frame["symbol"].str.strip() == ""))
            if len(blank):
                raise SourceError(f"{self.path}: row {blank[0] + 1}: symbol is missing")
            code, names = pd.factorize(frame["symbol"].str.strip(), sort=True)
            self._symbols = tuple(check_symbol(str(name), self.path) for name in names)
            return ts, code.astype(np.int64), ohlcv
        self._symbols = (self.name_symbol(),)
        return ts, np.zeros(len(ts), np.int64), ohlcv

    def _text(self) -> tuple[str, bytes]:
        """Return the header and the rows."""
        try:
            data = self.path.read_bytes()
            if self.name.lower().endswith(".gz"):
                data = gzip.decompress(data)
            header, _, rows = data.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
            if not data.strip():
                raise SourceError(f"{self.path}: the file is empty")
            return header.decode().strip(), rows
        except UnicodeDecodeError as error:
            raise SourceError(f"{self.path}: not a CSV file of bars: {error}") from None
        except (EOFError, OSError, zlib.error) as error:
            raise SourceError(
                f"{self.path}: cannot be read to its end ({error}); fetch the file again"
            ) from None

    def _numbers(self, frame: Any, column: str) -> Floats:
        import pandas as pd

        numbers = pd.to_numeric(frame[column], errors="coerce")
        wrong = np.flatnonzero(numbers.isna() & frame[column].notna())
        if len(wrong):
            text = frame[column].iloc[wrong[0]]
            raise SourceError(
                f"{self.path}: row {wrong[0] + 1}: {column} is {text!r}, not a number"
            )
        return np.array(numbers, np.float64)

    def _times(self, frame: Any, column: str) -> Ints:
        if not TIMES[column]:
            return self._moments(frame[column], column)
        numbers = self._numbers(frame, column)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            raise SourceError(f"{self.path}: row {bad[0] + 1}: {column} is missing")
        odd = np.flatnonzero(
            (numbers % 1 != 0)
            | (numbers * TIMES[column] < EARLIEST)
            | (numbers * TIMES[column] > LATEST)
        )
        if len(odd):
            unit = UNITS[TIMES[column]]
            raise SourceError(
                f"{self.path}: row {odd[0] + 1}: {column} {numbers[odd[0]]:.15g} is no moment in "
                f"whole {unit} from 1990 to 2100"
            )
        ts = numbers.astype(np.int64) * TIMES[column]
        if column == "ts_nyt_epoch" and "ts_utc" in frame.columns:
            apart = np.flatnonzero(self._moments(frame["ts_utc"], "ts_utc") != ts)
            if len(apart):
                i = apart[0]
                raise SourceError(
                    f"{self.path}: row {i + 1}: ts_utc {frame['ts_utc'].iloc[i]} and ts_nyt_epoch "
                    f"{numbers[i]:.0f} are not the same moment"
                )
        return ts

    def _moments(self, texts: Any, column: str) -> Ints:
        import pandas as pd

        texts = texts.astype(str)
        ends = texts.str.slice(-6).unique().tolist()
        offsets = {"Z" if end.endswith("Z") else end for end in ends}
        if not any(offsets <= zone for zone in _ZONES):
            shown = ", ".join(sorted(offsets)[:3])
            raise SourceError(
                f"{self.path}: column {column} mixes zones or lacks them (…{shown}); every time "
                "needs the offset of one zone: UTC (Z) or New York (-04:00, -05:00)"
            )
        try:
            moments = pd.to_datetime(texts, format="ISO8601", utc=True)
        except ValueError as error:
            raise SourceError(f"{self.path}: column {column} is not a time: {error}") from None
        return np.array(moments.dt.as_unit("ns").astype("int64"), np.int64)
