"""Screen and session in one process: however either ends, both end, and the terminal is whole."""

import getpass
import signal
import time

import pytest

from tests.patience import patience
from tests.tui.cockpit.terminal import Terminal


@pytest.fixture
def hosted(tmp_path):
    """Yield a function that runs a case on a terminal of its own."""
    opened = []
    home = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}

    def run(case, *, cold=False):
        (tmp_path / "told").touch()
        words = ("-m", "tests.tui.cockpit.hosted", case, tmp_path)
        opened.append(Terminal(*words, env=home, cold=cold).__enter__())
        return opened[-1]

    yield run
    for terminal in opened:
        terminal.__exit__()


def is_up(terminal, folder):
    terminal.wait_for("PAPER")
    end = time.monotonic() + patience(30)
    while not (folder / "begun").exists():
        terminal.read()
        assert time.monotonic() < end, "the session did not begin"


def test_a_session_that_fails_at_once_is_told_on_a_whole_terminal(hosted):
    terminal = hosted("fails at once")

    assert terminal.end() == 1
    assert b"rotor: the account is empty" in terminal.written
    assert terminal.restored


def test_a_session_that_ends_takes_the_screen_with_it(hosted, tmp_path):
    terminal = hosted("ends")

    assert terminal.end() == 0
    assert (tmp_path / "cleaned").exists()
    assert terminal.restored


def test_a_session_that_crashes_is_told_after_the_screen(hosted, tmp_path):
    terminal = hosted("crashes")

    assert terminal.end() == 1
    assert (tmp_path / "cleaned").exists()
    assert terminal.restored
    main_screen = terminal.written.rindex(b"\x1b[?1049l")
    assert b"rotor: the broker is gone" in terminal.written[main_screen:]


def test_a_screen_that_crashes_ends_the_session_in_order(hosted, tmp_path):
    terminal = hosted("screen crashes")

    assert terminal.end() == 1
    assert (tmp_path / "cleaned").exists()
    assert terminal.restored
    main_screen = terminal.written.rindex(b"\x1b[?1049l")
    assert b"rotor: the screen broke: a widget broke" in terminal.written[main_screen:]


@pytest.mark.parametrize("key", ["q", "\x03", "\x11"], ids=["q", "ctrl+c", "ctrl+q"])
def test_leaving_while_flat_is_at_once_and_in_order(hosted, tmp_path, key):
    terminal = hosted("flat")
    is_up(terminal, tmp_path)
    terminal.type(key)

    assert terminal.end() == 0
    assert (tmp_path / "cleaned").exists()
    assert (tmp_path / "told").read_text() == ""
    assert terminal.restored


def test_a_command_reaches_the_session_with_who_and_where(hosted, tmp_path):
    terminal = hosted("flat", cold=True)
    is_up(terminal, tmp_path)
    terminal.type("h")
    terminal.wait_for("halted by you; exits go on")
    terminal.type("q")

    assert terminal.end() == 0
    assert (tmp_path / "told").read_text() == f"halt  tui:{getpass.getuser()}@dashboard\n"
    assert terminal.restored


@pytest.mark.parametrize(("key", "how"), [("y", "flatten"), ("b", "leave")])
def test_leaving_with_positions_ends_when_the_session_has_ended(hosted, tmp_path, key, how):
    terminal = hosted("held")
    is_up(terminal, tmp_path)
    terminal.type("\x03")
    terminal.wait_for("Quit with open positions?")
    terminal.type(key)

    assert terminal.end() == 0
    assert (tmp_path / "told").read_text().startswith(f"stop {how} ")
    assert (tmp_path / "cleaned").exists()
    assert terminal.restored


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_both_in_order(hosted, tmp_path, signum):
    terminal = hosted("held")
    is_up(terminal, tmp_path)
    terminal.kill(signum)

    assert terminal.end() == 128 + signum
    assert (tmp_path / "cleaned").exists()
    assert terminal.restored


def test_a_second_signal_does_not_cut_the_end_short(hosted, tmp_path):
    terminal = hosted("held")
    is_up(terminal, tmp_path)
    terminal.kill(signal.SIGTERM)
    terminal.kill(signal.SIGINT)

    assert terminal.end() in (128 + signal.SIGTERM, 128 + signal.SIGINT)
    assert (tmp_path / "cleaned").exists()
    assert terminal.restored
