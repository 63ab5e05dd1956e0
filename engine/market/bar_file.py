"""One file of bars, whatever its layout: rows in chunks.

KEY INPUT: a .csv, .csv.gz or .parquet file.
KEY OUTPUT: which symbols it holds, and its rows (csv_file.py, parquet_file.py).

Layouts: `ts_utc,ts_nyt_epoch,open,high,low,close,volume` (ts_nyt_epoch is the Unix epoch in
seconds), `timestamp_ms,open,…`, and alpaca-py's `symbol,timestamp,open,…`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import SourceError
from engine.market.frames import Floats, Ints

PRICES = ("open", "high", "low", "close", "volume")
TIMES = {"ts_nyt_epoch": 1_000_000_000, "timestamp_ms": 1_000_000, "ts_ns": 1, "timestamp": 0}
"""Time columns, the first that is there is taken: ns per unit, 0 for a date and time."""
UNITS = {1_000_000_000: "seconds", 1_000_000: "milliseconds", 1: "nanoseconds"}
EARLIEST, LATEST = 631_152_000 * 10**9, 4_102_444_800 * 10**9
"""Moments that bars may have, ns: 1990 to 2100. Beyond it a unit was mistaken."""
ORIGIN = "rotor.origin"
"""Key of a Parquet file's metadata: where its bars come from, in words."""
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.]{0,11}")


class BarFile(ABC):
    """One file; CsvFile and ParquetFile read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @abstractmethod
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols in the file, sorted."""

    def origin(self) -> str | None:
        """Return what the file says of where its bars come from."""
        return None

    @abstractmethod
    def times(self, chosen: Sequence[str]) -> Iterator[Ints]:
        """Yield times, ns: every session with a row of the chosen symbols is among them."""

    @abstractmethod
    def chunks(
        self, chosen: Sequence[str], first_ns: int, last_ns: int
    ) -> Iterator[tuple[Ints, Ints, Floats, Ints]]:
        """Yield (ts_ns, code into `chosen`, ohlcv, row number) of rows that may lie in the range.

        Time does not go back from one chunk to the next.
        """

    def pick_time(self, columns: Sequence[str]) -> str:
        """Return the time column; raises SourceError when the layout is not known."""
        missing = [name for name in PRICES if name not in columns]
        time = next((name for name in TIMES if name in columns), None)
        if time is None or missing:
            lacks = [*missing, *([] if time else ["time column"])]
            raise SourceError(
                f"{self.path}: no {', '.join(lacks)} among its columns {', '.join(columns)}. "
                "Expected ts_utc,ts_nyt_epoch,open,high,low,close,volume or "
                "timestamp_ms,open,high,low,close,volume or "
                "symbol,timestamp,open,high,low,close,volume"
            )
        return time

    def name_symbol(self) -> str:
        """Return the symbol that the file's name gives: TQQQ of TQQQ_RTH_NH.csv.gz."""
        return check_symbol(self.name.split(".")[0].split("_")[0], self.path)


def check_symbol(symbol: str, where: Path | str) -> str:
    """Return the symbol; raises SourceError if it is none."""
    if not _SYMBOL.fullmatch(symbol):
        raise SourceError(
            f"{where}: {symbol!r} is not a symbol (capitals, digits, dot); name the file "
            "SYMBOL.csv, or give it a column 'symbol'"
        )
    return symbol
