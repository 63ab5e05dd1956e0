"""Tables: no figure is cut, whatever the width; what has no room is named."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.engine.records.store.folders import write_run
from tests.tui.asking import asked
from tui import portfolio
from tui.output import Column, number, print_csv, show, usd, whole

TABLES = [
    *(("analytics", view) for view in ("overview", "symbols", "exits", "hours", "weekdays",
                                       "directions", "deciles", "horizons")),
    ("analytics", "strategy", "rotation-ewrls"),
    *(("signals", view) for view in ("quality", "calibration", "filter")),
    ("portfolio", "rich"), ("runs", "list"), ("runs", "compare", "rich", "rich"),
]  # fmt: skip
_NOTE = re.compile(r"no room for .*?has\s+them", re.DOTALL)


@pytest.fixture(scope="module")
def rich_run(tmp_path_factory):
    """A run whose figures are long."""
    folder = tmp_path_factory.mktemp("runs") / "rich"
    return write_run(
        folder, "simulation.starting_capital=90000000", "simulation.participation_pct=100",
        sessions=4,
    )  # fmt: skip


def words(text):
    return set(text.split())


@pytest.mark.parametrize("width", [80, 120])
def test_tables_cut_no_figure(rotor, rich_run, monkeypatch, width):
    """Each word of each table stands in the same table on an endless line, whole."""
    assert rotor("rebuild", rich_run)[0] == 0
    assert abs(asked(rotor, "analytics", "overview")["total_pnl"]) > 100_000
    for asks in TABLES:
        monkeypatch.setenv("COLUMNS", "1000")
        whole_ = rotor(*asks)[1]
        monkeypatch.setenv("COLUMNS", str(width))
        code, out, err = rotor(*asks)
        assert code == 0, err
        assert "no room for" not in whole_
        assert all(len(line.rstrip()) <= width for line in out.splitlines()), asks
        assert words(_NOTE.sub("", out)) <= words(whole_), asks
        if width == 120:
            assert "no room for" not in out, asks


@pytest.mark.parametrize("width", [80, 120])
def test_positions_are_whole(width):
    """Of a rich account, which no generated run holds at its end."""
    row = {
        "symbol": "TQQQ", "direction": "SHORT", "shares": 1_234_567, "entry_price": 61.25,
        "price": 62.5, "value": 77_160_437.5, "pnl": -1_543_208.75, "pnl_pct": -0.0204,
        "stop": 63.25, "target": 59.75,
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=width)
    show(console, [row, row], portfolio.COLUMNS)
    out = console.file.getvalue()
    for column in portfolio.COLUMNS:
        assert out.split().count(column.shown(row[column.key])) == 2 or column.title in out
    assert out.count("-1,543,208.75") == out.count("1,234,567") == out.count("TQQQ") == 2
    assert ("no room for" in out) == (width == 80)


COLUMNS = (
    Column("name", "Name", left=True, folds=True), Column("n", "n", whole),
    Column("first", "First", usd, drops=2), Column("second", "Second", number, drops=1),
)  # fmt: skip


def shown(rows, width):
    console = Console(file=io.StringIO(), width=width)
    show(console, rows, COLUMNS)
    return console.file.getvalue()


@given(
    width=st.integers(24, 90),
    n=st.integers(0, 10**9),
    values=st.tuples(*[st.floats(0, 1e12)] * 2),
    name=st.text("abcdefg", min_size=1, max_size=60),
)
def test_every_figure_is_whole_or_its_column_named(width, n, values, name):
    """At any width, with numbers of any length."""
    row = {"name": name, "n": n, "first": values[0], "second": values[1]}
    out = shown([row], width)
    table, _, missing = out.partition("no room for")

    assert all(len(line.rstrip()) <= width for line in out.splitlines())
    assert f"{n:,}" in table
    for column in COLUMNS[2:]:
        assert (column.shown(row[column.key]) in table.split()) != (column.title in missing)
    letters = "".join(line[: len(line) - len(line.lstrip("abcdefg"))] for line in table.split("\n"))
    assert letters == name


def test_brackets_are_no_markup():
    """A name in brackets is shown as it is."""
    assert "[red]" in shown([{"name": "[red]", "n": 1}], 80)


def test_what_is_least_is_left_out_first():
    """By rank, not by place."""
    row = {"name": "TQQQ", "n": 12, "first": 1.5, "second": 2.5}
    assert "no room for" not in shown([row], 28)
    assert "no room for Second:" in shown([row], 24)
    assert "First, Second:" in shown([row], 16)


def test_csv_without_rows_has_its_header(capsys):
    """The keys that a row would have."""
    print_csv([], ("a", "b"))
    print_csv([{"a": 1}], ("a", "b"))
    assert capsys.readouterr().out == "a,b\na\n1\n"


def test_csv_says_the_same_with_and_without_rows(rotor, rich_run):
    """Of every question, the header of an answer without rows is that of one with rows."""
    assert rotor("rebuild", rich_run)[0] == 0
    dated = [asks for asks in TABLES if asks[0] in ("analytics", "signals")]
    dated = [asks for asks in dated if asks[1] not in ("horizons", "filter")]
    others = [("analytics", "horizons"), ("runs", "list")]
    full = {asks: rotor(*asks, "--csv")[1].splitlines() for asks in (*dated, *others)}
    empty = {asks: rotor(*asks, "--csv", "--from", "2030-01-01")[1] for asks in dated}
    assert rotor("runs", "delete", "rich")[0] == 0
    empty |= {asks: rotor(*asks, "--csv")[1] for asks in others}

    for asks, lines in full.items():
        assert len(lines) > 1
        assert empty[asks].splitlines()[0] == lines[0]
        assert len(empty[asks].splitlines()) == (2 if asks[1] == "overview" else 1), asks


def test_the_header_of_positions_is_there(rotor, rich_run):
    """Of a run that ended flat."""
    assert rotor("rebuild", rich_run)[0] == 0
    assert rotor("portfolio", "rich", "--csv")[1].startswith("symbol,direction,shares,entry_price,")
