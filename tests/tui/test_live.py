"""`rotor live` on a local exchange, whole: real alpaca-py, real sockets, real kills."""

import random
import subprocess
import sys
from types import SimpleNamespace

import orjson
import pytest

from engine.errors import BadInputError
from tests.bars import config
from tests.patience import patience
from tests.tui.forked import popen, run
from tests.tui.rehearsal import (
    BUSY,
    DEMO,
    HALF_DAY,
    exchange,
    met_quotes,
    rows,
    sets,
    sound,
    wait_for,
)
from tui.cli import main
from tui.live_start import check_wishes


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """A plain replay of the same bars with the same settings."""
    folder = tmp_path_factory.mktemp("replayed") / "run"
    words = ["--from", HALF_DAY, "--to", HALF_DAY, "--out", str(folder), "--json"]
    assert main(["replay", *words, *sets(*BUSY)]) == 0
    return folder


def test_a_rehearsal_decides_what_a_replay_decides(tmp_path, runtime_dir, replayed):
    """Same decisions, same cash as the exchange's, flat; every order met a streamed quote."""
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, popen=subprocess.Popen) as place:
        summary = place.trade(out)
        account = sound(place, summary)

    assert summary["round_trips"] >= 5
    assert len(account["executions"]) == summary["trades_executed"]
    assert rows(out, "decisions") == rows(replayed, "decisions")
    met_quotes(out, summary, streamed=True)
    assert main(["verify", str(out)]) == 0


def test_a_killed_session_goes_on_as_if_nothing_had_been(tmp_path, runtime_dir, replayed):
    """kill -9 at random moments: nothing lost, nothing twice, the same decisions in the end."""
    out, draw = tmp_path / "run", random.Random(7)
    log = out / "inputs.jsonl"
    with exchange(tmp_path, runtime_dir) as place:
        for _ in range(4):
            before = log.stat().st_size if log.exists() else 0
            process = place.start(out)
            more = before + draw.randrange(1, 20_000)

            def there(process=process, more=more):
                return process.poll() is not None or (log.exists() and log.stat().st_size >= more)

            wait_for(there)
            process.kill()
            process.communicate()
        summary = place.trade(out)
        sound(place, summary)

    assert summary["resumed_inputs"] > 0
    assert rows(out, "decisions") == rows(replayed, "decisions")
    assert main(["verify", str(out)]) == 0


@pytest.mark.parametrize("seed", [38, 158])
def test_whatever_goes_wrong_the_books_agree(tmp_path, runtime_dir, seed):
    """Seeded faults of many kinds: one broker order per intent, flat, the exchange's cash.

    These two seeds hit 19 of the 23 kinds that are drawn (not `late`, `skew`, `slow_cancel` and
    `thin`); `make faults` tries two hundred seeds.
    """
    with exchange(tmp_path, runtime_dir, "--faults", seed) as place:
        summary = place.trade(tmp_path / "run")
        sound(place, summary)
        faults = place.asked("/control")["faults"]
    assert len({fault["kind"] for fault in faults if fault["hits"]}) >= 10
    assert main(["verify", str(tmp_path / "run")]) == 0


def test_a_folder_of_another_session_is_refused(tmp_path, runtime_dir, capfd):
    """A replay's run folder is never gone on with, and not touched."""
    out = tmp_path / "run"
    words = ["--from", HALF_DAY, "--to", HALF_DAY, "--out", str(out), "--json"]
    assert main(["replay", *words, *sets()]) == 0
    before = (out / "manifest.json").read_bytes()
    with exchange(tmp_path, runtime_dir) as place:
        process = place.start(out)
        _, stderr = process.communicate(timeout=patience(60))

    assert process.returncode == 2
    assert b"holds a run of another command (replay, not live)" in stderr
    assert (out / "manifest.json").read_bytes() == before


def test_settings_are_reloaded_whole_or_not_at_all(tmp_path, runtime_dir):
    """A wrong file is refused with its key; a good one is shown, journalled, and taken back."""
    config, out = tmp_path / "config.toml", tmp_path / "run"
    config.write_text("[rotation]\nmax_positions = 3\n")
    with exchange(tmp_path, runtime_dir) as place:
        place.asked("/control/pause", "POST")
        process = place.start(out, settings=("session.warmup_sessions=1",), config=config)

        def reload(*words):
            command = [sys.executable, "-m", "tui.cli", "reload", "--session", str(out), *words]
            return run([*command, "--json"], cwd=tmp_path, env=place.env, capture_output=True)

        wait_for(lambda: (out / "inputs.jsonl").exists() and reload("--dry-run").returncode == 0)
        config.write_text("[rotation]\nmax_positions = 0\n")
        bad = reload()
        config.write_text('[learning]\npredictor = "zero"\n')
        stuck = reload()
        config.write_text("[rotation]\nmax_positions = 2\n")
        reload()  # or the watched file has been quicker
        again = reload()
        back = reload("--revert")
        process.kill()
        process.communicate()

    assert bad.returncode == 2
    assert b"rotation.max_positions" in bad.stderr
    assert stuck.returncode == 2
    assert b"only a restart changes that" in stuck.stderr
    assert orjson.loads(again.stdout)["changes"] == []
    (change,) = orjson.loads(back.stdout)["changes"]
    assert change == {"key": "rotation.max_positions", "old": 2, "new": 3, "class": "live"}
    logged = [orjson.loads(line) for line in (out / "inputs.jsonl").read_bytes().splitlines()]
    reloaded = [row for row in logged if row["in"] == "reloaded"]
    changes = [row["changes"] for row in reloaded[:2]]
    assert changes == [[["rotation.max_positions", 3, 2]], [["rotation.max_positions", 2, 3]]]
    # the watcher may notice the file only after its change was taken back, and apply it again
    assert {row["actor"] for row in reloaded[2:]} <= {"file"}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (("--command", "foo"), "--command 'foo': no moment"),
        (("--command", "2030-01-01T10:00 halt"), "it is after the last session, 2025-07-03"),
        (("--set", "learning.predictor=no.such.Thing"), "cannot be imported"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path, runtime_dir, wish, said):
    """Not after the warm-up, and no folder is left."""
    with exchange(tmp_path, runtime_dir) as place:
        process = place.start(tmp_path / "run", *wish, settings=())
        _, stderr = process.communicate(timeout=patience(60))
        assert process.returncode == 2
        assert said in stderr.decode()
        assert "sessions before" not in stderr.decode()
        assert not (tmp_path / "run").exists()


def test_a_database_url_that_cannot_be_is_refused_without_making_its_folder(tmp_path, monkeypatch):
    """One that can be is not opened yet."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match="nonsense is not supported"):
        check_wishes((), ("TQQQ",), config("database.url=nonsense://x"))
    check_wishes((), ("TQQQ",), config("database.url=sqlite:///runs/rotor.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_refused_rehearsal_takes_no_run_away(tmp_path, runtime_dir, monkeypatch, capfd):
    """What --overwrite would replace stays until nothing can be refused any more."""

    def start(words, preexec_fn, **options):
        return popen(words, **options)

    given = SimpleNamespace(
        Popen=start, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
    )
    monkeypatch.setattr("tui.rehearse.subprocess", given)
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    monkeypatch.chdir(tmp_path)
    held = tmp_path / "run" / "events.jsonl"
    held.parent.mkdir()
    held.write_text("kept")
    words = ["--date", HALF_DAY, "--speed", "max", "--out", "run", "--overwrite", *sets()]
    assert main(["rehearse", str(DEMO), *words, "--command", "2030-01-01T10:00 halt"]) == 2
    assert "after the last session" in capfd.readouterr().err
    assert held.read_text() == "kept"


def test_rehearse_starts_both_and_says_how_it_ended(tmp_path, runtime_dir, monkeypatch, capfd):
    """The whole of `rotor rehearse`, in lockstep."""
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    monkeypatch.chdir(tmp_path)
    words = ["--date", HALF_DAY, "--speed", "max", "--out", "run", *sets(*BUSY)]
    assert main(["rehearse", str(DEMO), *words]) == 0

    said = capfd.readouterr().out
    assert "The broker confirms: flat." in said
    assert "are those of a replay" in said
    assert main(["rehearse", str(DEMO), *words]) == 2
    assert "holds a run" in capfd.readouterr().err
