"""`--low-bandwidth` and `--ascii`: every command that draws takes them and hands them on."""

import pytest

from tui.cli import main
from tui.options import Look
from tui.web import WebRequest, viewer

POOR = Look(low_bandwidth=True, ascii=True)
DRAW = {
    "live": ("tui.live.live_command", lambda request: request.screen),
    "rehearse": ("tui.rehearse.rehearse_command", lambda request: request.screen),
    "replay --tui": ("tui.replay.replay_command", lambda request: request.tui),
    "attach": ("tui.attach.attach_command", lambda _session, look: look),
    "web": ("tui.web.web_command", lambda request: request.look),
}
"""What does the work of a command, and where the look is among what it is given."""


@pytest.mark.parametrize("words", DRAW)
def test_a_poor_terminal_can_be_named_to_whatever_draws(words, monkeypatch):
    """Without the options it is drawn as usual."""
    command, look_of = DRAW[words]
    looks = []
    monkeypatch.setattr("tui.live_screen.has_terminal", lambda: True)
    monkeypatch.setattr(command, lambda *given, **_: looks.append(look_of(*given)) or 0)

    assert main([*words.split(), "--low-bandwidth", "--ascii"]) == 0
    assert main(words.split()) == 0
    assert looks == [POOR, Look()]


@pytest.mark.parametrize("words", ["live", "rehearse"])
def test_where_nothing_is_drawn_there_is_no_look(words, monkeypatch):
    screens = []
    monkeypatch.setattr("tui.live_screen.has_terminal", lambda: True)
    monkeypatch.setattr(DRAW[words][0], lambda request: screens.append(request.screen) or 0)

    assert main([words, "--ascii", "--headless"]) == 0
    assert screens == [None]


def test_a_tab_of_the_browser_is_drawn_as_was_asked():
    wanted = WebRequest(session="run", port=0, readonly=True, look=POOR, open_browser=False)
    usual = WebRequest(session=None, port=0, readonly=False, look=Look(), open_browser=False)

    assert viewer(wanted)[3:] == ["attach", "run", "--readonly", "--low-bandwidth", "--ascii"]
    assert viewer(usual)[3:] == ["attach"]
