"""What is held of each symbol, as a journal's rows change it; of two positions of one symbol, ours.

KEY INPUT: a batch, a decoded row, its moment (UTC ms).
KEY OUTPUT: rows of active_risk_positions, opened, changed or closed.
"""

from typing import TYPE_CHECKING, Any

from engine.events import MICRO
from engine.records.store.tables import ActiveRiskPosition, FillRow

if TYPE_CHECKING:
    from engine.records.store.batch import Batch

Json = dict[str, Any]


def hold(batch: "Batch", row: Json, at: int, *, entry: bool) -> None:
    """Take a fill: of an entry, or of what leaves."""
    shares, symbol = row["shares"], row["symbol"]
    position = batch.opened(ActiveRiskPosition, symbol)
    if position is None and entry:
        _open(batch, row, at, shares if row["side"] == "BUY" else -shares)
    elif position is not None and entry:
        position["shares"] += shares
        position["opened_shares"] += shares
        position["entry_micro"] += _value(row)
    elif position is not None:
        position["shares"] -= shares


def adopt(batch: "Batch", row: Json, at: int) -> None:
    """Take up a position of which the book had nothing."""
    batch.close(ActiveRiskPosition, row["symbol"], status="closed", closed_ms=at)
    _open(batch, row, at, row["shares"])


def undo(batch: "Batch", row: Json, at: int) -> None:
    """Take a fill back: what it bought is gone, what it sold is held again."""
    symbol, bought = row["symbol"], row["side"] == "BUY"
    change = -row["shares"] if bought else row["shares"]
    position = batch.opened(ActiveRiskPosition, symbol)
    if position is None:
        _open(batch, row, at, change)
        return
    held = position["direction"] * position["shares"] + change
    if held * position["direction"] <= 0:
        batch.close(ActiveRiskPosition, symbol, shares=0, status="closed", closed_ms=at)
        if held:
            _open(batch, row, at, held)
        return
    position["shares"] = abs(held)
    if _opened(batch, row, position):
        position["opened_shares"] -= row["shares"]
        position["entry_micro"] -= _value(row)


def reopen(batch: "Batch", row: Json, trip: Json | None) -> None:
    """Let what the fill just undone has left open cost what its round trip said, which is void."""
    position = batch.opened(ActiveRiskPosition, row["symbol"])
    if trip is None or position is None or position["seq"] + 1 != row["seq"]:
        return
    if position["direction"] == trip["direction"]:
        position["entry_ms"], position["entry_micro"] = trip["entry_ms"], trip["entry_micro"]
        position["opened_shares"] = trip["shares"]


def correct(batch: "Batch", row: Json) -> None:
    """Take the new price of a fill."""
    position = batch.opened(ActiveRiskPosition, row["symbol"])
    if position is not None and _opened(batch, row, position):
        position["entry_micro"] += row["shares"] * _micro(row["new_price"]) - _value(row)


def divide(batch: "Batch", row: Json) -> None:
    """Take a share split, which costs nothing."""
    position = batch.opened(ActiveRiskPosition, row["symbol"])
    if position is not None:
        for name in ("shares", "opened_shares"):
            position[name] = position[name] * row["after"] // row["before"]


def end(batch: "Batch", row: Json, at: int, status: str) -> None:
    """Close the position that a round trip has ended, unless another of its symbol is shown."""
    position = batch.opened(ActiveRiskPosition, row["symbol"])
    if position is None or position["direction"] != (1 if row["direction"] == "LONG" else -1):
        return
    if row.get("orphan") and position["entry_ms"] != row["entry_ms"]:
        return  # others' shares beside ours, which are held on
    if position["shares"] and max(row["entry_ms"] + 1, row["exit_ms"]) <= position["entry_ms"]:
        return  # an earlier one, told again
    batch.close(ActiveRiskPosition, row["symbol"], status=status, closed_ms=at)


def _open(batch: "Batch", row: Json, at: int, held: int) -> None:
    """Open a position of signed shares at the price of a row."""
    shares = abs(held)
    batch.open(
        ActiveRiskPosition, row["symbol"], row, symbol=row["symbol"],
        direction=1 if held > 0 else -1, shares=shares, entry_micro=shares * _micro(row["price"]),
        opened_shares=shares, entry_ms=at, stop_micro=None, target_micro=None, trailing=None,
        status="active", closed_ms=None,
    )  # fmt: skip


def _opened(batch: "Batch", row: Json, position: Json) -> bool:
    """Return whether a fill is one of those that opened a position."""
    fill = batch.find(FillRow, order_id=row["order_id"])
    ours = fill is None or fill["at_ms"] >= position["entry_ms"]
    return bool(ours and (row["side"] == "BUY") == (position["direction"] > 0))


def _value(row: Json) -> int:
    shares: int = row["shares"]
    return shares * _micro(row["price"])


def _micro(usd: float) -> int:
    return round(usd * MICRO)
