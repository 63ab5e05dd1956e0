"""The keys that change something: what they ask, what they send, what never sends."""

import asyncio
import getpass
import re
from dataclasses import replace

import pytest

from engine.errors import BadInputError, RotorError
from tests.patience import patience
from tests.tui.cockpit.keyboard import (
    CONFIRM,
    at,
    each,
    in_turn,
    press,
    seen,
    settled,
    source,
    typed,
)
from tests.tui.cockpit.sample import paper
from tui.cockpit.screens import confirm
from tui.cockpit.settings import Settings
from tui.cockpit.trading import AT_ONCE_SECONDS

ME = f"tui:{getpass.getuser()}@"


def confirmed(**changes):
    return {"show": {**CONFIRM["show"], **changes}}


def test_l_shows_what_would_be_sent_and_sends_nothing():
    after = press(source(), "l")

    assert after.screens[-1] == "Confirm"
    for line in (
        "Liquidate TQQQ? · PAPER",
        "SELL 402 TQQQ  last 82.17, about 33,032",
        "1  entries in TQQQ are barred for 10 minutes",
        "2  cancel its 2 resting orders",
        "P&L if filled at last  +196.98 +0.60%",
        "y  send this           any other key  leave it",
        "closes by itself in ",
    ):
        assert line in after.text
    assert after.sent == []


def test_a_session_that_takes_its_time_is_waited_for_in_the_dialog():
    """Nothing is asked twice meanwhile, and `y` sends nothing before there is something to read."""
    given = source()
    answer, answered = given.ask, asyncio.Event()

    async def ask(request):
        if request["verb"] == "show":
            await answered.wait()
        return await answer(request)

    async def scenario():
        given.ask = ask
        async with at(given) as keys:
            await keys.pilot.press("l")
            await asyncio.sleep(4 * AT_ONCE_SECONDS)
            await keys.pilot.press("y")
            waiting = seen(keys.app)
            answered.set()
            await settled(keys.app, keys.pilot)
            return waiting, await keys(), await keys("y")

    waiting, asked, sent = asyncio.run(scenario())
    assert "asking the session what it would send" in waiting.text
    assert waiting.sent == asked.sent == []
    assert "SELL 402 TQQQ" in asked.text
    assert [request["verb"] for request in sent.sent] == ["liquidate"]


def test_a_question_that_another_one_overtook_is_not_asked():
    given = source()
    answer = given.ask

    async def ask(request):
        await asyncio.sleep(AT_ONCE_SECONDS / 5)
        return await answer(request)

    async def scenario():
        given.ask = ask
        async with at(given) as keys:
            keys.app.action_liquidate_selected()
            keys.app.action_help()
            await settled(keys.app, keys.pilot)
            return await keys()

    assert asyncio.run(scenario()).screens == ["DashboardScreen", "Help"]


def test_nothing_of_what_would_be_done_is_cut_off():
    step = "freeze entries, cancel those of " + ", ".join(f"SYM{n}" for n in range(20))
    fact = "still blocking after resume: " + "; ".join(f"reason {n} of ten" for n in range(10))
    text = press(source(confirm=confirmed(then=[step], facts=[fact])), "l").text

    for words in (step, fact):
        assert all(re.search(rf"\b{word}", text) for word in words.replace(",", "").split())
    assert "…" not in "".join(row[10:70] for row in text.splitlines()[7:16])


def selling(count, size, state="live"):
    """Ask to sell so many positions, then `y`: what would be sent, what was seen before, after."""
    sends = [f"SELL {n},402 SYM{n}" for n in range(count)]
    steps = ["freeze entries", "cancel", "marketable limit", "ask", "stay REDUCE_ONLY"]
    asks = confirmed(sends=sends, about=["about 33,032"] * count, then=steps)
    return sends, *in_turn(source(state, confirm=asks), ["L"], ["y"], size=size)


@pytest.mark.parametrize(
    ("count", "size"),
    [(3, (80, 24)), (9, (80, 24)), (20, (80, 24)), (24, (80, 24)), (40, (80, 30)), (60, (120, 40))],
    ids=str,
)
def test_whatever_is_held_the_key_that_sells_it_is_in_sight(count, size):
    """All of it, in as few columns as there is room for; and `y` sends it."""
    sends, asked, after = selling(count, size)

    assert all(re.search(rf"{send}\b", asked.text) for send in sends)
    assert "y  sell everything" in asked.text
    assert [one["verb"] for one in after.sent] == ["liquidate"]


@pytest.mark.parametrize("count", [40, 60])
def test_what_does_not_fit_is_not_sent(count):
    """Its last lines are in sight even so, and how many more there are."""
    _, asked, refused = selling(count, (80, 24))

    assert re.search(r"… and \d+ more: too many for this window", asked.text)
    assert "y  sell everything" in asked.text
    assert refused.sent == []
    assert refused.said == "not sent: more than this window shows; enlarge it"


def test_forty_small_lots_fit():
    """Four or five columns, without the blank lines."""
    sends = [f"SELL 100 S{n:03}" for n in range(40)]
    after = press(source(confirm=confirmed(sends=sends)), "L", "y")

    assert [one["verb"] for one in after.sent] == ["liquidate"]


def test_a_window_that_is_enlarged_sends():
    """The question that did not fit is read, and sent."""
    given = source(confirm=confirmed(sends=[f"SELL {n} SYM{n}" for n in range(80)]))

    async def scenario():
        async with at(given) as keys:
            await keys("L")
            await keys.pilot.resize_terminal(120, 40)
            return await keys("y")

    assert [one["verb"] for one in asyncio.run(scenario()).sent] == ["liquidate"]


def test_y_sends_it_with_who_and_where():
    after = press(source(), "l", "y")

    assert after.sent == [{"verb": "liquidate", "symbol": "TQQQ", "actor": ME + "dashboard"}]
    assert after.said == "liquidate TQQQ: sent"
    assert after.screens == ["DashboardScreen"]


def test_any_other_key_leaves_it():
    keys = ("l", "L", "enter", "space", "n", "escape", "Y", "q", "down")
    after = in_turn(source(), *(group for key in keys for group in (["l"], [key])))

    for key, asked, left in zip(keys, after[::2], after[1::2], strict=True):
        assert asked.screens[-1] == "Confirm", key
        assert left.sent == [], key
        assert left.screens == ["DashboardScreen"], key


def test_the_mouse_confirms_nothing():
    given = source()

    async def scenario():
        async with at(given) as keys:
            await keys("l")
            for x in range(10, 70, 4):
                await keys.pilot.click(offset=(x, 14))
            return await keys()

    after = asyncio.run(scenario())
    assert after.sent == []
    assert after.screens[-1] == "Confirm"


def test_a_key_held_down_never_confirms():
    assert press(source(), *["l"] * 9).sent == []
    assert press(source(), *["L"] * 9).sent == []


def test_liquidating_all_is_one_command_that_freezes_entries_itself():
    after = press(source(), "L", "y")

    assert after.sent == [{"verb": "liquidate", "symbol": None, "actor": ME + "dashboard"}]
    assert after.said == "liquidate all, sent by you. Ends when the broker confirms flat."


def test_saying_no_leaves_nothing_to_undo():
    assert press(source(), "L", "n", "l", "escape").sent == []


def test_real_money_is_written_in_the_dialog():
    after = press(source("live"), "l")

    assert "Liquidate TQQQ? · LIVE" in after.text
    assert "R E A L   M O N E Y" in after.text


def test_the_dialog_closes_by_itself(monkeypatch):
    monkeypatch.setattr(confirm, "SECONDS", 1)
    given = source()

    async def scenario():
        async with at(given) as keys:
            await keys("l")
            asked = seen(keys.app)
            async with asyncio.timeout(patience(10)):
                while keys.app.screen is not keys.app.shown:  # noqa: ASYNC110 - it closes itself
                    await asyncio.sleep(0.01)
            return asked, seen(keys.app)

    asked, after = asyncio.run(scenario())
    assert asked.screens[-1] == "Confirm"
    assert after.screens == ["DashboardScreen"]
    assert after.sent == []


def test_what_changes_under_the_dialog_is_marked_and_y_is_dead_for_a_moment(monkeypatch):
    monkeypatch.setattr(confirm, "DEAD_SECONDS", 0.4)
    given = source()

    async def scenario():
        async with at(given) as keys:
            await keys("l")
            given.answers["confirm"] = confirmed(sends=["SELL 300 TQQQ"])
            given.view = replace(given.view, sequence=given.view.sequence + 1)
            keys.app.pull()
            await settled(keys.app, keys.pilot)
            at_once = await keys("y")
            await keys.pilot.pause(0.5)
            return at_once, await keys("y")

    at_once, later = asyncio.run(scenario())
    assert "SELL 300 TQQQ*" in at_once.text
    assert "what would be sent has changed (*): look again" in at_once.text
    assert at_once.sent == []
    assert [request["verb"] for request in later.sent] == ["liquidate"]


def test_a_price_that_moves_does_not_stop_y():
    given = source()

    async def scenario():
        async with at(given) as keys:
            await keys("l")
            given.answers["confirm"] = confirmed(about=["last 82.18, about 33,036"])
            given.view = replace(given.view, sequence=given.view.sequence + 1)
            keys.app.pull()
            await settled(keys.app, keys.pilot)
            shown = seen(keys.app)
            return shown, await keys("y")

    shown, after = asyncio.run(scenario())
    assert "SELL 402 TQQQ  last 82.18" in shown.text
    assert "TQQQ*" not in shown.text
    assert len(after.sent) == 1


def test_a_dialog_whose_object_is_gone_closes_and_says_so():
    gone = "TQQQ was sold by viewer 2 at 13:49:01"
    after = press(source(confirm=confirmed(gone=gone)), "l")

    assert after.screens == ["DashboardScreen"]
    assert after.said == gone


def test_a_session_that_does_not_answer_the_question_is_sent_nothing():
    after = press(source(confirm=RotorError("the session is gone")), "l", "y")

    assert after.sent == []
    assert after.screens == ["DashboardScreen"]


def test_what_the_session_refuses_is_told():
    refusal = BadInputError("TQQQ: being sold already")
    after = press(source(liquidate=refusal), "l", "y")

    assert (after.said, after.kind) == ("liquidate TQQQ: TQQQ: being sold already", "error")


def test_nothing_held_is_nothing_to_liquidate():
    for after in in_turn(source("empty"), ["l"], ["L"]):
        assert after.screens == ["DashboardScreen"]
        assert after.kind == "error"
        assert "nothing to liquidate" in after.said


def test_while_everything_is_being_sold_trading_keys_wait():
    for after in in_turn(source("flattening"), ["l"], ["L"]):
        assert after.screens == ["DashboardScreen"]
        assert after.said == "flattening: trading keys wait until the broker confirms flat"


def test_h_halts_at_once():
    after = press(source(), "h")

    assert after.sent == [{"verb": "halt", "reason": "", "actor": ME + "dashboard"}]
    assert after.said == "halted by you; exits go on. h y resumes"
    assert after.screens == ["DashboardScreen"]


def test_h_again_asks_whether_to_resume():
    asks = confirmed(title="Resume entries?", sends=[], about=[], facts=["halted 13:12:40"])
    before, left, _, after = in_turn(source("halted", confirm=asks), ["h"], ["h"], ["h"], ["y"])

    assert "Resume entries? · PAPER" in before.text
    assert before.sent == left.sent == []
    assert left.screens == ["DashboardScreen"]
    assert after.sent == [{"verb": "resume", "actor": ME + "dashboard"}]
    assert after.said == "resumed; entries from 13:48 on"


def test_the_place_is_that_of_the_key():
    assert press(source(), "6", "h").sent[0]["actor"] == ME + "risk"


def test_r_shows_the_configuration_and_applies_nothing():
    after = press(source(), "r")

    assert after.word == "config"
    assert after.sent == []


def test_cards_are_decided_where_they_are():
    for after in each(source("inbox"), ["a", "d"], back=["escape"]):
        assert after.word == "inbox"
        assert after.sent == []


READONLY = Settings(readonly=True)


def only_told(cases):
    """Press keys where one may only look: none sends anything, each is answered with why."""
    given = source("inbox")
    for keys, after in zip(cases, each(given, cases, back=("1",), own=READONLY), strict=True):
        assert after.said == "read-only: nothing sent", keys
        assert len(after.screens) == 1, keys
    assert [request for request in given.requests if request["verb"] != "show"] == []


def test_who_may_only_look_sends_nothing():
    only_told([["l"], ["L"], ["h"], "3a", "3d", "3z", "6R", "7y"])


def test_nor_by_the_command_line():
    commands = ("liquidate TQQQ", "halt", "dismiss A-17", "resume")
    only_told([["colon", *typed(line), "enter"] for line in commands])


def test_a_recorded_run_takes_no_command():
    after = press(source("replay"), "h")

    assert after.said == "read-only: nothing sent"
    assert after.sent == []


def test_q_while_flat_leaves_at_once():
    after = press(source("empty"), "q")

    assert after.code == 0
    assert after.sent == []


def test_an_entry_that_works_is_not_flat():
    given = source("empty")
    given.view = replace(given.view, orders=paper().orders[:1])

    assert press(given, "q").screens[-1] == "Quit"


def test_q_with_positions_asks():
    for after in each(source(), [["q"], ["ctrl+c"], ["ctrl+q"]]):
        assert after.code is None
        for line in (
            "Quit with open positions? · PAPER",
            "3 positions are open, unrealised ▲ +91.88",
            "6 orders rest at the broker (3 stops, 3 targets)",
            "y  flatten, wait until confirmed flat, then stop",
            "b  stop now, leave the stops at the broker",
            "esc  stay",
        ):
            assert line in after.text


@pytest.mark.parametrize(("key", "how"), [("y", "flatten"), ("b", "leave")])
def test_the_session_is_told_how_to_stop(key, how):
    after = press(source(), "q", key)

    assert after.sent == [{"verb": "stop", "how": how, "actor": ME + "dashboard"}]
    assert after.code is None  # the screen stays until the session has ended


def test_any_other_key_stays():
    keys = ("escape", "q", "enter", "n")
    after = in_turn(source(), *(group for key in keys for group in (["q"], [key])))

    for key, asked, left in zip(keys, after[::2], after[1::2], strict=True):
        assert asked.screens[-1] == "Quit", key
        assert (left.sent, left.code, left.screens) == ([], None, ["DashboardScreen"]), key


def test_ctrl_c_works_above_a_dialog_and_asks_once():
    after = press(source(), "l", "ctrl+c", "ctrl+c", "ctrl+q")

    assert after.screens.count("Quit") == 1
    assert press(source("empty"), "question_mark", "ctrl+c").code == 0


def test_an_attached_viewer_detaches_without_a_question(capsys):
    after = press(source(attached=True), "q")

    assert after.code == 0
    assert after.sent == []


def test_a_recorded_run_is_left_without_a_question():
    assert press(source("replay"), "q").code == 0


@pytest.mark.parametrize("size", [(79, 24), (80, 23), (40, 10)])
def test_what_cannot_be_read_is_not_sent(size):
    """A window that cuts the question off sends nothing, and says why."""
    after, left = in_turn(source(), ["l", "y"], ["q", "y"], size=size)

    assert after.sent == []
    assert after.screens[-1] == "DashboardScreen"
    assert after.said == "not sent: too small a window to read it in; 80×24"
    assert left.sent == []
    assert left.code is None
