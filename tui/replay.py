"""`rotor replay`: run the plan, show how far it is, write and print the summary.

KEY INPUT: a Request.
KEY OUTPUT: a run folder, a summary on stdout, an exit code.
"""

import contextlib
import datetime as dt
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from actors.desk import Desk
from actors.pacing import Pacing
from actors.system import Outcome, Plan, epoch_of, run
from engine.errors import BadInputError
from engine.events import MICRO
from engine.market.frames import Block
from engine.records.manifest import seal_of, write_manifest, write_summary
from engine.records.run_source import holds_run
from engine.records.summary import (
    audited,
    learning_figures,
    learning_sentence,
    sentences,
    summarise,
)
from tui.check import short_audit
from tui.enrol import enrol
from tui.history import learn_first
from tui.live_screen import has_terminal, run_on_screen
from tui.live_start import say
from tui.manifest_head import manifest_head
from tui.options import Look
from tui.prepare import Prepared, Request, prepare
from tui.run_folder import run_folder
from tui.warm import warm

NAMES = {"first": "from", "last": "to", "sets": "set", "scan": "no-scan", "commands": "command"}
"""What the command line calls a field of Request, where it differs."""
SCREEN_SPEED = 60.0
"""Minutes per minute on a screen, unless --speed says another."""


def replay_command(request: Request) -> int:
    """Run `rotor replay`; return the exit code."""
    if request.tui and not has_terminal():
        raise BadInputError("--tui draws on a terminal; without it rotor replay prints a summary")
    if request.tui and request.source is not None and holds_run(request.source):
        return _watch(request, request.source, request.tui)
    prepared = prepare(request)
    if prepared.idle_keys:
        print(f"no effect yet: {', '.join(prepared.idle_keys)}", file=sys.stderr)  # noqa: T201
    for said in prepared.said:
        print(said, file=sys.stderr)  # noqa: T201
    epoch = epoch_of(prepared.config, prepared.source.symbols, prepared.range_label)
    runs_dir = prepared.config.records.runs_dir
    with run_folder(request.out, runs_dir, epoch, overwrite=request.overwrite) as folder:
        return _replay(request, prepared, folder)


def _watch(request: Request, run_dir: Path, look: Look) -> int:
    """Show a finished run as it was; refuse what would make it another one."""
    from tui.recorded import watch_recorded

    plain = Request(source=request.source, speed=request.speed, tui=look)
    given = [NAMES.get(f.name, f.name) for f in fields(Request)
             if getattr(request, f.name) != getattr(plain, f.name)]  # fmt: skip
    if given:
        raise BadInputError(
            f"{run_dir} is a finished run, which --tui shows as it was: leave out "
            f"{', '.join(f'--{name}' for name in given)} (without --tui its bars are replayed anew)"
        )
    return watch_recorded(run_dir, request.speed or SCREEN_SPEED, look)


def _replay(request: Request, prepared: Prepared, folder: Path) -> int:
    level = request.journal or prepared.config.records.journal
    startup = time.perf_counter()
    ahead = short_audit(prepared)
    begun = _manifest(prepared, folder, request, level)
    write_manifest(folder, begun)
    warm()
    startup = time.perf_counter() - startup
    before = time.process_time()
    learned, taught = learn_first(prepared, None if level == "none" else folder, say)
    before = time.process_time() - before
    wall, cpu = time.perf_counter(), time.process_time()
    begun |= taught
    write_manifest(folder, begun)
    enrolled = enrol(prepared.config.database.url, folder)
    pacing = _pacing(request, prepared)
    with _progress(prepared, shown=not request.tui) as progress:
        outcome = (partial(run_on_screen, request.tui) if request.tui else run)(
            Plan(
                config=prepared.config,
                symbols=prepared.source.symbols,
                open_blocks=partial(prepared.open_blocks, learned=learned),
                trade_from=None,
                range_label=prepared.range_label,
                first_ts_ns=prepared.first_ts_ns,
                learned=learned,
                folder=folder,
                level=level,  # type: ignore[arg-type]
                block_size=request.block,
                scan=request.scan,
                commands=prepared.commands,
                pacing=pacing,
                follower=enrolled.follower,
                progress=progress,
            )
        )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    summary = summarise(outcome.stats, prepared.config)
    summary |= {
        "learning": learning_figures(outcome.scores, outcome.slope.pooled),
        **({} if ahead is None else {"looks_ahead": ahead}),
        "startup_seconds": round(startup, 4),
        "warmup_cpu_seconds": round(before, 4),
        "wall_seconds": round(wall, 4),
        "cpu_seconds": round(cpu, 4),
        "symbol_bars_per_second": round(summary["symbol_bars"] / cpu) if cpu else None,
        "journal_sha256": outcome.journal_sha256,
        "run_dir": str(folder.resolve()),
    }
    ended = begun | _ended(prepared, outcome)
    seal = write_summary(folder, summary)
    write_manifest(folder, ended | {"summary_sha256": [seal]})
    enrolled.finish()
    rows, gate_off = _second_step(request, prepared, outcome, level)
    if rows:
        summary["baselines"] = rows
    if gate_off is not None:
        summary["gate_off"] = gate_off
    if rows or gate_off is not None:
        # both are named before the second is written: a kill between them leaves one of them
        seals = [seal, seal_of(summary)]
        write_manifest(folder, ended | {"summary_sha256": seals})
        write_summary(folder, summary)
    enrolled.close()
    _report(request, prepared, summary, rows, gate_off)
    # who leaves the screen has seen enough
    return 1 if outcome.stats.interrupted and not request.tui else 0


def _second_step(
    request: Request, prepared: Prepared, outcome: Outcome, level: str
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return the baselines and the run without the gate; neither for a run that was interrupted."""
    if outcome.stats.interrupted or not outcome.stats.days:
        return [], None
    wanted = (request.compare or not request.json) and level != "none"
    rows = _baselines(prepared, outcome) if wanted or request.compare else []
    on = prepared.config.quality.earned_slope == "on"
    return rows, _gate_off(prepared) if request.compare and on else None


def _pacing(request: Request, prepared: Prepared) -> Pacing | None:
    if request.tui:
        return Pacing(request.speed or SCREEN_SPEED, prepared.dates)
    return None if request.speed is None else Pacing(request.speed, prepared.dates)


@contextlib.contextmanager
def _progress(prepared: Prepared, *, shown: bool) -> Iterator[Any]:
    """Show sessions, bars per second, equity and the time left, on a terminal's stderr."""
    if not (shown and sys.stderr.isatty()):
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
    total = len(prepared.dates)
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
    pnl = (outcome.stats.days[-1].equity_micro - outcome.stats.starting_micro) / MICRO
    return baselines(blocks, prepared.config, outcome.stats.round_trips, pnl)


def _gate_off(prepared: Prepared) -> dict[str, Any]:
    quality = prepared.config.quality.model_copy(update={"earned_slope": "off"})
    config = prepared.config.model_copy(update={"quality": quality})
    prepared = replace(prepared, config=config)
    learned, _ = learn_first(prepared, None, say)
    outcome = run(
        Plan(
            config=config,
            symbols=prepared.source.symbols,
            open_blocks=partial(prepared.open_blocks, learned=learned),
            trade_from=None,
            range_label=prepared.range_label,
            first_ts_ns=prepared.first_ts_ns,
            learned=learned,
        )
    )
    if outcome.stats.interrupted:
        raise KeyboardInterrupt
    return summarise(outcome.stats, config)


def _manifest(prepared: Prepared, folder: Path, request: Request, level: str) -> dict[str, Any]:
    """Return what is known of a run when it begins."""
    return {
        "run_id": folder.resolve().name,
        "command": "replay",
        "level": level,
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
        **manifest_head(prepared.config),
    }


def _ended(prepared: Prepared, outcome: Outcome) -> dict[str, Any]:
    """Return what a run's manifest knows beside, once it has ended."""
    report = prepared.source.report
    return {
        "rows": {
            "read": report.rows,
            "outside_session": report.outside_session,
            "dropped": dict(report.dropped),
            "empty_sessions": report.empty_sessions,
        },
        "scores": {symbol: list(scores) for symbol, scores in outcome.scores.items()},
        "earned_slope": outcome.slope.pooled,
        "mailboxes": outcome.mailboxes,
        "interrupted": outcome.stats.interrupted,
        "journal_sha256": outcome.journal_sha256,
        "heads": outcome.heads,
        "ended": dt.datetime.now(dt.UTC),
    }


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
    if "looks_ahead" in summary:
        console.print(audited(summary)[0], highlight=False, markup=False, style="bold red")
    for line in _about(prepared, request):
        console.print(line, highlight=False, markup=False, style="dim")
    said = [*sentences(summary, rows), learning_sentence(summary["learning"])]
    if gate_off is not None:
        worth = (summary["mrd"] or 0.0) - (gate_off["mrd"] or 0.0)
        said.append(
            f"The earned-slope gate is worth {100 * worth:+.3f}% a day here: without it "
            f"{gate_off['round_trips']:,} round trips, MRD {100 * (gate_off['mrd'] or 0.0):+.3f}%."
        )
    elif request.compare and prepared.config.quality.earned_slope == "off":
        said.append("The earned-slope gate is off in this run: there is nothing to compare.")
    render(summary, console, baselines=rows, comparison=gate_off, said=said)
    rate = summary["symbol_bars_per_second"] or 0
    seconds = summary["wall_seconds"]
    console.print(f"\n{rate:,} symbol-bars per CPU second, {seconds:.2f} s; records in", end=" ")
    console.print(summary["run_dir"], highlight=False, markup=False, soft_wrap=True)


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
