"""What `rotor verify` asks of a run's other files: are they those that the run wrote?

KEY INPUT: a run folder, its manifest, whether that is sealed.
KEY OUTPUT: what is missing, cut or changed; what an older Rotor has left without a checksum.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from engine.errors import BadInputError, DamagedError
from engine.market.calendar import session_on
from engine.market.frames import MINUTE_NS
from engine.records.inputs import NAME as INPUTS
from engine.records.inputs import Frame, Logged, read_log
from engine.records.manifest import NAME, SUMMARY, read_sealed
from engine.records.reading import ask_journal, last_ms, sound_summary
from engine.records.warmup import BACKTEST, read_warmup
from engine.records.warmup import NAME as WARMUP
from tui.claim import is_claimed
from tui.history import learned_in

Json = dict[str, Any]
EVENTS = "events.jsonl"


def is_live(manifest: Json) -> bool:
    """Return whether a run was given its inputs by a venue, which inputs.jsonl holds."""
    return bool(manifest["command"] != "replay")


def has_warmup(manifest: Json) -> bool:
    """Return whether a run keeps the bars of the sessions before it."""
    return BACKTEST in manifest or (is_live(manifest) and bool(manifest.get("warmup")))


def damaged_files(folder: Path, manifest: Json) -> list[str]:
    """Return what is wrong with a run's summary and, of a live session, its inputs and warm-up."""
    found = list(_summary(folder, manifest))
    if is_live(manifest):
        found += _inputs(folder, manifest)
    if has_warmup(manifest):
        found += _read(read_warmup, folder, manifest)
    if BACKTEST in manifest:
        found += _pass(folder, manifest)
    return found


def torn_inputs(folder: Path, manifest: Json) -> int:
    """Return how many bytes of an input a kill has left at the end of a log that is sound."""
    if not is_live(manifest):
        return 0
    path = folder / INPUTS
    return path.stat().st_size - read_log(path, tuple(manifest["symbols"])).size


def unsealed(manifest: Json, *, sealed: bool) -> list[str]:
    """Return the files that no checksum covers, as with runs of an older Rotor."""
    ended = manifest.get("ended") is not None
    names = [] if sealed else [NAME]
    names += [SUMMARY] if ended and "summary_sha256" not in manifest else []
    if is_live(manifest):
        names += [INPUTS] if ended and "inputs_sha256" not in manifest else []
    names += [WARMUP] if has_warmup(manifest) and "warmup_sha256" not in manifest else []
    return names


def _summary(folder: Path, manifest: Json) -> Iterator[str]:
    try:
        data = sound_summary(folder, manifest)
        if data is not None and not isinstance(orjson.loads(data), dict):
            yield f"{folder / SUMMARY}: is no summary of a run"
    except DamagedError as error:
        yield str(error)
    except ValueError as error:
        yield f"{folder / SUMMARY}: is no JSON ({error})"


def sound_inputs(folder: Path, manifest: Json) -> Logged:
    """Return what a live session was given.

    Raises DamagedError if the log is missing or changed, or knows less than the journal has.
    """
    path = folder / INPUTS
    if not path.exists():
        raise DamagedError(f"{path}: is missing: what the session was given is not known")
    logged = read_log(path, tuple(manifest["symbols"]))
    if manifest.get("ended") is not None:
        rest = path.stat().st_size - logged.size
        if rest:
            raise DamagedError(
                f"{path}: {rest:,} bytes follow line {logged.lines}, though the session ended"
            )
        if logged.head != manifest.get("inputs_sha256", logged.head):
            raise DamagedError(
                f"{path}, line {logged.lines}: ends here, but is not the file that the manifest "
                "names: inputs are missing or were replaced"
            )
    if not is_claimed(folder) and _beyond(folder, manifest, logged):
        raise DamagedError(
            f"{path}, line {logged.lines}: ends here, and {folder / EVENTS} has records of what "
            "followed"
        )
    return logged


def _beyond(folder: Path, manifest: Json, logged: Logged) -> bool:
    """Return whether the journal has a minute that the log does not know."""
    session = session_on(dt.date.fromisoformat(manifest["from"]))
    if session is None or not (folder / EVENTS).exists():
        return False
    minutes = [given.minute for given in logged.inputs if isinstance(given, Frame)]
    if not minutes:  # the first line says what the file is
        with (folder / EVENTS).open("rb") as lines:
            return sum(1 for _ in lines) > 1
    known_ns = session.open_ns + (max(minutes) + 1) * MINUTE_NS
    return last_ms(folder / EVENTS) * 1_000_000 >= known_ns


def _inputs(folder: Path, manifest: Json) -> Iterator[str]:
    try:
        sound_inputs(folder, manifest)
    except BadInputError as error:
        yield str(error)


def _pass(folder: Path, manifest: Json) -> Iterator[str]:
    """Yield what is wrong with the backtest of the sessions before, and with what it taught."""
    yield from _read(learned_in, folder, manifest)
    there = folder / BACKTEST
    try:
        its, _ = read_sealed(there)
    except BadInputError as error:
        yield str(error)
        return
    yield from ask_journal(there, its)[1]
    yield from _summary(there, its)
    if its.get("journal_sha256") != manifest[BACKTEST]["journal_sha256"]:
        yield f"{there}: its journal is not the one that the run's manifest names"


def _read(read: Callable[[Path, Json], object], folder: Path, manifest: Json) -> Iterator[str]:
    try:
        read(folder, manifest)
    except BadInputError as error:
        yield str(error)
