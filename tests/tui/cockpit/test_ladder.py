"""A cursor that follows the symbol, and lines that are drawn only when they change."""

from dataclasses import replace

import pytest

from tests.tui.cockpit.sample import FixedSource, empty_book, paper
from tests.tui.cockpit.shown import drive, text_of
from tui.cockpit.screens.base import Row
from tui.cockpit.widgets.ladder import FLASH_EVERY_PULLS, FLASH_PULLS
from tui.cockpit.widgets.lines import Lines
from tui.cockpit.widgets.signals import HELD_PULLS, Signals


def with_signals(view, signals):
    """Return the next view, with these signals."""
    return replace(view, sequence=view.sequence + 1, signals=tuple(signals))


async def show(app, pilot, view):
    """Let the cockpit draw a view."""
    app.source.view = view
    app.pull()
    await pilot.pause()


def test_the_cursor_follows_the_symbol():
    """When the bar ranks FAS first, the cursor that was on FAS is on the first line."""

    async def scenario(app, pilot):
        ladder = app.screen.query_one(Signals)
        ladder.focus()
        await pilot.press("down", "down")
        assert ladder.cursor == Row("signal", "FAS", "FAS")

        for _ in range(HELD_PULLS):  # the order is held after a key
            app.pull()
        view = paper()
        await show(app, pilot, with_signals(view, [view.signals[2], *view.signals[:2]]))

        assert ladder.cursor == Row("signal", "FAS", "FAS")
        assert text_of(app)[9].startswith("▸  3 ▲1 FAS")

    drive(scenario, paper())


def test_the_order_is_held_while_the_cursor_moves():
    """For five seconds no row slips away; the values go on."""

    async def scenario(app, pilot):
        app.screen.query_one(Signals).focus()
        await pilot.press("down")
        view = paper()
        turned = [replace(view.signals[1], strength=0.077), *view.signals[:1], *view.signals[2:]]
        await show(app, pilot, with_signals(view, turned))

        lines = text_of(app)
        assert "order held" in lines[7]
        assert [line[8:12] for line in lines[9:11]] == ["TQQQ", "SVIX"]
        assert "0.077" in lines[10]
        for _ in range(HELD_PULLS):
            app.pull()
        await pilot.pause()
        assert [line[8:12] for line in text_of(app)[9:11]] == ["SVIX", "TQQQ"]

    drive(scenario, paper())


def test_the_cursor_stays_near_when_its_row_goes():
    """A position that is gone leaves the cursor on the same line."""

    async def scenario(app, pilot):
        await pilot.press("down")
        view = paper()
        await show(app, pilot, replace(view, sequence=2, positions=view.positions[::2]))

        assert app.screen.selected == Row("position", "TNA", "TNA")
        await show(app, pilot, replace(view, sequence=3, positions=()))
        assert app.screen.selected is None

    drive(scenario, paper())


def test_a_cursor_on_the_newest_decision_stays_on_the_newest():
    """Until it is moved: then it follows its decision."""

    async def scenario(app, pilot):
        decisions = app.screen.query_one("#decisions")
        decisions.focus()
        view = paper()
        newer = replace(view.decisions[0], id=200)
        await show(app, pilot, replace(view, sequence=2, decisions=(newer, *view.decisions)))
        assert decisions.cursor.id == "200"

        await pilot.press("down")
        chosen = decisions.cursor
        newest = replace(newer, id=201)
        rows = (newest, newer, *view.decisions)
        await show(app, pilot, replace(view, sequence=3, decisions=rows))
        assert decisions.cursor == chosen

    drive(scenario, paper())


def test_only_lines_that_changed_are_drawn(monkeypatch):
    """A new probability of one symbol draws one line of one panel, and nothing else."""
    drawn = []
    really = Lines._drawn

    def recording(self, y, width):
        drawn.append((self.id, y))
        return really(self, y, width)

    async def scenario(app, pilot):
        view = paper()
        changed = replace(view.signals[2], probability=0.522)
        monkeypatch.setattr(Lines, "_drawn", recording)
        await show(app, pilot, with_signals(view, [*view.signals[:2], changed, *view.signals[3:]]))
        assert drawn == [("signals", 4)]
        await show(app, pilot, replace(app.view, sequence=9))
        assert drawn == [("signals", 4)]

    drive(scenario, paper(), (120, 40))


def test_a_screen_that_comes_back_draws_only_what_changed_meanwhile(monkeypatch):
    """Textual restyles a screen that comes back; in another theme everything is drawn anew."""
    drawn = []
    really = Lines._drawn

    def recording(self, y, width):
        drawn.append(self.id)
        return really(self, y, width)

    async def scenario(app, pilot):
        await pilot.press("2", "1", "2")
        cells = len(app.screen.sheet._cell_render_cache)
        monkeypatch.setattr(Lines, "_drawn", recording)
        await pilot.press("1")
        assert drawn == []
        await pilot.press("2")
        assert set(drawn) <= {"crumb", "trade", "trade-price"}
        assert len(app.screen.sheet._cell_render_cache) == cells > 0

        await pilot.press("t", "1")
        assert {"header", "positions", "signals", "footer"} <= set(drawn)

    drive(scenario, paper(), (120, 40))


def test_a_last_price_that_changed_is_bold_for_two_pulls():
    """And not again within a second; a stream of changes does not keep it bold."""

    async def scenario(app, pilot):
        panel = app.screen.query_one("#positions")

        def bold():
            return any(style == "live bold" for _, style in panel.lines[2])

        view = paper()
        seen = []
        for sequence in range(2, 3 + FLASH_EVERY_PULLS):
            last = 82.17 + sequence / 100
            moved = replace(view.positions[0], last_usd=last)
            positions = (moved, *view.positions[1:])
            await show(app, pilot, replace(view, sequence=sequence, positions=positions))
            seen.append(bold())
        assert seen[0]
        assert sum(seen) <= FLASH_PULLS + 1

    drive(scenario, paper())
    assert FLASH_PULLS < FLASH_EVERY_PULLS


def test_a_filter_leaves_the_rows_that_have_all_its_words():
    """It says how many are left; clearing brings them back."""

    async def scenario(app, pilot):
        app.screen.query_one(Signals).focus()
        await pilot.pause()
        assert app.screen.filter_rows("short off") == "short off: 4 of 12"
        await pilot.pause()
        lines = text_of(app)
        assert "filter short off: 4 of 12" in lines[7]
        assert [line[8:12].strip() for line in lines[9:13]] == ["UVXY", "FAZ", "TZA", "SQQQ"]
        app.screen.filter_rows("")
        await pilot.pause()
        assert app.screen.selected.symbol == "UVXY"  # the cursor stays where it was put
        await pilot.press("home")
        assert "TQQQ" in text_of(app)[9]

    drive(scenario, paper())


@pytest.mark.parametrize(("key", "symbol"), [("end", "ERY"), ("pagedown", "SDS"), ("j", "SVIX")])
def test_the_cursor_stays_in_sight(key, symbol):
    """The ladder scrolls under it."""

    async def scenario(app, pilot):
        app.screen.query_one(Signals).focus()
        await pilot.press(key)
        assert app.screen.selected.symbol == symbol
        await pilot.pause()
        assert any(line[8:13].strip() == symbol for line in text_of(app)[9:15])

    drive(scenario, paper())


def test_focus_begins_where_there_is_something_to_choose():
    """On positions; with none, on signals; tab goes on to decisions."""

    async def held(app, pilot):
        assert app.focused.id == "positions"
        await pilot.press("tab", "tab")
        assert app.focused.id == "decisions"

    async def nothing(app, pilot):
        assert app.focused.id == "signals"

    drive(held, paper())
    drive(nothing, empty_book())


def test_a_click_selects_a_row():
    """The second line of the positions is SVIX."""

    async def scenario(app, pilot):
        await pilot.click("#positions", offset=(10, 3))
        assert app.screen.selected == Row("position", "SVIX", "SVIX")
        assert isinstance(app.source, FixedSource)
        assert app.source.requests == []

    drive(scenario, paper())
