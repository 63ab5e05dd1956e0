"""The inbox from another process, as people use it: two at once, one order."""

import os
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from actors.control import socket_path
from engine.errors import RotorError
from tests.patience import patience
from tests.tui.forked import popen
from tests.tui.rehearsal import wait_for
from tui import session as running

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rotor(tmp_path, runtime_dir):
    """Start `rotor …` in an empty folder, with a runtime folder of the test's own."""
    env = os.environ | {"ROTOR_RUNTIME_DIR": runtime_dir, "PYTHONPATH": str(ROOT)}

    def command(*words):
        return popen(
            [sys.executable, "-m", "tui.cli", *map(str, words)], cwd=tmp_path, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return command


def ask(rotor, *words):
    process = rotor(*words, "--json")
    out, err = process.communicate(timeout=patience(60))
    return process.returncode, orjson.loads(out) if out else err


def turn(session, do, to=None):
    """Turn a knob of a paced replay; tell whether it could be turned yet."""
    try:
        return running.ask(socket_path(session), {"verb": "transport", "do": do, "to": to})
    except RotorError:  # it is warming up
        return None


@pytest.fixture
def session(rotor, runtime_dir, tmp_path, monkeypatch):
    """A paced replay of the demo in which a card waits: 4 minutes a second, cards hold an hour."""
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    out = tmp_path / "run"
    process = rotor(
        "replay", "--speed", "240", "--from", "2025-07-07", "--out", out, "--set",
        "inbox.mode=approve", "--set", "inbox.expiry_minutes=60", "--set", "risk.entry_limit_pct=9",
        "--set", "session.warmup_sessions=2", "--set", "quality.min_win_rate=0",
    )  # fmt: skip
    wait_for(lambda: turn(out, "seek", "10:55"))
    wait_for(lambda: running.ask(socket_path(out), {"verb": "inbox"})["inbox"])
    turn(out, "play")
    yield out
    process.kill()
    process.communicate()


def events(session, *kinds):
    rows = []
    for line in (session / "events.jsonl").read_bytes().splitlines():
        row = orjson.loads(line)
        if row["type"] in kinds:
            rows.append(row)
    return rows


def race(rotor):
    """Let two approve the same card at once; return it with what each was told."""
    while True:
        _, told = ask(rotor, "inbox", "list")
        if told["inbox"]:
            break
    card = told["inbox"][0]
    racing = [rotor("approve", card["card"], "--json") for _ in range(2)]
    ended = [process.communicate(timeout=patience(60))[0] for process in racing]
    return card, sorted(orjson.loads(text)["status"] for text in ended if text)


def test_two_approvals_at_once_make_one_order(rotor, session):
    """Both ask for one card: one is told it is done, the other why not."""
    for _ in range(12):  # ten minutes pass in a second: the market may overtake a card
        card, said = race(rotor)
        if "approved" in said:
            break
    else:
        pytest.fail("every card was overtaken")

    assert said.count("approved") == 1
    wait_for(lambda: events(session, "order_submitted"))
    time.sleep(0.5)  # in which a second one would come
    entries = [row for row in events(session, "order_submitted") if row.get("entry")]
    closed = [row for row in events(session, "card_closed") if row["status"] == "approved"]
    assert len(closed) == len(entries) == 1
    offered = [row for row in events(session, "card_offered") if row["card"] == card["card"]]
    (terms,) = [row for row in offered if row["version"] == closed[0]["version"]]
    assert (entries[0]["shares"], entries[0]["limit"]) == (terms["shares"], terms["limit"])


def test_a_card_is_dismissed(rotor, session):
    """It is gone, with who did it; an unknown card is named with what there is."""
    _, told = ask(rotor, "inbox", "list")
    symbol = told["inbox"][0]["symbol"]
    code, done = ask(rotor, "inbox", "dismiss", symbol)
    assert code == 0
    assert done["status"] == "dismissed"
    closed = [row for row in events(session, "card_closed") if row["status"] == "dismissed"]
    assert closed[0]["actor"].startswith("cli:")

    code, err = ask(rotor, "inbox", "approve", "NOPE")
    assert code == 2
    assert "NOPE: no such card waits; there are: " in err
