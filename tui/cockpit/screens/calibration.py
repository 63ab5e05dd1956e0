"""What was promised against what came: a line for each confidence bucket.

KEY INPUT: buckets, with the interval of what they won.
KEY OUTPUT: a plot whose axis is the win rate: `·` said, `●` got, `├ ┤` the interval of one of them;
behind it both in figures, how many outcomes, ✓ it passes, ✗ it is rejected, ? it is unproven.
"""

from collections.abc import Iterable

from actors.cockpit.asked import BucketView
from tui.cockpit.screens.cells import rate
from tui.cockpit.screens.chart import placed
from tui.cockpit.widgets.panel import Told

LOW, HIGH = 0.3, 0.9
"""Ends of the axis; what lies beyond is drawn at its end."""
_LABEL = 8
_ROOM = 56
"""From this width on the interval is told in figures too."""
_GLYPHS = {"pass": ("✓", "profit"), "reject": ("✗", "loss"), "unproven": ("?", "muted")}


def calibration_lines(buckets: Iterable[BucketView], width: int, height: int) -> list[Told]:
    """Return the plot of the buckets with the most outcomes that have room, and its axis."""
    figures = width >= _ROOM
    cells = max(0, width - _LABEL - (26 if figures else 17))
    most = sorted(buckets, key=lambda bucket: -bucket.n)[: max(1, height - 1)]
    seen = sorted((bucket for bucket in most if bucket.n), key=lambda bucket: bucket.low)
    if not seen:
        return [((" no outcome yet", "muted"),)]
    return [*(_line(bucket, cells, figures=figures) for bucket in seen), _axis(cells)]


def _line(bucket: BucketView, cells: int, *, figures: bool) -> Told:
    got = bucket.won / bucket.n
    row = [" "] * cells
    if bucket.rate_low is not None and bucket.rate_high is not None and cells:
        left, right = _cell(bucket.rate_low, cells), _cell(bucket.rate_high, cells)
        row[left : right + 1] = "─" * (right - left + 1)
        row[left], row[right] = "├", "┤"
    for value, glyph in ((bucket.win_rate, "·"), (got, "●")):
        if value is not None and cells:
            row[_cell(value, cells)] = glyph
    within = f" {f'({rate(bucket.rate_low)}-{rate(bucket.rate_high)})':<8}" if figures else ""
    return (
        (f" {100 * bucket.low:.0f}-{100 * bucket.high:.0f}%".ljust(_LABEL), "muted"),
        ("".join(row), "info"),
        f" {rate(bucket.win_rate):>3}→{rate(got):>3}%{within} {bucket.n:>5} ",
        _GLYPHS.get(bucket.verdict, (" ", "")),
    )


def _axis(cells: int) -> Told:
    ticks = [(_cell(percent / 100, cells), f"{percent}%") for percent in range(40, 100, 20)]
    words = placed(ticks, cells).ljust(cells)
    return ((f"{'':<{_LABEL}}{words} said→got", "muted"),)


def _cell(value: float, cells: int) -> int:
    return round(min(max((value - LOW) / (HIGH - LOW), 0.0), 1.0) * max(0, cells - 1))
