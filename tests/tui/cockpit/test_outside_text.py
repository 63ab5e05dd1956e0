"""Text that comes from outside steers no terminal and moves no column."""

from dataclasses import fields, is_dataclass, replace
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.cockpit.answers import ANSWERS
from tests.tui.cockpit.sample import STATES, MessageView, paper
from tests.tui.cockpit.shown import SIZES, Still
from tests.tui.cockpit.stage import on_stage, play, settled, text_of
from tui.cockpit import format as fmt

BAD = "\x1b[2J\n\t\x07\x7f\x9b31m\u202e\u200b\u0301午\r"
OURS = {"session_date", "trading_mode", "screen", "state"}
"""Words of our own, by which a screen looks things up."""
EXPLAINED = {"show": {"title": f"a{BAD}", "sections": [[f"b{BAD}", [f"c{BAD}"]]]}}
ASKED = {
    "show": {
        "title": f"Liquidate {BAD}?", "sends": [f"SELL 1 {BAD}"], "about": [BAD],
        "then": [f"sell {BAD}"], "facts": [BAD], "gone": "",
    }
}  # fmt: skip


def hostile(value, hint=str):
    """Return a value with something bad at the end of every text in it."""
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        return replace(
            value,
            **{
                f.name: hostile(getattr(value, f.name), hints[f.name])
                for f in fields(value)
                if f.name not in OURS
            },
        )
    if isinstance(value, tuple):
        return tuple(hostile(one) for one in value)
    return value + BAD if isinstance(value, str) and hint is str else value


def told(value):
    """Return an answer, as JSON, with the same in every text."""
    if isinstance(value, dict):
        return {k: v if k in ("kind", "level") else told(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [told(one) for one in value]
    return value + BAD if isinstance(value, str) else value


def clean(lines, width):
    """Tell whether every line is of one-cell signs, and as wide as the terminal."""
    return all(line.isprintable() and len(line) == cell_len(line) == width for line in lines)


@given(st.text(max_size=40))
def test_every_sign_is_one_cell_of_ink(text):
    """As many signs as before, none of which a terminal obeys, joins or draws double."""
    for only_ascii in (False, True):
        shown = fmt.drawable(text, only_ascii=only_ascii)
        assert len(shown) == len(text) == cell_len(shown)
        assert shown.isprintable()
        assert shown.isascii() or not only_ascii


def test_what_is_harmless_stays():
    """Words, our glyphs, letters of other scripts that are one cell wide."""
    text = "José ▲ +1.00 ├┼●┤ ⣿ Ωмега …"

    assert fmt.drawable(text) == text
    assert fmt.drawable("a\x1b[31mb\u202ec") == "a�[31mb�c"


@pytest.mark.parametrize("size", SIZES[:2], ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("ascii_", [False, True], ids=["glyphs", "ascii"])
@pytest.mark.parametrize("state", ["inbox", "degraded", "flattening", "replay"])
def test_no_screen_lets_it_through(state, ascii_, size):
    """Every screen keeps its columns, its lane and its footer."""
    view = hostile(STATES[state]())
    answers = {what: told(answer) for what, answer in ANSWERS.items()}
    settings = Still(ascii=ascii_)

    async def scenario():
        async with on_stage(
            "dashboard", view=view, answers=answers, size=size, settings=settings
        ) as (app, pilot):
            for key in "123456789":
                await pilot.press(key)
                await settled(pilot)
                lines = text_of(app)
                assert clean(lines, size[0]), (key, lines)
                assert "�" not in lines[-1] != " " * size[0], key  # the footer

    play(scenario())


def test_no_dialog_lane_or_toast_lets_it_through():
    """A question, an explanation, an answer, news, the palette."""
    message = MessageView(id=7, ns=0, text=f"no{BAD}", kind="error", actor=f"cli{BAD}")

    async def scenario():
        answers = {"confirm": ASKED, "explain": EXPLAINED}
        async with on_stage("dashboard", view=hostile(paper()), answers=answers) as (app, pilot):
            for key in ("L", "e", "ctrl+p", "q"):
                await pilot.press(key)
                await settled(pilot)
                assert app.screen is not app.shown, key
                assert clean(text_of(app), 80), key
                await pilot.press("escape")
                await settled(pilot)
            app.say(f"done{BAD}", "error")
            await pilot.pause()
            assert clean(text_of(app), 80)
            app.unsay()
            view = hostile(paper())
            app.source.view = replace(view, sequence=99, message=message)
            app.pull()
            await settled(pilot)
            assert clean(text_of(app), 80)
            assert "no�" in "\n".join(text_of(app))

    play(scenario())


def test_the_palette_is_ascii_too():
    """Its hint, its words and the keys beside them."""

    async def scenario():
        async with on_stage("dashboard", settings=Still(ascii=True)) as (app, pilot):
            await pilot.press("ctrl+p")
            await settled(pilot)
            assert all(line.isascii() for line in text_of(app)), text_of(app)
            await pilot.press(*"open")
            await settled(pilot)
            assert all(line.isascii() for line in text_of(app)), text_of(app)

    play(scenario())
