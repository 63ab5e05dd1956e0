"""A run in the database: entered when it begins, followed while it goes, finished when it ends.

KEY INPUT: the database's URL, the run's folder.
KEY OUTPUT: Enrolled. A database that cannot be used never stops a run: what is missing is told, and
`rotor rebuild` brings it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from actors.journal import Follower
from engine.errors import RotorError, StoreError

if TYPE_CHECKING:
    from engine.records.store.database import Store


@dataclass(slots=True)
class Enrolled:
    """A run's place in the database, if there is one."""

    folder: Path
    store: "Store | None" = None
    follower: Follower | None = None

    def finish(self) -> None:
        """Read the run to its end and renew what is summed over runs."""
        if self.store is None:
            return
        from engine.records.store.follow import finish

        try:
            finish(self.store, self.folder)
        except RotorError as error:  # also BadInputError: someone deleted the run meanwhile
            _tell(error, self.folder)
        else:
            if not self.store.in_place:
                gone = StoreError(f"{self.store.name}: was deleted or replaced meanwhile")
                _tell(gone, self.folder)

    def close(self) -> None:
        """Close the database."""
        if self.store is not None:
            self.store.close()


def check_url(url: str) -> None:
    """Raise BadInputError for a URL that cannot be one; nothing is made."""
    if url:
        from engine.records.store.database import parsed_url

        parsed_url(url)


def enrol(url: str, folder: Path, kept: Path | None = None) -> Enrolled:
    """Enter a run that begins; without a URL, or without a database, nothing is followed.

    `kept` is where the records of a run lie now whose place it takes. Raises BadInputError for a
    URL that cannot be one, and a database of a newer Rotor.
    """

    def enter(store: "Store") -> None:
        from engine.records.store.follow import move, register

        if kept is not None:
            move(store, folder, kept)
        register(store, folder)

    return _enrol(url, folder, enter)


def enrol_again(url: str, folder: Path) -> Enrolled:
    """Follow a run that is taken up again."""

    def enter(store: "Store") -> None:
        from engine.records.store.follow import reopen

        reopen(store, folder)

    return _enrol(url, folder, enter)


def _enrol(url: str, folder: Path, enter: Callable[["Store"], None]) -> Enrolled:
    if not url:
        return Enrolled(folder)
    from engine.records.store.database import Store
    from engine.records.store.follow import catch_up

    try:
        store = Store(url)
        enter(store)
    except StoreError as error:
        _tell(error, folder)
        return Enrolled(folder)
    return Enrolled(folder, store, Follower(partial(catch_up, store, folder)))


def _tell(error: RotorError, folder: Path) -> None:
    words = f"rotor: the database does not have this run whole: {error}\n"
    sys.stderr.write(f"{words}rotor: later: rotor rebuild {folder}\n")
