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
from rich.console import Console
from rich.table import Table

Json = dict[str, Any]
Form = Literal["table", "json", "csv"]
NONE = "–"


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


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], form: Form) -> None:
    """Print rows; JSON and CSV have every key, the table the chosen columns."""
    if form == "json":
        print_json(rows)
    elif form == "csv":
        print_csv(rows)
    else:
        Console().print(table(rows, columns))


def print_apart(
    rows: Sequence[Mapping[str, Any]], key: str, columns: Sequence[Column], form: Form
) -> None:
    """Print rows, for people in one table per value of `key`, which is its title."""
    if form != "table":
        print_rows(rows, columns, form)
        return
    console = Console()
    for i, value in enumerate(dict.fromkeys(row[key] for row in rows)):
        if i:
            console.print()
        console.print(str(value), style="bold", highlight=False)
        console.print(table([row for row in rows if row[key] == value], columns))
    if not rows:
        console.print("nothing yet")


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    """Return a table for people."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        side: Literal["left", "right"] = "left" if column.left else "right"
        made.add_column(column.title, justify=side, no_wrap=not column.folds, overflow="fold")
    for row in rows:
        cells = [row.get(column.key) for column in columns]
        made.add_row(
            *(NONE if x is None else c.shown(x) for c, x in zip(columns, cells, strict=True))
        )
    return made


def print_json(value: Any) -> None:
    """Print one JSON value."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    sys.stdout.buffer.write(orjson.dumps(value, option=option) + b"\n")
    sys.stdout.buffer.flush()


def print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows as CSV, with a header; what has parts of its own is JSON in its cell."""
    keys: dict[str, None] = {}
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
