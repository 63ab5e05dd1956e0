"""What a replay stood at before some of its sessions, so that another one can begin there.

KEY INPUT: the parts of a replay between two sessions, and its log.
KEY OUTPUT: a copy of them, to go on from.

Sixteen at most, spread over the run: some 2 MB each at the end of sixty busy sessions.
"""

import pickle
from functools import partial
from math import ceil
from typing import NamedTuple

from actors.cockpit.log import Log
from actors.restart import Crash, attempt
from actors.system import Parts

MOST = 16


class Stood(NamedTuple):
    """A place to go on from."""

    session: int
    """The next one's index."""
    parts: Parts
    log: Log


class Kept:
    """Places of one run."""

    def __init__(self, sessions: int) -> None:
        self._every = ceil(sessions / MOST)
        self._kept: dict[int, bytes] = {}

    def keep(self, stood: Stood) -> None:
        """Keep a copy, if it is one of the sixteen."""
        if stood.session % self._every or stood.session in self._kept:
            return
        copy = attempt(partial(pickle.dumps, stood))
        if not isinstance(copy, Crash):  # a predictor of the user's may not be copied: it is slower
            self._kept[stood.session] = copy

    def latest(self, session: int) -> Stood | None:
        """Return a copy of the last one up to a session; None if there is none."""
        before = max((kept for kept in self._kept if kept <= session), default=None)
        if before is None:
            return None
        stood: Stood = pickle.loads(self._kept[before])  # noqa: S301 - it never left this process
        return stood
