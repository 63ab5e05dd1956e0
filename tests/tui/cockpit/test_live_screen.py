"""`rotor live` on a terminal: session and screen in one process, left in order by either."""

import signal

import orjson
import pytest

from tests.patience import patience
from tests.tui.cockpit.terminal import Terminal
from tests.tui.rehearsal import BUSY, DEMO, exchange, rows, sets, wait_for
from tui.cli import main


@pytest.fixture
def sockets(runtime_dir, monkeypatch):
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    return runtime_dir


def live(place, out, config=DEMO / "config.toml"):
    """`rotor live` with a screen."""
    words = ["--endpoint", place.url, "--out", out, "--config", config]
    return Terminal(
        "-m", "tui.cli", "live", *words, "--hold", "always", *sets(*BUSY), env=place.env,
        cwd=place.folder, width=120, height=40,
    )  # fmt: skip


def after_the_screen(terminal):
    """What stands on the main screen once the cockpit is gone."""
    return terminal.written[terminal.written.rindex(b"\x1b[?1049l") :]


def test_flat_it_is_left_at_once_and_its_summary_follows(tmp_path, sockets):
    """`q` before anything is held: exit code 0, the terminal whole, then what was said."""
    with exchange(tmp_path, sockets) as place:
        place.asked("/control/pause", "POST")
        with live(place, tmp_path / "run") as terminal:
            terminal.wait_for("PAPER", seconds=90)
            terminal.type("q")
            assert terminal.end(60) == 0
            left = after_the_screen(terminal)
            assert terminal.restored

    assert b"rotor: loading 3 sessions before" in left
    assert b"records in" in left
    assert b"loading 3 sessions" not in terminal.written[: terminal.written.rindex(b"\x1b[?1049l")]


def test_with_positions_it_is_left_flat(tmp_path, sockets):
    """`q y`: everything is sold, the broker confirms, the session stops; its journal verifies."""
    with exchange(tmp_path, sockets) as place, live(place, tmp_path / "run") as terminal:
        place.asked("/control/pause", "POST")
        terminal.wait_for("PAPER", seconds=90)
        place.asked("/control/speed", "POST", speed=60)  # so that the day is not over meanwhile
        place.asked("/control/resume", "POST")
        terminal.wait_for("LONG", seconds=60)
        place.asked("/control/pause", "POST")
        since = len(terminal.written)
        terminal.type("q")
        terminal.wait_for("Quit with open", seconds=30, since=since)
        terminal.type("y")
        place.asked("/control/resume", "POST")
        assert terminal.end(90) == 0
        account = place.ledger()

    # the minute that was open is not in the journal: it goes on from the log if it is started again
    commands = [row for row in rows(tmp_path / "run", "inputs") if row["in"] == "said"]
    assert account["positions"] == {}
    assert [row["verb"] for row in commands] == ["liquidate"]
    assert commands[0]["actor"].startswith("tui:")
    assert b"The broker confirms: flat." in after_the_screen(terminal)
    assert main(["verify", str(tmp_path / "run")]) == 0


def test_a_file_that_cannot_be_used_changes_nothing_and_a_good_one_is_applied(tmp_path, sockets):
    """`r`: the error is named and the old settings stay; mended, the watched file is applied."""
    config = tmp_path / "mine" / "config.toml"
    config.parent.mkdir()
    config.write_bytes((DEMO / "config.toml").read_bytes())
    good = config.read_text()
    with exchange(tmp_path, sockets) as place:
        place.asked("/control/pause", "POST")
        with live(place, tmp_path / "run", config) as terminal:
            terminal.wait_for("PAPER", seconds=90)
            config.write_text(good + "\n[inbox]\nmode = 7\n")
            terminal.type("r")
            terminal.wait_for("inbox.mode", seconds=30)
            terminal.type("y")
            terminal.wait_for("old configuration stays", seconds=30)
            config.write_text(good + '\n[inbox]\nmode = "approve"\n')
            since = len(terminal.written)
            terminal.wait_for("u undoes the newest", seconds=30, since=since)
            terminal.type("q")
            assert terminal.end(60) == 0

    reloaded = [row for row in rows(tmp_path / "run", "inputs") if row["in"] == "reloaded"]
    assert [change[0] for row in reloaded for change in row["changes"]] == ["inbox.mode"]


def test_a_signal_ends_both_in_order(tmp_path, sockets):
    """SIGTERM: the journal is whole, the terminal restored, the code says which signal it was."""
    with exchange(tmp_path, sockets) as place:
        place.asked("/control/pause", "POST")
        with live(place, tmp_path / "run") as terminal:
            terminal.wait_for("PAPER", seconds=90)
            terminal.kill(signal.SIGTERM)
            assert terminal.end(60) == 128 + signal.SIGTERM
            assert terminal.restored
            assert b"records in" in after_the_screen(terminal)
    assert main(["verify", str(tmp_path / "run")]) == 0


def test_a_terminal_that_is_gone_stops_no_trading(tmp_path, sockets):
    """Its window closed, a session in the same process goes on to its end, flat."""
    with exchange(tmp_path, sockets) as place:
        place.asked("/control/pause", "POST")
        with live(place, tmp_path / "run") as terminal:
            terminal.wait_for("PAPER", seconds=90)
            terminal.hang_up()
            place.asked("/control/resume", "POST")
            terminal.child.wait(patience(170))
        account = place.ledger()

    assert account["positions"] == {}
    assert orjson.loads((tmp_path / "run" / "summary.json").read_bytes())["interrupted"] is False
    assert main(["verify", str(tmp_path / "run")]) == 0


def test_a_terminal_that_stalls_stops_no_trading(tmp_path, sockets):
    """Nobody reads what is drawn: the session goes on to its end all the same."""
    with exchange(tmp_path, sockets) as place:
        place.asked("/control/pause", "POST")
        with live(place, tmp_path / "run") as terminal:
            terminal.wait_for("PAPER", seconds=90)
            place.asked("/control/resume", "POST")
            wait_for((tmp_path / "run" / "summary.json").exists, seconds=170)
            terminal.end(60)


def test_what_cannot_begin_is_said_on_a_whole_terminal(tmp_path, sockets):
    """A folder of another run: exit code 2, the words after the screen."""
    with exchange(tmp_path, sockets) as place:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "manifest.json").write_text("{}")
        with live(place, tmp_path / "run") as terminal:
            assert terminal.end(90) == 2
            assert b"rotor: " in terminal.written
