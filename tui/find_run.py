"""Which run is meant: a folder, a run id that the database knows, or one below the runs folder.

KEY INPUT: what the user typed.
KEY OUTPUT: the run's folder, where it is, and what became of it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import BadInputError, RotorError
from tui.claim import is_claimed
from tui.options import Database
from tui.prepare import Request, read_config

if TYPE_CHECKING:
    from engine.records.store.database import Store


def find_folder(name: str, database: Database) -> Path:
    """Return the folder of a run; raises BadInputError that says where was looked.

    A folder that exists here comes first. A database that cannot be asked is done without.
    """
    config, _ = read_config(Request(config=database.config, sets=database.sets), Path())
    if holds_run(Path(name)):
        return Path(name)
    known = _known(name, database) if config.database.url else []
    return choose(name, known, config.records.runs_dir)


def folder_in(store: "Store", name: str, runs_dir: str) -> Path:
    """Return the folder of a run by the same rule, the database being open."""
    from engine.records.store.queries import named

    if holds_run(Path(name)):
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
    return (folder / "manifest.json").exists()


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
