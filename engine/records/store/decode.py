"""Rows of tables back into what they tell of.

KEY INPUT: rows as mappings by column.
KEY OUTPUT: Trip and Shadow, as read from the journal itself.
"""

from collections.abc import Mapping
from typing import Any

from engine.cards import Signal
from engine.records.outcomes import Shadow, Trip
from engine.records.store.columns import WithSignal

Row = Mapping[str, Any]


def read_trip(row: Row) -> Trip:
    """Return the round trip of a row of `round_trips`."""
    return Trip(
        number=row["number"],
        symbol=row["symbol"],
        direction=row["direction"],
        entry_ms=row["entry_ms"],
        exit_ms=row["exit_ms"],
        shares=row["shares"],
        entry_micro=row["entry_micro"],
        exit_micro=row["exit_micro"],
        pnl_micro=row["pnl_micro"],
        fee_micro=row["fee_micro"],
        slippage_micro=row["slippage_micro"],
        bars_held=row["bars_held"],
        mae=row["mae"],
        mfe=row["mfe"],
        decision=row["decision"],
        entry_reason=row["entry_reason"],
        exit_reason=row["exit_reason"],
        forced=row["forced"],
        signal=_signal(row),
        by_hand=row["by_hand"],
    )


def read_shadow(row: Row) -> Shadow:
    """Return the shadow of a row of `outcomes`."""
    signal = _signal(row)
    assert signal is not None
    return Shadow(
        symbol=row["symbol"],
        direction=row["direction"],
        opened_ms=row["opened_ms"],
        entry_ms=row["entry_ms"],
        exit_ms=row["exit_ms"],
        entry_price=row["entry_price"],
        exit_price=row["exit_price"],
        exit=row["exit"],
        net_return=row["net_return"],
        signal=signal,
    )


def _signal(row: Row) -> Signal | None:
    if row["signal_id"] is None:
        return None
    kept = {name: row[name] for name in WithSignal.model_fields if name != "signal_id"}
    return Signal(id=row["signal_id"], **kept)
