"""The journal of a session that goes on: written anew beside the old one, then put in its place.

KEY INPUT: a run folder, the log of the session's inputs.
KEY OUTPUT: a journal that begins with every record of the old one; else an error that names both
files, and nothing is changed. Of a file that was damaged, though the log is whole, both are kept.
"""

import os
import shutil
from itertools import count
from pathlib import Path

from engine.errors import DamagedError
from engine.records.growing import Room, no_room
from engine.records.inputs import NAME, InputLog, Logged
from engine.records.journal import FILES, Journal
from engine.records.reading import last_ms, verify_chain

AGAIN = ".again"
"""Where the journal lies until it knows as much as the old one."""
_OLD = ".before"
"""Where a Rotor of before put the old one aside, before the new one was whole."""


def journal_again(folder: Path, epoch: str, first_ts_ns: int, room: Room = no_room) -> Journal:
    """Open a journal beside the one of before, which stays as it is."""
    _put_back(folder)
    shutil.rmtree(folder / AGAIN, ignore_errors=True)  # a kill while it was written anew
    return Journal(folder / AGAIN, "full", epoch, first_ts_ns, room)


def put_in_place(folder: Path, files: Journal, logged: Logged) -> list[str]:
    """Let the journal that was written anew take the place of the old one.

    Returns what was mended, in sentences: of a file that was damaged the old one is kept. Raises
    DamagedError if the log leads to less than the old journal has, or to something else.
    """
    files.sync()
    damaged = [name for name in FILES["full"] if _is_damaged(folder, name, logged)]
    missing = [name for name in FILES["full"] if not (folder / f"{name}.jsonl").exists()]
    mended = _keep(folder, damaged) if damaged else []
    if logged.inputs:
        mended += [f"{folder / name}.jsonl: was missing, and is made anew" for name in missing]
    files.move(folder)
    (folder / AGAIN).rmdir()
    _sync_folder(folder)
    return mended


def leave_as_it_was(folder: Path) -> None:
    """Take the journal that was written anew away, unless it is in its place."""
    shutil.rmtree(folder / AGAIN, ignore_errors=True)


def log_again(
    folder: Path, symbols: tuple[str, ...], logged: Logged, room: Room = no_room
) -> InputLog:
    """Open the log to go on; what a kill tore is cut off."""
    path = folder / NAME
    if path.exists() and path.stat().st_size > logged.size:
        with path.open("r+b") as file:
            file.truncate(logged.size)
    return InputLog(path, symbols, logged.head, room)


def _is_damaged(folder: Path, name: str, logged: Logged) -> bool:
    """Return whether an old file was changed, though the log knows all that it can have held.

    Raises DamagedError if the log knows less, or something else.
    """
    old, new = folder / f"{name}.jsonl", folder / AGAIN / f"{name}.jsonl"
    if not old.exists():
        return False
    report = verify_chain(old)
    if report.tampered_line is not None:
        if last_ms(old) <= last_ms(new):
            return True
        raise DamagedError(
            f"{old}, line {report.tampered_line}: was changed after it was written, and it has "
            f"records of what {folder / NAME} does not know"
        )
    whole = old.stat().st_size if report.torn_at is None else report.torn_at
    with old.open("rb") as before, new.open("rb") as now:
        for number, was in enumerate(iter(before.readline, b""), start=1):
            if before.tell() > whole:
                break
            is_ = now.readline()
            if was != is_:
                raise DamagedError(_differs(old, number, logged, shorter=not is_))
    return False


def _differs(old: Path, number: int, logged: Logged, *, shorter: bool) -> str:
    log = old.parent / NAME
    if not shorter:
        return (
            f"{old}, line {number}: is not what the inputs in {log} lead to; either was changed, "
            "or recorded by another version"
        )
    ends = f", line {logged.lines}: ends here" if log.exists() else ": is missing"
    return f"{log}{ends}, and {old} has records of what followed, from line {number} on"


def _keep(folder: Path, names: list[str]) -> list[str]:
    """Lay damaged files aside, whole, under a numbered name; return where, in sentences."""
    place = numbered(folder, "damaged")
    place.mkdir()
    told = []
    for name in names:
        path = folder / f"{name}.jsonl"
        told.append(
            f"{path}: was changed after it was written; it is kept in {place}, and made anew from "
            f"{folder / NAME}"
        )
        path.replace(place / path.name)
    return told


def numbered(folder: Path, name: str) -> Path:
    """Return the first free place of this name: name-1, name-2, …"""
    return next(p for n in count(1) if not (p := folder / f"{name}-{n}").exists())


def _put_back(folder: Path) -> None:
    """Let the longer one of two journals stand, where a Rotor of before was killed."""
    aside = folder / _OLD
    if not aside.is_dir():
        return
    for name in FILES["full"]:
        there, here = aside / f"{name}.jsonl", folder / f"{name}.jsonl"
        if there.exists() and (not here.exists() or _size(here) <= _size(there)):
            there.replace(here)
    if not any(aside.iterdir()):
        aside.rmdir()


def _size(path: Path) -> int:
    return path.stat().st_size


def _sync_folder(folder: Path) -> None:
    at = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(at)
    finally:
        os.close(at)
