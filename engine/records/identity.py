"""The ledger's identities, checked from the files alone, by arithmetic of its own.

KEY INPUT: trades.jsonl, positions.jsonl and events.jsonl of a run.
KEY OUTPUT: what does not hold, in words; nothing if everything does.

Cash is the starting capital less what was paid for shares and fees; Σ P&L is the change of cash
whenever the book is flat; equity is cash and what is held at its price; every session ends flat;
every round trip is the sum of its fills. What could not be sold, or was not to be, is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.events import MICRO
from engine.records.recorded import whole_rows

Json = dict[str, Any]
TOLERANCE_USD = 1e-4
"""Of equity, which is marked at prices in floating point."""


@dataclass(slots=True)
class Account:
    """Cash and shares, counted anew."""

    start_micro: int
    cash_micro: int = 0
    realised_micro: int = 0
    shares: dict[str, int] = field(default_factory=dict)
    """Signed."""
    since_flat: dict[str, int] = field(default_factory=dict)
    """Cash that a symbol's fills brought since it was last flat."""

    def __post_init__(self) -> None:
        self.cash_micro = self.start_micro

    def fill(self, row: Json) -> Iterator[str]:
        """Take a row of trades.jsonl; yield what does not hold."""
        where, symbol = f"trades.jsonl at {row['timestamp_ms']}", row["symbol"]
        buys = (row["direction"] == "LONG") == (row["action"] == "ENTRY")
        value = row["shares"] * _micro(row["price"])
        if value != _micro(row["value"]):
            yield f"{where}: {symbol}: {row['shares']} × {row['price']} is not {row['value']}"
        change = (-value if buys else value) - _micro(row["costs"])
        self.cash_micro += change
        self.since_flat[symbol] = self.since_flat.get(symbol, 0) + change
        self.realised_micro += _micro(row.get("pnl", 0.0))
        held = self.shares.get(symbol, 0) + (row["shares"] if buys else -row["shares"])
        if held * (1 if row["direction"] == "LONG" else -1) < 0:
            yield f"{where}: {symbol}: more shares leave than were held"
        self.shares[symbol] = held
        if not held:
            del self.shares[symbol]
        if not self.shares and self.cash_micro - self.start_micro != self.realised_micro:
            yield (
                f"{where}: flat, cash changed by {(self.cash_micro - self.start_micro) / MICRO} "
                f"but the trades' P&L is {self.realised_micro / MICRO}"
            )

    def adopt(self, row: Json) -> None:
        """Take up an orphan, which was paid in this run or adds to what it began with."""
        value, symbol = row["shares"] * _micro(row["price"]), row["symbol"]
        paid = value + _micro(row["fee"]) if row["paid"] else 0
        self.start_micro += 0 if row["paid"] else value
        self.cash_micro -= paid
        self.since_flat[symbol] = -(paid or value)
        self.shares[symbol] = row["shares"]

    def round_trip(self, row: Json) -> Iterator[str]:
        """Take a round trip; yield what its fills do not say."""
        symbol = row["symbol"]
        earned = self.since_flat.pop(symbol, 0)
        if symbol in self.shares:
            yield f"round trip {row['trip']}: {symbol} is still held"
        elif earned != _micro(row["pnl"]):
            yield f"round trip {row['trip']}: its fills earned {earned / MICRO}, not {row['pnl']}"


def broken_identities(folder: Path, start_micro: int, *, most: int = 10) -> list[str]:
    """Return what does not hold, at most so many findings; trades and events must be there."""
    found: list[str] = []
    account = Account(start_micro)
    trades = whole_rows(folder / "trades.jsonl")
    fill = next(trades, None)
    positions = _positions(folder)
    for row in whole_rows(folder / "events.jsonl"):
        moment, kind = row["timestamp_ms"], row["type"]
        if kind == "order_filled":
            if fill is None or fill["order_id"] != row["order_id"]:
                found.append(f"events.jsonl has a fill at {moment} that trades.jsonl has not")
                break
            found += account.fill(fill)
            fill = next(trades, None)
        elif kind == "orphan_found":
            account.adopt(row)
        elif kind == "round_trip":
            found += account.round_trip(row)
        elif kind == "session_closed" and row["trading"]:
            found += _closed(account, row)
        if "chain" in row and moment in positions:
            found += _equity(account, positions.pop(moment))
        if len(found) >= most:
            break
    return found[:most]


def _closed(account: Account, row: Json) -> Iterator[str]:
    if account.shares.keys() - row.get("carried", ()):
        yield f"{row['date']}: the session ended with {', '.join(sorted(account.shares))} held"
    if _micro(row["equity"]) != account.cash_micro:
        cash = account.cash_micro / MICRO
        yield f"{row['date']}: closing equity {row['equity']} is not cash {cash}"


def _equity(account: Account, row: Json) -> Iterator[str]:
    worth = account.cash_micro / MICRO
    held = {}
    for position in row["positions"]:
        sign = 1 if position["direction"] == "LONG" else -1
        held[position["symbol"]] = sign * position["shares"]
        worth += sign * position["shares"] * position["current_price"]
    where = f"positions.jsonl at {row['timestamp_ms']}"
    if held != account.shares:
        yield f"{where}: holds {held}, the fills say {account.shares}"
    elif abs(worth - row["current_equity"]) > TOLERANCE_USD:
        yield f"{where}: equity {row['current_equity']}, cash and positions are worth {worth:.6f}"


def _positions(folder: Path) -> dict[int, Json]:
    path = folder / "positions.jsonl"
    return {row["timestamp_ms"]: row for row in whole_rows(path)} if path.exists() else {}


def _micro(usd: float) -> int:
    return round(usd * MICRO)
