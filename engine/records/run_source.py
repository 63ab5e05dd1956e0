"""A recorded run as a source of bars: what it saw, replayed as a backtest.

KEY INPUT: a run folder with a full journal.
KEY OUTPUT: a Source like any other; minutes that were never recorded have no bars.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.errors import SourceError
from engine.market.sources import SessionBars, Source
from engine.market.validation import SourceReport
from engine.records.recorded import Recorded, read_recorded
from engine.records.warmup import NAME as WARMUP


class RunSource(Source):
    """The bars of a run's journal."""

    def __init__(self, path: Path, recorded: Recorded, symbols: Sequence[str]) -> None:
        super().__init__(path, {}, lenient=False)
        self.symbols = tuple(symbols)
        self.trade_from = recorded.trade_from
        """The first session that the run traded."""
        self._sessions = [*recorded.history, *recorded.sessions]
        self._holding = ["events.jsonl", *([WARMUP] if recorded.history else [])]
        self._columns = [recorded.symbols.index(symbol) for symbol in symbols]

    def session_dates(self) -> list[dt.date]:
        """Return the dates that the run saw, in order."""
        return [session.date for session, _ in self._sessions]

    def sessions(
        self, first: dt.date | None = None, last: dt.date | None = None
    ) -> Iterator[SessionBars]:
        """Yield the sessions from `first` to `last`, both included."""
        self.report = SourceReport()
        for session, bars in self._sessions:
            if (first is None or session.date >= first) and (last is None or session.date <= last):
                whole = np.full((session.minutes, len(self.symbols), 5), np.nan)
                whole[: len(bars)] = bars[:, self._columns]
                self.report.rows += int(np.count_nonzero(~np.isnan(whole[:, :, 0])))
                yield SessionBars(session, whole)

    def origins(self) -> list[str]:
        """Return nothing: where the bars came from is told by the run."""
        return []

    def sha256(self) -> dict[str, str]:
        """Return the SHA-256 of the files that hold the run's bars."""
        return {name: self._digest(name) for name in self._holding}

    def _digest(self, name: str) -> str:
        with (self.path / name).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def holds_run(path: Path) -> bool:
    """Return whether a path is the folder of a run, be it a damaged one."""
    if (path / "events.jsonl").is_file():
        return True
    parts = ("summary.json", "signals.jsonl", "decisions.jsonl", "trades.jsonl")
    return (path / "manifest.json").is_file() and any((path / part).is_file() for part in parts)


def open_run(path: Path, symbols: Sequence[str] | None = None) -> RunSource:
    """Open a run's bars, by default of all its symbols.

    Raises SourceError for a symbol that it does not have, BadInputError if it recorded no bars.
    """
    recorded = read_recorded(path)
    if not recorded.sessions:
        raise SourceError(f"{path}: this run recorded no minute")
    wanted = recorded.symbols if symbols is None else tuple(sorted(dict.fromkeys(symbols)))
    missing = [symbol for symbol in wanted if symbol not in recorded.symbols]
    if missing:
        has = ", ".join(recorded.symbols)
        raise SourceError(f"{path}: has no {', '.join(missing)}; it has {has}")
    return RunSource(path, recorded, wanted)
