"""A paced replay, steered from another process as a user would."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from actors.control import socket_path
from engine.errors import RotorError
from tests.patience import patience
from tests.tui.forked import popen, run
from tests.tui.rehearsal import wait_for
from tui.session import ask

ROOT = Path(__file__).parents[2]
SPEED = "1500"  # 25 frames a second: what follows takes effect within a few of them


@pytest.fixture
def rotor(tmp_path, runtime_dir):
    """Run `rotor …` with a runtime folder of the test's own."""
    env = os.environ | {"ROTOR_RUNTIME_DIR": runtime_dir, "PYTHONPATH": str(ROOT)}

    def command(*words, start=False):
        words = [sys.executable, "-m", "tui.cli", *map(str, words)]
        if start:
            return popen(
                words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
                cwd=tmp_path,
            )  # fmt: skip
        return run(
            words, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=patience(60)
        )

    return command


@pytest.fixture
def session(rotor, runtime_dir, tmp_path, monkeypatch):
    """A paced replay of the demo that is trading."""
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    out = tmp_path / "run"
    process = rotor("replay", "--speed", SPEED, "--from", "2025-07-07", "--out", out, start=True)
    wait_for(lambda: state_of(out) == "trading")
    yield out
    process.kill()
    process.communicate()


def state_of(out):
    """What a session says of itself; empty before it answers."""
    try:
        return ask(socket_path(out), {"verb": "status"})["state"]
    except RotorError:
        return ""


def test_a_session_is_halted_liquidated_and_resumed(rotor, session):
    """Each command is confirmed by what the session shows afterwards, and journalled."""
    halted = rotor("halt", "lunch", "--json")  # the only session needs no name
    assert halted.returncode == 0
    shown = orjson.loads(halted.stdout)
    assert (shown["confirmed"], shown["halted"], shown["mode"]) == (True, True, "REDUCE_ONLY")
    assert "lunch" in shown["blocked_by"]

    resumed = orjson.loads(rotor("resume", "--session", session, "--json").stdout)
    assert (resumed["confirmed"], resumed["halted"]) == (True, False)

    flat = rotor("liquidate", "all", "--session", session)
    assert flat.returncode == 0
    assert "everything is flat; mode REDUCE_ONLY" in flat.stdout
    assert "no positions" in rotor("positions", "--session", session).stdout

    rows = [orjson.loads(line) for line in (session / "events.jsonl").read_bytes().splitlines()]
    given = [(r["verb"], r["actor"].split(":")[0]) for r in rows if r["type"] == "command"]
    assert given == [("halt", "cli"), ("resume", "cli"), ("liquidate", "cli")]


def test_an_unknown_symbol_is_refused(rotor, session):
    """The session names what it trades."""
    done = rotor("liquidate", "AAPL", "--session", session)

    assert done.returncode == 2
    assert "not traded in this session" in done.stderr


def test_without_a_session_it_says_how_to_start_one(rotor, tmp_path):
    """Nothing runs: exit code 2, and what to do."""
    done = rotor("status")
    assert (done.returncode, "rotor replay --speed 60" in done.stderr) == (2, True)

    named = rotor("status", "--session", tmp_path / "nowhere")
    assert (named.returncode, "no such run folder" in named.stderr) == (2, True)


def test_a_paced_replay_writes_the_journal_of_a_quick_one(rotor, tmp_path):
    """Pace changes nothing but the time it takes; Ctrl-C is not needed to end it."""
    bars = ("--from", "2025-07-10", "--json", "--journal", "full")
    quick = rotor("replay", *bars, "--out", tmp_path / "quick")
    paced = rotor("replay", *bars, "--out", tmp_path / "paced", "--speed", "60000")

    hashes = {orjson.loads(done.stdout)["journal_sha256"] for done in (quick, paced)}
    assert len(hashes) == 1
