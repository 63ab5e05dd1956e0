"""`rotor replay`: run the plan, show how far it is, write and print the summary.

KEY INPUT: a Request.
KEY OUTPUT: a run folder, a summary on stdout, an exit code.
"""

import contextlib
import datetime as dt
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from actors.desk import Desk
from actors.system import Outcome, Plan, epoch_of, run
from engine.errors import BadInputError
from engine.events import MICRO
from engine.market.calendar import session_on
from engine.market.frames import Block
from engine.market.grid import Gridder
from engine.records.summary import (
    learning_figures,
    learning_sentence,
    sentences,
    summarise,
)
from tui.prepare import Prepared, Request, prepare

MARKS = ("events.jsonl", "summary.json", "manifest.json")
"""Any of these makes a folder a run."""


def replay_command(request: Request) -> int:
    """Run `rotor replay`; return the exit code."""
    prepared = prepare(request)
    if prepared.idle_keys:
        print(f"no effect yet: {', '.join(prepared.idle_keys)}", file=sys.stderr)  # noqa: T201
    if prepared.overridden:
        print(f"overrides.toml: {', '.join(prepared.overridden)}", file=sys.stderr)  # noqa: T201
    level = request.journal or prepared.config.records.journal
    folder = _folder(request, prepared)
    started = dt.datetime.now(dt.UTC)
    startup = time.perf_counter()
    _warm(prepared)
    startup = time.perf_counter() - startup
    wall, cpu = time.perf_counter(), time.process_time()
    with _progress(prepared) as progress:
        outcome = run(
            Plan(
                config=prepared.config,
                symbols=prepared.source.symbols,
                open_blocks=prepared.open_blocks,
                trade_from=prepared.dates[0],
                range_label=prepared.range_label,
                first_ts_ns=prepared.first_ts_ns,
                folder=folder,
                level=level,  # type: ignore[arg-type]
                block_size=request.block,
                scan=request.scan,
                commands=prepared.commands,
                speed=request.speed,
                progress=progress,
            )
        )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    summary = summarise(outcome.stats, prepared.config)
    summary |= {
        "learning": learning_figures(outcome.scores, outcome.slope.pooled),
        "startup_seconds": round(startup, 4),
        "wall_seconds": round(wall, 4),
        "cpu_seconds": round(cpu, 4),
        "symbol_bars_per_second": round(summary["symbol_bars"] / cpu) if cpu else None,
        "journal_sha256": outcome.journal_sha256,
        "run_dir": str(folder.resolve()),
    }
    compared = (request.compare or not request.json) and level != "none"
    rows = _baselines(prepared, outcome) if compared or request.compare else []
    gate_off = _gate_off(prepared) if request.compare else None
    if rows:
        summary["baselines"] = rows
    if gate_off is not None:
        summary["gate_off"] = gate_off
    _write(folder, summary, _manifest(prepared, outcome, folder, started, request))
    _report(request, prepared, summary, rows, gate_off)
    return 1 if outcome.stats.interrupted else 0


def _folder(request: Request, prepared: Prepared) -> Path:
    epoch = epoch_of(prepared.config, prepared.source.symbols, prepared.range_label)
    if request.out is None:
        stamp = f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{epoch}"
        base = Path(prepared.config.records.runs_dir)
        folder, n = base / stamp, 1
        while folder.exists():
            folder, n = base / f"{stamp}-{n}", n + 1
    else:
        folder = request.out
        if any((folder / mark).exists() for mark in MARKS):
            if not request.overwrite:
                raise BadInputError(f"{folder}: holds a run; choose another --out, or --overwrite")
            for name in (*MARKS, "signals.jsonl", "decisions.jsonl", "trades.jsonl"):
                (folder / name).unlink(missing_ok=True)
            (folder / "positions.jsonl").unlink(missing_ok=True)
    return folder


def _warm(prepared: Prepared) -> None:
    """Load or compile the kernels on one flat session, so that the run's time is its own."""
    session = session_on(prepared.dates[0])
    assert session is not None
    bars = np.full((session.minutes, len(prepared.source.symbols), 5), 50.0)
    signs = [1.0] * len(prepared.source.symbols)
    block = Gridder(prepared.source.symbols, signs).block(session, 0, bars)
    run(
        Plan(
            config=prepared.config,
            symbols=prepared.source.symbols,
            open_blocks=lambda skip: iter([block][skip:]),
            trade_from=None,
            range_label="",
            first_ts_ns=session.open_ns,
        )
    )


@contextlib.contextmanager
def _progress(prepared: Prepared) -> Iterator[Any]:
    """Show sessions, bars per second, equity and the time left, on a terminal's stderr."""
    if not sys.stderr.isatty():
        yield lambda _block, _desk: None
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
        TextColumn("replay"), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("sessions"),
        TextColumn("{task.fields[rate]:>9,.0f} bars/s  ${task.fields[equity]:,.0f}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    total = len(prepared.warmup) + len(prepared.dates)
    began = time.perf_counter()
    bars = 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=total, rate=0.0, equity=0.0)

        def advance(block: Block, desk: Desk) -> None:
            nonlocal bars
            bars += len(block) * len(block.symbols)
            ended = block.first + len(block) == block.session.minutes
            rate = bars / max(1e-9, time.perf_counter() - began)
            bar.update(task, advance=int(ended), rate=rate, equity=desk.stats.last_equity)

        yield advance


def _baselines(prepared: Prepared, outcome: Outcome) -> list[dict[str, Any]]:
    from engine.records.baselines import baselines

    traded = {day.date for day in outcome.stats.days}
    blocks = (b for b in prepared.open_blocks() if b.session.date in traded)
    pnl = outcome.stats.last_equity - outcome.stats.starting_micro / MICRO
    return baselines(blocks, prepared.config, outcome.stats.round_trips, pnl)


def _gate_off(prepared: Prepared) -> dict[str, Any]:
    quality = prepared.config.quality.model_copy(update={"earned_slope": "off"})
    config = prepared.config.model_copy(update={"quality": quality})
    outcome = run(
        Plan(
            config=config,
            symbols=prepared.source.symbols,
            open_blocks=prepared.open_blocks,
            trade_from=prepared.dates[0],
            range_label=prepared.range_label,
            first_ts_ns=prepared.first_ts_ns,
        )
    )
    return summarise(outcome.stats, config)


def _manifest(
    prepared: Prepared, outcome: Outcome, folder: Path, started: dt.datetime, request: Request
) -> dict[str, Any]:
    report = prepared.source.report
    return {
        "run_id": folder.name,
        "command": "replay",
        "source": str(prepared.source.path.resolve()),
        "data_sha256": prepared.source.sha256(),
        "symbols": prepared.source.symbols,
        "from": prepared.dates[0],
        "to": prepared.dates[-1],
        "warmup": prepared.warmup,
        "epoch": epoch_of(prepared.config, prepared.source.symbols, prepared.range_label),
        "block": request.block,
        "commands": request.commands,
        "speed": request.speed,
        "config_sha256": prepared.config.sha256(),
        "config": prepared.config.model_dump(),
        "rows": {
            "read": report.rows,
            "outside_session": report.outside_session,
            "dropped": dict(report.dropped),
            "empty_sessions": report.empty_sessions,
        },
        "scores": {symbol: list(scores) for symbol, scores in outcome.scores.items()},
        "earned_slope": outcome.slope.pooled,
        "mailboxes": outcome.mailboxes,
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("rotor", "numpy", "numba", "trio", "orjson")},
        "cpus": os.cpu_count(),
        "started": started,
        "ended": dt.datetime.now(dt.UTC),
    }


def _write(folder: Path, summary: dict[str, Any], manifest: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    for name, value in (("summary.json", summary), ("manifest.json", manifest)):
        scratch = folder / f"{name}.tmp"
        scratch.write_bytes(orjson.dumps(value, option=option) + b"\n")
        scratch.replace(folder / name)


def _report(
    request: Request,
    prepared: Prepared,
    summary: dict[str, Any],
    rows: list[dict[str, Any]],
    gate_off: dict[str, Any] | None,
) -> None:
    if request.json:
        sys.stdout.buffer.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
        return
    from rich.console import Console

    from tui.summary_table import render

    console = Console()
    for line in _about(prepared, request):
        console.print(line, highlight=False, style="dim")
    said = [*sentences(summary, rows), learning_sentence(summary["learning"])]
    if gate_off is not None:
        worth = (summary["mrd"] or 0.0) - (gate_off["mrd"] or 0.0)
        said.append(
            f"The earned-slope gate is worth {100 * worth:+.3f}% a day here: without it "
            f"{gate_off['round_trips']:,} round trips, MRD {100 * (gate_off['mrd'] or 0.0):+.3f}%."
        )
    render(summary, console, baselines=rows, comparison=gate_off, said=said)
    rate = summary["symbol_bars_per_second"] or 0
    seconds = summary["wall_seconds"]
    console.print(f"\n{rate:,} symbol-bars per CPU second, {seconds:.2f} s; records in", end=" ")
    console.print(summary["run_dir"], highlight=False, soft_wrap=True)


def _about(prepared: Prepared, request: Request) -> Iterator[str]:
    what = "the bundled demo" if request.source is None else str(prepared.source.path)
    for origin in prepared.source.origins():
        yield f"Not a market: {what} was {origin}."
    report = prepared.source.report
    if report.outside_session:
        yield f"{report.outside_session:,} rows outside of the sessions were dropped."
    for what, count in sorted(report.dropped.items()):
        yield f"{count:,} rows dropped: {what}."
    if report.empty_sessions:
        yield f"Sessions without any bar: {', '.join(report.empty_sessions)}."
