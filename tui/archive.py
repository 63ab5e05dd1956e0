"""The database, opened as the configuration says, with all runs read up to date.

KEY INPUT: --config, --set.
KEY OUTPUT: an open Store; the strategy that is asked about.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.config import Config
from engine.errors import BadInputError, ConfigError
from engine.records.store.database import Store
from engine.records.store.edits import follow_edits
from engine.records.store.follow import settle
from tui.prepare import Request, read_config, read_text


@dataclass(frozen=True, slots=True)
class Archive:
    """An open database and the configuration that named it."""

    store: Store
    config: Config


@contextmanager
def open_archive(
    config: Path | None = None, sets: tuple[str, ...] = (), *, settled: bool = True
) -> Iterator[Archive]:
    """Open the database; what runs and edits wrote since it was last read is read first.

    Raises BadInputError where there is none.
    """
    chosen, _ = read_config(Request(config=config, sets=sets), Path())
    url = chosen.database.url
    if not url:
        raise BadInputError('[database] url is "": there is no database to ask')
    with Store(url) as store:
        if settled:
            _settle(store, config)
        yield Archive(store, chosen)


def no_run(archive: Archive) -> str:
    """Return what to do where the database knows no run, in words."""
    below = Path(archive.config.records.runs_dir)
    there = sum(1 for _ in below.glob("*/manifest.json"))
    if there:
        return f"the database knows no run, but {there} lie below {below}: rotor rebuild"
    return "no run yet: rotor replay"


def _settle(store: Store, config: Path | None) -> None:
    """Read on; what cannot be read is told, and keeps nobody from the rest."""
    told = settle(store)
    try:
        follow_edits(store, read_text(config)[1])
    except ConfigError as error:
        told.append(str(error))
    for words in told:
        print(f"rotor: {words}", file=sys.stderr)  # noqa: T201
