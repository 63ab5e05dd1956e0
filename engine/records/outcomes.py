"""What became of signals, as the journal tells it: round trips that were traded, and shadows.

KEY INPUT: rows of events.jsonl of type `round_trip` and `shadow`.
KEY OUTPUT: Trip and Shadow, exact in micro-dollars, times in UTC milliseconds.

Traded and shadow evidence are never mixed: they are two types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.cards import Signal
from engine.events import MICRO

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One position from its first share to its last."""

    number: int
    """1, 2, … in the run, in order of closing."""
    symbol: str
    direction: int
    """+1 long, −1 short."""
    entry_ms: int
    """UTC start of the bar of the first entry fill."""
    exit_ms: int
    """UTC start of the bar of the last exit fill."""
    shares: int
    entry_micro: int
    """Value of all entry fills."""
    exit_micro: int
    pnl_micro: int
    """Net of everything."""
    fee_micro: int
    slippage_micro: int
    bars_held: int
    mae: float
    """Maximum adverse excursion, a fraction of the entry price, ≤ 0."""
    mfe: float
    """Maximum favourable excursion, a fraction of the entry price, ≥ 0."""
    decision: int
    """engine.events.Decision of the last exit."""
    entry_reason: str
    exit_reason: str
    forced: bool
    signal: Signal | None
    """None for a position that no signal of ours opened."""
    by_hand: bool = False
    """True if its profit says nothing of the rules: ended by hand, or not opened by Rotor."""

    @property
    def gross_micro(self) -> int:
        """Return the profit before fees, spread and impact."""
        return self.pnl_micro + self.fee_micro + self.slippage_micro

    @property
    def net_return(self) -> float:
        """Return net profit over the entry's value, a fraction."""
        return self.pnl_micro / self.entry_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What a signal would have brought, had it been traded alone at the next open."""

    symbol: str
    direction: int
    opened_ms: int
    """UTC start of the bar of the signal."""
    entry_ms: int
    exit_ms: int
    entry_price: float
    exit_price: float
    exit: str
    """horizon, stop, target or close."""
    net_return: float
    """After a round trip's cost, a fraction."""
    signal: Signal

    @property
    def win(self) -> bool:
        """Return whether it made money after costs."""
        return self.net_return > 0.0


def trip_of(row: Row) -> Trip:
    """Return the round trip of a `round_trip` row."""
    return Trip(
        number=row["trip"],
        symbol=row["symbol"],
        direction=_sign(row),
        entry_ms=row["entry_ms"],
        exit_ms=row["exit_ms"],
        shares=row["shares"],
        entry_micro=round(row["entry_value"] * MICRO),
        exit_micro=round(row["exit_value"] * MICRO),
        pnl_micro=round(row["pnl"] * MICRO),
        fee_micro=round(row["fees"] * MICRO),
        slippage_micro=round(row["slippage"] * MICRO),
        bars_held=row["bars_held"],
        mae=row["mae"],
        mfe=row["mfe"],
        decision=row["decision"],
        entry_reason=row["entry_reason"],
        exit_reason=row["exit_reason"],
        forced=row.get("forced", False),
        signal=Signal(**row["signal"]) if row.get("signal") else None,
        by_hand=row.get("by_hand", False),
    )


def shadow_of(row: Row) -> Shadow:
    """Return the shadow of a `shadow` row."""
    return Shadow(
        symbol=row["symbol"],
        direction=_sign(row),
        opened_ms=row["opened_ms"],
        entry_ms=row["entry_ms"],
        exit_ms=row["exit_ms"],
        entry_price=row["entry_price"],
        exit_price=row["exit_price"],
        exit=row["exit"],
        net_return=row["return"],
        signal=Signal(**row["signal"]),
    )


def _sign(row: Row) -> int:
    return 1 if row["direction"] == "LONG" else -1
