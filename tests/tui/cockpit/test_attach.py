"""Viewers of a real session, each a process on a terminal of its own: none changes a decision."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from actors.presence import socket_path
from engine.errors import BadInputError, RotorError
from engine.records.journal import FILES
from tests.actors.interleavings import Ran, canonical, difference
from tests.endurance.checks import breaches
from tests.patience import patience
from tests.tui.cockpit.sample import AlertView, paper
from tests.tui.cockpit.ssh import MISSING, processes, session_of, sshd
from tests.tui.cockpit.terminal import Terminal
from tests.tui.rehearsal import exchange, rows, summary_of, wait_for
from tui.attach import farewell
from tui.cockpit import attached
from tui.cockpit.attached import ENDED, GONE, Attached

FREE = ("--set", "costs.fees=false")
"""Which of two fills of a minute pays the day's next cent follows their order."""


@pytest.fixture
def sockets(runtime_dir, monkeypatch):
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    return runtime_dir


def attach(place, out, *, cold=False):
    """`rotor attach` on a terminal of its own."""
    return Terminal("-m", "tui.cli", "attach", out, env=place.env, cold=cold)


def journal(folder):
    """The journal as `interleavings` compares it: the order of symbols within a minute aside."""
    epoch = orjson.loads((folder / "manifest.json").read_bytes())["epoch"].encode()
    names = ("inputs", *FILES["full"])
    files = {n: (folder / f"{n}.jsonl").read_bytes().replace(epoch, b"0" * 8) for n in names}
    return canonical(Ran(files=files, fills=0, held=0, cash_micro=0, twice=0))


def listens(out):
    return socket_path(out).exists()


def started(stack, place, out, *words):
    """A session that can be asked; it ends with the stack, whatever fails."""
    process = place.start(out, *words)
    stack.callback(process.communicate)
    stack.callback(process.kill)
    wait_for(lambda: listens(out) or process.poll() is not None)
    return process


class Watched(NamedTuple):
    """A session that was watched by viewers which were killed, and one that nobody watched."""

    run: Path
    alone: Path
    wrong: list[str]
    """What was wrong with the exchange's books."""
    ended: tuple[int | None, int | None]
    """The viewers behind ssh: what the clients ended with; empty if there is no sshd."""
    left_over: list[int]
    """Processes of viewers 10 seconds after their connections were killed."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """One is killed, of another the terminal is gone, a third never reads; two are behind ssh."""
    folder, sockets = tmp_path_factory.mktemp("watched"), tempfile.mkdtemp(prefix="rotor-")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTOR_RUNTIME_DIR", sockets)
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        patch.setenv("XDG_STATE_HOME", str(folder))
        with exchange(folder, sockets, *FREE) as place:
            place.trade(folder / "alone", *FREE)
        with exchange(folder, sockets, *FREE) as place, ExitStack() as stack:
            found = _watch(place, folder, stack)
    shutil.rmtree(sockets)
    return found


def _watch(place, folder, stack):
    run = folder / "run"
    place.asked("/control/pause", "POST")
    process = started(stack, place, run, *FREE)
    deaf = stack.enter_context(socket.socket(socket.AF_UNIX))
    deaf.connect(str(socket_path(run)))
    deaf.sendall(b'{"verb":"watch"}\n')
    killed, cut = (stack.enter_context(attach(place, run)) for _ in range(2))
    for viewer in (killed, cut):
        viewer.wait_for("PAPER", seconds=90)
    remote = _behind_ssh(stack, folder / "ssh", place, run)
    place.asked("/control/resume", "POST")
    killed.wait_for("ENTER", seconds=60)
    assert process.poll() is None
    killed.kill(signal.SIGKILL)
    os.killpg(cut.child.pid, signal.SIGHUP)
    for terminal, pid, at_the_server in remote:
        os.kill(session_of(pid) if at_the_server else terminal.child.pid, signal.SIGKILL)
    left_over = _none_left([killed, cut, *(terminal for terminal, _, _ in remote)], run)
    assert process.poll() is None
    summary = summary_of(process)
    wrong = breaches(run, place.ledger(), summary)
    ended = tuple(terminal.child.returncode for terminal, _, _ in remote)
    return Watched(run, folder / "alone", wrong, ended, left_over)


def _none_left(terminals, run):
    """Wait until no viewer is left; which of those behind ssh are, after 10 seconds."""
    for terminal in terminals:
        terminal.end()  # one that is not read would wait for it
    end = time.monotonic() + patience(10)
    while (left_over := processes("attach", run)) and time.monotonic() < end:
        time.sleep(0.1)
    return left_over


def _behind_ssh(stack, folder, place, run):
    """Attach over ssh, twice if it can be done: terminal, pid, whether its server is to die."""
    if MISSING:
        return []
    server, found = stack.enter_context(sshd(folder)), []
    for at_the_server in (False, True):
        before = set(processes("attach", run))
        terminal = stack.enter_context(server.terminal(place, "attach", run))
        terminal.wait_for("PAPER", seconds=90)
        (pid,) = set(processes("attach", run)) - before
        found.append((terminal, pid, at_the_server))
    return found


def test_a_killed_viewer_changes_no_decision(watched):
    """Neither do one whose terminal is gone, one that never reads, those whose ssh is killed."""
    assert difference(journal(watched.alone), journal(watched.run)) == ""
    assert rows(watched.run, "decisions") == rows(watched.alone, "decisions")
    assert watched.wrong == []


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_an_ssh_that_is_killed_leaves_no_process(watched):
    """Of the client, and of its session at the server: the viewers ended by themselves."""
    assert watched.ended == (-signal.SIGKILL, 255)
    assert watched.left_over == []


def test_a_session_is_looked_at_commanded_and_left(tmp_path, sockets):
    """Two viewers; one liquidates all with `L y`, both see it; `q` leaves the session trading."""
    with exchange(tmp_path, sockets) as place, ExitStack() as stack:
        place.asked("/control/pause", "POST")
        process = started(stack, place, tmp_path / "run")
        one, other, closed = (
            stack.enter_context(attach(place, tmp_path / "run", cold=cold))
            for cold in (True, False, False)
        )
        for viewer in (one, other, closed):
            viewer.wait_for("PAPER", seconds=90)
        since = len(one.written), len(other.written)
        one.type("h")
        other.wait_for("HALTED", seconds=60, since=since[1])
        one.wait_for("HALTED", seconds=60, since=since[0])
        one.type("q")
        assert one.end() == 0
        assert one.written.count(b"detached; session run goes on, 0 positions") == 1
        assert one.restored
        closed.hang_up()
        assert closed.child.wait(patience(30)) == 0  # and reads no end of file for ever
        assert process.poll() is None
        place.asked("/control/resume", "POST")
        summary_of(process)
        other.wait_for("has ended", seconds=30)
        other.type("q")
        assert other.end() == 0
    decided = [row for row in rows(tmp_path / "run", "events") if row["type"] == "command"]
    assert [row["actor"].partition("@")[2] for row in decided] == ["dashboard"]


def resident(pid):
    """How much memory a process has, MB."""
    (line,) = (x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in x)
    return int(line.split()[1]) / 1024


@contextmanager
def looked_at(tmp_path, sockets):
    """A session whose market stands still, and a viewer that sees it."""
    with exchange(tmp_path, sockets) as place, ExitStack() as stack:
        place.asked("/control/pause", "POST")
        process = started(stack, place, tmp_path / "run")
        with attach(place, tmp_path / "run") as viewer:
            viewer.wait_for("PAPER", seconds=90)
            yield place, process, viewer


def test_a_session_that_stands_still_is_told_and_gone_on_with(tmp_path, sockets):
    """Its process is stopped: nothing is closed, and nothing comes."""
    with looked_at(tmp_path, sockets) as (_, process, viewer):
        process.send_signal(signal.SIGSTOP)
        since = len(viewer.written)
        assert viewer.wait_for("the session does not answer", 30, since=since) < patience(15)
        viewer.type("h")
        viewer.wait_for("halt: no answer yet", since=since)
        process.send_signal(signal.SIGCONT)
        viewer.wait_for("HALTED", since=since)  # what was asked meanwhile is heard
        viewer.type("q")
        assert viewer.end() == 0
        assert viewer.written.count(b"detached; session run goes on, 0 positions") == 1


def test_a_viewer_that_stands_still_costs_the_session_nothing(tmp_path, sockets):
    """Neither memory nor time; it sees the end once it goes on."""
    with looked_at(tmp_path, sockets) as (place, process, viewer):
        place.asked("/control/resume", "POST")
        viewer.wait_for("ENTER", seconds=60)
        viewer.kill(signal.SIGSTOP)
        began = resident(process.pid)
        most = began
        while process.poll() is None and listens(tmp_path / "run"):
            most = max(most, resident(process.pid))
            time.sleep(0.1)
        summary_of(process)
        since = len(viewer.written)
        viewer.kill(signal.SIGCONT)
        viewer.wait_for("has ended", seconds=60, since=since)
        viewer.type("q")
        assert viewer.end() == 0
    assert most - began < 30


def test_what_cannot_be_attached_to_is_said(rotor):
    """No session, no terminal."""
    code, _, said = rotor("attach")

    assert code == 2
    assert "rotor: attach draws on a terminal" in said


async def end(server, writers):
    """Close a server and all that it talks to."""
    server.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    await server.wait_closed()


def test_a_source_says_when_its_session_is_gone_and_finds_it_again(tmp_path):
    """The last view stays with an alert; a new session on the same socket is shown."""
    from tests.tui.cockpit.sample import paper

    path, view = tmp_path / "s", paper()
    parts = {name: getattr(view, name) for name in type(view).__slots__}
    line = orjson.dumps({"ok": True, "view": parts}) + b"\n"

    writers = []

    async def talk(reader, writer):
        writers.append(writer)
        await reader.readline()
        writer.write(line)
        await writer.drain()
        await reader.read()
        writer.close()

    async def until(source, holds):
        async with asyncio.timeout(patience(10)):
            while source.latest() is None or not holds(source.latest()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return source.latest()

    async def scenario():
        source = Attached(path)
        running = asyncio.create_task(source.run())
        server = await asyncio.start_unix_server(talk, path)
        first = await until(source, lambda view: not view.alerts)
        await end(server, writers)
        gone = await until(source, lambda view: view.alerts)
        path.unlink(missing_ok=True)
        ended = await until(source, lambda view: view.alerts[0].text == ENDED)
        server = await asyncio.start_unix_server(talk, path)
        back = await until(source, lambda view: not view.alerts)
        running.cancel()
        await end(server, writers)
        return first, gone, ended, back

    first, gone, ended, back = asyncio.run(scenario())

    assert (first.positions, first.money) == (view.positions, view.money)
    assert gone.alerts[0].text in (GONE, ENDED)
    assert ended.positions == view.positions
    assert first.sequence < gone.sequence < back.sequence
    assert back.alerts == view.alerts


def test_a_silence_is_told_and_taken_back(tmp_path, monkeypatch):
    """On the same connection, with the parts that it had: nothing may have changed."""
    monkeypatch.setattr(attached, "SILENT_SECONDS", 0.2)
    path, view = tmp_path / "s", paper()
    parts = {name: getattr(view, name) for name in type(view).__slots__}
    connected = []

    async def talk(reader, writer):
        connected.append(writer)
        await reader.readline()
        writer.write(orjson.dumps({"ok": True, "view": parts}) + b"\n")
        await asyncio.sleep(1.0)
        writer.write(b'{"ok":true,"view":{}}\n')
        await reader.read()
        writer.close()

    async def scenario():
        source, seen = Attached(path), []
        server = await asyncio.start_unix_server(talk, path)
        running = asyncio.create_task(source.run())
        async with asyncio.timeout(patience(10)):
            while len(seen) < 3:
                now = source.latest()
                if now is not None and (not seen or now.sequence != seen[-1].sequence):
                    seen.append(now)
                await asyncio.sleep(0.01)
        running.cancel()
        await end(server, connected)
        return seen

    first, silent, back = asyncio.run(scenario())

    assert (first.alerts, silent.alerts[0].text, back.alerts) == (view.alerts, GONE, view.alerts)
    assert silent.positions == first.positions == back.positions
    assert first.sequence < silent.sequence < back.sequence
    assert len(connected) == 1


@pytest.mark.parametrize("words", [GONE, ENDED])
def test_who_leaves_a_session_that_is_gone_is_not_told_that_it_goes_on(words):
    view = paper()
    alert = AlertView(severity="danger", text=words, advice="", since_ns=0, screen="8")

    assert farewell("run", view) == "detached; session run goes on, 3 positions"
    assert farewell("run", replace(view, alerts=(alert,))) == (
        "detached; session run has ended or does not answer, 3 positions when last seen"
    )


def test_a_question_to_nobody_is_answered_in_words(tmp_path):
    """RotorError, which the screen shows in its lane."""
    with pytest.raises(RotorError, match="nothing was sent"):
        asyncio.run(Attached(tmp_path / "none").ask({"verb": "halt"}))


def test_a_refusal_has_the_sessions_words(tmp_path):
    """BadInputError with what the session said."""

    async def talk(reader, writer):
        await reader.readline()
        writer.write(b'{"ok":false,"error":"no such symbol"}\n')
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def scenario():
        server = await asyncio.start_unix_server(talk, tmp_path / "s")
        async with server:
            await Attached(tmp_path / "s").ask({"verb": "liquidate", "symbol": "X"})

    with pytest.raises(BadInputError, match="no such symbol"):
        asyncio.run(scenario())
