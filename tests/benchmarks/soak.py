"""Ten live sessions, one after the other, in one process: memory, tasks, threads, sockets.

    python -m tests.benchmarks.soak [--sessions 10] [--speed N]

Each session is the whole of `rotor live` against a `rotor exchange` of its own (a child), in
lockstep. What counts is what is left after it: a session that leaks shows in every row.
"""

import argparse
import datetime as dt
import gc
import sys
import tempfile
import threading
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import psutil
import trio
from rich.console import Console
from rich.table import Table

from engine.market.sources import open_source
from engine.market.synth import SYMBOLS, write_parquet
from tests.benchmarks.latency import BUSY, exchange
from tui.live import run_live
from tui.live_session import LiveRequest

MOST_GROWTH = 0.05
FIRST = dt.date(2025, 6, 23)


def left():
    """Return (RSS in MB, Trio tasks, threads, sockets, open files) of this process.

    Threads that Trio keeps for ten idle seconds are not counted.
    """
    gc.collect()
    process = psutil.Process()
    return (
        process.memory_info().rss / 2**20,
        trio.lowlevel.current_statistics().tasks_living,
        sum(not thread.name.startswith("Trio") for thread in threading.enumerate()),
        len(process.net_connections(kind="all")),
        process.num_fds(),
    )


async def soak(source, dates, scratch, *, speed, port):
    """Trade the sessions; return a row of `left` for before and after each."""
    rows = [left()]
    for date in dates:
        out = StringIO()
        with (
            exchange(source, date=date, speed=speed, port=port) as url,
            redirect_stdout(out), redirect_stderr(out),
        ):  # fmt: skip
            code = await run_live(
                LiveRequest(
                    endpoint=url, symbols=",".join(SYMBOLS), out=scratch / str(date), json=False,
                    sets=(*BUSY, f"database.url=sqlite:///{scratch}/soak.db"),
                )
            )  # fmt: skip
        if code:
            sys.exit(out.getvalue())
        rows.append(left())
        print(date, *(f"{value:,.1f}" for value in rows[-1]), flush=True)
    return rows


def told(rows, console):
    """Print the rows; return the growth of memory after the first session, a fraction."""
    table = Table("after session", "RSS MB", "tasks", "threads", "sockets", "files", box=None)
    for number, (rss, *counts) in enumerate(rows):
        table.add_row(str(number) if number else "none", f"{rss:.1f}", *map(str, counts))
    console.print(table)
    growth = rows[-1][0] / rows[1][0] - 1
    leaked = [a != b for a, b in zip(rows[1][1:], rows[-1][1:], strict=True)]
    goal = f"goal: below {MOST_GROWTH:.0%}"
    console.print(f"memory after the first session: {growth:+.1%} ({goal}); leaked: {any(leaked)}")
    return growth


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--speed", type=float, help="instead of lockstep")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rotor-soak-") as folder:
        scratch = Path(folder)
        source = scratch / "bars.parquet"
        write_parquet(
            source, symbols=SYMBOLS, first=FIRST, sessions=options.sessions + 2, seed=1, signal=2.0
        )
        dates = open_source(source).session_dates()[2:]
        rows = trio.run(
            lambda: soak(source, dates, scratch, speed=options.speed, port=options.port)
        )
    return 1 if told(rows, Console(width=110)) > MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
