"""What came of positions and of signals.

KEY INPUT: fills, bars.
KEY OUTPUT: round trips, shadows.
"""

from dataclasses import dataclass
from typing import NamedTuple

from engine.cards import Signal
from engine.events.words import MICRO, Decision, Gate


class ShadowClosed(NamedTuple):
    """What a signal would have brought, had it been traded alone at the next open."""

    ts_ns: int
    symbol: str
    direction: int
    opened_ns: int
    """UTC start of the bar of the signal."""
    entry_ns: int
    exit_ns: int
    entry_price: float
    exit_price: float
    how: str
    """horizon, stop, target or close."""
    net_return: float
    """After a round trip's cost, a fraction."""
    signal: Signal
    gate: Gate
    """The first of the ranking's gates that refused the signal; PASS if none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """One position from its first share to its last."""

    symbol: str
    direction: int
    """+1 long, −1 short."""
    entry_ts_ns: int
    exit_ts_ns: int
    shares: int
    """All shares that were opened."""
    entry_price: float
    """Average, USD per share."""
    exit_price: float
    pnl_micro: int
    """Net: fees, spread and impact are paid."""
    fee_micro: int
    slippage_micro: int
    bars_held: int
    """Minutes from the first entry fill to the last exit fill."""
    decision: Decision
    """The decision of its last exit."""
    forced: bool
    entry_micro: int = 0
    """Value of all entry fills."""
    exit_micro: int = 0
    entry_reason: str = ""
    exit_reason: str = ""
    """The words of the last exit."""
    signal: Signal | None = None
    """The signal behind the entry."""
    orphan: bool = False
    """True for a position that Rotor did not open."""
    by_hand: bool = False
    """True if some of it was sold by hand or liquidated, or no decision opened it: it counts in
    profit and loss alone."""

    @property
    def gross_micro(self) -> int:
        """Return the profit before fees, spread and impact."""
        return self.pnl_micro + self.fee_micro + self.slippage_micro

    @property
    def value_micro(self) -> int:
        """Return the notional of the entry."""
        return round(self.entry_price * self.shares * MICRO)


class RoundTripClosed(NamedTuple):
    """A position came back to zero."""

    ts_ns: int
    number: int
    """1, 2, … in the run."""
    trip: RoundTrip
    mae: float
    """Maximum adverse excursion, a fraction of the entry price, ≤ 0."""
    mfe: float
    """Maximum favourable excursion, a fraction of the entry price, ≥ 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTripVoided:
    """A round trip that was told did not happen: one of its fills was undone or corrected."""

    ts_ns: int
    number: int
    """As it was told."""
    trip: RoundTrip
