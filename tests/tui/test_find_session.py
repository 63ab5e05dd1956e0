"""A command reaches the session that is meant, and a busy session is not taken for a dead one."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import trio

from actors.control import Console, control
from actors.mailbox import Mailbox
from actors.presence import locked, record_of, socket_path
from actors.views import Views
from engine.errors import BadInputError, RotorError
from tests.bars import SIX
from tui.live_folder import account_lock
from tui.session import ask

ROOT = Path(__file__).parents[2]


@contextmanager
def running(folder, *about):
    """A session of a run folder that takes commands, in a thread; what it was told."""
    folder.mkdir(parents=True, exist_ok=True)
    told, up, ends = [], threading.Event(), []

    async def answer(request):
        told.append(request)
        if request["verb"] == "liquidate":
            raise BadInputError("the test's session sells nothing")
        return {"state": "warming up"}

    async def serve():
        over = trio.Event()
        ends.append((trio.lowlevel.current_trio_token(), over))
        async with control(folder, answer, *about):
            up.set()
            await over.wait()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    assert up.wait(10)
    try:
        yield told
    finally:
        token, over = ends[0]
        token.run_sync_soon(over.set)
        thread.join()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, rotor):
    """Run a session that was started in another folder; yield what it was told."""
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    with running(other / "theirs", "LIVE", "A9") as told:
        monkeypatch.chdir(tmp_path)
        yield told


CHANGING = (
    ("liquidate", "TQQQ"), ("liquidate", "all"), ("halt",), ("resume",), ("reload",),
    ("acknowledge", "TQQQ"), ("approve", "TQQQ"), ("inbox", "approve", "TQQQ"),
    ("inbox", "dismiss", "TQQQ"), ("inbox", "snooze", "TQQQ"),
)  # fmt: skip


@pytest.mark.parametrize("words", CHANGING, ids=" ".join)
def test_no_command_goes_to_a_session_of_another_folder_unless_named(rotor, elsewhere, words):
    """It is the only one that runs: the choice is listed, exit code 2, and nothing was sent."""
    code, _, said = rotor(*words)

    assert code == 2
    assert "no session was started in this folder; name one with --session" in said
    assert "theirs (LIVE, " in said
    assert elsewhere == []


@pytest.mark.parametrize("name", ["theirs", "other/theirs"])
def test_named_it_is_reached_from_anywhere(rotor, elsewhere, name):
    """By its name, or by its folder."""
    code, _, said = rotor("liquidate", "TQQQ", "--session", name, "--timeout", "1")

    assert (code, "sells nothing" in said) == (2, True)
    assert elsewhere[-1]["symbol"] == "TQQQ"


def test_a_question_goes_to_the_only_one_there_is(rotor, elsewhere):
    """The answer says whose it is."""
    assert "theirs (LIVE, " in rotor("status")[1]
    shown = orjson.loads(rotor("status", "--json")[1])

    assert (shown["session"], shown["account_kind"]) == ("theirs", "LIVE")
    assert shown["run_dir"].endswith("other/theirs")


def test_of_several_the_one_of_this_folder_is_meant(rotor, elsewhere, tmp_path):
    """By questions and commands; of two of this folder none is."""
    with running(tmp_path / "ours", "REHEARSAL") as told:
        assert "ours (REHEARSAL, " in rotor("status")[1]
        assert rotor("liquidate", "TQQQ")[0] == 2
        assert told[-1]["verb"] == "liquidate"
        with running(tmp_path / "second"):
            code, _, said = rotor("liquidate", "TQQQ")
            assert (code, "several sessions were started here" in said) == (2, True)
            assert rotor("status")[0] == 2
    assert elsewhere == []


def test_one_name_for_two_is_no_name(rotor, elsewhere, tmp_path):
    """The folders are listed."""
    with running(tmp_path / "third" / "theirs"):
        code, _, said = rotor("halt", "--session", "theirs")

    assert (code, said.count("theirs (")) == (2, 2)


def test_a_broken_configuration_keeps_nobody_from_a_session(rotor, tmp_path):
    """A liquidation must be possible all the same."""
    Path("config.toml").write_text("[risk\n")
    with running(tmp_path / "run") as told:
        rotor("liquidate", "all", "--session", "run")

    assert told[-1]["verb"] == "liquidate"


def test_a_command_is_told_whom_it_reached(rotor, tmp_path):
    """Beside what came of it."""
    with running(tmp_path / "run", "PAPER", "PA1"):
        code, said, _ = rotor("resume", "--timeout", "0.3")

    assert code == 1
    assert said.startswith(f"run (PAPER, {tmp_path / 'run'})\nresume: not confirmed in time")


async def test_every_reply_says_session_kind_and_folder(rotor, tmp_path):
    """Also one that refuses, and one to what is no request."""
    console = Console(SIX, Views(), Mailbox("control", 8))
    about = {"session": "run", "account_kind": "PAPER", "run_dir": str(tmp_path / "run")}
    async with control(tmp_path / "run", console.answer, "PAPER"):
        for line in (
            b'{"verb":"status"}', b'{"verb":"halt"}', b'{"verb":"sell"}', b"nonsense", b"[]",
        ):  # fmt: skip
            async with await trio.open_unix_socket(socket_path(tmp_path / "run")) as stream:
                await stream.send_all(line + b"\n")
                reply = orjson.loads(await stream.receive_some(65_536))
            assert about.items() <= reply.items(), reply


@contextmanager
def listening(folder, backlog=16):
    """A socket at a session's place, whose process lives."""
    path = socket_path(folder)
    about = {"session": folder.name, "kind": "PAPER", "run_dir": str(folder), "pid": os.getpid()}
    with locked(record_of(path), about), socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(backlog)
        yield server
    path.unlink()


@pytest.fixture
def busy(rotor, tmp_path):
    """A session that is too busy to take another connection."""
    folder = tmp_path / "busy"
    folder.mkdir()
    waiting = []
    with listening(folder, backlog=0):
        while True:
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(0)
            waiting.append(client)
            try:
                client.connect(str(socket_path(folder)))
            except BlockingIOError:
                break
        yield folder
    for client in waiting:
        client.close()


def test_a_busy_session_is_not_called_dead(busy):
    """Its process is named, and when it was last seen alive."""
    (busy / "heartbeat").touch()
    with pytest.raises(RotorError) as told:
        ask(socket_path(busy), {"verb": "status"}, patience=0.2)

    said = str(told.value)
    assert f"busy (PAPER, {busy}) does not answer: process {os.getpid()} is busy" in said
    assert "last beat at" in said
    assert "not running" not in said


def test_the_doctor_leaves_the_socket_of_a_busy_session_alone(busy, rotor, monkeypatch):
    """It warns; it never says to remove it."""
    monkeypatch.setenv("APCA_API_KEY_ID", "K")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "S")
    words = ("--endpoint", "http://127.0.0.1:9", "--symbols", "TQQQ", "--json")
    checks = orjson.loads(rotor("doctor", *words)[1])["checks"]
    (found,) = (check for check in checks if check["check"] == "locks")

    assert found["verdict"] == "warning"
    assert f"process {os.getpid()} is busy" in found["said"]
    assert "rm " not in found["todo"]
    assert socket_path(busy).exists()


def test_a_stopped_process_is_called_stopped(rotor, tmp_path):
    """SIGSTOP: it is there, its socket takes connections, and nobody answers."""
    code = (
        "import sys, signal, socket, actors.presence as p; from pathlib import Path\n"
        "folder = Path(sys.argv[1])\n"
        "with p.announced(folder, 'PAPER', ''), socket.socket(socket.AF_UNIX) as server:\n"
        "    server.bind(str(p.socket_path(folder))); server.listen(16)\n"
        "    print(flush=True); signal.pause()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "run"], stdout=subprocess.PIPE, cwd=ROOT
    )
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    with pytest.raises(RotorError, match=f"process {process.pid} is stopped"):
        ask(socket_path(tmp_path / "run"), {"verb": "status"}, patience=0.2)
    process.kill()
    process.communicate()

    with pytest.raises(RotorError, match="not running"):
        ask(socket_path(tmp_path / "run"), {"verb": "status"})


@pytest.mark.parametrize("reply", [b"\n", b"hello\n", b"[]\n", b"5\n", b'{"ok": 1}\n'])
def test_a_socket_that_answers_no_json_breaks_nothing_else(rotor, tmp_path, reply):
    """It is told by itself; the others answer as before."""
    bad = tmp_path / "bad"
    bad.mkdir()

    def answer(server):
        with server.accept()[0] as talk:
            talk.recv(4096)
            talk.sendall(reply)

    with running(tmp_path / "run", "PAPER"), listening(bad) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        assert rotor("portfolio", "run")[0] in (0, 2)
        assert rotor("status", "--session", "run")[0] == 0
        code, _, said = rotor("status", "--session", "bad")
        thread.join()

    assert code == 1
    assert said.strip() == "rotor: what listens on this session's socket answers no JSON of Rotor's"


def test_a_tab_shows_the_session_that_ran_when_it_was_served(rotor, elsewhere, monkeypatch):
    """Not the one that is left once that has ended; without --readonly it is to be named."""
    served = []

    async def serve(server, *, open_browser):
        served.append(server.command)

    monkeypatch.setattr("tui.web._serve", serve)

    assert rotor("web", "--port", "0")[0] == 2
    assert rotor("web", "--port", "0", "--readonly")[0] == 0
    assert "other/theirs --readonly" in served[0]


def test_a_service_sees_the_account_that_a_login_shell_trades(rotor, tmp_path, monkeypatch):
    """Whatever their environments say; the process and its folder are named."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "login"))
    with account_lock("A1", None, tmp_path / "run"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "service"))
        with (
            pytest.raises(BadInputError, match=rf"process {os.getpid()}, .*/run; rotor status"),
            account_lock("A1", None, tmp_path / "run2"),
        ):
            pass
    with account_lock("A1", None, tmp_path / "run2"):
        pass
