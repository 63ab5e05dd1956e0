"""A user's own settings: read, refused by file and key, in force."""

import asyncio

import pytest

from engine.errors import BadInputError
from tests.tui.cockpit.answers import ANSWERS
from tests.tui.cockpit.keyboard import CONFIRM, at, press, source
from tests.tui.cockpit.sample import FixedSource, inbox
from tui.cockpit.keys import SCREENS, check
from tui.cockpit.settings import Settings, load_settings
from tui.options import Look


@pytest.fixture
def ui(home):
    """Yield a function that writes the user's file."""
    folder = home / "config" / "rotor"
    folder.mkdir(parents=True)
    return (folder / "ui.toml").write_text


def test_without_a_file_all_is_as_delivered():
    assert load_settings() == Settings()
    assert Settings().pull_seconds == 0.2


def test_the_command_line_goes_over_the_file(ui):
    ui('low_bandwidth = true\n[keys]\nhalt = "f2"\n')
    own = load_settings(Look(ascii=True), readonly=True)

    assert (own.low_bandwidth, own.ascii, own.readonly) == (True, True, True)
    assert own.pull_seconds == 1.0
    assert own.keys == {"halt": "f2"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("low_bandwidth = 3", "ui.toml: low_bandwidth: "),
        ("colour = 'red'", "ui.toml: colour: "),
        ("keys = [", "ui.toml: "),
        ('[keys]\nsell = "x"', "sell: no such key; there are liquidate.selected"),
        ('[keys]\nmove = "i"', "move: this key cannot be another"),
        ('[keys]\nhalt = ""', "name a key"),
        ('[keys]\nhalt = "l"', "l cannot be liquidate.selected (liquidate the selected) and halt"),
        ('[keys]\nzoom = "a"', "a cannot be card.approve"),
        ('[keys]\nhalt = "y"', "y cannot be halt"),
        ('[keys]\n"confirm.yes" = "L"', "L cannot be liquidate.all"),
        ('[keys]\n"confirm.yes" = "q"', "q cannot be confirm.yes"),
        ('[keys]\n"quit.leave" = "y"', "y cannot be confirm.yes"),
    ],
)
def test_what_cannot_be_is_refused_by_name(ui, text, wanted):
    ui(text)
    with pytest.raises(BadInputError, match=r"ui\.toml") as error:
        load_settings()
    assert wanted in str(error.value)


def test_two_keys_may_change_places():
    check({"halt": "l", "liquidate.selected": "h"}, "ui.toml")


def test_own_keys_are_in_force_and_shown():
    own = Settings(keys={"halt": "l", "liquidate.selected": "h", "confirm.yes": "f5"})

    assert press(source(), "l", own=own).sent[0]["verb"] == "halt"
    asked = press(source(), "h", own=own)
    assert "f5  send this" in asked.text
    assert "h liquidate" in asked.text.splitlines()[-1]
    assert press(source(), "h", "y", own=own).sent == []
    assert press(source(), "h", "f5", own=own).sent[0]["verb"] == "liquidate"


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_where_only_ascii_can_be_drawn_nothing_else_is(size):
    """Every screen, and every dialog above one."""
    own = Settings(ascii=True, low_bandwidth=True)
    dialogs = ("l", "q", "e", "question_mark", "ctrl+p l", "colon l", "slash a")

    async def scenario():
        texts = {}
        async with at(FixedSource(inbox(), ANSWERS | {"confirm": CONFIRM}), own, size) as keys:
            for number in SCREENS:
                texts[number] = (await keys(number)).text
            await keys("1")
            for opening in dialogs:
                texts[opening] = (await keys(*opening.split())).text
                await keys("escape")
        return texts

    for what, text in asyncio.run(scenario()).items():
        assert text.isascii(), (what, sorted({sign for sign in text if ord(sign) > 126}))
