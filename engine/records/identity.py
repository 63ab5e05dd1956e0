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
FILLS = ("order_filled", "traded_by_hand", "fill_busted", "fill_corrected")
"""Rows of events.jsonl that have one of trades.jsonl."""
MENDS = ("BUST", "CORRECTION")
TOLERANCE_USD = 1e-4
"""Of equity, which is marked at prices in floating point."""


Key = tuple[str, bool]
"""A symbol, and whether it is the position that Rotor did not open."""


@dataclass(slots=True)
class Account:
    """Cash and shares, counted anew."""

    start_micro: int
    """What the run began with, and what was added since that is no profit."""
    cash_micro: int = 0
    realised_micro: int = 0
    shares: dict[Key, int] = field(default_factory=dict)
    """Signed."""
    since_flat: dict[Key, int] = field(default_factory=dict)
    """Cash that a position's fills brought since it was last flat."""
    mended: set[str] = field(default_factory=set)
    """Symbols of which a fill was undone or corrected in the session."""

    def __post_init__(self) -> None:
        self.cash_micro = self.start_micro

    @property
    def by_symbol(self) -> dict[str, int]:
        """Return the signed shares of each symbol."""
        held: dict[str, int] = {}
        for (symbol, _), shares in self.shares.items():
            held[symbol] = held.get(symbol, 0) + shares
        return {symbol: shares for symbol, shares in held.items() if shares}

    def trade(self, row: Json, event: Json) -> Iterator[str]:
        """Take a row of trades.jsonl and that of events.jsonl; yield what does not hold."""
        where, symbol = f"trades.jsonl at {row['timestamp_ms']}", row["symbol"]
        value = row["shares"] * _micro(row["price"])
        if value != _micro(row["value"]):
            yield f"{where}: {symbol}: {row['shares']} × {row['price']} is not {row['value']}"
        self.realised_micro += _micro(row.get("pnl", 0.0))
        if row["action"] in MENDS:
            self._mend(row, value)
        else:
            yield from self._fill(row, value)
        if event.get("unpriced"):
            self.contribute(value if event["side"] == "BUY" else -value)
        if not self.by_symbol and self.cash_micro - self.start_micro != self.realised_micro:
            yield (
                f"{where}: flat, cash changed by {(self.cash_micro - self.start_micro) / MICRO} "
                f"but the trades' P&L is {self.realised_micro / MICRO}"
            )

    def _fill(self, row: Json, value: int) -> Iterator[str]:
        buys = (row["direction"] == "LONG") == (row["action"] == "ENTRY")
        key = self._key(row)
        self._pay(key, (-value if buys else value) - _micro(row["costs"]))
        held = self.shares.get(key, 0) + (row["shares"] if buys else -row["shares"])
        wrong = held * (1 if row["direction"] == "LONG" else -1) < 0
        if wrong and key[0] not in self.mended:
            yield (
                f"trades.jsonl at {row['timestamp_ms']}: {row['symbol']}: more shares leave than "
                "were held"
            )
        self._hold(key, held)

    def _mend(self, row: Json, value: int) -> None:
        """Undo a fill, whose shares may be those of either position, or correct its price."""
        symbol, sign = row["symbol"], 1 if row["side"] == "BUY" else -1
        self.mended.add(symbol)
        busted = row["action"] == "BUST"
        self._pay((symbol, False), sign * (value if busted else -value) - _micro(row["costs"]))
        if busted:
            self._hold((symbol, False), self.shares.get((symbol, False), 0) - sign * row["shares"])

    def _key(self, row: Json) -> Key:
        symbol = row["symbol"]
        # journals of before told of orphans by `orphan_found` alone
        other = (symbol, True) in self.shares and (symbol, False) not in self.shares
        return symbol, bool(row.get("orphan", other and row["action"] == "EXIT"))

    def _pay(self, key: Key, change: int) -> None:
        self.cash_micro += change
        self.since_flat[key] = self.since_flat.get(key, 0) + change

    def _hold(self, key: Key, held: int) -> None:
        self.shares[key] = held
        if not held:
            del self.shares[key]

    def contribute(self, micro: int) -> None:
        """Add to the account what is no profit."""
        self.start_micro += micro
        self.cash_micro += micro

    def adopt(self, row: Json) -> None:
        """Take up an orphan, which was paid in this run or adds to what it began with."""
        value, key = row["shares"] * _micro(row["price"]), (row["symbol"], True)
        self._pay(key, -value - (_micro(row["fee"]) if row["paid"] else 0))
        self._hold(key, self.shares.get(key, 0) + row["shares"])
        if not row["paid"]:
            self.contribute(value)

    def split(self, row: Json) -> None:
        """Divide or join the shares of a symbol."""
        for key in self.shares:
            if key[0] == row["symbol"]:
                self.shares[key] = self.shares[key] * row["after"] // row["before"]

    def round_trip(self, row: Json) -> Iterator[str]:
        """Take a round trip; yield what its fills do not say."""
        key = (row["symbol"], row.get("orphan", False))
        earned, pnl = self.since_flat.pop(key, 0), _micro(row["pnl"])
        if key[0] in self.mended:  # one fill may belong to two of them by now
            self.since_flat[key] = earned - pnl
        elif key in self.shares:
            yield f"round trip {row['trip']}: {key[0]} is still held"
        elif earned != pnl:
            yield f"round trip {row['trip']}: its fills earned {earned / MICRO}, not {row['pnl']}"

    def void(self, row: Json) -> None:
        """Take a round trip back."""
        key = (row["symbol"], row.get("orphan", False))
        self.since_flat[key] = self.since_flat.get(key, 0) + _micro(row["pnl"])


def broken_identities(folder: Path, start_micro: int, *, most: int = 10) -> list[str]:
    """Return what does not hold, at most so many findings; trades and events must be there."""
    found: list[str] = []
    account = Account(start_micro)
    trades = whole_rows(folder / "trades.jsonl")
    fill = next(trades, None)
    positions = _positions(folder)
    for row in whole_rows(folder / "events.jsonl"):
        moment, kind = row["timestamp_ms"], row["type"]
        if kind in FILLS:
            if fill is None or fill["order_id"] != row["order_id"]:
                found.append(f"events.jsonl has a fill at {moment} that trades.jsonl has not")
                break
            found += account.trade(fill, row)
            fill = next(trades, None)
        elif kind == "round_trip":
            found += account.round_trip(row)
        else:
            _take(account, kind, row)
        if kind == "session_closed" and row["trading"]:
            found += _closed(account, row)
        if "chain" in row and moment in positions:
            found += _equity(account, positions.pop(moment))
        if len(found) >= most:
            break
    return found[:most]


def _take(account: Account, kind: str, row: Json) -> None:
    match kind:
        case "orphan_found":
            account.adopt(row)
        case "cash_moved":
            account.contribute(_micro(row["amount"]))
        case "shares_split":
            account.split(row)
        case "round_trip_voided":
            account.void(row)
        case "session_opened":
            account.mended = set()


def _closed(account: Account, row: Json) -> Iterator[str]:
    held, carried = account.by_symbol, row.get("carried", ())
    if held.keys() - carried:
        yield f"{row['date']}: the session ended with {', '.join(sorted(held))} held"
    # what is carried counts at its last price, which positions.jsonl is asked for
    if not carried and _micro(row["equity"]) != account.cash_micro:
        cash = account.cash_micro / MICRO
        yield f"{row['date']}: closing equity {row['equity']} is not cash {cash}"


def _equity(account: Account, row: Json) -> Iterator[str]:
    worth = account.cash_micro / MICRO
    held: dict[str, int] = {}
    for position in row["positions"]:
        sign, symbol = 1 if position["direction"] == "LONG" else -1, position["symbol"]
        held[symbol] = held.get(symbol, 0) + sign * position["shares"]
        worth += sign * position["shares"] * position["current_price"]
    where = f"positions.jsonl at {row['timestamp_ms']}"
    if held != account.by_symbol:
        yield f"{where}: holds {held}, the fills say {account.by_symbol}"
    elif abs(worth - row["current_equity"]) > TOLERANCE_USD:
        yield f"{where}: equity {row['current_equity']}, cash and positions are worth {worth:.6f}"


def _positions(folder: Path) -> dict[int, Json]:
    path = folder / "positions.jsonl"
    return {row["timestamp_ms"]: row for row in whole_rows(path)} if path.exists() else {}


def _micro(usd: float) -> int:
    return round(usd * MICRO)
