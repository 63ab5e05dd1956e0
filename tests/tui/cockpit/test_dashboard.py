"""The dashboard as it was drawn in the design, at every size and in every state."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tui.cockpit.sample import (
    STATES,
    at,
    before_the_open,
    degraded,
    empty_book,
    flattening,
    halted,
    live,
    paper,
    replay,
)
from tests.tui.cockpit.shown import Still, drive, seen, text_of


def mock_ups():
    """Return the design's mock-ups, as far as the sample views have their numbers.

    `== state width height`, then lines with their number; ~ is a cell of a sparkline.
    """
    text = (Path(__file__).parent / "mockups.txt").read_text(encoding="utf-8")
    for part in text.split("== ")[1:]:
        title, *rows = part.splitlines()
        state, width, height = title.split()
        lines = {int(row[:2]): row[3:] for row in rows}
        yield pytest.param(state, (int(width), int(height)), lines, id=title)


@pytest.mark.parametrize(("state", "size", "drawn"), mock_ups())
def test_the_screen_is_the_mock_up(state, size, drawn):
    """Cell by cell, but for the closes of sparklines, which the mock-ups do not tell."""
    lines = seen(STATES[state](), size)
    left = 104 if size[0] == 160 else 80

    for y, expected in drawn.items():
        shown = re.sub("[▁▂▃▄▅▆▇█]", "~", lines[y])[: max(len(expected), left)]
        assert shown.rstrip() == expected, f"line {y}"


@pytest.mark.parametrize("state", ["paper", "before", "flattening"])
@pytest.mark.parametrize("size", [(200, 70), (100, 30), (150, 45), (130, 24), (60, 10)])
def test_every_state_fills_every_size(state, size):
    """Every line has the terminal's width; mode and equity begin the first two."""
    view = STATES[state]()
    lines = seen(view, size)

    assert [len(line) for line in lines] == [size[0]] * size[1]
    assert lines[0].startswith(f" {view.header.mode.upper()}  ")
    assert lines[1].startswith(f" equity {view.money.equity_usd:,.2f}  day ")


def test_an_empty_book_says_so():
    """In words, with the cash and the free slots."""
    lines = seen(empty_book())

    assert "no positions" in lines[4]
    assert "cash 100,237.93 · 3 slots free" in lines[5]


def test_a_free_slot_keeps_its_line():
    """When TQQQ is sold, SVIX stays on the second line."""
    view = paper()
    lines = seen(replace(view, positions=view.positions[1:]))

    assert lines[4].strip() == "· free"
    assert lines[5][2:6] == "SVIX"


def test_a_sliver_shows_the_positions_and_what_is_needed():
    """One must be able to liquidate in it."""
    lines = seen(paper(), (71, 20))

    assert any(line[2:6] == "TNA " for line in lines)
    assert any("needs 80×24, has 71×20" in line for line in lines)


def test_real_money_fills_the_first_row():
    """From the first cell to the last."""

    async def scenario(app, pilot):
        strip = app.screen._compositor.render_strips()[0]
        fill = app.theme_variables["mode-live"].lower()
        assert all(segment.style.bgcolor.triplet.hex == fill for segment in strip)

    drive(scenario, live())


@pytest.mark.parametrize(
    ("age", "expected", "token"),
    [(64.0, "data 64s", ""), (65.0, "data 65s", "warning"), (75.0, "data 75s!", "danger")],
)
def test_the_age_of_the_data_warns(age, expected, token):
    """From 65 seconds on, and again at 75."""
    view = paper()

    async def scenario(app, pilot):
        (piece,) = [p for p in app.screen.query_one("#header").lines[0] if p[0][:4] == "data"]
        assert piece == (expected, token)

    drive(scenario, replace(view, header=replace(view.header, data_age_s=age)))


@pytest.mark.parametrize(
    ("viewers", "width", "told"), [(2, 160, True), (1, 160, False), (2, 120, False)]
)
def test_others_who_look_are_told_where_there_is_room(viewers, width, told):
    """One's own screen is none of them."""
    view = paper()
    view = replace(view, header=replace(view.header, viewers=viewers))

    assert seen(view, (width, 50))[0].rstrip().endswith("orders ●   viewers 2") is told


def test_the_clock_goes_on_without_news():
    """A view of the same sequence draws the header only."""

    async def scenario(app, pilot):
        view = paper()
        app.source.view = replace(view, header=replace(view.header, now_ns=at("13:47:23")))
        app.pull()
        await pilot.pause()
        assert "13:47:23 ET  flatten 2:10:37" in text_of(app)[0]

    drive(scenario, paper())


def test_ascii_is_drawn_in_the_same_places():
    """Every glyph has an ASCII one as wide as itself."""
    for state in (paper, degraded, flattening, replay, before_the_open):
        glyphs, plain = seen(state(), (160, 50)), seen(state(), (160, 50), Still(ascii=True))
        assert all(line.isascii() for line in plain)
        assert list(map(len, plain)) == list(map(len, glyphs))


def test_low_bandwidth_has_no_pictures():
    """No sparklines in the tables, no curve."""
    lines = seen(paper(), (120, 40), Still(low_bandwidth=True))

    assert not re.search("[▁▂▃▄▅▆▇█⠁-⣿]", "".join(lines))
    assert "no curves with low bandwidth" in "".join(lines)


def test_the_scale_of_the_curve_does_not_shrink_in_a_day():
    """Its steps are 1, 2, 5 times a power of ten."""

    async def scenario(app, pilot):
        def labels():
            return [line[81:88].strip() for line in text_of(app) if line[88:90] == " ┤"]

        view = paper()
        assert labels()[0] == "+1,000"
        for sequence, gain in ((2, 1300.0), (3, 100.0)):
            curve = replace(view.curve, equity_usd=(*view.curve.equity_usd[:20], 100_237.93 + gain))
            app.source.view = replace(view, sequence=sequence, curve=curve)
            app.pull()
            await pilot.pause()
            assert labels()[0] == "+2,000"

    drive(scenario, paper(), (120, 40))


def test_zoom_gives_the_focused_panel_the_body():
    """Rows 1 and 2, lane and footer stay; the second key or escape takes it back."""

    async def scenario(app, pilot):
        await pilot.press("tab", "tab")
        await pilot.pause()
        before = text_of(app)
        await pilot.press("z")
        await pilot.pause()
        zoomed = text_of(app)
        assert zoomed[:2] == before[:2]
        assert zoomed[-2:] == before[-2:]
        assert zoomed[2].startswith("─ Decisions ─")
        assert "size bound by exit liquidity" in zoomed[4]
        assert "12:30 STOP" in zoomed[13]
        await pilot.press("escape")
        await pilot.pause()
        assert text_of(app) == before

    drive(scenario, paper(), (120, 40))


def test_a_changed_trading_mode_is_reversed_for_a_second():
    """Five pulls, then it is as usual."""

    async def scenario(app, pilot):
        def reversed_now():
            return any("reverse" in style for _, style in app.screen.query_one("#header").lines[0])

        assert not reversed_now()
        app.source.view = replace(halted(), sequence=2)
        seen_so = []
        for _ in range(7):
            app.pull()
            seen_so.append(reversed_now())
        assert seen_so == [True] * 5 + [False] * 2

    drive(scenario, paper())


def test_a_click_on_the_track_of_a_replay_goes_there():
    """As a request, like the key; in a session that is no replay it does nothing."""

    async def scenario(app, pilot):
        await pilot.click("#track", offset=(7 + 45, 0))
        await pilot.pause()
        moves = [request for request in app.source.requests if request["verb"] == "transport"]
        if app.view.transport is None:
            assert moves == []
        else:
            assert [(move["do"], move["to"]) for move in moves] == [("seek", 180)]

    drive(scenario, replay(), (120, 40))
    drive(scenario, paper(), (120, 40))


def test_a_liquidation_takes_the_ladders_place_and_gives_it_back():
    """Nothing else moves."""

    async def scenario(app, pilot):
        app.source.view = replace(flattening(), sequence=2)
        app.pull()
        await pilot.pause()
        assert "Flatten · all positions" in text_of(app)[7]
        several = replace(app.view.flatten, scope="SVIX, TNA", by="ann, bob")
        app.source.view = replace(flattening(), sequence=3, flatten=several)
        app.pull()
        await pilot.pause()
        assert "Flatten · SVIX, TNA" in text_of(app)[7]
        assert "ann, bob" in text_of(app)[7]
        app.source.view = replace(paper(), sequence=4)
        app.pull()
        await pilot.pause()
        assert "Signals" in text_of(app)[7]

    drive(scenario, paper())
