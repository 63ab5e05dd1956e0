"""`rotor replay --tui` on a terminal: watched, stopped, sought and left; then looked at again."""

import hashlib
from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock

from actors.pacing import Pacing
from engine.records.journal import FILES
from tests.tui.cockpit.terminal import Terminal
from tests.tui.rehearsal import BUSY, rows, sets
from tui import live_screen
from tui.cli import main
from tui.cockpit.seat import Seat
from tui.options import Look

DAY = ("--from", "2025-07-07", "--to", "2025-07-07", *sets(*BUSY, "session.warmup_sessions=2"))


@pytest.fixture
def rotor(tmp_path, monkeypatch, runtime_dir):
    """Yield a function that runs `rotor` on a terminal of its own."""
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return Terminal("-m", "tui.cli", *words, cwd=tmp_path)

    return run


class Viewer:
    """What stands in a replay's last line but two, as it is drawn anew."""

    def __init__(self, terminal):
        self.terminal = terminal

    def press(self, keys, *shown):
        """Press keys, and wait until words are drawn that were not before."""
        since = len(self.terminal.written)
        self.terminal.type(keys)
        for words in shown:
            self.terminal.wait_for(words, since=since)

    def trades(self):
        """How many fills there were up to the minute that is shown."""
        _, _, after = self.terminal.written.rpartition(b"  trade ")
        return int(after.split()[0])


def journal(folder):
    """What was decided, and what came of it, byte by byte."""
    return {
        name: hashlib.sha256((folder / f"{name}.jsonl").read_bytes()).hexdigest()
        for name in FILES["full"]
    }


def after_the_screen(terminal):
    """What stands on the main screen once the cockpit is gone."""
    return terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()


def test_a_replay_is_watched_stopped_and_sought_and_decides_the_same(rotor, tmp_path):
    """And its run is looked at, forwards and backwards."""
    with rotor("replay", *DAY, "--out", "watched", "--tui", "--ascii") as terminal:
        viewer = Viewer(terminal)
        terminal.wait_for("session 1/1", seconds=60)
        viewer.press(" ", "paused")
        at = terminal.written.rpartition(b"  session 1/1")[0][-5:]
        hour, minute = divmod(int(at[:2]) * 60 + int(at[3:]) + 1, 60)
        viewer.press(".", f"{hour:02}:{minute:02}  session 1/1")
        viewer.press(">", "120x")
        viewer.press("g13:47\r", "13:47  session 1/1")
        traded = viewer.trades()
        viewer.press("n", f"trade {traded + 1} ")
        viewer.press(":speed max\r", "speed max")
        viewer.press(" ", "15:59  session 1/1", "# end")
        viewer.press(" ", "play: this is the replay's last minute")
        viewer.press("h", "halt: the replay is over: it takes no command any more")
        viewer.press("q")
        assert terminal.end() == 0
        assert terminal.restored
    assert "Session summary" in after_the_screen(terminal)
    assert "records in" in after_the_screen(terminal)
    drawn = terminal.written[: terminal.written.rindex(b"\x1b[?1049l")]
    assert drawn.isascii()
    assert main(["replay", *DAY, "--out", "alone", "--json"]) == 0
    assert journal(tmp_path / "watched") == journal(tmp_path / "alone")
    assert len(rows(tmp_path / "alone", "trades")) > traded > 0
    assert main(["verify", "watched"]) == 0

    before = journal(tmp_path / "watched")
    with rotor("replay", "watched", "--tui") as terminal:
        viewer = Viewer(terminal)
        terminal.wait_for("session 1/1", seconds=60)
        viewer.press(".", "09:31  session 1/1")
        viewer.press(",", "09:30  session 1/1")
        viewer.press("g13:47\r", f"13:47  session 1/1  trade {traded} ")
        viewer.press(",", "13:46  session 1/1")
        viewer.press("L", "read-only: nothing sent")
        viewer.press("q")
        assert terminal.end() == 0
        assert terminal.restored
    assert journal(tmp_path / "watched") == before
    assert [row for row in rows(tmp_path / "watched", "events") if row["type"] == "command"] == []


@dataclass(frozen=True)
class Planned:
    """What the screen needs to know of a plan."""

    pacing: Pacing
    screen: object = None


@pytest.mark.parametrize("stopped", [True, False])
def test_who_stops_a_replay_has_left_it_and_at_its_own_end_it_stays(monkeypatch, stopped):
    """`q` with positions, then `y` or `b`: one need not press `q` once more."""
    left = []

    async def replay(plan, *, signals):
        if stopped:
            plan.pacing.stop.set()
        return "what came of it"

    async def sit(session):
        with trio.move_on_after(3600) as hour:
            await session(Seat())
        left.append(not hour.cancelled_caught)

    def show(session, look):
        assert look == Look(ascii=True)
        trio.run(sit, session, clock=MockClock(autojump_threshold=0))

    monkeypatch.setattr(live_screen, "replay", replay)
    monkeypatch.setattr(live_screen, "show_on_screen", show)

    outcome = live_screen.run_on_screen(Look(ascii=True), Planned(Pacing(None)))
    assert outcome == "what came of it"
    assert left == [stopped]
