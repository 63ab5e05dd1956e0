"""The pass of a run in its folder: made before the run begins, read when it goes on.

KEY INPUT: the run's folder and configuration, the bars of the sessions before.
KEY OUTPUT: warmup.npz (those bars), and pass/: a run of its own, with journal, manifest and
summary, and state-….npz, what it has taught, named after what it holds.

The run's manifest names the state; a run that is taken up again reads it, and makes the pass again
from the bars only if that file is gone or damaged.
"""

import datetime as dt
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from actors.crew import innermost
from actors.desk import Desk
from actors.history import RULE, History, Passed, run_pass
from actors.system import Outcome
from engine.config import Config
from engine.errors import DamagedError
from engine.market.frames import Arrays, Block
from engine.records.arrays import arrays_sha256, read_arrays, write_arrays
from engine.records.manifest import write_manifest, write_summary
from engine.records.summary import learning_figures, summarise
from engine.records.warmup import BACKTEST, read_warmup, write_warmup
from engine.records.warmup import NAME as WARMUP
from tui.manifest_head import manifest_head
from tui.prepare import Prepared
from tui.run_folder import check_backtest

Json = dict[str, Any]
Say = Callable[[str], object]
_SAID_EVERY_SECONDS = 2.0


async def learn(history: History, folder: Path, say: Say) -> tuple[Arrays, Json]:
    """Make the pass and keep it; return what it has taught, and what the manifest says of it.

    A pass that lies there is replaced; raises BadInputError for a folder of that name that is none,
    and what a replay raises.
    """
    forget(folder)
    there = folder / BACKTEST
    there.mkdir(parents=True)
    warmup = write_warmup(folder, history.sessions)
    begun = _manifest(history, folder)
    write_manifest(there, begun)
    passed = await run_pass(history, there, _progress(history, say))
    state = arrays_sha256(passed.learned)
    write_arrays(there / _name(state), passed.learned)
    _conclude(there, begun | {"state_sha256": state}, history, passed)
    return passed.learned, {
        "warmup": begun["dates"],
        "warmup_sha256": warmup,
        BACKTEST: {
            "epoch": history.epoch,
            "capital_micro": history.capital_micro,
            "journal_sha256": passed.outcome.journal_sha256,
            "state_sha256": state,
        },
    }


def learn_first(prepared: Prepared, folder: Path | None, say: Say) -> tuple[Arrays | None, Json]:
    """Make the pass of a replay, kept in `folder` unless that is None; as `learn` returns it."""
    history = prepared.history()
    if history is None:
        return None, {}
    try:
        if folder is None:
            return trio.run(run_pass, history, None).learned, {}
        return trio.run(learn, history, folder, say)
    except BaseExceptionGroup as group:
        raise innermost(group) from None


def learned_in(folder: Path, manifest: Json) -> Arrays | None:
    """Return what the sessions before a run had taught; None if there were none.

    Raises DamagedError if the file is not the one that was written.
    """
    found = manifest.get(BACKTEST)
    if found is None:
        return None
    sha256 = found["state_sha256"]
    return read_arrays(folder / BACKTEST / _name(sha256), sha256)


async def mend(folder: Path, manifest: Json, config: Config, say: Say) -> None:
    """Make what a run's pass has taught again if its file is gone or damaged.

    Raises DamagedError if the bars are too, or lead elsewhere.
    """
    try:
        learned_in(folder, manifest)
    except DamagedError as error:
        say(f"{error}; it is made again")
        state = await learned_again(history_of(folder, manifest, config), manifest)
        write_arrays(folder / BACKTEST / _name(arrays_sha256(state)), state)


async def learned_again(history: History, manifest: Json) -> Arrays:
    """Return what the pass teaches; raises DamagedError if it is not what it had taught."""
    learned = (await run_pass(history, None)).learned
    if arrays_sha256(learned) != manifest[BACKTEST]["state_sha256"]:
        raise DamagedError(
            f"{WARMUP}: its bars do not lead to what the run began with; they were changed, or "
            "another version made it"
        )
    return learned


def history_of(folder: Path, manifest: Json, config: Config) -> History:
    """Return what a run's pass was made of; raises DamagedError if its bars cannot be read."""
    return History(
        config=config,
        symbols=tuple(manifest["symbols"]),
        sessions=read_warmup(folder, manifest),
        capital_micro=manifest[BACKTEST]["capital_micro"],
    )


def forget(folder: Path) -> None:
    """Take a run's pass away; raises BadInputError, and takes nothing, if other files lie there."""
    check_backtest(folder)
    shutil.rmtree(folder / BACKTEST, ignore_errors=True)
    (folder / WARMUP).unlink(missing_ok=True)


def _name(sha256: str) -> str:
    return f"state-{sha256[:16]}.npz"


def _manifest(history: History, folder: Path) -> Json:
    dates = [str(session.date) for session, _ in history.sessions]
    return {
        "run_id": f"{folder.resolve().name}-{BACKTEST}",
        "command": "replay",
        "level": "trades",
        "of": folder.resolve().name,
        "differs": f"{RULE} = session, whatever the run's is: else a pass may stop trading early",
        "symbols": list(history.symbols),
        "from": dates[0],
        "to": dates[-1],
        "warmup": [],
        "dates": dates,
        "epoch": history.epoch,
        **manifest_head(history.of_pass),
    }


def _conclude(there: Path, begun: Json, history: History, passed: Passed) -> None:
    outcome = passed.outcome
    summary = figures(history, outcome) | {"run_dir": str(there.resolve())}
    seal = write_summary(there, summary)
    ended = {
        "interrupted": outcome.stats.interrupted,
        "journal_sha256": outcome.journal_sha256,
        "heads": outcome.heads,
        "scores": {symbol: list(scores) for symbol, scores in outcome.scores.items()},
        "earned_slope": outcome.slope.pooled,
        "ended": dt.datetime.now(dt.UTC).isoformat(),
        "summary_sha256": [seal],
    }
    write_manifest(there, begun | ended)


def figures(history: History, outcome: Outcome) -> Json:
    """Return the summary of a pass."""
    return summarise(outcome.stats, history.of_pass) | {
        "learning": learning_figures(outcome.scores, outcome.slope.pooled),
        "journal_sha256": outcome.journal_sha256,
    }


def _progress(history: History, say: Say) -> Callable[[Block, Desk], None]:
    began = said = time.monotonic()
    done, of = 0, len(history.sessions)

    def told(block: Block, _desk: Desk) -> None:
        nonlocal done, said
        done += block.first + len(block) == block.session.minutes
        now = time.monotonic()
        if now - said >= _SAID_EVERY_SECONDS and done:
            said = now
            left = (now - began) * (of - done) / done
            say(f"backtest of the sessions before: {done} of {of}, some {left:.0f} s left")

    return told
