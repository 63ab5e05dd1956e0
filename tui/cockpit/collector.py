"""When Python looks for garbage while a cockpit runs: between keys, not at one.

KEY INPUT: that what is loaded stays; that nobody types.
KEY OUTPUT: collections that a key need not wait for. It is the process's collector: given back.
"""

import gc

SELDOM = (50_000, 10, 100)
"""Thresholds: of so many short-lived objects as a screen makes the usual 700 are at every key."""
GARBAGE = 5_000
"""Objects that are worth a collection: about a millisecond."""


class Collector:
    """Python's, put off."""

    def __init__(self) -> None:
        self._before = gc.get_threshold()

    def put_off(self) -> None:
        """Take what is loaded out of its sight: to look through it all takes 0.1 s of an answer."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*SELDOM)

    def tidy(self) -> None:
        """Collect what closed dialogs left, if it is worth it."""
        if gc.get_count()[0] > GARBAGE:
            gc.collect(1)

    def give_back(self) -> None:
        """Leave it as it was."""
        gc.set_threshold(*self._before)
        gc.unfreeze()
