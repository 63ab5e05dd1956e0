"""A run's inputs, read back from its own journal: bars and commands.

KEY INPUT: a run folder with a full journal, of a run that ended or was killed at any moment.
KEY OUTPUT: Recorded: every session's bars up to the last whole frame, commands, configuration.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import ValidationError

from engine.config import Config
from engine.errors import BadInputError, DamagedError
from engine.events import Command
from engine.market.calendar import NEW_YORK, session_on
from engine.market.frames import Block, Floats, Session
from engine.market.grid import Gridder
from engine.records.command_rows import command_of
from engine.records.manifest import read_manifest
from engine.records.reading import sound_journal
from engine.records.warmup import BACKTEST, read_warmup

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedCommand:
    """An operator's command as it was taken."""

    ts_ns: int
    command: Command
    actor: str


@dataclass(slots=True)
class Recorded:
    """What a run was given."""

    folder: Path
    manifest: Json
    history: list[tuple[Session, Floats]] = field(default_factory=list)
    """The sessions before it, from which it went on; of an older Rotor's runs `sessions` has them.
    """
    sessions: list[tuple[Session, Floats]] = field(default_factory=list)
    """With their bars, (T, S, 5), NaN where there was none; the last one may be cut short."""
    trade_from: dt.date | None = None
    commands: list[RecordedCommand] = field(default_factory=list)
    unrepeatable: str = ""
    """What happened that a second run cannot be given; empty if nothing did."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols, sorted."""
        return tuple(self.manifest["symbols"])

    @property
    def config(self) -> Config:
        """Return the configuration that the run had; raises BadInputError as `config_of` does."""
        return config_of(self.manifest)

    def blocks(self, skip: int = 0, *, prices: bytes | None = None) -> Iterator[Block]:
        """Yield a block per session, behind the first `skip`; `prices`: a gridder's checkpoint."""
        universe = self.config.universe
        signs = [universe.sign(symbol) for symbol in self.symbols]
        gridder = Gridder(self.symbols, signs, self.config.risk.max_jump_pct)
        if prices is not None:
            gridder.restore(prices)
        for i, (session, bars) in enumerate(self.sessions):
            block = gridder.block(session, 0, bars)
            if i >= skip:
                yield block


def config_of(manifest: Json) -> Config:
    """Return the configuration that a run had.

    Raises BadInputError if it is none of this Rotor's, as that of a run of other code may be.
    """
    try:
        return Config.model_validate(manifest["config"])
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadInputError(
            f"its settings are none of this Rotor's: {key}: {first['msg']}"
        ) from None


def read_recorded(folder: Path) -> Recorded:
    """Read a run's inputs back.

    Raises BadInputError if its journal has no bars, DamagedError if it is not as it was written.
    """
    recorded = Recorded(folder, read_manifest(folder))
    level = recorded.manifest["level"]
    if level != "full":
        raise BadInputError(f"{folder}: journal {level} keeps no bars; replay with --journal full")
    sound_journal(folder, recorded.manifest)
    path = folder / "events.jsonl"
    with understood(path):
        _take_up(recorded, path)
    if BACKTEST in recorded.manifest:
        recorded.history = read_warmup(folder, recorded.manifest)
    return recorded


def _take_up(recorded: Recorded, path: Path) -> None:
    column = {symbol: s for s, symbol in enumerate(recorded.symbols)}
    frames: dict[dt.date, list[Floats]] = {}
    for row in whole_rows(path):
        match row["type"]:
            case "frame":
                bars = np.full((len(column), 5), np.nan)
                for symbol, bar in (row["bars"] | row.get("doubted", {})).items():
                    bars[column[symbol]] = bar
                frames.setdefault(session_day(row["timestamp_ms"]), []).append(bars)
            case "session_opened" if row["trading"] and recorded.trade_from is None:
                recorded.trade_from = dt.date.fromisoformat(row["date"])
            case "command":
                recorded.commands.append(_command(row))
            case _:
                recorded.unrepeatable = _unrepeatable(row) or recorded.unrepeatable
    recorded.sessions = [(_session(day), np.stack(bars)) for day, bars in frames.items()]


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Raise DamagedError, naming the file, if its rows do not have what the body asks of them."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise DamagedError(
            f"{path}: has a row that is not as this Rotor writes it ({type(error).__name__}: "
            f"{error}); rotor verify {path.parent}"
        ) from None


def _unrepeatable(row: Json) -> str:
    """Return why what a row tells cannot be given to a second run; empty if it can."""
    match row["type"]:
        case "predictor_restarted" | "symbol_quarantined":
            return f"a predictor crashed: {row['symbol']}: {row['error']}"
        case "orphan_found":
            return f"Rotor did not open all that was held: {row['symbol']}"
        case "traded_by_hand" | "shares_split":
            return f"others traded in its account: {row['symbol']}"
        case "fill_busted" | "fill_corrected":
            return f"fills were undone or corrected: {row['symbol']}"
        case "cash_moved":
            return "cash left its account, or came in"
        case "config_changed":
            return "its settings were changed while it ran"
    return ""


def whole_rows(path: Path) -> Iterator[Json]:
    """Yield the rows of a journal's whole frames; what a kill left unfinished is not among them.

    A run that was killed before its first record has none.
    """
    waiting: list[Json] = []
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DamagedError(f"{path}, line {number}: is no JSON ({error})") from None
            if not isinstance(row, dict):
                raise DamagedError(f"{path}, line {number}: is no record ({row!r:.40})")
            waiting.append(row)
            if "chain" in row:
                yield from waiting
                waiting = []


def session_day(timestamp_ms: int) -> dt.date:
    """Return the New York date of a moment."""
    return dt.datetime.fromtimestamp(timestamp_ms // 1000, NEW_YORK).date()


def _session(day: dt.date) -> Session:
    session = session_on(day)
    if session is None:
        raise BadInputError(f"{day}: the calendar has no session on this day, but the run has bars")
    return session


def _command(row: Json) -> RecordedCommand:
    return RecordedCommand(row["timestamp_ms"] * 1_000_000, command_of(row), row["actor"])
