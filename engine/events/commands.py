"""What an operator says.

KEY INPUT: a person, a script.
KEY OUTPUT: commands, imperative.
"""

from dataclasses import dataclass
from typing import Literal

Keep = Literal["adopt", "leave"]
"""What becomes of a position that Rotor did not open: sold before the close, or never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidate:
    """Sell one symbol, or everything; entries stop first."""

    symbol: str | None = None
    """None: everything, and no entries until Resume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """No entries until Resume; exits go on."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Lift a halt and REDUCE_ONLY, and re-arm what is re-armed by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Entries go on beside a position that Rotor did not open."""

    symbol: str
    """It may be found later: then this counts."""
    keep: Keep | None = None
    """None: as it was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Execute a card of the inbox as it stands."""

    card: str
    """Its id, or its symbol."""
    version: int | None = None
    """None: whatever stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    """Take a card away; its symbol is not offered again for the cooldown."""

    card: str
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Take a card away for some minutes."""

    card: str
    version: int | None = None
    minutes: int = 5


CardCommand = Approve | Dismiss | Snooze
Command = Liquidate | Halt | Resume | Acknowledge | CardCommand
"""What an operator says."""
