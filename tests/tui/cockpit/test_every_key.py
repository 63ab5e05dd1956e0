"""Every key of the cockpit is pressed here, and what is seen or sent of it told.

A walk is one cockpit on a fixed view; each step presses one key, for the ids before it. A key that
is added to the table, or to a screen's or a panel's own, fails the first test until a step has it.
"""

import asyncio
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import pytest
from textual.binding import Binding

import tui.cockpit
from tests.patience import patience
from tests.tui.cockpit.answers import ANSWERS
from tests.tui.cockpit.keyboard import CONFIRM, EXPLAIN, Seen, at, typed
from tests.tui.cockpit.sample import STATES, FixedSource
from tui.cockpit.app import Cockpit
from tui.cockpit.keys import BY_ID, SCREENS, TABLE, keys_of


class Step(NamedTuple):
    """One key, and what holds once it is pressed."""

    ids: str
    """What it is pressed for: ids of the table, the class whose own key it is; empty: neither."""
    key: str
    holds: Callable[[Seen, Cockpit], object] = lambda _seen, _app: True


def way(keys):
    """Steps that only lead somewhere."""
    return [Step("", key) for key in keys]


def _row(name):
    return lambda _, app: app.shown.selected.symbol == name


def _word(word):
    return lambda seen, _: seen.word == word and len(seen.screens) == 1


def _above(dialog):
    return lambda seen, _: seen.screens[-1] == dialog


def _shows(*words):
    return lambda seen, _: all(re.search(one, seen.text) for one in words)


def _says(words):
    return lambda seen, _: words in seen.said


def _sends(**request):
    return lambda seen, _: {k: v for k, v in seen.sent[-1].items() if k in request} == request


def _moves(do, **more):
    return _sends(verb="transport", do=do, **more)


def _asks(**request):
    return lambda _, app: all(app.source.requests[-1][k] == v for k, v in request.items())


def _filters(words):
    return lambda _, app: app.source.requests[-1]["filter"].split() == words.split()


def _scrolled(way):
    """The frame is further down or up than at the step before."""

    def holds(_, app):
        frame = app.screen.query_one("#frame")
        before, frame.was = getattr(frame, "was", 0), frame.scroll_y
        return frame.scroll_y > before if way == "down" else frame.scroll_y < before

    return holds


def _theme(seen, _):
    return seen.said == f"theme: {seen.theme.removeprefix('rotor-')}" and seen.theme != "rotor-dark"


def _typed(words):
    return lambda seen, _: re.search(rf"^ [:/]{words} ", seen.text.splitlines()[22])


def _ordered(field, turn):
    """By this column of the sheet, falling or rising."""

    def holds(seen, app):
        values = [getattr(row, field) for row in app.shown.sheet.shown]
        return values == sorted(values, reverse=not turn) and f"{'▲' if turn else '▼'}" in seen.text

    return holds


def _trade(number):
    return lambda _, app: app.shown.sheet.row.number == number


def _line(place):
    return lambda _, app: app.shown.tape.cursor == place


ERX = "ERX   L"
"""In the ladder."""
LOG_LINES = len(ANSWERS["log"]["show"]["lines"])
WALKS = {
    "screens": ("paper", [
        *(Step(f"screen.{word}", number, _word(word)) for number, word in SCREENS.items()
          if word != "dashboard"),
        Step("screen.dashboard", "1", _word("dashboard")),
        Step("back", "escape", _word("log")),
    ]),
    "rows": ("paper", [
        Step("panel.next", "tab", lambda _, app: app.focused.id == "signals"),
        Step("move Ladder", "down", _row("SVIX")), Step("move Ladder", "j", _row("FAS")),
        Step("move Ladder", "k", _row("SVIX")), Step("move Ladder", "up", _row("TQQQ")),
        Step("move.far Ladder", "end", _row("ERY")), Step("move.far Ladder", "home", _row("TQQQ")),
        Step("move.far Ladder", "pagedown", _row("SDS")),
        Step("move.far Ladder", "pageup", _row("TQQQ")),
        Step("filter", "slash", _above("Filter")), *way(typed("off")),
        Step("", "enter", lambda seen, _: ERX not in seen.text and "TZA" in seen.text),
        Step("zoom", "z", lambda seen, _: "Positions" not in seen.text and "TZA" in seen.text),
        # what is open is closed from the inside: the zoomed panel, the filter, the screen
        Step("back", "escape", lambda seen, _: "Positions" in seen.text and ERX not in seen.text),
        Step("back", "escape", lambda seen, _: ERX in seen.text),
        *way(["home", "down"]),
        Step("open", "enter", lambda seen, _: seen.word == "symbol" and "› SVIX" in seen.text),
        Step("SymbolScreen", "right", _shows("› FAS")),
        Step("SymbolScreen", "left", _shows("› SVIX")), *way(["left"]),
        Step("zoom", "z", _shows("z zoom the day")),
        Step("SymbolScreen", "tab", _shows("50-60%")),
        Step("SymbolScreen", "shift+tab", _shows("15 min")),
        Step("back", "escape", _word("dashboard")),
    ]),
    "dialogs": ("paper", [
        Step("explain", "e", _shows("Explain · TQQQ")),
        Step("Explain", "down", _asks(id="SVIX")), Step("Explain", "j", _asks(id="TNA")),
        Step("Explain", "up", _asks(id="SVIX")), Step("Explain", "k", _asks(id="TQQQ")),
        Step("Explain", "pagedown", _scrolled("down")), Step("Explain", "pageup", _scrolled("up")),
        Step("Explain", "space", _scrolled("down")),
        *(step for key in ("escape", "q", "e")
          for step in (Step("explain", "e"), Step("Explain", key, _word("dashboard")))),
        Step("help", "question_mark", _shows("Help", "liquidate all")),
        Step("Help", "escape", _word("dashboard")),
        *(step for key in ("q", "question_mark")
          for step in (Step("help", "question_mark"), Step("Help", key, _word("dashboard")))),
        Step("command", "colon", _above("Prompt")), *way(typed("th")),
        Step("Prompt", "tab", _typed("theme")), *way([*typed("light"), "enter", "colon"]),
        Step("Prompt", "up", _typed("theme light")), Step("Prompt", "down", _typed("")),
        Step("Prompt", "escape", _word("dashboard")),
        Step("palette", "ctrl+p", _above("Palette")),
        Step("Palette", "down", _shows("▸ Liquidate SVIX")),
        Step("Palette", "up", _shows("▸ Liquidate TQQQ")),
        Step("Palette", "pagedown", _shows("▸ Dismiss")),
        Step("Palette", "pageup", _shows("▸ Liquidate TQQQ")),
        Step("Palette", "escape", _word("dashboard")), *way(["ctrl+p"]),
        Step("Palette", "ctrl+p", _word("dashboard")),
        Step("theme", "t", _theme),
        Step("screenshot", "s", _says(".svg")),
    ]),
    "trading": ("paper", [
        Step("liquidate.selected", "l", _above("Confirm")),
        Step("confirm.yes", "y", _sends(verb="liquidate", symbol="TQQQ")),
        Step("liquidate.all", "L", _shows("y  sell everything")),
        Step("confirm.yes", "y", _sends(verb="liquidate", symbol=None)),
        Step("halt", "h", _sends(verb="halt")),
        Step("reload", "r", _asks(what="config")), *way(["1"]),
        Step("quit", "q", _above("Quit")), Step("", "escape", _word("dashboard")),
        *(step for key in ("ctrl+q", "ctrl+c") for step in (
            Step("", "l"), Step("quit.always", key, lambda seen, _: seen.screens[-2:] ==
                                ["Confirm", "Quit"]), *way(["escape", "escape"]))),
        Step("quit", "q", _above("Quit")),
        Step("quit.leave", "b", _sends(verb="stop", how="leave")),
    ]),
    "inbox": ("inbox", [
        Step("card.approve", "a", _word("inbox")),
        Step("card.approve", "a", _shows("y sends exactly this version")),
        Step("confirm.yes", "y", _sends(verb="approve", card="A-17", version=3)),
        Step("card.dismiss", "d", _sends(verb="dismiss", card="A-17")),
        Step("card.snooze", "z", _sends(verb="snooze", card="A-17")),
    ]),
    "risk and config": ("halted", [
        Step("", "6"), Step("breaker.rearm", "R", _shows("y  resume")),
        Step("confirm.yes", "y", _sends(verb="resume")),
        Step("", "7"), Step("config.undo", "u", _shows("takes back: 13:02:11")),
        Step("confirm.keep", "n", _says("nothing applied")),
        Step("", "u"), Step("confirm.yes", "y", _sends(verb="reload", revert=True)),
    ]),
    "tables": ("paper", [
        Step("", "2"), Step("order", "o", _ordered("symbol", turn=False)),
        Step("order.turn", "O", _ordered("symbol", turn=True)), *way(["home"]),
        Step("export", "x", _says("wrote trades-13-47.csv, 9 rows")),
    ]),
    "sheets": ("paper", [
        Step("", "2"), Step("Sheet", "j", _trade(8)), Step("Sheet", "k", _trade(9)),
        Step("move.far Sheet", "end", _trade(1)), Step("move.far Sheet", "home", _trade(9)),
        Step("", "5"), Step("AnalyticsScreen", "tab", _shows("› hours")),
        Step("AnalyticsScreen", "shift+tab", _shows("› symbols")),
    ]),
    "log": ("paper", [
        Step("", "9"), Step("Tape", "up", _line(LOG_LINES - 2)), Step("Tape", "k", _line(8)),
        Step("Tape", "down", _line(9)), Step("Tape", "j", _line(10)),
        Step("match.previous", "N", _line(7)), Step("match.previous", "N", _line(6)),
        Step("match.next", "n", _line(7)),
        Step("Tape", "home", _line(0)), Step("Tape", "end", _line(10)),
        Step("Tape", "pageup", lambda _, app: app.shown.tape.cursor < 10),
        Step("Tape", "pagedown", _line(10)), *way(["home"]),
        Step("LogScreen", "f", _line(10)), Step("LogScreen", "v", _filters("!level:info")),
    ]),
    "replay": ("replay", [
        Step("help", "question_mark", _shows("Help", "next trade")),  # longer than the window
        Step("Help", "down", _scrolled("down")), Step("Help", "up", _scrolled("up")),
        Step("Help", "j", _scrolled("down")), Step("Help", "k", _scrolled("up")),
        Step("Help", "escape", _word("dashboard")),
        Step("replay.play", "space", _moves("pause")),
        Step("replay.step", "full_stop", _moves("step")),
        Step("replay.back", "comma", _moves("back")),
        Step("replay.slower", "less_than_sign", _moves("speed", to=30)),
        Step("replay.faster", "greater_than_sign", _moves("speed", to=120)),
        Step("replay.session.previous", "left_square_bracket", _moves("previous_session")),
        Step("replay.session.next", "right_square_bracket", _moves("next_session")),
        Step("replay.trade.next", "n", _moves("next_trade")),
        Step("replay.trade.previous", "N", _moves("previous_trade")),
        Step("replay.goto", "g", _typed("goto")), *way(typed("13:47")),
        Step("", "enter", _moves("seek", to="13:47")),
    ]),
}  # fmt: skip


def _own():
    """What screens, panels and dialogs bind beyond the table: class and key."""
    found = set()
    for module in pkgutil.walk_packages(tui.cockpit.__path__, "tui.cockpit."):
        for name, kind in vars(import_module(module.name)).items():
            if isinstance(kind, type) and kind.__module__ == module.name and name != "Core":
                bindings = Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))
                found |= {(name, one.key) for one in bindings if one.id not in BY_ID}
    return found


def test_every_key_has_a_step():
    wanted = {(key.id, name) for key in TABLE for name in keys_of(key, {})} | _own()
    pressed = {
        (id_, step.key) for _, steps in WALKS.values() for step in steps for id_ in step.ids.split()
    }

    assert pressed == wanted


@pytest.mark.parametrize("walk", WALKS)
def test_each_key_does_what_is_said_of_it(walk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state, steps = WALKS[walk]
    answers = ANSWERS | {"confirm": CONFIRM, "explain": EXPLAIN}

    async def scenario():
        async with at(FixedSource(STATES[state](), answers)) as press:
            for place, step in enumerate(steps):
                seen = await press(step.key)
                assert step.holds(seen, press.app), (place, *step[:2], seen)

    asyncio.run(asyncio.wait_for(scenario(), patience(120)))
