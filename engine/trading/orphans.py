"""Positions that Rotor did not open: who has acknowledged them, and which of them are never sold.

KEY INPUT: what is found and what is gone; operators' words.
KEY OUTPUT: Orphans: what entries wait for, what the close may sell.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.events import Acknowledge, Keep


class Word(NamedTuple):
    """What an operator has said of a symbol's orphan, which may be found later."""

    keep: Keep | None
    actor: str


@dataclass(slots=True)
class Orphans:
    """By symbol: one at most."""

    by: dict[str, str] = field(default_factory=dict)
    """Held ones → who has acknowledged them; empty: nobody yet."""
    left: set[str] = field(default_factory=set)
    """Held ones that nothing of ours sells until they are adopted."""
    _said: dict[str, Word] = field(default_factory=dict)

    def found(self, symbol: str, *, left: bool) -> None:
        """Take note of one; `left`: it is not sold, unless somebody has said otherwise."""
        said = self._said.get(symbol, Word(None, ""))
        self.by.setdefault(symbol, said.actor)
        if said.keep == "leave" or (left and said.keep is None):
            self.left.add(symbol)

    def closed(self, symbol: str) -> None:
        """Forget one that is held no more; what was said of it stands for the session."""
        self.by.pop(symbol, None)
        self.left.discard(symbol)

    def acknowledge(self, command: Acknowledge, actor: str) -> None:
        """Take an operator's word; the first who acknowledges one is told."""
        symbol, keep = command.symbol, command.keep
        if symbol not in self.by or keep is not None:
            self._said[symbol] = Word(keep, actor)
        if symbol not in self.by:
            return
        self.by[symbol] = self.by[symbol] or actor
        if keep == "leave":
            self.left.add(symbol)
        elif keep == "adopt":
            self.left.discard(symbol)

    @property
    def unacknowledged(self) -> tuple[str, ...]:
        """Return those that entries wait for."""
        return tuple(sorted(symbol for symbol, actor in self.by.items() if not actor))
