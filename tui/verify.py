"""`rotor verify RUN`: do the records hold together, and do the inputs lead to the decisions again?

KEY INPUT: a run folder, of a run that ended or was killed at any moment.
KEY OUTPUT: what was checked and what does not hold; exit code 0 or 1. What other code decides
otherwise proves nothing, neither for the run nor against it, and is told as not asked.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import trio

from actors.desk import Given
from actors.history import run_pass
from actors.learned import prices_of
from actors.recovery import take_again
from actors.system import Plan, run
from engine.errors import BadInputError, DamagedError
from engine.events import MICRO
from engine.records.arrays import arrays_sha256
from engine.records.identity import broken_identities
from engine.records.inputs import NAME as INPUTS
from engine.records.inputs import read_log
from engine.records.manifest import NAME, SUMMARY, read_manifest, read_sealed
from engine.records.reading import ChainReport, ask_journal
from engine.records.recorded import Recorded, config_of, read_recorded, understood
from engine.records.warmup import BACKTEST
from engine.records.warmup import NAME as WARMUP
from tui.claim import is_claimed
from tui.code import other_code
from tui.find_run import find_folder
from tui.history import history_of, learned_in
from tui.live_folder import recording_of
from tui.options import Database
from tui.output import print_json
from tui.verify_again import differences, figures
from tui.verify_files import damaged_files, has_warmup, is_live, torn_inputs, unsealed

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer."""

    name: str
    holds: bool | None
    """None: it could not be asked."""
    words: str
    findings: tuple[str, ...] = ()


def verify_command(name: str, database: Database, *, json: bool) -> int:
    """Run `rotor verify`; return 0 if everything holds, else 1."""
    folder = find_folder(name, database)
    manifest, sealed = read_sealed(folder)
    level = manifest["level"]
    if level == "none":
        raise BadInputError(f"{folder}: nothing was recorded (journal none)")
    checks = [_chain(folder, manifest)]
    if checks[0].holds is not None:
        checks.append(_files(folder, manifest, sealed=sealed))
    if checks[0].holds:
        checks.append(_ledger(folder, manifest))
        if checks[1].holds is not False:
            checks += [*_pass(folder, manifest), _again(folder, manifest)]
    sound = all(check.holds is not False for check in checks)
    if json:
        told = [{"check": c.name, "holds": c.holds, "words": c.words, "findings": c.findings}
                for c in checks]  # fmt: skip
        print_json({"run": manifest["run_id"], "holds": sound, "checks": told})
    else:
        _print(manifest, checks, sound=sound)
    return 0 if sound else 1


def _chain(folder: Path, manifest: Json) -> Check:
    """Check every file's checksums, and the run's one hash against its manifest."""
    ended = manifest.get("ended") is not None
    reports, bad = ask_journal(folder, manifest)
    how = "the run still runs" if is_claimed(folder) else "the run was killed"
    if not reports and not bad:
        return Check("chain", holds=None, words=f"{how}, before its first record")
    if bad:
        return Check("chain", holds=False, words="the records were changed", findings=tuple(bad))
    torn = [_torn(folder, name, r) for name, r in reports.items() if r.torn_at is not None]
    frames = sum(report.frames for report in reports.values())
    words = f"{frames:,} checksums hold in {len(reports)} files"
    words += "" if ended else f"; {how}"
    return Check("chain", holds=True, words=words, findings=tuple(torn))


def _files(folder: Path, manifest: Json, *, sealed: bool) -> Check:
    """Check that the run's other files are those that it wrote."""
    bad = damaged_files(folder, manifest)
    if bad:
        words = "files of the run are missing or were changed"
        return Check("files", holds=False, words=words, findings=tuple(bad))
    open_ = unsealed(manifest, sealed=sealed)
    if open_:
        words = f"an older Rotor made it: no checksum covers {', '.join(open_)}"
        return Check("files", holds=None, words=words)
    rest = torn_inputs(folder, manifest)
    torn = (f"{INPUTS}: the last {rest:,} bytes were not finished",) if rest else ()
    covered = [NAME] + [SUMMARY] * (manifest.get("ended") is not None)
    covered += [INPUTS] if is_live(manifest) else []
    covered += [WARMUP] if has_warmup(manifest) else []
    covered += [BACKTEST] if BACKTEST in manifest else []
    return Check("files", holds=True, words=f"{', '.join(covered)} as written", findings=torn)


def _torn(folder: Path, name: str, report: ChainReport) -> str:
    rest = (folder / f"{name}.jsonl").stat().st_size - (report.torn_at or 0)
    return f"{name}.jsonl: the last {rest:,} bytes were not finished"


def _ledger(folder: Path, manifest: Json) -> Check:
    start = round(manifest["config"]["simulation"]["starting_capital"] * MICRO)
    try:
        with understood(folder):
            found = broken_identities(folder, start)
    except DamagedError as error:
        found = [str(error)]
    words = "the accounts do not add up" if found else "cash, lots, equity and round trips add up"
    return Check("ledger", holds=not found, words=words, findings=tuple(found))


def _pass(folder: Path, manifest: Json) -> Iterator[Check]:
    """Make the pass over the sessions before again and compare its files."""
    if BACKTEST not in manifest:
        return
    dates = manifest["warmup"]

    def found_again() -> list[str]:
        history = history_of(folder, manifest, config_of(manifest))
        with tempfile.TemporaryDirectory(prefix="rotor-verify-") as scratch:
            _tell(f"verify: {len(dates)} sessions before, again")
            try:
                passed = trio.run(run_pass, history, Path(scratch))
            finally:
                _tell("")
            there = read_manifest(folder / BACKTEST)
            found = differences(folder / BACKTEST, Path(scratch), there)
        found = found or figures(folder / BACKTEST, there, passed.outcome, history.of_pass)
        found = [f"{BACKTEST}/{words}" for words in found]
        if not found and arrays_sha256(passed.learned) != manifest[BACKTEST]["state_sha256"]:
            found = [f"{folder / BACKTEST}: what it has taught is not what the run went on from"]
        return found

    yield replace(_judge(manifest, f"{len(dates)} sessions before", found_again), name=BACKTEST)


def _again(folder: Path, manifest: Json) -> Check:
    """Run the recorded inputs again and compare every file."""
    if is_live(manifest):
        return _live_again(folder, manifest)
    try:
        recorded = read_recorded(folder)
    except DamagedError as error:
        return Check("again", holds=False, words=str(error))
    except BadInputError as error:
        return Check("again", holds=None, words=str(error))
    if recorded.unrepeatable:
        return Check("again", holds=None, words=f"cannot be run again: {recorded.unrepeatable}")
    if not recorded.sessions or recorded.trade_from is None:
        return Check("again", holds=None, words="no traded minute was recorded")
    inputs = f"{len(recorded.sessions)} sessions"
    return _judge(recorded.manifest, inputs, partial(_replayed_differences, folder, recorded))


def _live_again(folder: Path, manifest: Json) -> Check:
    """Give a live session its inputs again and compare every file."""

    def found_again() -> list[str]:
        recording = recording_of(folder, manifest)
        with tempfile.TemporaryDirectory(prefix="rotor-verify-") as scratch:
            again = Path(scratch, "run")
            outcome = trio.run(take_again, recording, logged.inputs, again)
            found = differences(folder, again, manifest)
            return found or figures(folder, manifest, outcome, recording.config)

    logged = read_log(folder / INPUTS, tuple(manifest["symbols"]))
    return _judge(manifest, f"{len(logged.inputs):,} inputs", found_again)


def _judge(manifest: Json, inputs: str, differences: Callable[[], list[str]]) -> Check:
    """Say what a second run means, by whether the same code made the first."""
    other = other_code(manifest)
    try:
        found = differences()
    except BadInputError as error:
        if not other:
            raise
        found = [str(error)]
    if found and other:
        words = f"made by other code ({other}): the decisions differ, which proves nothing"
        return Check("again", holds=None, words=words, findings=tuple(found))
    if found:
        return Check("again", holds=False, words="the same inputs lead elsewhere",
                     findings=tuple(found))  # fmt: skip
    words = f"{inputs} lead to the same records, byte for byte"
    words += f", though made by other code ({other})" if other else ""
    return Check("again", holds=True, words=words)


def _replayed_differences(folder: Path, recorded: Recorded) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="rotor-verify-") as scratch:
        again = Path(scratch, "run")
        _tell(f"verify: {len(recorded.sessions)} sessions run again")
        try:
            outcome = run(replayed(recorded, again))
        finally:
            _tell("")
        if outcome.stats.interrupted:
            raise KeyboardInterrupt
        found = differences(folder, again, recorded.manifest)
        return found or figures(folder, recorded.manifest, outcome, recorded.config)


def replayed(recorded: Recorded, folder: Path | None) -> Plan:
    """Return the plan that gives a run its inputs again."""
    manifest, (first, _) = recorded.manifest, recorded.sessions[0]
    learned = learned_in(recorded.folder, manifest)
    return Plan(
        config=recorded.config,
        symbols=recorded.symbols,
        open_blocks=partial(recorded.blocks, prices=prices_of(learned)),
        trade_from=recorded.trade_from,
        learned=learned,
        range_label=f"{manifest['from']}..{manifest['to']}",
        first_ts_ns=first.open_ns,
        folder=folder,
        level="full" if folder else "none",
        commands=tuple(Given(c.ts_ns, c.command, c.actor) for c in recorded.commands),
    )


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)  # noqa: T201


def _print(manifest: Json, checks: list[Check], *, sound: bool) -> None:
    words = {True: "holds", False: "FAILS", None: "not asked"}
    lines = [f"{manifest['run_id']}:"]
    for check in checks:
        lines.append(f"  {check.name:<7}{words[check.holds]}: {check.words}")
        lines += [f"    {finding}" for finding in check.findings]
    lines.append(_verdict(checks, sound=sound))
    print("\n".join(lines))  # noqa: T201


def _verdict(checks: list[Check], *, sound: bool) -> str:
    if not sound:
        return "Do not trust this run."
    unasked = [check.name for check in checks if check.holds is None]
    if not unasked:
        return "Everything holds."
    if len(unasked) == len(checks):
        return "Nothing could be asked."
    return f"What was asked holds; not asked: {', '.join(unasked)}."
