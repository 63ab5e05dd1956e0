"""Row 3: the session as a track, which in a replay is also the way to a time.

KEY INPUT: the header's times, the curve's marks.
KEY OUTPUT: one line: now ●, entries ▲ and exits ▼, no entries from ┊, flatten ┃; clicks to a time.
"""

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message

from actors.cockpit.views import CockpitView, HeaderView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.header import SPLENDID
from tui.cockpit.widgets.lines import Line, Lines, Piece

LEFT = len(" 09:30 ")
MINUTE_NS = 60_000_000_000
STYLES = {"●": "bold", "▲": "info", "▼": "warning", "━": "info", "┃": "danger"}


class Track(Lines):
    """The session from open to close."""

    class Sought(Message):
        """A minute of the session was clicked."""

        def __init__(self, minute: int) -> None:
            super().__init__()
            self.minute = minute

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return the track."""
        return (track(view, self.size.width),)

    def on_click(self, event: Click) -> None:
        """Tell which minute was clicked."""
        if self.view is not None:
            header = self.view.header
            length, _, before = _lengths(header, self.size.width)
            if LEFT <= event.x < LEFT + length:
                self.post_message(self.Sought((event.x - LEFT) * before // length))


def track(view: CockpitView, width: int) -> Line:
    """Return the session as a line."""
    header = view.header
    length, after, before = _lengths(header, width)
    entries_end = fmt.minute(header.no_entries_ns)
    middle = f" no entries {entries_end} " if width >= SPLENDID else f" {entries_end} "
    return (
        (f" {fmt.minute(header.open_ns)} ", "muted"),
        *_runs(_trading(view, length, before)),
        (middle, "muted"),
        *_runs(_ending(header, after)),
        (f" {fmt.minute(header.close_ns)} ", "muted"),
    )


def _lengths(header: HeaderView, width: int) -> tuple[int, int, int]:
    after = 12 if width >= SPLENDID else 9
    words = LEFT * 3 + (len("no entries ") if width >= SPLENDID else 0)
    before = max((header.no_entries_ns - header.open_ns) // MINUTE_NS, 1)
    return max(width - words - after, 1), after, before


def _trading(view: CockpitView, length: int, minutes: int) -> str:
    gone = (view.header.now_ns - view.header.open_ns) / MINUTE_NS
    now = round(min(max(gone / minutes, 0.0), 1.0) * length)
    cells = list("━" * now + "┄" * (length - now))
    for minute, entry in view.curve.marks:
        if minute < minutes:
            cells[minute * length // minutes] = "▲" if entry else "▼"
    if gone >= 0 and now < length:
        cells[now] = "●"
    return "".join(cells)


def _ending(header: HeaderView, length: int) -> str:
    minutes = max((header.close_ns - header.no_entries_ns) // MINUTE_NS, 1)
    cells = ["┄"] * length
    gone = (header.now_ns - header.no_entries_ns) / MINUTE_NS
    now = int(min(max(gone / minutes, 0.0), 1.0) * length)
    cells[:now] = "━" * now
    flatten = (header.flatten_ns - header.no_entries_ns) // MINUTE_NS
    cells[0], cells[min(flatten * length // minutes, length - 2)] = "┊", "┃"
    if gone >= 0 and now < length:
        cells[now] = "●"
    return "".join(cells)


def _runs(cells: str) -> list[Piece]:
    runs: list[Piece] = []
    for cell in cells:
        style = STYLES.get(cell, "muted")
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + cell, style)
        else:
            runs.append((cell, style))
    return runs
