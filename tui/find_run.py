"""Which run is meant: a folder, a run id that the database knows, or one below the runs folder.

KEY INPUT: what the user typed.
KEY OUTPUT: the run's folder, where it is, and what became of it.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import BadInputError, DamagedError, RotorError
from engine.records.manifest import NAME, read_manifest
from engine.records.reading import sound_journal, sound_summary
from tui.claim import is_claimed
from tui.options import Database
from tui.prepare import Request, read_config
from tui.run_folder import JOURNALS

if TYPE_CHECKING:
    from engine.records.store.database import Store


def find_folder(name: str, database: Database) -> Path:
    """Return the folder of a run; raises BadInputError that says where was looked.

    A folder that exists here comes first. A database that cannot be asked is done without.
    """
    config, _ = read_config(Request(config=database.config, sets=database.sets), Path())
    if holds_run(_checked(Path(name))):
        return Path(name)
    known = _known(name, database) if config.database.url else []
    return choose(name, known, config.records.runs_dir)


def folder_in(store: "Store", name: str, runs_dir: str) -> Path:
    """Return the folder of a run by the same rule, the database being open."""
    from engine.records.store.queries import named

    if holds_run(_checked(Path(name))):
        return Path(name)
    return choose(name, [Path(run["folder"]) for run in named(store, name)], runs_dir)


def choose(name: str, known: list[Path], runs_dir: str) -> Path:
    """Return the only folder among those that the database knows and the one below `runs_dir`."""
    places = {folder.resolve(): folder for folder in (Path(runs_dir, name), *known)}
    there = [folder for folder in places.values() if holds_run(folder)]
    if len(there) > 1:
        from engine.records.store.queries import ambiguous

        raise ambiguous(name, [str(folder) for folder in there])
    if there:
        return there[0]
    if known:
        raise BadInputError(f"{name}: its folder {known[-1]} is gone")
    raise BadInputError(
        f"{name}: no such run, neither as a folder, nor below {runs_dir}, nor in the database; "
        "rotor runs list"
    )


def holds_run(folder: Path) -> bool:
    """Return whether a run lies in a folder."""
    return (folder / NAME).exists()


def _checked(folder: Path) -> Path:
    """Return a path; raises DamagedError for the folder of a run that lost its manifest."""
    if not holds_run(folder) and any((folder / name).is_file() for name in JOURNALS):
        raise DamagedError(f"{folder / NAME}: is missing; put it back from a copy")
    return folder


def warn_of(run: dict[str, Any]) -> None:
    """Say what is wrong with the records of a run of which the database tells."""
    folder = Path(run["folder"])
    try:
        manifest = read_manifest(folder)
        if not is_claimed(folder):
            sound_journal(folder, manifest)
            sound_summary(folder, manifest)
    except DamagedError as error:
        _warn(str(error) if folder.exists() else f"{folder}: is gone")
    else:
        warn_at_a_glance([run])


def warn_at_a_glance(runs: Iterable[dict[str, Any]]) -> None:
    """Say which runs' journals are gone, or shorter than what was read of them."""
    for run in runs:
        journal = Path(run["folder"], "events.jsonl")
        if not journal.parent.exists():
            _warn(f"{journal.parent}: is gone")
        elif run["read_bytes"] and not journal.exists():
            _warn(f"{journal}: is missing")
        elif run["read_bytes"] and journal.stat().st_size < run["read_bytes"]:
            size, read = journal.stat().st_size, run["read_bytes"]
            _warn(f"{journal}: has {size:,} bytes, of which {read:,} were read before")


def _warn(words: str) -> None:
    told = f"rotor: {words} (what the database has read of this run before is shown)"
    print(told, file=sys.stderr)  # noqa: T201


def state_of(run: dict[str, Any]) -> str:
    """Return a run's state; one that did not end and that no process holds was killed."""
    state: str = run["state"]
    return "killed" if state == "running" and not is_claimed(Path(run["folder"])) else state


def _known(name: str, database: Database) -> list[Path]:
    from engine.records.store.queries import named
    from tui.archive import open_archive

    try:
        with open_archive(database.config, database.sets, settled=False) as archive:
            return [Path(run["folder"]) for run in named(archive.store, name)]
    except RotorError:
        return []
