"""Which line of the screen a position stands on: it keeps it for as long as it is held.

KEY INPUT: positions opened and closed, in order.
KEY OUTPUT: Slots.
"""

from collections.abc import Collection, Iterator


class Slots:
    """Symbols by slot; an entry takes the first that is free."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def open(self, symbol: str) -> None:
        """Give a symbol the first free slot, unless it has one."""
        if symbol not in self.of:
            self.of[symbol] = next(self._free())

    def close(self, symbol: str) -> None:
        """Free a symbol's slot."""
        self.of.pop(symbol, None)

    def settle(self, held: Collection[str]) -> None:
        """Give a slot to whatever else is held; free what is held no more."""
        for symbol in sorted(self.of.keys() - set(held)):
            self.close(symbol)
        for symbol in sorted(held):
            self.open(symbol)

    def _free(self) -> Iterator[int]:
        taken, slot = set(self.of.values()), 0
        while True:
            if slot not in taken:
                yield slot
            slot += 1
