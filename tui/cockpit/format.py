"""Numbers, clocks and small pictures as the cockpit shows them: every field has a fixed width.

KEY INPUT: a number of a view, and its field's width.
KEY OUTPUT: text of exactly that width, with no part of a number cut off.

`-` does not apply or is not known, `–` is not ranked, `#####` does not fit. Words may be cut, on
the right; ids on the left. Clocks are New York's.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from rich.cells import get_character_cell_size

NEW_YORK = ZoneInfo("America/New_York")
MISSING = "-"
SPARKS = "▁▂▃▄▅▆▇█"
ASCII = (
    str.maketrans(
        "▲▼●◦→►▸✓✗━╸┄├┼┤─│┃┊▁▂▃▄▅▆▇█·–…×Δ↓‖┏┓┗┛↑←↵›■",
        "^v*.>>>+x=-.[+]-||:__..--'^.-~xdv=++++^<<>#",
    )
    | {0x2800: " "}
    | dict.fromkeys(range(0x2801, 0x2900), "*")
)


UNSHOWN = "\N{REPLACEMENT CHARACTER}"


class _Signs(dict[int, str]):
    """What each sign is shown as: itself, if it is one cell of ink and steers no terminal."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        shown = sign.isprintable() and get_character_cell_size(sign) == 1
        self[code] = sign if shown else UNSHOWN
        return self[code]


_SIGNS = _Signs()


def drawable(text: str, *, only_ascii: bool = False) -> str:
    """Return a text as a terminal may be given it, every sign in one cell.

    What comes from outside (reasons, names, errors) may hold escapes, line ends, overrides of the
    direction, wide or combining signs: each is shown as one �, and columns stay where they are.
    """
    if text.isascii() and text.isprintable():
        return text
    clean = text.translate(_SIGNS)
    return ascii_only(clean) if only_ascii else clean


def ascii_only(text: str) -> str:
    """Return the text with every glyph as an ASCII one, as wide as before; ? for what has none."""
    told = text.replace("✓ ", "ok").translate(ASCII)
    return told.encode("ascii", "replace").decode("ascii")


def number(text: str, width: int) -> str:
    """Return a number's text on the right of its field; `#####` if it does not fit."""
    return text.rjust(width) if len(text) <= width else ("#" * min(5, width)).rjust(width)


def words(text: str, width: int) -> str:
    """Return words on the left of their field, cut on the right."""
    return text.ljust(width) if len(text) <= width else text[: max(width - 1, 0)] + "…"[:width]


def tail(text: str, width: int) -> str:
    """Return an id on the left of its field, cut on the left: the tail is what differs."""
    return text.ljust(width) if len(text) <= width else "…"[:width] + text[len(text) - width + 1 :]


def symbol(text: str, width: int = 5) -> str:
    """Return a symbol."""
    return words(text, width)


def decimal(value: float | None, decimals: int, width: int) -> str:
    """Return a number without a sign of its own."""
    return number(_plain(value, decimals), width)


def price(usd: float | None, width: int = 7) -> str:
    """Return a price: 2 decimals, 4 below a dollar, none from 10,000 on."""
    if usd is None:
        return number(MISSING, width)
    return number(_plain(usd, 4 if abs(usd) < 1 else 0 if abs(usd) >= 10_000 else 2), width)


def shares(count: int, width: int = 6) -> str:
    """Return a number of shares."""
    return number(f"{count:,}", width)


def usd(value: float) -> str:
    """Return an amount: `100,844.49`; from 10,000,000 on whole dollars."""
    return f"{_nonzero(value, 2):,.{0 if abs(value) >= 10_000_000 else 2}f}"


def signed_usd(value: float) -> str:
    """Return an amount won or lost: `+606.56`; from ±100,000 on whole dollars."""
    return f"{_nonzero(value, 2):+,.{0 if abs(value) >= 100_000 else 2}f}"


def arrow(value: float) -> str:
    """Return ▲ or ▼ by the sign of what would be shown; · for nothing."""
    rounded = round(value, 2)
    return "▲" if rounded > 0 else "▼" if rounded < 0 else "·"


def pnl(value: float, width: int = 10) -> str:
    """Return a profit or loss, its arrow in the first of ten places: `▲  +196.98`."""
    text = signed_usd(value)
    if len(text) > 9:
        text = f"{value:+,.0f}"
    return (arrow(value) + number(text, 9)).rjust(width)


def percent(value: float | None, width: int = 6, decimals: int = 2) -> str:
    """Return a percentage with its sign, without the %."""
    if value is None:
        return number(MISSING, width)
    return number(f"{_nonzero(value, decimals):+.{decimals}f}", width)


def signed_percent(value: float) -> str:
    """Return `+0.61%`."""
    return f"{_nonzero(value, 2):+.2f}%"


def drawdown(value: float) -> str:
    """Return a drawdown: `-0.15%`, `0.00%`."""
    return f"{_nonzero(value, 2):.2f}%"


def edge(bps: float | None, width: int = 6) -> str:
    """Return an edge in basis points."""
    return percent(bps, width, 1)


def rank(value: int | None, width: int = 2) -> str:
    """Return a rank, – if there is none."""
    return number("–" if value is None else str(value), width)


def rank_change(ranks: int) -> str:
    """Return the ranks gained since the last bar in two places: `▲1`; more than nine are ▲9."""
    return f"{'▲' if ranks > 0 else '▼'}{min(abs(ranks), 9)}" if ranks else "  "


def clock(ns: int | None) -> str:
    """Return `13:47:22`."""
    return "--:--:--" if ns is None else _local(ns).strftime("%H:%M:%S")


def minute(ns: int | None) -> str:
    """Return `13:47`."""
    return "--:--" if ns is None else _local(ns).strftime("%H:%M")


def tenths(ns: int) -> str:
    """Return `13:47:22.4`."""
    return f"{clock(ns)}.{ns // 100_000_000 % 10}"


def day(iso: str, *, year: bool = False) -> str:
    """Return `Wed 02 Jul`, or with the year."""
    return date.fromisoformat(iso).strftime("%a %d %b %Y" if year else "%a %d %b")


def duration(ns: int) -> str:
    """Return `2:10:38`; what is over is `0:00:00`."""
    seconds = max(ns, 0) // 1_000_000_000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def age(seconds: float | None) -> str:
    """Return `22s`, `12m`; a ! from 75 seconds on."""
    if seconds is None:
        return MISSING
    whole = int(seconds)
    text = f"{whole}s" if whole < 1000 else f"{min(whole // 60, 999)}m"
    return text + "!" if whole >= 75 else text


def spark(values: Sequence[float | None], width: int) -> str:
    """Return the last `width` values as a sparkline over their own range; unknown ones blank."""
    shown = values[-width:] if width else ()
    known = [value for value in shown if value is not None]
    if not known:
        return " " * width
    low, high = min(known), max(known)
    scale = 7 / (high - low) if high > low else 0.0
    return "".join(
        " " if value is None else SPARKS[round((value - low) * scale)] for value in shown
    ).ljust(width)


def bar(fraction: float, width: int, rest: str = "┄") -> str:
    """Return a bar in half cells; anything above nothing is at least half a cell."""
    halves = round(min(max(fraction, 0.0), 1.0) * 2 * width)
    if fraction > 0 and width:
        halves = max(halves, 1)
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(width, rest)


def gauge(entry: float | None, last: float | None, width: int) -> str:
    """Return the way from stop to target, `├┼●────┤`: the last price is drawn over the entry."""
    cells = ["─"] * (width - 2)
    for place, glyph in ((entry, "┼"), (last, "●")):
        if place is not None:
            cells[round(min(max(place, 0.0), 1.0) * (width - 3))] = glyph
    return f"├{''.join(cells)}┤"


def bracket(
    stop_pct: float | None,
    target_pct: float | None,
    entry: float | None,
    last: float | None,
    width: int,
) -> str:
    """Return distance to the stop, gauge, distance to the target: 4 + width + 4."""
    left, right = (
        MISSING if pct is None else number(_plain(pct, 1), 4).strip()
        for pct in (stop_pct, target_pct)
    )
    return f"{left:>4}{gauge(entry, last, width)}{right:<4}"


def _plain(value: float | None, decimals: int) -> str:
    if value is None or not isfinite(value):
        return MISSING
    return f"{_nonzero(value, decimals):.{decimals}f}"


def _nonzero(value: float, decimals: int) -> float:
    return value if round(value, decimals) else 0.0


def _local(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).astimezone(NEW_YORK)
