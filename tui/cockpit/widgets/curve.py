"""The session's equity as a curve, its drawdown below, on the whole day's axis.

KEY INPUT: CurveView, and what the day began with.
KEY OUTPUT: lines of braille; the scale grows in steps of 1, 2, 5 × 10ⁿ and never shrinks in a day.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, floor, log10

from actors.cockpit.views import CockpitView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.lines import Line, Lines, plain, rule

LABEL = 9
TICK_MINUTES = 120
MINUTE_NS = 60_000_000_000
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dot of a braille cell by row and column."""


class Curve(Lines, can_focus=True):
    """Equity today."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._day = ""
        self._low = self._high = 0.0
        self._made: tuple[object, Sequence[Line]] = ((), ())

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return title, curve, drawdown, axis."""
        width = self.size.width
        title = rule("Equity", "today, drawdown below", width, bold=self.has_focus)
        state = (view.curve, view.money.day_start_usd, self.size)
        if self._made[0] != state:
            self._made = (state, self._pictures(view))
        return title, *self._made[1]

    def _pictures(self, view: CockpitView) -> Sequence[Line]:
        width, height = self.size.width - LABEL, self.size.height - 2
        if self.low_bandwidth or not view.curve.equity_usd or width < 8 or height < 4:
            return _nothing(view, self.size.height, low_bandwidth=self.low_bandwidth)
        gains = [equity - view.money.day_start_usd for equity in view.curve.equity_usd]
        self._grow(view.header.session_date, gains)
        below = 3 if height >= 14 else 2
        falls = _drawdowns(view.curve.equity_usd)
        deepest = _step_up(-min(falls)) or 0.1
        minutes = view.curve.minutes
        return (
            *_labelled(
                plot(gains, minutes, width, height - below, (self._low, self._high)),
                _gain_labels(self._low, self._high, height - below),
                "info",
            ),
            *_labelled(
                plot(falls, minutes, width, below, (-deepest, 0.0)),
                {0: "dd 0%", below - 1: f"-{deepest:g}%"},
                "warning",
            ),
            plain(" " * LABEL + _ticks(view.header.open_ns, minutes, width), "muted"),
        )

    def _grow(self, day: str, gains: Sequence[float]) -> None:
        if day != self._day:
            self._day, self._low, self._high = day, 0.0, 0.0
        self._low = min(self._low, -_step_up(-min(gains)))
        self._high = max(self._high, _step_up(max(gains)))
        if self._low == self._high:
            self._low, self._high = -1.0, 1.0


def plot(
    values: Sequence[float], minutes: int, width: int, height: int, scale: tuple[float, float]
) -> list[str]:
    """Return values by minute as lines of braille; each minute is joined to the one before."""
    low, high = scale
    across, down = 2 * width, 4 * height
    cells = [[0] * width for _ in range(height)]
    before: int | None = None
    for at, value in enumerate(values):
        x = min(at * across // max(minutes, 1), across - 1)
        y = round((high - value) / (high - low) * (down - 1))
        y = min(max(y, 0), down - 1)
        start = y if before is None else before
        for dot in range(min(start, y), max(start, y) + 1):
            cells[dot // 4][x // 2] |= DOTS[dot % 4][x % 2]
        before = y
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in cells]


def _step_up(value: float) -> float:
    if value <= 0:
        return 0.0
    power: float = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


def _drawdowns(equity: Sequence[float]) -> list[float]:
    peaks = accumulate(equity, max)
    return [100 * (value / peak - 1) for value, peak in zip(equity, peaks, strict=True)]


def _gain_labels(low: float, high: float, height: int) -> dict[int, str]:
    zero = ceil(high / (high - low) * (height - 1))
    return {zero: "0", 0: f"{high:+,.0f}" if high else "0", height - 1: f"{low:+,.0f}"} | (
        {height - 1: "0"} if low == 0 else {}
    )


def _labelled(rows: Sequence[str], labels: dict[int, str], style: str) -> list[Line]:
    return [
        ((fmt.number(labels.get(y, ""), LABEL - 2) + " ┤", "muted"), (row, style))
        for y, row in enumerate(rows)
    ]


def _ticks(open_ns: int, minutes: int, width: int) -> str:
    text = " " * width
    for at in range(0, minutes, TICK_MINUTES):
        word = fmt.minute(open_ns + at * MINUTE_NS)
        place = min(at * width // minutes, width - len(word))
        text = text[:place] + word + text[place + len(word) :]
    return text


def _nothing(view: CockpitView, height: int, *, low_bandwidth: bool) -> list[Line]:
    first = fmt.minute(view.header.open_ns)
    words = "no curves with low bandwidth" if low_bandwidth else f"starts with the bar of {first}"
    return [*[plain()] * max((height - 2) // 2, 0), plain(f" {words}", "muted")]
