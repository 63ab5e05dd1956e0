"""`rotor fetch`: history from Alpaca into Parquet files, a file a symbol.

KEY INPUT: symbols, New York dates, a feed; keys from the environment or `.env`.
KEY OUTPUT: files that every command takes as SOURCE; what they hold on stdout.

Whatever stops it, every month that was fetched is kept, and the same command goes on from there.
"""

import datetime as dt
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson
import trio

from actors.venue import Bar, Denied, Unreachable
from engine.errors import BadInputError, RotorError
from engine.market.bar_file import check_symbol
from engine.market.calendar import sessions_between
from engine.market.fetched_file import FetchedFile, Span, in_sessions, months_between
from engine.market.frames import MINUTE_NS, Floats, Ints, Session

if TYPE_CHECKING:
    from actors.alpaca.history import History

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts at a month."""

AT_ONCE = 4
"""Symbols that are fetched at a time."""

_SETTLED_NS = 20 * MINUTE_NS
"""After the close: late prints are in, and a free plan may ask for sip."""


Advance = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What was asked for."""

    symbols: Sequence[str]
    first: str
    last: str | None
    feed: str
    out: Path
    endpoint: str | None
    json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What became of one symbol."""

    symbol: str
    path: str
    bars: int
    """In the file, whenever they were fetched."""
    months_fetched: int
    months_kept: int


def fetch_command(request: FetchRequest) -> int:
    """Run `rotor fetch`; return the exit code."""
    symbols = _symbols(request.symbols)
    days = _sessions(request.first, request.last, dt.datetime.now(dt.UTC))
    _check_folder(request.out)
    files = {
        symbol: FetchedFile(request.out / f"{symbol}.parquet", symbol, request.feed)
        for symbol in symbols
    }
    fetched = _run(request, files, days)
    if request.json:
        rows = [asdict(fetched[symbol]) for symbol in symbols]
        said = {"feed": request.feed, "out": str(request.out), "symbols": rows}
        sys.stdout.buffer.write(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")
        return 0
    for symbol in symbols:
        print(_line(fetched[symbol], days))  # noqa: T201
    return 0


def _run(
    request: FetchRequest, files: dict[str, FetchedFile], days: list[Session]
) -> dict[str, Fetched]:
    from actors.alpaca.decode import Decoder
    from actors.alpaca.history import History
    from actors.alpaca.keys import read_keys
    from actors.alpaca.rest import Deadlines, Rest

    rest = Rest(
        read_keys(paper=True),
        paper=True,
        endpoint=request.endpoint,
        deadlines=Deadlines(read=30.0, whole=90.0),
        clock=_wall_ns,
    )
    history = History(rest.data, Decoder(), request.feed)
    spans = months_between(days[0].date, days[-1].date)
    request.out.mkdir(parents=True, exist_ok=True)
    with _progress(len(files) * len(spans)) as advance:
        worker = _Worker(history, days, advance)
        try:
            return trio.run(worker.fetch_all, files, spans)
        except* KeyboardInterrupt:
            pass  # raised from here it would come out in a group again
    raise KeyboardInterrupt


class _Worker:
    """Fetches what is missing, some symbols at a time."""

    def __init__(self, history: "History", days: list[Session], advance: Advance) -> None:
        self._history = history
        self._days = days
        self._advance = advance
        self._places = trio.CapacityLimiter(AT_ONCE)
        self._fetched: dict[str, Fetched] = {}
        self._error: RotorError | OSError | None = None

    async def fetch_all(
        self, files: dict[str, FetchedFile], spans: list[Span]
    ) -> dict[str, Fetched]:
        """Return what became of each symbol; raises the first error, all else being kept."""
        async with trio.open_nursery() as nursery:
            for symbol, file in files.items():
                nursery.start_soon(self._symbol, nursery, symbol, file, spans)
        if self._error is not None:
            raise self._error
        return self._fetched

    async def _symbol(
        self, nursery: trio.Nursery, symbol: str, file: FetchedFile, spans: list[Span]
    ) -> None:
        months = 0
        try:
            async with self._places:
                for span in spans:
                    missing = file.missing(span)
                    if missing is not None:
                        file.put(missing, *await self._month(symbol, missing))
                        months += 1
                    self._advance(symbol)
        except (RotorError, OSError) as error:
            self._error = self._error or error
            nursery.cancel_scope.cancel()
            return
        self._fetched[symbol] = Fetched(
            symbol=symbol,
            path=str(file.path),
            bars=file.rows,
            months_fetched=months,
            months_kept=len(spans) - months,
        )

    async def _month(self, symbol: str, span: Span) -> tuple[Ints, Floats]:
        """Return the bars of the sessions of a span."""
        days = sessions_between(span.first, span.last)
        if not days:
            return np.empty(0, np.int64), np.empty((0, 5))
        bars = await self._ask(symbol, span.month, days[0].open_ns, days[-1].close_ns)
        ts_ns = np.array([bar.start_ns for bar in bars], np.int64)
        ohlcv = np.array([bar[2:7] for bar in bars], np.float64).reshape(-1, 5)
        keep = in_sessions(ts_ns, days)
        return ts_ns[keep], ohlcv[keep]

    async def _ask(self, symbol: str, month: str, start_ns: int, end_ns: int) -> list[Bar]:
        last = ""
        for pause in (*PAUSES, None):
            try:
                return await self._history.bars([symbol], start_ns, end_ns)
            except Denied as error:
                raise BadInputError(f"{symbol} {month}: Alpaca refuses: {error}") from None
            except Unreachable as error:
                last = str(error)
            if pause is not None:
                await trio.sleep(pause)
        raise RotorError(
            f"{symbol} {month}: {last}. What was fetched is kept: the same command goes on from it"
        )


def _symbols(given: Sequence[str]) -> list[str]:
    found = [part.strip().upper() for text in given for part in text.split(",") if part.strip()]
    if not found:
        raise BadInputError("name symbols to fetch, such as TQQQ,SQQQ")
    return [check_symbol(symbol, "rotor fetch") for symbol in dict.fromkeys(found)]


def _sessions(first: str, last: str | None, now: dt.datetime) -> list[Session]:
    """Return the finished sessions of a range."""
    begin = _date(first, "--from")
    end = min(_date(last, "--to"), now.date()) if last else now.date()
    now_ns = int(now.timestamp()) * 1_000_000_000
    days = [day for day in sessions_between(begin, end) if day.close_ns + _SETTLED_NS <= now_ns]
    if not days:
        raise BadInputError(f"no finished session from {begin} to {end}")
    return days


def _date(text: str, option: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{option} {text}: write a date as 2025-07-03") from None


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise BadInputError(f"{out} is a file: --out names the folder of the symbols' files")


def _wall_ns() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp() * 1_000_000) * 1000


def _line(fetched: Fetched, days: list[Session]) -> str:
    if not fetched.bars:
        return f"{fetched.symbol}: no bars from {days[0].date} to {days[-1].date}"
    return (
        f"{fetched.path}: {fetched.bars:,} bars; {fetched.months_fetched} months fetched, "
        f"{fetched.months_kept} were there"
    )


@contextmanager
def _progress(months: int) -> Iterator[Advance]:
    """Show the months that are done, on a terminal's stderr."""
    if not sys.stderr.isatty():
        yield lambda _symbol: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("fetch"), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("months"),
        TextColumn("{task.fields[symbol]:<6}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("fetch", total=months, symbol="")
        yield lambda symbol: bar.update(task, advance=1, symbol=symbol)
