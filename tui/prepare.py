"""From what was typed to a plan: configuration, source, sessions.

KEY INPUT: a Request (options of the command line).
KEY OUTPUT: Prepared: the configuration, the opened source, the sessions to trade and those before.
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from actors.desk import Given
from actors.history import History
from actors.learned import take_over_prices
from engine.config import Config
from engine.errors import BadInputError
from engine.events import MICRO
from engine.learning.predictors import try_predictor
from engine.market.calendar import session_on
from engine.market.frames import Arrays, Block
from engine.market.grid import Gridder, session_blocks
from engine.market.sources import Source, open_source
from engine.records.overrides import Kind
from engine.records.run_source import RunSource, holds_run, open_run
from tui.commands import scripted
from tui.enrol import check_url
from tui.layered import Asked, lying_over, read_settings
from tui.options import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    source: Path | None = None
    symbols: str | None = None
    first: str | None = None
    last: str | None = None
    config: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    kind: Kind = "REPLAY"
    """Whose overrides hold."""
    out: Path | None = None
    overwrite: bool = False
    block: int = 390
    scan: bool = True
    journal: str | None = None
    compare: bool = False
    lenient: bool = False
    commands: tuple[str, ...] = ()
    speed: float | None = None
    tui: Look | None = None
    """In the cockpit, and how it is drawn."""
    json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that a replay needs, checked."""

    config: Config
    idle_keys: tuple[str, ...]
    said: tuple[str, ...]
    """Which profile and which overrides lie over the defaults."""
    source: Source
    warmup: tuple[dt.date, ...]
    """The sessions before, of which the pass is made."""
    dates: tuple[dt.date, ...]
    """The sessions to trade."""
    range_label: str
    commands: tuple[Given, ...] = ()

    def open_blocks(self, skip: int = 0, *, learned: Arrays | None = None) -> Iterator[Block]:
        """Yield a block per session to trade, behind the first `skip`, going on from `learned`."""
        sessions = self.source.sessions(self.dates[0], self.dates[-1])
        gridder = take_over_prices(learned, self.gridder())
        return islice(session_blocks(sessions, gridder), skip, None)

    def gridder(self) -> Gridder:
        """Return a new gridder of the source's symbols."""
        universe, symbols = self.config.universe, self.source.symbols
        signs = [universe.sign(symbol) for symbol in symbols]
        return Gridder(symbols, signs, self.config.risk.max_jump_pct)

    def history(self) -> History | None:
        """Return the sessions before those to trade; None if there are none."""
        if not self.warmup:
            return None
        return History(
            config=self.config,
            symbols=self.source.symbols,
            sessions=list(self.source.sessions(self.warmup[0], self.warmup[-1])),
            capital_micro=round(self.config.simulation.starting_capital * MICRO),
        )

    @property
    def first_ts_ns(self) -> int:
        """Return the UTC ns of the first traded session's open."""
        session = session_on(self.dates[0])
        assert session is not None
        return session.open_ns


def prepare(request: Request) -> Prepared:
    """Read the configuration, open the source, choose the sessions.

    Raises BadInputError (its subclasses name file, key or symbol) for anything that cannot be used.
    """
    if request.block < 1:
        raise BadInputError(f"--block {request.block}: must be at least 1")
    if request.speed is not None and not 0 < request.speed < math.inf:
        raise BadInputError(f"--speed {request.speed:g}: a positive number, 1 is real time")
    path = request.source or demo_folder()
    settings = read_settings(request, path)
    config = settings.config
    wanted = symbols_of(request.symbols)
    source = open_bars(path, wanted, lenient=request.lenient)
    if wanted is None and not isinstance(source, RunSource):
        ours = [symbol for symbol in source.symbols if symbol in config.universe.symbols]
        if ours and len(ours) < len(source.symbols):
            source = open_source(path, symbols=ours, lenient=request.lenient)
        elif not ours:
            raise BadInputError(
                f"{path}: has none of the universe's {', '.join(config.universe.symbols)}; "
                f"name some of its own with --symbols: {', '.join(source.symbols)}"
            )
    try_predictor(config.learning, source.symbols)
    check_url(config.database.url)
    first, last = parse_dates(request.first, request.last)
    if first is None and isinstance(source, RunSource):
        first = source.trade_from  # what came before warmed the learners
    warmup, dates = _choose(source, first, last, config.session.warmup_sessions)
    return Prepared(
        config=config,
        idle_keys=settings.idle,
        said=tuple(lying_over(request, settings)),
        source=source,
        warmup=warmup,
        dates=dates,
        range_label=f"{dates[0]}..{dates[-1]}",
        commands=scripted(request.commands, source.symbols, dates[-1]),
    )


def open_bars(path: Path, symbols: Sequence[str] | None, *, lenient: bool) -> Source:
    """Open files of bars, or the bars that a run recorded."""
    if holds_run(path):
        return open_run(path, symbols)
    return open_source(path, symbols=symbols, lenient=lenient)


def read_config(asked: Asked, source: Path) -> tuple[Config, tuple[str, ...]]:
    """Return the configuration in force (tui/layered.py), and keys without effect yet."""
    settings = read_settings(asked, source)
    return settings.config, settings.idle


def demo_folder() -> Path:
    """Return the bundled demo, in a checkout or in an installed package."""
    for root in (Path(__file__).parents[1], Path(__file__).parent / "defaults"):
        folder = root / "replays" / "demo"
        if (folder / "bars.parquet").is_file():
            return folder
    raise BadInputError("the bundled demo is missing: install rotor again, or name a SOURCE")


def symbols_of(text: str | None) -> list[str] | None:
    """Return what --symbols names, None without it; raises BadInputError if it is empty."""
    if text is None:
        return None
    symbols = [part.strip().upper() for part in text.split(",") if part.strip()]
    if not symbols:
        raise BadInputError("--symbols: name at least one, such as --symbols TQQQ,SQQQ")
    return symbols


def parse_dates(first: str | None, last: str | None) -> tuple[dt.date | None, dt.date | None]:
    """Return the dates of --from and --to; raises BadInputError if they are in the wrong order."""
    since, until = parse_date(first, "--from"), parse_date(last, "--to")
    if since is not None and until is not None and since > until:
        raise BadInputError(f"--from {since} is after --to {until}")
    return since, until


def parse_date(text: str | None, option: str) -> dt.date | None:
    """Return the date of an option; raises BadInputError that names it."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{option} {text}: write a date as 2025-07-03") from None


def _choose(
    source: Source, first: dt.date | None, last: dt.date | None, warmup: int
) -> tuple[tuple[dt.date, ...], tuple[dt.date, ...]]:
    have = source.session_dates()
    if not have:
        raise BadInputError(f"{source.path}: no bar lies inside a session of the exchange")
    dates = tuple(
        day for day in have if (first is None or day >= first) and (last is None or day <= last)
    )
    if not dates:
        raise BadInputError(
            f"{source.path}: no session from {first or have[0]} to {last or have[-1]}; "
            f"it has {have[0]} to {have[-1]}"
        )
    before = tuple(day for day in have if day < dates[0])
    return before[max(0, len(before) - warmup) :] if first is not None else (), dates
