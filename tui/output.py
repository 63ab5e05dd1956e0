"""One way to print a table: for people, as JSON, or as CSV.

KEY INPUT: rows (dictionaries) and the columns to show.
KEY OUTPUT: stdout, nothing else.
"""

import csv
import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]
Form = Literal["table", "json", "csv"]
NONE = "–"
_GAP = 2
"""Columns between two columns."""
_LEAST = 24
"""The width below which text is not folded while another column can be left out."""


def form_of(*, json: bool, csv: bool) -> Form:
    """Return the form that was asked for; raises BadInputError for both."""
    if json and csv:
        from engine.errors import BadInputError

        raise BadInputError("--json and --csv: choose one")
    return "json" if json else "csv" if csv else "table"


@dataclass(frozen=True, slots=True)
class Column:
    """How a figure is shown to people."""

    key: str
    title: str
    shown: Callable[[Any], str] = str
    left: bool = False
    folds: bool = False
    """True for text that may take several lines."""
    drops: int = 0
    """Where the terminal is too narrow, 1 is left out first, then 2, …; 0 never is."""


def whole(value: Any) -> str:
    """Return a count."""
    return f"{value:,}"


def usd(value: Any) -> str:
    """Return dollars with sign and cents."""
    return f"{value:+,.2f}"


def dollars(value: Any) -> str:
    """Return whole dollars with sign."""
    return f"{value:+,.0f}"


def percent(value: Any) -> str:
    """Return a fraction as a percentage."""
    return f"{100 * value:.1f}%"


def fine(value: Any) -> str:
    """Return a fraction as a percentage with sign and three decimals."""
    return f"{100 * value:+.3f}%"


def number(value: Any) -> str:
    """Return a number with two decimals."""
    return f"{value:,.2f}"


def rate(value: Any) -> str:
    """Return a rate between 0 and 1 with three decimals."""
    return f"{value:.3f}"


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    form: Form,
    header: Sequence[str] = (),
) -> None:
    """Print rows; JSON and CSV have every key, the table the chosen columns.

    `header`: the keys of a row, for CSV without rows.
    """
    if form == "json":
        print_json(rows)
    elif form == "csv":
        print_csv(rows, header)
    else:
        show(Console(), rows, columns)


def print_apart(
    rows: Sequence[Mapping[str, Any]],
    key: str,
    columns: Sequence[Column],
    form: Form,
    header: Sequence[str] = (),
) -> None:
    """Print rows, for people in one table per value of `key`, which is its title."""
    if form != "table":
        print_rows(rows, columns, form, header)
        return
    console = Console()
    for i, value in enumerate(dict.fromkeys(row[key] for row in rows)):
        if i:
            console.print()
        console.print(str(value), style="bold", highlight=False)
        show(console, [row for row in rows if row[key] == value], columns)
    if not rows:
        console.print("nothing yet")


def show(console: Console, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    """Print a table for people, never wider than the console and with no figure cut.

    What there is no room for is left out by column, and the columns are named.
    """
    shown = list(columns)
    while _width(rows, shown) > console.width and any(column.drops for column in shown):
        shown.remove(min((c for c in shown if c.drops), key=lambda c: c.drops))
    console.print(table(rows, shown, wraps=_width(rows, shown) > console.width))
    left_out = [column.title for column in columns if column not in shown]
    if left_out:
        words = f"no room for {', '.join(left_out)}: a wider terminal, --json or --csv has them"
        console.print(words, style="dim", highlight=False)


def table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, wraps: bool = False
) -> Table:
    """Return a table for people; `wraps` lets every cell take several lines."""
    made = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in columns:
        side: Literal["left", "right"] = "left" if column.left else "right"
        no_wrap = not (column.folds or wraps)
        made.add_column(column.title, justify=side, no_wrap=no_wrap, overflow="fold")
    for row in rows:
        made.add_row(*(Text(_shown(row, column)) for column in columns))
    return made


def _shown(row: Mapping[str, Any], column: Column) -> str:
    value = row.get(column.key)
    return NONE if value is None else column.shown(value)


def _width(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> int:
    total = 0
    for column in columns:
        cells = [column.title, *(_shown(row, column) for row in rows)]
        widest = max(cell_len(cell) for cell in cells)
        total += _GAP + (min(widest, _LEAST) if column.folds else widest)
    return total


def print_json(value: Any) -> None:
    """Print one JSON value."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    sys.stdout.buffer.write(orjson.dumps(value, option=option) + b"\n")
    sys.stdout.buffer.flush()


def print_csv(rows: Sequence[Mapping[str, Any]], header: Sequence[str] = ()) -> None:
    """Print rows as CSV; what has parts of its own is JSON in its cell.

    `header`: what the first line says where there are no rows.
    """
    keys: dict[str, None] = {} if rows else dict.fromkeys(header)
    for row in rows:
        keys |= dict.fromkeys(row)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(keys)
    for row in rows:
        writer.writerow([_cell(row.get(key)) for key in keys])


def moment(value: dt.datetime | None) -> str:
    """Return a moment in New York, to the minute."""
    from engine.market.calendar import NEW_YORK

    return NONE if value is None else f"{value.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


def new_york(ms: int) -> str:
    """Return UTC milliseconds as a New York time, to the minute."""
    return moment(dt.datetime.fromtimestamp(ms / 1000, dt.UTC))


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return orjson.dumps(value).decode()
    return "" if value is None else value
