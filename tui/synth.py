"""`rotor synth`: write generated bars.

KEY INPUT: the options of the command.
KEY OUTPUT: a Parquet file, what it holds on stdout.
"""

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson

from engine.errors import BadInputError
from engine.market.bar_file import check_symbol
from engine.market.synth import SYMBOLS, theoretical_ic, write_parquet


def synth_command(
    out: Path,
    symbols: str | None,
    first: str,
    sessions: int,
    seed: int,
    signal: float,
    *,
    overwrite: bool,
    json: bool,
) -> int:
    """Run `rotor synth`; return the exit code."""
    if not out.name.endswith(".parquet"):
        raise BadInputError(f"{out}: name a file that ends in .parquet")
    if out.exists() and not overwrite:
        raise BadInputError(f"{out} exists: choose another name, or --overwrite")
    if not out.parent.is_dir():
        raise BadInputError(f"{out}: there is no folder {out.parent}")
    if seed < 0:
        raise BadInputError(f"--seed {seed}: choose one from 0 on")
    try:
        start = dt.date.fromisoformat(first)
    except ValueError:
        raise BadInputError(f"--from {first}: write a date as 2025-07-03") from None
    chosen = (
        SYMBOLS
        if symbols is None
        else tuple(s.strip().upper() for s in symbols.split(",") if s.strip())
    )
    for symbol in chosen:
        check_symbol(symbol, "--symbols")
    report = write_parquet(
        out, symbols=chosen, first=start, sessions=sessions, seed=seed, signal=signal,
        progress=_progress(sessions),
    )  # fmt: skip
    if json:
        sys.stdout.buffer.write(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2) + b"\n")
        return 0
    print(  # noqa: T201
        f"{out}: {report.rows:,} bars of {len(report.symbols)} symbols, {report.sessions} sessions "
        f"({report.first} … {report.last}), seed {seed}. Planted: signal {signal:g}, a correlation "
        f"of {theoretical_ic(signal, 30):.2f} with the market's next 30 minutes."
    )
    return 0


def _progress(sessions: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\rsynth {done}/{sessions} sessions", end="", file=sys.stderr)  # noqa: T201
            if done == sessions:
                print("\r\033[K", end="", file=sys.stderr)  # noqa: T201

    return show
