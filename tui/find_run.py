"""Which run is meant: a folder, a run id below the runs folder, or one that the database knows.

KEY INPUT: what the user typed.
KEY OUTPUT: the run's folder.
"""

from pathlib import Path

from engine.errors import BadInputError, RotorError
from tui.options import Database
from tui.prepare import Request, read_config


def find_folder(name: str, database: Database) -> Path:
    """Return the folder of a run; raises BadInputError that says where was looked."""
    config, _ = read_config(Request(config=database.config, sets=database.sets), Path())
    for folder in (Path(name), Path(config.records.runs_dir, name)):
        if (folder / "manifest.json").exists():
            return folder
    known = _known(name, database) if config.database.url else None
    if known is None:
        raise BadInputError(
            f"{name}: no such run, neither as a folder, nor below {config.records.runs_dir}, nor "
            "in the database; rotor runs list"
        )
    if not (known / "manifest.json").exists():
        raise BadInputError(f"{name}: its folder {known} is gone")
    return known


def _known(name: str, database: Database) -> Path | None:
    from engine.records.store.queries import find_run
    from tui.archive import open_archive

    try:
        with open_archive(database.config, database.sets, settled=False) as archive:
            return Path(find_run(archive.store, name)["folder"])
    except RotorError:
        return None
