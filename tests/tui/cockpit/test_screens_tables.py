"""What all sheets do: order, filter, export, keep the cursor on its row, fit their place."""

import csv
from dataclasses import replace

import pytest

from engine.errors import BadInputError
from tests.tui.cockpit.sample import STATES, paper
from tests.tui.cockpit.stage import SIZES, on_stage, opened, play, settled, text_of
from tui.cockpit.widgets.column import Column, fitted, laid_out

NAMES = ("trades", "inbox", "symbol", "analytics", "risk", "config", "health", "log")


@pytest.mark.parametrize("state", ["inbox", "before", "empty", "degraded", "flattening"])
def test_every_screen_fills_the_smallest_terminal_in_any_state(state):
    async def scenario():
        async with on_stage("dashboard", view=STATES[state]()) as (app, pilot):
            for number, name in enumerate(NAMES, 2):
                await opened(pilot, name)
                lines = text_of(app)
                assert [len(line) for line in lines] == [80] * 24, name
                assert not any("Traceback" in line for line in lines), (name, lines)
                assert lines[2].startswith(f"─ {number} {name.capitalize()} "), (name, lines[2])

    play(scenario())


def test_the_cursor_follows_its_row_when_rows_come():
    async def scenario():
        view = paper()
        async with on_stage("trades", view=view) as (app, pilot):
            await pilot.press("down", "down")
            before = app.shown.sheet.row
            newest = replace(view.trades[0], number=10, out_ns=view.trades[0].out_ns + 60 * 10**9)
            app.source.view = replace(view, sequence=99, trades=(newest, *view.trades))
            app.pull()
            await settled(pilot)
            return before, app.shown.sheet.row, app.shown.sheet.cursor_row

    before, after, place = play(scenario())

    assert before == after
    assert place == 3


def test_o_orders_by_the_next_column_and_O_turns_it():
    async def scenario():
        async with on_stage("trades") as (app, pilot):
            await pilot.press("o")
            by_symbol = [row.symbol for row in app.shown.sheet.shown]
            crumb = text_of(app)[2]
            await pilot.press("O")
            return by_symbol, [row.symbol for row in app.shown.sheet.shown], crumb

    down, up, crumb = play(scenario())

    assert down == sorted(down, reverse=True)
    assert up == sorted(up)
    assert "sort SYM ▼" in crumb


def test_a_click_on_a_heading_orders_by_it_and_another_turns_it():
    async def scenario():
        async with on_stage("trades") as (app, pilot):
            await pilot.click("Sheet", offset=(53, 0))
            first = [row.pnl_usd for row in app.shown.sheet.shown]
            await pilot.click("Sheet", offset=(53, 0))
            return first, [row.pnl_usd for row in app.shown.sheet.shown]

    first, second = play(scenario())

    assert first == sorted(first, reverse=True)
    assert second == sorted(second)


def test_a_filter_hides_rows_and_esc_brings_them_back():
    async def scenario():
        async with on_stage("trades") as (app, pilot):
            await pilot.press("/", *"pnl<0 sym:svix", "enter")
            await settled(pilot)
            hidden = [row.number for row in app.shown.sheet.shown]
            said, crumb = app.said.text, text_of(app)[2]
            await pilot.press("escape")
            return hidden, said, crumb, len(app.shown.sheet.shown)

    hidden, said, crumb, after = play(scenario())

    assert hidden == [7, 1]
    assert said.endswith("pnl<0 sym:svix: 2 of 9")
    assert "filter pnl<0 sym:svix" in crumb
    assert after == 9


def test_a_filter_that_means_nothing_is_refused_in_words_and_changes_nothing():
    async def scenario():
        async with on_stage("trades") as (app, pilot):
            said = app.shown.filter_rows("pln<0")
            await settled(pilot)
            return said, len(app.shown.sheet.shown)

    said, shown = play(scenario())

    assert said.startswith("✗ no field pln; there are in, out, sym")
    assert shown == 9


def test_x_writes_what_is_shown_with_times_in_utc(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def scenario():
        async with on_stage("trades") as (app, pilot):
            app.shown.filter_rows("why:ROTATE")
            await pilot.press("x")
            return app.said.text

    said = play(scenario())
    with (tmp_path / "trades-13-47.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert said == "wrote trades-13-47.csv, 2 rows"
    assert [row["sym"] for row in rows] == ["ERX", "TNA"]
    assert rows[0]["out"] == "2025-07-02T17:40:00Z"
    assert rows[0]["pnl"] == "-18.36"
    assert rows[0]["reason"] == "SVIX 0.041 beats 0.013 by 0.028"


def test_an_export_that_cannot_be_written_says_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trades-13-47.csv").mkdir()

    async def scenario():
        async with on_stage("trades") as (app, _):
            return app.shown.export()

    assert play(scenario()) == "✗ trades-13-47.csv: Is a directory; nothing was written"


@pytest.mark.parametrize("size", SIZES)
def test_a_session_that_does_not_answer_is_told_in_words(size):
    names = ("symbol", "analytics", "config", "log")
    refused = {name: BadInputError(f"there is no {name} in this session") for name in names}

    async def scenario():
        async with on_stage("dashboard", answers=refused, size=size) as (app, pilot):
            for name in names:
                await opened(pilot, name)
                assert f"✗ there is no {name} in this session" in "\n".join(text_of(app)), name

    play(scenario())


def test_an_answer_of_another_version_is_told_in_words():
    async def scenario():
        async with on_stage("log", answers={"log": {"show": {"lines": 3}}}) as (app, _):
            return app.shown.trouble

    assert "the session's answer to show log cannot be read (lines: " in play(scenario())


def test_words_are_cut_and_numbers_never():
    assert fitted("rotation", 5, left=True) == "rota…"
    assert fitted("12345678", 5, left=False) == "#####"
    assert fitted("1.5", 5, left=False) == "  1.5"


def test_columns_come_with_width_and_the_last_takes_the_rest():
    def column(width, least=0):
        return Column(field="f", heading="F", width=width, least=least, value=str, cell=str)

    columns = (column(5), column(7, least=120), column(0))

    assert [width for _, width in laid_out(columns, 80)] == [5, 72]
    assert [width for _, width in laid_out(columns, 120)] == [5, 7, 104]
