"""How the fields of views read in the sheets and panels of the screens.

KEY INPUT: prices, signed numbers, limits; None where something is not known.
KEY OUTPUT: their text, with the style where the sign or the limit matters.
"""

from datetime import UTC, datetime

from tui.cockpit import format as fmt
from tui.cockpit.widgets.column import Cell

NONE = fmt.MISSING


def utc(ns: int) -> str:
    """Return a time for an export."""
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signed(value: float | None, decimals: int = 2) -> Cell:
    """Return a number with its sign, in the colour of profit or loss."""
    if value is None:
        return NONE, "muted"
    return fmt.percent(value, 12, decimals).strip(), tone(value)


def money(usd: float | None) -> Cell:
    """Return a profit or loss, its arrow in the cell's first place."""
    return (NONE, "muted") if usd is None else (fmt.pnl(usd), tone(usd))


def price(usd: float | None) -> str:
    """Return a price."""
    return fmt.price(usd).strip()


def rate(fraction: float | None) -> str:
    """Return a fraction in whole percent."""
    return NONE if fraction is None else f"{100 * fraction:.0f}"


def fixed(value: float | None, decimals: int = 2) -> str:
    """Return a number without a sign of its own."""
    return NONE if value is None else f"{value:,.{decimals}f}"


def tone(value: float) -> str:
    """Return the style of a signed number."""
    return {"▲": "profit", "▼": "loss"}.get(fmt.arrow(value), "")


def in_words(seconds: float) -> str:
    """Return how long something still takes: `38 s`, `12 min`."""
    if seconds <= 0:
        return NONE
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def of_limit(measure: float, limit: float) -> str:
    """Return the style of a measure: a warning from 70% of its limit, danger at 100%."""
    used = measure / limit if limit > 0 else 1.0 if measure > 0 else 0.0
    return "danger" if used >= 1 else "warning" if used >= 0.7 else "info"


def bar(measure: float, limit: float, width: int) -> tuple[tuple[str, str], ...]:
    """Return how much of a limit is used: what is used in its style, the rest as a rule."""
    text = fmt.bar(measure / limit if limit > 0 else float(measure > 0), width)
    full = text.rstrip("┄")
    return (full, of_limit(measure, limit)), (text[len(full) :], "rule")
