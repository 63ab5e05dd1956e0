"""The keys that only look: screens, rows, help, palette, command line, filter, theme, replay."""

import asyncio
import getpass
import re
from dataclasses import replace

import pytest
from textual import events
from textual.keys import _character_to_key

from engine.errors import BadInputError
from tests.patience import patience
from tests.tui.cockpit.keyboard import at, each, in_turn, press, seen, settled, source, typed
from tests.tui.cockpit.sample import MessageView, degraded, paper
from tui.cockpit import command
from tui.cockpit.app import Cockpit
from tui.cockpit.keys import BY_ID, SCREENS, TABLE, everywhere, on_screen
from tui.cockpit.news import News
from tui.cockpit.settings import Settings

ME = f"tui:{getpass.getuser()}@"
ASKED = (*"lLhrade/:", *"123456789", *"tq")
"""The keys that issue 6 names."""


def line(words):
    """The keys that type a command and run it."""
    return ["colon", *typed(words), "enter"]


def lines(source, *commands):
    """Type commands into one cockpit; what was to be seen after each."""
    return zip(commands, each(source, map(line, commands)), strict=True)


def test_every_key_that_was_asked_for_is_there():
    table = {name for key in TABLE for name in key.keys.split(",")}

    assert set(ASKED) <= table


def test_ids_are_unique_and_every_action_exists():
    bindings = [*everywhere(), *(b for name in SCREENS.values() for b in on_screen(name))]

    assert len(BY_ID) == len(TABLE)
    for binding in bindings:
        action = re.match(r"app\.(\w+)", binding.action).group(1)
        assert hasattr(Cockpit, f"action_{action}"), binding.id


def test_a_digit_opens_its_screen_and_escape_goes_back():
    starts = ["2" if word == "dashboard" else "1" for word in SCREENS.values()]
    keys = zip(starts, SCREENS, strict=True)
    after = in_turn(source(), *(group for way in keys for group in (way, ["escape"])))
    opened, left = after[::2], after[1::2]

    assert [one.word for one in opened] == list(SCREENS.values())
    assert [one.word for one in left] == [SCREENS[start] for start in starts]


def test_escape_on_the_dashboard_stays():
    assert press(source(), "escape", "escape").word == "dashboard"


def test_e_explains_the_selected_row():
    given = source()
    after = press(given, "e")

    asked = {"verb": "show", "what": "explain", "kind": "position", "id": "TQQQ"}
    assert asked in given.requests
    assert "Explain · TQQQ" in after.text
    assert "signal p 0.531, confidence 0.62" in after.text
    assert all(len(row) == 80 for row in after.text.splitlines())


def test_a_long_story_scrolls_and_covers_neither_mode_nor_money_nor_keys():
    seen_in_turn = in_turn(source(), [], ["e"], ["pagedown"])
    before, during, further = (after.text.splitlines() for after in seen_in_turn)

    assert during[:2] == before[:2]
    assert during[22:] == before[22:]
    assert further[3] != during[3]


def test_down_in_the_overlay_explains_the_next_row():
    given = source()
    press(given, "e", "down")

    assert [r["id"] for r in given.requests if r["verb"] == "show"] == ["TQQQ", "SVIX"]


def test_the_explanation_of_nothing_is_said():
    given = source(explain=BadInputError("TQQQ: no signal yet"))
    after, left = in_turn(given, ["e"], ["escape"])

    assert "TQQQ: no signal yet" in after.text
    assert left.screens == ["DashboardScreen"]


def test_help_tells_the_keys_of_the_place():
    help_ = "question_mark"
    dashboard, left, inbox = in_turn(source("inbox"), [help_], ["escape"], ["3", help_])

    assert "Here: Dashboard" in dashboard.text
    assert "liquidate the selected" in dashboard.text
    assert "snooze 5 minutes" not in dashboard.text
    assert left.screens == ["DashboardScreen"]
    assert "Here: Inbox" in inbox.text
    assert "snooze 5 minutes" in inbox.text


def test_help_shows_the_users_own_keys():
    own = Settings(keys={"liquidate.selected": "k"})

    assert "k y      liquidate the selected" in press(source(), "question_mark", own=own).text


def test_help_puts_what_may_not_be_done_in_brackets():
    own = Settings(readonly=True)

    assert "(liquidate all)" in press(source(), "question_mark", own=own).text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)])
def test_no_dialog_is_wider_than_the_screen(size):
    dialogs = ("question_mark", "l", "q", "e", "ctrl+p", "colon", "slash")
    cases = [[key] for key in dialogs]
    after_each = each(source(), cases, back=("escape", "escape"), size=size)
    for key, after in zip(dialogs, after_each, strict=True):
        rows = after.text.splitlines()
        assert len(after.screens) == 2, key
        assert [len(row) for row in rows] == [size[0]] * size[1], key


def test_the_palette_finds_an_action_and_teaches_its_key():
    after = press(source(), "ctrl+p", *typed("liquid"))

    assert re.search(r"Liquidate the selected +l\b", after.text)
    assert "Liquidate SVIX" in after.text


def test_the_palette_runs_it_and_the_risky_still_ask():
    given = source()
    after = press(given, "ctrl+p", *typed("liquidate svix"), "down", "enter")

    assert after.screens[-1] == "Confirm"
    assert after.sent == []
    assert given.requests[-1]["command"] == {"verb": "liquidate", "symbol": "SVIX"}


def test_the_palette_has_no_way_out_of_its_own():
    text = press(source(), "ctrl+p", *typed("quit")).text

    assert "Quit; asks if not flat" in text
    assert "as soon as possible" not in text


GIVEN = {
    "halt why not": {"verb": "halt", "reason": "why not"},
    "dismiss a-17": {"verb": "dismiss", "card": "A-17", "version": 3},
    "snooze A-16 9": {"verb": "snooze", "card": "A-16", "version": 3, "minutes": 9},
}


def test_the_command_line_gives_commands():
    for words, after in lines(source("inbox"), *GIVEN):
        assert after.sent == [{**GIVEN[words], "actor": ME + "dashboard"}], words


RISKY = {
    "liquidate tqqq": {"verb": "liquidate", "symbol": "TQQQ"},
    "liquidate all": {"verb": "liquidate", "symbol": None},
    "resume": {"verb": "resume"},
    "approve A-17": {"verb": "approve", "card": "A-17", "version": 3},
}


def test_what_is_risky_asks_from_the_command_line_too():
    keys = [group for words in RISKY for group in (line(words), ["y"])]
    after = in_turn(source("inbox"), *keys)

    for words, asked, given in zip(RISKY, after[::2], after[1::2], strict=True):
        assert asked.screens[-1] == "Confirm", words
        assert asked.sent == [], words
        assert given.sent == [{**RISKY[words], "actor": ME + "dashboard"}], words


def test_the_command_line_opens_screens_and_symbols():
    risk, symbol, config, light, explain, help_, quit_ = in_turn(
        source(), line("open risk"), line("open symbol fas"), line("reload"), line("theme light"),
        line("explain fas"), ["escape", *line("help")], ["escape", *line("quit")],
    )  # fmt: skip

    assert [one.word for one in (risk, symbol, config)] == ["risk", "symbol", "config"]
    assert light.theme == "rotor-light"
    assert [one.screens[-1] for one in (explain, help_, quit_)] == ["Explain", "Help", "Quit"]
    assert press(source("empty"), *line("q")).code == 0


WRONG = {
    "sell TQQQ": "no such command; there are liquidate, halt",
    "liquidate FAS": "FAS is not held; wanted one of TQQQ, SVIX, TNA, all",
    "approve A-99": "no such card waits",
    "theme pink": "wanted one of dark, light",
    "open moon": "wanted one of dashboard, trades",
    "speed 0": "wanted minutes per minute",
    "speed ²": "wanted minutes per minute",
    "resume now": "'now' is not understood here",
    "goto": "wanted a time: 13:47",
    "next year": "wanted trade or session",
    "play": "there is no replay to move",
}


def test_a_wrong_line_says_what_was_wanted():
    for words, after in lines(source(), *WRONG):
        assert WRONG[words] in after.said, words
        assert after.kind == "error", words
        assert after.sent == [], words


def test_a_number_that_is_too_large_is_refused_too():
    async def scenario():
        async with at(source()) as keys:
            keys.app.run_line("speed " + "9" * 400)
            return await keys()

    after = asyncio.run(scenario())
    assert "wanted minutes per minute" in after.said
    assert (after.kind, after.sent) == ("error", [])


def test_keys_that_come_together_close_a_dialog_once():
    """And answer it once: as when a key is held, and the screen is behind."""
    cases = (
        ("L", "x", "x"), ("L", "y", "y"), ("q", "escape", None), ("q", "b", "b"), ("e", "q", "q"),
        ("question_mark", "escape", None), ("ctrl+p", "enter", None),
        ("colon", "enter", None), ("slash", "enter", None),
    )  # fmt: skip
    given = source()

    async def scenario():
        async with at(given) as keys:
            for opens, key, character in cases:
                given.requests.clear()
                opened = await keys(opens)
                for _ in range(3):
                    keys.app.post_message(events.Key(key, character))
                await settled(keys.app, keys.pilot)
                after = await keys("1")
                sent = [one["verb"] for one in given.requests if one["verb"] != "show"]
                assert len(opened.screens) == 2, (opens, key)
                assert (after.word, len(after.screens)) == ("dashboard", 1), (opens, key)
                assert len(sent) == (1 if key in ("y", "b") else 0), (opens, key, sent)

    asyncio.run(scenario())


def test_every_verb_can_be_typed_and_completed():
    given = source("inbox")

    async def scenario():
        async with at(given) as keys:
            return [
                command.complete(keys.app, words)
                for words in (
                    "li",
                    "liquidate ",
                    "liquidate s",
                    "approve ",
                    "open sy",
                    "next ",
                    "x ",
                )
            ]

    verbs, held, svix, cards, screens, steps, none = asyncio.run(scenario())
    assert verbs == ["liquidate"]
    assert held == ["liquidate TQQQ", "liquidate SVIX", "liquidate TNA", "liquidate all"]
    assert svix == ["liquidate SVIX"]
    assert cards == ["approve A-17", "approve A-16"]
    assert screens[:2] == ["open symbol", "open symbol TQQQ"]
    assert steps == ["next trade", "next session"]
    assert none == []


def test_tab_completes_and_up_brings_a_line_back():
    after, again = in_turn(
        source(), ["colon", *typed("liq"), "tab", *typed("sv"), "tab", "enter"],
        ["escape", *line("theme light"), "colon", "up"],
    )  # fmt: skip

    assert "Liquidate TQQQ?" in after.text  # the fixed answer of the source
    assert after.screens[-1] == "Confirm"
    assert ":theme light" in again.text


def test_the_line_stands_in_the_place_of_the_lane_and_moves_nothing():
    seen_in_turn = in_turn(source(), [], ["colon", *typed("liq")])
    before, during = (after.text.splitlines() for after in seen_in_turn)

    assert during[:22] == before[:22]
    assert during[22].startswith(" :liq")
    assert "liquidate" in during[22]
    assert "esc cancel" in during[23]


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (":halt why\r", [{"verb": "halt", "reason": "why", "actor": ME + "dashboard"}]),
        ("/hall\r", []),
    ],
)
def test_who_types_faster_than_the_line_opens_loses_no_letter(line, sent):
    given = source()

    async def scenario():
        async with at(given) as keys:
            for letter in line:
                name = {"\r": "enter", " ": "space"}.get(letter) or _character_to_key(letter)
                keys.app.post_message(events.Key(name, letter))
            for _ in range(5):
                await settled(keys.app, keys.pilot)
            return seen(keys.app)

    after = asyncio.run(scenario())
    assert after.sent == sent
    assert after.screens == ["DashboardScreen"]
    assert after.said.startswith("halted by you" if sent else "filter hall: 0 of 3")


def test_a_filter_shows_what_is_left_while_it_is_typed():
    during, after, cleared = in_turn(
        source(), ["tab", "slash", *typed("fa")], ["s", "enter"], ["escape"]
    )

    assert "FAZ" in during.text
    assert "ERX   L" not in during.text
    assert after.said == "filter fas: 1 of 12"
    assert "ERX   L" in cleared.text


def test_escape_in_the_filter_clears_it():
    assert "ERX   L" in press(source(), "tab", "slash", *typed("fas"), "escape").text


def test_t_goes_through_the_themes_and_the_choice_is_kept(home):
    first, after = in_turn(source(), [], ["t"])

    assert after.theme != first.theme
    assert after.said == f"theme: {after.theme.removeprefix('rotor-')}"
    kept, *others = in_turn(source(), [], ["t"], ["t"], ["t"], ["t"])
    assert kept.theme == others[-1].theme == after.theme
    assert len({one.theme for one in others}) == 4


def test_s_writes_a_picture(home, monkeypatch):
    monkeypatch.chdir(home)
    after = press(source(), "s")

    (picture,) = home.glob("*.svg")
    assert picture.name == "rotor-dashboard-13-47-22.svg"
    assert picture.name in after.said
    assert "TQQQ" in picture.read_text()


def test_an_answer_goes_with_the_next_key():
    halted, down = in_turn(source(), ["h"], ["down"])

    assert halted.said
    assert down.said == ""


def test_an_answer_goes_after_a_while(monkeypatch):
    monkeypatch.setattr("tui.cockpit.core.SAID_SECONDS", 0.2)

    async def scenario():
        async with at(source()) as keys:
            answered = await keys("h")
            async with asyncio.timeout(patience(10)):
                while keys.app.said is not None:  # noqa: ASYNC110 - the app's own timer ends it
                    await asyncio.sleep(0.01)
            await settled(keys.app, keys.pilot)
            return answered, seen(keys.app)

    answered, after = asyncio.run(scenario())
    assert "halted by you" in answered.text
    assert "halted by you" not in after.text


def test_the_sessions_own_word_replaces_ours():
    given = source()
    flat = MessageView(
        id=9, ns=0, text="TQQQ flat 13:49:09, confirmed by the broker", kind="done",
        actor=ME + "dashboard",
    )  # fmt: skip

    async def scenario():
        async with at(given) as keys:
            sent = await keys("l", "y")
            given.view = replace(given.view, sequence=given.view.sequence + 1, message=flat)
            keys.app.pull()
            await settled(keys.app, keys.pilot)
            return sent, seen(keys.app)

    sent, after = asyncio.run(scenario())
    assert "liquidate TQQQ: sent" in sent.text
    assert "TQQQ flat 13:49:09, confirmed by the broker" in after.text


MOVES = {
    "space": {"do": "play"},
    "full_stop": {"do": "step"},
    "comma": {"do": "back"},
    "less_than_sign": {"do": "speed", "to": 30},
    "greater_than_sign": {"do": "speed", "to": 120},
    "left_square_bracket": {"do": "previous_session"},
    "right_square_bracket": {"do": "next_session"},
    "n": {"do": "next_trade"},
    "N": {"do": "previous_trade"},
}


def test_a_replay_is_moved_even_if_it_is_recorded():
    given = source("replay")
    given.view = replace(
        given.view, transport=replace(given.view.transport, playing=False, speed=60.0)
    )
    for key, after in zip(MOVES, each(given, [[key] for key in MOVES]), strict=True):
        assert after.sent == [{"verb": "transport", **MOVES[key], "actor": ME + "dashboard"}], key


def test_space_pauses_what_plays():
    given = source("replay")
    given.view = replace(given.view, transport=replace(given.view.transport, playing=True))
    after = press(given, "space")

    assert after.sent[0]["do"] == "pause"
    assert after.said == "‖ paused"


def test_speed_ends_at_max_and_at_one():
    for speed, key, to in ((None, "greater_than_sign", "max"), (300.0, "greater_than_sign", "max"),
                           (1.0, "less_than_sign", 1), (None, "less_than_sign", 300)):  # fmt: skip
        given = source("replay")
        given.view = replace(given.view, transport=replace(given.view.transport, speed=speed))
        assert press(given, key).sent[0]["to"] == to


@pytest.mark.parametrize("both_ways", [True, False])
def test_keys_that_go_back_are_offered_where_they_work(both_ways):
    given = source("replay")
    transport = replace(given.view.transport, can_step_back=both_ways)
    given.view = replace(given.view, transport=transport)
    wide = press(given, size=(160, 50))
    assert ("n/N trade" in wide.text, "[ ] session" in wide.text) == (both_ways, both_ways)
    assert "n trade" in wide.text or both_ways
    help_, palette = in_turn(given, ["question_mark"], ["escape", "ctrl+p", *typed("one minute")])
    assert ("previous session" in help_.text) == both_ways
    assert ("One minute back" in palette.text) == both_ways


def test_where_a_replay_came_to_is_said():
    given = source("replay", transport={"short": "14:09 is the run's last minute of that day"})
    after = press(given, *typed("g15:59"), "enter")

    assert after.said == "to 15:59: 14:09 is the run's last minute of that day"
    assert after.kind == "done"


def test_g_asks_for_a_time():
    after = press(source("replay"), "g", *typed("13:47"), "enter")

    assert after.sent[0]["do"] == "seek"
    assert after.sent[0]["to"] == "13:47"


def test_a_viewer_who_may_only_look_moves_no_replay():
    after = press(source("replay"), "space", own=Settings(readonly=True))

    assert after.sent == []
    assert after.said == "read-only: nothing sent"


def test_there_is_nothing_to_play_outside_a_replay():
    assert press(source(), "space", "n", "g").sent == []


def test_the_footer_is_clicked_as_its_key_is_pressed():
    async def scenario():
        async with at(source()) as keys:
            await keys.pilot.click("#footer", offset=(2, 0))
            await settled(keys.app, keys.pilot)
            return seen(keys.app)

    after = asyncio.run(scenario())
    assert after.screens[-1] == "Confirm"
    assert after.sent == []


def test_before_the_first_view_only_looking_and_leaving_work():
    given = source()
    given.view = None

    after, left = in_turn(given, ["L"], ["q"])
    assert left.code == 0
    assert after.said == "the session is not there yet: nothing sent"


def test_news_is_what_the_user_did_not_cause():
    news, calm = News(), paper()
    rejected = MessageView(id=7, ns=0, text="FAS rejected: halted", kind="error", actor="broker")
    own = replace(rejected, id=8, actor=ME + "dashboard")

    assert news.of(calm, ME) == []
    assert [toast.text for toast in news.of(replace(calm, message=rejected), ME)] == [rejected.text]
    assert news.of(replace(calm, message=rejected), ME) == []
    assert news.of(replace(calm, message=own), ME) == []
    worse = news.of(degraded(), ME)
    assert [toast.severity for toast in worse] == ["error", "error", "warning"]
    assert worse[0].text == "stops rest at the broker; look at the feed"
    assert news.of(degraded(), ME) == []


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (160, 50)], ids=str)
def test_toasts_hide_neither_the_money_nor_any_rows_result(size):
    """Above 120 columns at the top right; below, a line each where the oldest decisions are."""
    given = source()

    async def scenario():
        async with at(given, size=size) as keys:
            given.view = replace(degraded(), sequence=99)
            keys.app.pull()
            await settled(keys.app, keys.pilot)
            return seen(keys.app)

    rows = asyncio.run(scenario()).text.splitlines()
    assert "equity 100,844.49" in rows[1]
    for result in ("+196.98", "+80.50", "-185.60"):
        assert any(result in row for row in rows), result
    first = next(place for place, row in enumerate(rows) if "breaker rejects: 3 in a row" in row)
    assert (first == size[1] - 5) if size[0] < 120 else (first < 10)
    assert rows[-1].startswith(" l liquidate")
    assert rows[-2].startswith(" !")
