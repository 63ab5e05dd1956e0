"""The command line as a user meets it: run in its own process, exit codes and all."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson
import pytest

from engine.errors import BadInputError
from engine.market.synth import write_parquet
from engine.records.reading import journal_sha256
from tests.bars import DAY
from tests.patience import patience
from tests.tui.forked import popen, run
from tui import replay
from tui.options import Look
from tui.prepare import Request

ROOT = Path(__file__).parents[2]


SCRATCH = tempfile.mkdtemp(prefix="rotor-test-")
"""Where databases of these runs lie."""


def rotor(*arguments, cwd=None, run=run):
    return run(
        [sys.executable, "-m", "tui.cli", *map(str, arguments)],
        cwd=cwd or SCRATCH, capture_output=True, text=True, timeout=patience(120),
        env={
            "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COLUMNS": "80",
            "ROTOR_RUNTIME_DIR": os.environ["ROTOR_RUNTIME_DIR"],
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, replayed with --json by a process that was started as users start it."""
    out = tmp_path_factory.mktemp("demo") / "run"
    done = rotor("replay", "--out", out, "--json", run=subprocess.run)
    assert done.returncode == 0, done.stderr
    return out, orjson.loads(done.stdout)


REQUIRED = [
    "sessions",
    "bars_processed",
    "symbol_bars",
    "trades_executed",
    "positions_opened",
    "round_trips",
    "rotations",
    "total_pnl",
    "total_pnl_pct",
    "gross_pnl",
    "final_equity",
    "max_drawdown",
    "win_rate",
    "sharpe_ratio",
    "mrd",
    "mrd_low",
    "mrd_high",
    "fees_paid",
    "slippage_paid",
    "costs_paid",
    "refusals",
    "forced_closes",
    "ambiguous_bars",
    "wall_seconds",
    "cpu_seconds",
    "symbol_bars_per_second",
    "journal_sha256",
    "run_dir",
]


def test_the_demo_makes_at_least_thirty_round_trips(demo):
    """With the defaults the bundled demo trades, ends flat, and tells all that others rely on."""
    out, summary = demo

    assert set(REQUIRED) <= set(summary)
    assert summary["sessions"] == 10
    assert summary["bars_processed"] == 9 * 390 + 210
    assert summary["round_trips"] >= 30
    assert summary["journal_sha256"] == journal_sha256(out)
    assert Path(summary["run_dir"]) == out
    assert summary["gross_pnl"] == pytest.approx(summary["total_pnl"] + summary["costs_paid"])


def test_the_run_folder_holds_the_records(demo):
    """Four logs, the events, the summary and a manifest with configuration and data hashes."""
    out, summary = demo
    manifest = orjson.loads((out / "manifest.json").read_bytes())

    assert {p.name for p in out.iterdir()} == {
        "signals.jsonl", "decisions.jsonl", "trades.jsonl", "positions.jsonl", "events.jsonl",
        "summary.json", "manifest.json",
    }  # fmt: skip
    assert orjson.loads((out / "summary.json").read_bytes()) == summary
    assert manifest["config"]["quality"]["earned_slope"] == "off"
    assert len(manifest["data_sha256"]["bars.parquet"]) == 64


def test_a_run_is_not_overwritten_unless_told(demo):
    """A folder that holds a run is refused with exit code 2; --overwrite replaces it."""
    out, summary = demo
    refused = rotor("replay", "--out", out, "--json")
    assert refused.returncode == 2
    assert "holds a run" in refused.stderr
    assert refused.stdout == ""

    again = rotor("replay", "--out", out, "--json", "--overwrite", "--block", 7)
    assert again.returncode == 0
    assert orjson.loads(again.stdout)["journal_sha256"] == summary["journal_sha256"]


def test_the_summary_fits_eighty_columns_and_says_what_is_planted(tmp_path):
    """The first line names the planted signal; no line is wider than the terminal."""
    done = rotor("replay", "--compare", cwd=tmp_path)
    lines = done.stdout.splitlines()

    assert done.returncode == 0, done.stderr
    assert "signal 1.5" in " ".join(lines[:2])
    assert all(len(line.rstrip()) <= 80 for line in lines[:-1] if str(tmp_path) not in line)
    for words in ("MRD 95% low", "random rotation", "buy and hold", "Refused by", "earned-slope"):
        assert words in done.stdout
    assert len([path for path in (tmp_path / "runs").iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "nowhere"], "no such file or folder"),
        (["replay", "--symbols", "TQQQ,NOPE"], "has no NOPE; it has"),
        (["replay", "--from", "tomorrow"], "--from tomorrow: write a date"),
        (["replay", "--from", "2031-01-01"], "no session from 2031-01-01"),
        (["replay", "--set", "rotation.max_positions=-1"], "rotation.max_positions = -1"),
        (["replay", "--set", "nonsense"], "write section.key=value"),
        (["replay", "--set", "learning.predictor=nobody"], "there is ewrls, momentum"),
        (["replay", "--config", "no.toml"], "no.toml: cannot be read"),
        (["replay", "--block", "0"], "must be at least 1"),
        (["replay", "--journal", "everything"], "journal"),
        (["replay", "--bogus"], "Unknown option"),
        (["fly"], "Unknown command"),
        (["audit", "--points", "0"], "at least one moment"),
        (["synth", "bars.csv"], "ends in .parquet"),
        (["synth", "x.parquet", "--symbols", "tqqq!"], "is not a symbol"),
        (["synth", "x.parquet", "--signal", "-1"], "choose one from 0 to 4"),
    ],
)
def test_bad_input_exits_with_2_and_names_it(arguments, words):
    """Usage errors and bad input: exit code 2, and a clear word on it."""
    done = rotor(*arguments)

    assert done.returncode == 2
    assert words in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_named_at_once(tmp_path):
    """Exit code 2 with the system's reason, before anything is replayed."""
    (tmp_path / "file").write_text("not a folder")
    done = rotor("replay", "--out", tmp_path / "file" / "run")

    assert done.returncode == 2
    assert "file" in done.stderr
    assert "Traceback" not in done.stderr


def test_idle_keys_are_named_once_on_stderr(tmp_path):
    """A key whose feature is not built yet is accepted, and said to have no effect."""
    done = rotor("replay", "--set", "api.port=1", "--out", tmp_path / "x", "--json")

    assert done.returncode == 0
    assert done.stderr.count("no effect yet: api.port") == 1


def test_from_and_to_cover_exactly_those_days(tmp_path):
    """Both ends are included; earlier sessions warm the learners and are not traded."""
    done = rotor(
        "replay", "--from", "2025-07-02", "--to", "2025-07-07", "--out", tmp_path / "x", "--json"
    )
    summary = orjson.loads(done.stdout)

    assert (summary["first_session"], summary["last_session"]) == ("2025-07-02", "2025-07-07")
    assert summary["sessions"] == 3  # the 2nd, the half day, the 7th
    assert summary["warmup_sessions"] == 4


def test_warm_up_never_comes_from_after_the_range(tmp_path):
    """What lies behind --to changes nothing (B25)."""
    path = tmp_path / "bars.parquet"
    write_parquet(path, first=DAY, sessions=6, seed=3, signal=2.0)
    ranges = ["--from", "2025-06-27", "--to", "2025-06-30"]
    long = rotor("replay", path, *ranges, "--out", tmp_path / "a", "--json")
    write_parquet(path, first=DAY, sessions=4, seed=3, signal=2.0)
    short = rotor("replay", path, *ranges, "--out", tmp_path / "b", "--json")

    assert long.returncode == short.returncode == 0
    hashes = {orjson.loads(x.stdout)["journal_sha256"] for x in (long, short)}
    assert len(hashes) == 1


def test_audit_passes_on_the_demo_and_fails_on_a_leak(tmp_path):
    """Exit code 0 when nothing looks ahead, 1 with the first changed row when something does."""
    fine = rotor("audit", "--to", "2025-06-27", "--points", 2, "--json")
    assert fine.returncode == 0, fine.stderr
    assert orjson.loads(fine.stdout)["block_independent"]

    leak = rotor(
        "audit", "--to", "2025-06-27", "--points", 2, "--json",
        "--set", "learning.predictor=tests.engine.learning.test_predictors.Leaky",
    )  # fmt: skip
    result = orjson.loads(leak.stdout)
    assert leak.returncode == 1
    assert not result["causal"]
    assert not result["block_independent"]


def test_synth_writes_and_does_not_overwrite(tmp_path):
    """The command says what it wrote; the same path again is refused."""
    path = tmp_path / "bars.parquet"
    done = rotor("synth", path, "--sessions", 2, "--json")
    assert done.returncode == 0
    assert orjson.loads(done.stdout)["sessions"] == 2
    assert rotor("synth", path, "--sessions", 2).returncode == 2
    assert rotor("synth", path, "--sessions", 2, "--overwrite").returncode == 0


def test_help_teaches_and_loads_nothing_heavy():
    """--help names the commands, and loads neither textual, pandas, numba, trio nor pyarrow."""
    code = (
        "import sys; from tui.cli import main; main(['--help']);"
        "heavy = {'textual','pandas','numba','numpy','trio','pyarrow','alpaca','sqlmodel'};"
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    for word in ("replay", "audit", "synth", "Exit codes"):
        assert word in done.stdout
    assert "--json" in rotor("replay", "--help").stdout


def test_a_reader_that_goes_away_is_no_error(demo, tmp_path):
    """Whatever prints, in whatever form: no message, exit code 0 or 141, and the records stay."""
    out, _ = demo
    assert rotor("rebuild", out, cwd=tmp_path).returncode == 0
    for words in (["analytics", "symbols"], ["signals", "quality", "--json"],
                  ["runs", "list", "--csv"], ["replay", "--json", "--out", "kept"]):  # fmt: skip
        with popen(
            [sys.executable, "-m", "tui.cli", *words], cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        ) as process:  # fmt: skip
            process.stdout.close()
            assert process.stderr.read() == b"", words
            assert process.wait(timeout=patience(120)) in (0, 141)
    assert (tmp_path / "kept" / "summary.json").exists()
    assert journal_sha256(tmp_path / "kept") == journal_sha256(out)


def test_a_recorded_run_is_a_source(tmp_path):
    """Its bars, replayed with the same settings, give its decisions; warm-up stays warm-up."""
    days = ["--from", "2025-07-08", "--to", "2025-07-09"]
    gate = ["--json", "--set", "quality.earned_slope=off"]
    first = rotor("replay", *days, "--out", tmp_path / "a", *gate)
    again = rotor("replay", tmp_path / "a", "--out", tmp_path / "b", *gate)
    was, now = orjson.loads(first.stdout), orjson.loads(again.stdout)

    assert now["warmup_sessions"] == was["warmup_sessions"] == 7
    assert now["journal_sha256"] == was["journal_sha256"]
    refused = rotor("replay", tmp_path / "a", "--symbols", "NOPE", "--out", tmp_path / "c")
    assert refused.returncode == 2
    assert "has no NOPE" in refused.stderr


def test_a_finished_run_is_shown_as_it_was(tmp_path, monkeypatch):
    """What would make it another run is refused by name, before anything is drawn."""
    (tmp_path / "manifest.json").touch()
    (tmp_path / "events.jsonl").touch()
    monkeypatch.setattr(replay, "has_terminal", lambda: True)
    request = Request(source=tmp_path, tui=Look(), first="2025-07-01", sets=("a.b=1",), scan=False)
    with pytest.raises(BadInputError, match="leave out --from, --set, --no-scan"):
        replay.replay_command(request)
