"""`rotor verify`: whatever was changed is found, whatever was killed still holds."""

import shutil
import signal
import sys
from pathlib import Path
from subprocess import DEVNULL

import numpy as np
import orjson
import pytest

from engine.records.journal import FILES, combine
from engine.records.reading import verify_chain
from tests.engine.records.store.folders import change_manifest, seal, write_run
from tests.tui.forked import popen
from tests.tui.rehearsal import wait_for
from tui.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with commands and cards."""
    return write_run(tmp_path_factory.mktemp("runs") / "one", "inbox.mode=approve")


@pytest.fixture
def copy(run, tmp_path):
    """A copy to be spoilt."""
    shutil.copytree(run, tmp_path / "copy")
    return tmp_path / "copy"


def verify(folder, capfdbinary):
    code = main(["verify", str(folder), "--json", "--set", "database.url="])
    told = orjson.loads(capfdbinary.readouterr().out)
    return code, {check["check"]: check for check in told["checks"]}


def test_a_run_that_ended_holds(run, capfdbinary):
    """Chain, files, accounts and a second run of the inputs, commands and approvals included."""
    code, checks = verify(run, capfdbinary)

    assert code == 0
    assert [check["holds"] for check in checks.values()] == [True, True, True, True]
    assert b'"approve"' in (run / "events.jsonl").read_bytes()


@pytest.mark.parametrize("name", FILES["full"])
def test_a_changed_byte_is_found(copy, name, capfdbinary):
    """Anywhere in any file: the file and the line are named."""
    path = copy / f"{name}.jsonl"
    data = bytearray(path.read_bytes())
    at = data.index(b":", len(data) // 2) - 3
    data[at] ^= 1
    path.write_bytes(bytes(data))
    code, checks = verify(copy, capfdbinary)

    assert code == 1
    assert checks["chain"]["holds"] is False
    assert f"{name}.jsonl, line " in checks["chain"]["findings"][0]


def test_removed_records_are_found(copy, capfdbinary):
    """Whole frames cut from the end of a run that ended."""
    path = copy / "trades.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    code, checks = verify(copy, capfdbinary)

    assert code == 1
    (found,) = checks["chain"]["findings"]
    assert "trades.jsonl, line " in found
    assert "ends here, but is not the file that the manifest names" in found


def test_a_forged_price_is_found_twice(copy, capfdbinary):
    """With all checksums made anew, the accounts and the second run still tell."""
    path = copy / "trades.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    row = orjson.loads(lines[3])
    lines[3] = lines[3].replace(b'"pnl":%b' % orjson.dumps(row["pnl"]), b'"pnl":99.5')
    assert b"99.5" in lines[3]
    path.write_bytes(b"".join(lines))
    seal(copy)
    code, checks = verify(copy, capfdbinary)

    assert code == 1
    assert checks["chain"]["holds"] is True
    assert "P&L" in checks["ledger"]["findings"][0]
    assert "trades.jsonl, line 4: recorded" in checks["again"]["findings"][0]


def test_a_forged_decision_is_found(copy, capfdbinary):
    """A reason that was never given: only the second run can tell, and does."""
    path = copy / "decisions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"(rank=1,", b"(rank=2,", 1))
    seal(copy)
    code, checks = verify(copy, capfdbinary)

    assert code == 1
    assert [check["holds"] for check in checks.values()] == [True, True, True, False]


def test_what_other_code_decides_otherwise_proves_nothing(copy, capfdbinary):
    """Chain and accounts hold, the second run says whose code it was: exit code 0, with words."""
    path = copy / "decisions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"(rank=1,", b"(rank=2,", 1))
    seal(copy)
    change_manifest(copy, code="0" * 64)
    code, checks = verify(copy, capfdbinary)

    assert code == 0
    assert [check["holds"] for check in checks.values()] == [True, True, True, None]
    assert "made by other code (code 000000000000 then" in checks["again"]["words"]
    assert "proves nothing" in checks["again"]["words"]
    assert "decisions.jsonl, line" in checks["again"]["findings"][0]
    assert main(["verify", str(copy), "--set", "database.url="]) == 0
    said = capfdbinary.readouterr().out.decode()
    assert said.endswith("What was asked holds; not asked: again.\n")


def test_other_code_that_decides_the_same_holds(copy, capfdbinary):
    """It is said whose code it was."""
    change_manifest(copy, code="0" * 64)
    code, checks = verify(copy, capfdbinary)

    assert code == 0
    assert checks["again"]["holds"] is True
    assert "made by other code" in checks["again"]["words"]


def test_accounts_are_asked_whatever_code_made_them(copy, capfdbinary):
    """Other code is no excuse for a ledger that does not add up."""
    path = copy / "trades.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    pnl = orjson.dumps(orjson.loads(lines[3])["pnl"])
    lines[3] = lines[3].replace(b'"pnl":%b' % pnl, b'"pnl":99.5')
    path.write_bytes(b"".join(lines))
    seal(copy)
    change_manifest(copy, code="0" * 64)
    code, checks = verify(copy, capfdbinary)

    assert code == 1
    assert [check["holds"] for check in checks.values()] == [True, True, False, None]


def test_settings_of_another_rotor_are_no_crash(copy, capfdbinary):
    """A key that is not known any more: with other code it is not asked, else it is refused."""
    manifest = orjson.loads((copy / "manifest.json").read_bytes())
    manifest["config"]["risk"]["once"] = 1
    change_manifest(copy, config=manifest["config"])
    assert main(["verify", str(copy), "--set", "database.url="]) == 2
    assert "risk.once" in capfdbinary.readouterr().err.decode()
    change_manifest(copy, code="0" * 64)
    code, checks = verify(copy, capfdbinary)

    assert code == 0
    assert checks["again"]["holds"] is None
    assert "risk.once" in checks["again"]["findings"][0]


@pytest.mark.parametrize("seed", range(8))
def test_torn_files_of_a_killed_run_hold(copy, seed, capfdbinary):
    """Each file cut at a place of its own, as a kill leaves them; events are never ahead."""
    rng = np.random.default_rng(seed)
    change_manifest(copy, ended=None)
    (copy / "summary.json").unlink()
    share = rng.uniform(0.15, 1.0)
    for name in FILES["full"]:
        path = copy / f"{name}.jsonl"
        data = path.read_bytes()
        extra = 0.0 if name == "events" else rng.uniform(0, 0.05)
        path.write_bytes(data[: int(min(1.0, share + extra) * len(data))])
    torn = [n for n in FILES["full"] if not verify_chain(copy / f"{n}.jsonl").whole]
    code, checks = verify(copy, capfdbinary)

    # what was decided may lack rows that the events have; all that is there must be right
    assert checks["chain"]["holds"] is True
    assert len(checks["chain"]["findings"]) == len(torn)
    assert checks["again"]["holds"] is True, checks["again"]
    assert code == 0 or checks["ledger"]["holds"] is False


def test_what_cannot_be_asked_is_said(copy, capfdbinary):
    """Without bars there is no second run; without a journal nothing is verified."""
    change_manifest(copy, level="trades")
    reports = {n: verify_chain(copy / f"{n}.jsonl") for n in FILES["trades"]}
    change_manifest(copy, journal_sha256=combine("trades", {n: r.head for n, r in reports.items()}))
    code, checks = verify(copy, capfdbinary)
    assert code == 0
    assert checks["again"]["holds"] is None
    assert "--journal full" in checks["again"]["words"]
    assert main(["verify", str(copy), "--set", "database.url="]) == 0
    said = capfdbinary.readouterr().out.decode()
    assert said.endswith("What was asked holds; not asked: again.\n")

    change_manifest(copy, level="none")
    assert main(["verify", str(copy)]) == 2
    assert main(["verify", "nothing-here", "--set", "database.url="]) == 2


def killed_replay(folder, size):
    """Replay into folder/run, killed -9 as soon as its events are so long; it is not over then."""
    words = [
        sys.executable, "-m", "tui.cli", "replay", "bars.parquet", "--out", "run", "--overwrite",
        "--set", "quality.earned_slope=off",
    ]  # fmt: skip
    events = folder / "run" / "events.jsonl"
    shutil.rmtree(folder / "run", ignore_errors=True)
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}
    with popen(words, cwd=folder, env=env, stdout=DEVNULL, stderr=DEVNULL) as process:
        wait_for(lambda: events.exists() and events.stat().st_size >= size)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_a_run_that_is_killed_holds_and_is_rebuilt(tmp_path, rotor):
    """kill -9 at some moments: verified, settled and rebuilt to the same rows, none doubled."""
    assert rotor("synth", "bars.parquet", "--sessions", "30", "--signal", "2")[0] == 0
    for size in (0, 1_000_000, 3_000_000):
        killed_replay(tmp_path, size)
        code, said, _ = rotor("verify", "run")
        assert code == 0, said
        assert "the run was killed" in said

        first = [rotor(*words) for words in QUESTIONS]
        assert rotor("rebuild", "run")[0] == 0
        assert [rotor(*words) for words in QUESTIONS] == first
        assert all(code == 0 for code, *_ in first)
        assert orjson.loads(first[0][1])[-1]["state"] == "killed"


QUESTIONS = (
    ("runs", "list", "--json"),
    ("analytics", "overview", "--run", "run", "--json"),
    ("signals", "quality", "--run", "run", "--json"),
    ("portfolio", "run", "--json"),
)
