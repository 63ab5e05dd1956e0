"""How far a live session is, in one line on a terminal's stderr.

KEY INPUT: the latest view.
KEY OUTPUT: a bar of minutes, the clock, equity, positions, mode.
"""

import sys

import trio

from actors.views import Views
from engine.market.calendar import NEW_YORK
from engine.market.frames import Session

_SECONDS = 0.5


async def show_progress(views: Views, session: Session) -> None:
    """Show the session's progress until cancelled; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        return
    import datetime as dt

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.fields[clock]}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TextColumn("${task.fields[equity]:,.2f} ({task.fields[pnl]:+,.2f})  {task.fields[held]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(
            "", total=session.minutes, clock="before the bell", equity=0.0, pnl=0.0, held=""
        )
        while True:
            view = views.latest
            if view is not None:
                at = dt.datetime.fromtimestamp(view.timestamp_ms / 1000 + 60, NEW_YORK)  # its end
                held = " ".join(p.symbol for p in view.positions) or "flat"
                bar.update(
                    task, completed=view.minute + 1, clock=f"{at:%H:%M} {view.mode}",
                    equity=view.equity, pnl=view.day_pnl, held=held,
                )  # fmt: skip
            await trio.sleep(_SECONDS)
