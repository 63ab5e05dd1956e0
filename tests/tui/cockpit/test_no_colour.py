"""With NO_COLOR no colour is sent, whatever is shown: what is really written to a terminal."""

import re

from tests.tui.cockpit.terminal import Terminal

SCREENS = ("Trades", "Inbox", "Symbol", "Analytics", "Risk", "Config", "Health", "Log")
SGR = re.compile(rb"\x1b\[([\d;:]*)m")
LOOKS = (
    *((str(n), f"{n} {word}") for n, word in enumerate(SCREENS, 2)), ("1", "Positions"),
    ("q", "positions are open"), ("\x1b", "Positions"), ("\x10", "Liquidate SVIX"),
    ("\x1b", "Positions"), ("t", "theme: light"), ("t", "theme: safe"),
    ("t", "theme: terminal"),
)  # fmt: skip
"""Every screen, a question, the palette and another theme: a key, and what is drawn then."""
PROGRAM = """
from tests.tui.cockpit.stage import staged
from tui.cockpit.core import Core
Core.PRELOAD = False
staged().run()
"""
PLAIN = {0, 1, 2, 3, 4, 7, 22, 23, 24, 27, 39, 49}
"""Bold, dim, underlined, reverse, their ends, the terminal's own colours."""


def sent(written):
    """Return the SGR parameters of all that was written."""
    return {
        int(number or 0) for found in SGR.findall(written) for number in re.split(rb"[;:]", found)
    }


def shown(tmp_path, env, looks=()):
    """Look at the dashboard and what else is asked for; return what was written."""
    home = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with Terminal("-c", PROGRAM, env=env | home) as terminal:
        terminal.wait_for("Positions 3/3")
        for key, text in looks:
            since = len(terminal.written)
            terminal.type(key)
            terminal.wait_for(text, since=since)
            for _ in range(20):  # until all of it is drawn
                if not terminal.read(0.1):
                    break
        return terminal.written


def test_no_colour_goes_out(tmp_path):
    """Neither of the palette nor grey; fills are reverse."""
    numbers = sent(shown(tmp_path, {"NO_COLOR": "1"}, LOOKS))

    assert numbers <= PLAIN, sorted(numbers - PLAIN)
    assert 7 in numbers


def test_colours_go_out_otherwise(tmp_path):
    """So that the test above looks at what it says."""
    assert {38, 48} <= sent(shown(tmp_path, {}))
