"""Screen 6: limits and how much of them is used, breakers, who halted, what was refused.

KEY INPUT: `risk`, `header`, `money`, `alerts` of the view.
KEY OUTPUT: gauges, a sheet of breakers, the halt in words, from 36 lines on refusals by check.
"""

from typing import ClassVar

from textual.app import ComposeResult

from actors.cockpit.views import BreakerView, CockpitView, LimitView
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import Row
from tui.cockpit.screens.cells import NONE, bar, fixed, of_limit
from tui.cockpit.screens.sheets import SheetScreen
from tui.cockpit.widgets.column import Cell, Column
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.sheet import Sheet

_FACTS = 52
"""Cells beside a gauge: its name, the measure, the limit."""


def _state(breaker: BreakerView) -> Cell:
    return ("TRIPPED", "danger") if breaker.tripped else ("armed", "muted")


COLUMNS: tuple[Column[BreakerView], ...] = (
    Column(field="breaker", heading="BREAKER", width=18, left=True, words=True,
           value=lambda b: b.name, cell=lambda b: b.name),
    Column(field="state", heading="STATE", width=7, left=True, words=True,
           value=lambda b: _state(b)[0], cell=_state),
    Column(field="since", heading="SINCE", width=5, left=True, words=True,
           value=lambda b: fmt.minute(b.since_ns) if b.since_ns else None,
           cell=lambda b: fmt.minute(b.since_ns) if b.since_ns else NONE),
    Column(field="rearms", heading="RE-ARMS", width=20, left=True, words=True,
           value=lambda b: b.rearms, cell=lambda b: (b.rearms, "muted")),
    Column(field="reason", heading="WHY", width=0, left=True, words=True,
           value=lambda b: b.reason, cell=lambda b: b.reason),
)  # fmt: skip


class RiskScreen(SheetScreen):
    """What keeps the account whole."""

    number: ClassVar[str] = "6"
    title_word: ClassVar[str] = "Risk"

    def __init__(self) -> None:
        super().__init__()
        self._view: CockpitView | None = None

    def body(self) -> ComposeResult:
        """Lay out crumb, gauges, breakers, halt, refusals."""
        yield Panel(id="crumb")
        yield Panel(id="limits")
        yield Panel(id="breakers-rule")
        yield Sheet[BreakerView](COLUMNS, lambda b: b.name, mark=_mark)
        yield Panel(id="halt")
        yield Panel(id="refusals")

    def draw_body(self, view: CockpitView) -> None:
        """Draw it all."""
        self._view = view
        tripped_first = sorted(view.risk.breakers, key=lambda b: not b.tripped)
        self.sheet.give(tripped_first)
        self.query_one("#limits").styles.height = len(view.risk.limits)
        self.draw_rest()

    def draw_rest(self) -> None:
        """Draw what is not in the sheet."""
        view = self._view
        if view is None:
            return
        width = self.size.width
        tripped = sum(breaker.tripped for breaker in view.risk.breakers)
        fact = f"{tripped} tripped" if tripped else "all armed"
        self.draw_crumb(fact)
        limits = [_limit(limit, width) for limit in view.risk.limits]
        self.query_one("#limits", Panel).tell(limits)
        blocked = f"{fact} · entries {'blocked' if _blocked(view) else 'free'}, exits always"
        self.query_one("#breakers-rule", Panel).tell([rule("Breakers", blocked, width)])
        chosen: BreakerView | None = self.sheet.row
        told = [_breaker(chosen), *_halt(view)] if chosen is not None else _halt(view)
        self.query_one("#halt", Panel).tell(told)
        self.query_one("#refusals", Panel).tell(_refusals(view, width))

    @property
    def selected(self) -> Row | None:
        """Return the breaker under the cursor."""
        breaker: BreakerView | None = self.sheet.row
        return None if breaker is None else Row("breaker", breaker.name, "")


def _mark(breaker: BreakerView) -> Cell:
    return ("!", "danger") if breaker.tripped else (" ", "")


def _breaker(breaker: BreakerView) -> Told:
    since = f" since {fmt.minute(breaker.since_ns)}" if breaker.since_ns else ""
    why = f": {breaker.reason}" if breaker.reason else ""
    return (
        (" breaker    ", "muted"),
        f"{breaker.name} ",
        (f"{_state(breaker)[0]}{since}{why}", _state(breaker)[1]),
        f"; re-arms {breaker.rearms}",
    )


def _blocked(view: CockpitView) -> bool:
    return bool(view.header.blocked_by) or view.header.trading_mode != "ACTIVE"


def _limit(limit: LimitView, width: int) -> Told:
    percent = limit.unit == "%"
    decimals, end = (2, "%") if percent else (0, f" {limit.unit}")
    measure, most = fixed(limit.measure, decimals), fixed(limit.limit, decimals)
    cells = min(50, width - _FACTS)
    return (
        (f" {limit.name:<11} ", "muted"),
        *bar(limit.measure, limit.limit, cells),
        (f" {measure:>8}", of_limit(limit.measure, limit.limit).replace("info", "")),
        f" of {most:>6}{end}",
    )


def _halt(view: CockpitView) -> list[Told]:
    header = view.header
    if header.halted_ns is not None:
        at = fmt.minute(header.halted_ns)
        halt: Told = (
            (" halt       ", "muted"),
            (f"halted by {header.halted_by or 'the session'} at {at}; h y resumes", "warning"),
        )
    else:
        halt = ((" halt       ", "muted"), "not halted (h halts: no entries until you resume)")
    blocked: Told = (
        (" entries    ", "muted"),
        (f"refused: {header.blocked_by}", "warning") if header.blocked_by else "free",
    )
    return [halt, blocked]


def _refusals(view: CockpitView, width: int) -> list[Told]:
    gates = view.risk.refusals_by_gate
    most = max((count for _, count in gates), default=0)
    cells = min(40, width - 34)
    return [
        rule("Refusals today by check", f"{view.stats.refusals}", width),
        *(
            (
                (f" {fmt.words(gate, 22)} ", ""),
                (fmt.bar(count / most if most else 0.0, cells), "info"),
                f" {count:>5}",
            )
            for gate, count in gates
        ),
    ]
