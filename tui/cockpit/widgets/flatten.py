"""A liquidation on its way to the confirmed end.

KEY INPUT: FlattenView.
KEY OUTPUT: its five steps, what was sold of each position, what is left.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView, FlattenView, StepView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.lines import Line, Lines, Piece, bar, plain, rule

STATES = {
    "waiting": ("·", "muted"),
    "running": ("►", "warning"),
    "done": ("✓", "profit"),
    "failed": ("✗", "danger"),
}
BAR = 20
AFTER = " then REDUCE_ONLY: no entries until h resumes"


class Flatten(Lines):
    """Steps and lines of a liquidation."""

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return what there is place for; the steps that wait go into one line first."""
        flatten = view.flatten
        if flatten is None:
            return ()
        width, place = self.size.width, self.size.height - 1
        lines = steps(flatten)
        if flatten.scope == "all" and len(lines) < place:
            lines.append(plain(AFTER, "muted"))
        if len(lines) > place:
            lines = steps(flatten, short=True)
        if len(lines) > place > 0:
            kept = place - (1 if flatten.left else 0)
            lines = lines[:kept] + lines[len(lines) - (place - kept) :]
        return title(view, flatten, width), *lines


def title(view: CockpitView, flatten: FlattenView, width: int) -> Line:
    """Return what is being sold, for how long, by whom."""
    everything = flatten.scope in {"all", ""}
    scope = "all positions" if everything else fmt.words(flatten.scope, 24).rstrip()
    end = flatten.confirmed_ns or view.header.now_ns
    seconds = max(end - flatten.started_ns, 0) // 1_000_000_000
    state = "flat after " if flatten.confirmed_ns else ""
    fact = f"{state}{seconds} s · {flatten.by}, {fmt.clock(flatten.started_ns)}"
    return rule(f"Flatten · {scope}", fact, width, bold=True)


def steps(flatten: FlattenView, *, short: bool = False) -> list[Line]:
    """Return every step, the lines of the symbols below the one that sells."""
    numbered = list(enumerate(flatten.steps, start=1))
    waiting = [pair for pair in numbered if pair[1].state == "waiting"] if short else []
    lines = [_step(number, step) for number, step in numbered if (number, step) not in waiting]
    if waiting:
        lines.append(
            tuple(piece for number, step in waiting for piece in _waiting(number, step.name))
        )
    at = _sells(flatten, len(lines))
    sold = [plain(f"     {line}") for line in flatten.lines]
    left = [plain(f" left: {flatten.left}", "danger")] if flatten.left else []
    return lines[:at] + sold + lines[at:] + left


def _sells(flatten: FlattenView, most: int) -> int:
    selling = [place for place, step in enumerate(flatten.steps, start=1) if step.total]
    return min(max(selling, default=most), most)


def _step(number: int, step: StepView) -> Line:
    glyph, style = STATES[step.state]
    return (
        (f" {number} {step.name:<23} ", "" if step.state != "waiting" else "muted"),
        (glyph + " ", style),
        *_progress(step, style),
    )


def _progress(step: StepView, style: str) -> tuple[Piece, ...]:
    if step.state == "done":
        time = fmt.tenths(step.at_ns) if step.at_ns is not None else ""
        count = f"  {step.done:,} of {step.total:,}" if step.total else ""
        return ((time + count, ""),)
    if step.state == "waiting" or not step.total:
        return ()
    done = bar(step.done / step.total, BAR, style)
    return *done, (f" {step.done:,} of {step.total:,} shares", "")


def _waiting(number: int, name: str) -> tuple[Piece, ...]:
    return ((f" {number} {name} ·  ", "muted"),)
