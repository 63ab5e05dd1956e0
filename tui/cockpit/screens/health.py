"""Screen 8: the machinery: actors and their mailboxes, links, latency, memory, incidents.

KEY INPUT: `health` and `header` of the view.
KEY OUTPUT: a sheet of actors, those that are not well first; budgets; from 36 lines on incidents
and how long the last minutes took to decide.
"""

from typing import ClassVar

from textual.app import ComposeResult

from actors.cockpit.views import ActorView, CockpitView, HealthView
from tui.cockpit import format as fmt
from tui.cockpit.screens.cells import bar, fixed
from tui.cockpit.screens.chart import braille
from tui.cockpit.screens.sheets import SheetScreen
from tui.cockpit.widgets.column import Cell, Column
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.sheet import Sheet

BUDGET_MS = 50.0
"""For a minute's decisions."""
FRAME_ROWS = 5
_LINKS = {"up": ("●", "profit"), "connecting": ("◦", "warning"), "down": ("✗", "danger")}


def _state(actor: ActorView) -> Cell:
    return actor.state, "muted" if actor.state == "up" else "danger"


def _filled(actor: ActorView) -> Cell:
    used = actor.mailbox / actor.capacity if actor.capacity else 0.0
    words = f"{actor.mailbox:,} of {actor.capacity:,}" if actor.capacity else fmt.MISSING
    return words, "warning" if used >= 0.7 else ""


COLUMNS: tuple[Column[ActorView], ...] = (
    Column(field="actor", heading="ACTOR", width=20, left=True, words=True,
           value=lambda a: a.name, cell=lambda a: a.name),
    Column(field="state", heading="STATE", width=11, left=True, words=True,
           value=lambda a: a.state, cell=_state),
    Column(field="restarts", heading="RESTARTS", width=8, value=lambda a: a.restarts,
           cell=lambda a: (f"{a.restarts}", "warning" if a.restarts else "")),
    Column(field="mailbox", heading="MAILBOX", width=12, value=lambda a: a.mailbox, cell=_filled),
    Column(field="peak", heading="MOST", width=6,
           value=lambda a: a.peak, cell=lambda a: f"{a.peak:,}"),
    Column(field="p50", heading="p50 ms", width=7,
           value=lambda a: a.p50_ms, cell=lambda a: fixed(a.p50_ms)),
    Column(field="p99", heading="p99 ms", width=7,
           value=lambda a: a.p99_ms, cell=lambda a: fixed(a.p99_ms)),
)  # fmt: skip


class HealthScreen(SheetScreen):
    """Whether all runs as it should."""

    number: ClassVar[str] = "8"
    title_word: ClassVar[str] = "Health"

    def __init__(self) -> None:
        super().__init__()
        self._view: CockpitView | None = None

    def body(self) -> ComposeResult:
        """Lay out crumb, actors, links, budgets, incidents, frames."""
        yield Panel(id="crumb")
        yield Sheet[ActorView](COLUMNS, lambda a: a.name, mark=_mark)
        yield Panel(id="links")
        yield Panel(id="budget")
        yield Panel(id="incidents")
        yield Panel(id="frames")

    def draw_body(self, view: CockpitView) -> None:
        """Draw it all."""
        self._view = view
        self.sheet.give(sorted(view.health.actors, key=lambda a: a.state == "up"))
        self.draw_rest()

    def tick_body(self, view: CockpitView) -> None:
        """Draw how old the data is."""
        self._view = view
        self.query_one("#links", Panel).tell(_links(view, self.size.width))

    def draw_rest(self) -> None:
        """Draw what is not in the sheet."""
        view = self._view
        if view is None:
            return
        health, width = view.health, self.size.width
        unwell = sum(actor.state != "up" for actor in health.actors)
        self.draw_crumb(f"{unwell} not up" if unwell else "all up")
        self.query_one("#links", Panel).tell(_links(view, width))
        self.query_one("#budget", Panel).tell(_budget(health, width))
        self.query_one("#incidents", Panel).tell(_incidents(health, width))
        self.query_one("#frames", Panel).tell(_frames(health, width))


def _mark(actor: ActorView) -> Cell:
    return (" ", "") if actor.state == "up" else ("!", "danger")


def _links(view: CockpitView, width: int) -> list[Told]:
    header = view.header
    counts = " · ".join(f"{count:,} {name}" for name, count in view.health.counts)
    return [
        rule("Links", "", width),
        (
            (" feed   ", "muted"),
            _LINKS.get(header.feed_link, ("·", "muted")),
            f" {header.feed_link}   last bar {fmt.minute(header.last_bar_ns)}",
            f"   data age {fmt.age(header.data_age_s)}   {counts}",
        ),
        (
            (" orders ", "muted"),
            _LINKS.get(header.orders_link, ("·", "muted")),
            f" {header.orders_link}   viewers {header.viewers}   {view.health.inputs:,} inputs",
        ),
    ]


def _budget(health: HealthView, width: int) -> list[Told]:
    p99 = health.frame_p99_ms
    return [
        rule("Budget", "", width),
        (
            (" a minute's decisions ", "muted"),
            *bar(p99 or 0.0, BUDGET_MS, 20),
            f" p50 {fixed(health.frame_p50_ms, 1)}  p99 {fixed(p99, 1)} of {BUDGET_MS:.0f} ms",
        ),
        (
            (" memory ", "muted"), f"{health.memory_mb:,.0f} MB",
            ("   disk ", "muted"), f"{health.disk_free_gb:,.0f} GB free",
        ),
    ]  # fmt: skip


def _incidents(health: HealthView, width: int) -> list[Told]:
    told = health.incidents or ("none",)
    title = rule("Incidents today", f"{len(health.incidents)}", width)
    return [title, *(f" {incident}" for incident in told)]


def _frames(health: HealthView, width: int) -> list[Told]:
    frames = health.frame_ms
    title = rule("Decision time of the last minutes, ms", f"{len(frames)} minutes", width)
    if not frames:
        return [title, ((" none yet", "muted"),)]
    cells, top = min(width - 10, len(frames)), max(frames)
    rows = braille(frames, cells, FRAME_ROWS, 0.0, top)
    labels = [fixed(top, 1), *[""] * (FRAME_ROWS - 2), "0.0"]
    return [
        title,
        *(
            ((f"{label:>7} ┤", "muted"), (row, "info"))
            for label, row in zip(labels, rows, strict=True)
        ),
    ]
