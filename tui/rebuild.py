"""`rotor rebuild`: runs are read anew from their journals, into a database that lost or lacks them.

KEY INPUT: run ids or folders; none: all that the database knows, or, if it knows none, those below
the runs folder.
KEY OUTPUT: changed rows; what could not be read, and why.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from engine.errors import BadInputError
from engine.records.store.follow import rebuild
from engine.records.store.queries import runs
from tui.archive import Archive, open_archive
from tui.claim import is_claimed
from tui.find_run import folder_in, holds_run
from tui.options import Database
from tui.output import print_json

Json = dict[str, Any]


@dataclass(slots=True)
class Report:
    """What became of each folder."""

    rebuilt: list[str] = field(default_factory=list)
    kept: list[Json] = field(default_factory=list)
    """Not read, with the reason; what the database knows of them stays."""
    notes: list[Json] = field(default_factory=list)
    """Rebuilt, or no run at all, with what is to be said of it."""


def rebuild_runs(names: tuple[str, ...], database: Database, *, json: bool) -> int:
    """Read runs anew from their journals; 1 if one that was asked for could not be read."""
    report = Report()
    failed = False
    with open_archive(database.config, database.sets, settled=False) as archive:
        folders = _named(archive, names, report) if names else _all(archive, report)
        read = {run["folder"]: run["read_bytes"] for run in runs(archive.store)}
        for i, folder in enumerate(folders, start=1):
            _tell(f"rebuild {i}/{len(folders)}")
            why = _cannot(folder, read.get(str(folder.resolve()), 0))
            broken = False
            if not why:
                try:
                    rebuild(archive.store, folder)
                except BadInputError as error:
                    why, broken = str(error), True
            if why and len(names) == 1:
                _tell("")
                raise BadInputError(why if broken else f"{folder}: {why}")
            if why:
                report.kept.append({"folder": str(folder), "reason": why})
                failed = failed or broken or bool(names)
                continue
            report.rebuilt.append(str(folder))
            if note := _empty(folder):
                report.notes.append({"folder": str(folder), "note": note})
    _tell("")
    _print(report, json=json)
    return 1 if failed else 0


def _named(archive: Archive, names: tuple[str, ...], report: Report) -> list[Path]:
    """Return the folders that were named; files, as a glob may have, are passed over."""
    folders = []
    for name in names:
        if Path(name).is_file():
            report.notes.append({"folder": name, "note": "is a file, no run: passed over"})
        else:
            folders.append(folder_in(archive.store, name, archive.config.records.runs_dir))
    return folders


def _all(archive: Archive, report: Report) -> list[Path]:
    known = [Path(run["folder"]) for run in runs(archive.store)]
    if known:
        return known
    below = Path(archive.config.records.runs_dir)
    found = sorted(path.parent for path in below.glob("*/manifest.json"))
    words = "the database knew no run: looked below it; runs elsewhere: rotor rebuild FOLDER"
    report.notes.append({"folder": str(below), "note": words})
    return found


def _cannot(folder: Path, read_bytes: int) -> str:
    """Return why reading a run anew would lose what is known of it; empty if it would not."""
    if not holds_run(folder):
        return "its manifest.json is gone" if folder.is_dir() else "its folder is gone"
    level, ended = _begun(folder)
    journal = folder / "events.jsonl"
    if level != "none" and not journal.exists() and (ended or read_bytes):
        return "its journal is gone (events.jsonl)"
    return ""


def _empty(folder: Path) -> str:
    """Return why a run that was read has no rows; empty if it has."""
    level, ended = _begun(folder)
    journal = folder / "events.jsonl"
    if level == "none":
        return "its trades were not recorded (journal none)"
    if ended or (journal.exists() and journal.stat().st_size):
        return ""
    if is_claimed(folder):
        return "still runs, and has recorded nothing yet"
    return "was killed before its first record: there is nothing to read"


def _begun(folder: Path) -> tuple[str, bool]:
    try:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        return manifest["level"], manifest.get("ended") is not None
    except (ValueError, LookupError, TypeError):
        return "", False  # what is wrong with it is told where it is read


def _print(report: Report, *, json: bool) -> None:
    if json:
        print_json({"rebuilt": report.rebuilt, "kept": report.kept, "notes": report.notes})
        return
    count = len(report.rebuilt)
    print(f"{count} {'run' if count == 1 else 'runs'} rebuilt from their journals")  # noqa: T201
    for run in report.kept:
        print(f"kept as it was: {run['folder']}: {run['reason']}")  # noqa: T201
    for run in report.notes:
        print(f"{run['folder']}: {run['note']}")  # noqa: T201


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)  # noqa: T201
