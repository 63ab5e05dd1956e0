"""Whose shares an account held, and when: told from the exchange's ledger.

Rotor's orders bear its ids; what a fault, another program or the dashboard did does not. A sale by
others takes first what others bought, then ours.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

OURS = re.compile(r".+-(BUY|SELL)-\d+-\d+")
"""Epoch, day, symbol, side, number, attempt."""
FINAL = {"filled", "canceled", "expired", "replaced", "rejected"}


class Step(NamedTuple):
    """How a symbol stands from a moment on."""

    ts_ns: int
    ours: int
    others: int
    why: str
    """fill, by hand, amendment, or what moved shares without a trade."""


class Books:
    """An account's ledger, by whose hand."""

    def __init__(self, account):
        self.account = account
        self.orders = {order["id"]: order for order in account["orders"]}
        self._mine = {name for name, order in self.orders.items() if self._is_ours(order)}
        self.steps = {symbol: _steps(rows) for symbol, rows in self._changes().items()}

    def is_ours(self, order_id):
        """Return whether an order, or the one whose leg it is, bears an id of Rotor's."""
        return order_id in self._mine

    def ours(self, symbol, now):
        """Return Rotor's shares of a symbol at a moment."""
        steps = self.steps.get(symbol, [])
        at = bisect_right(steps, now, key=lambda step: step.ts_ns)
        return steps[at - 1].ours if at else 0

    def left(self):
        """Return what Rotor holds at the end."""
        ends = {symbol: steps[-1].ours for symbol, steps in self.steps.items() if steps}
        return {symbol: shares for symbol, shares in ends.items() if shares}

    def by_hand(self, symbol):
        """Return the moments at which others traded or moved a symbol."""
        whys = ("fill", "amendment")
        return [step.ts_ns for step in self.steps.get(symbol, []) if step.why not in whys]

    def foreign_spans(self, symbol):
        """Return the spans in which an order of others stood, which may hold shares."""
        return [
            (order["submitted_ns"], order["updated_ns"] if order["status"] in FINAL else None)
            for name, order in self.orders.items()
            if order["symbol"] == symbol and not self.is_ours(name)
        ]

    def refused_spans(self, symbol):
        """Return the spans in which a fault refused orders of a symbol.

        They last until the next order that was taken, at most a minute longer than the fault: by
        then it must have been tried again.
        """
        taken = sorted(
            order["submitted_ns"]
            for name, order in self.orders.items()
            if order["symbol"] == symbol and self.is_ours(name)
        )
        spans = []
        for row in self.account.get("refused", ()):
            if row["symbol"] != symbol:
                continue
            after = bisect_right(taken, row["ts_ns"])
            end = row["until_ns"] + RETRY_NS
            spans.append((row["ts_ns"], min([end, *taken[after : after + 1]])))
        return spans

    def _is_ours(self, order):
        if order.get("by_hand"):
            return False
        parent = self.orders.get(order["parent"])
        return bool(OURS.fullmatch(order["client_order_id"])) or (
            parent is not None and self._is_ours(parent)
        )

    def _changes(self):
        """Return (ns, signed shares, ours or not, why) by symbol."""
        rows = defaultdict(list)
        for fill in self.account["executions"]:
            mine = self.is_ours(fill["order_id"])
            shares = _sign(fill) * fill["shares"]
            why = "fill" if mine else "by hand"
            rows[fill["symbol"]].append((fill["ts_ns"], shares, mine, why))
        for row in self.account.get("amendments", ()):
            moved = (row["is"] or [0])[0] - row["was"][0]
            mine = self.is_ours(row["order_id"])
            rows[row["symbol"]].append((row["ts_ns"], _sign(row) * moved, mine, "amendment"))
        for move in self.account.get("moves", ()):
            if move["shares"]:
                change = (move["ts_ns"], move["shares"], False, move["why"])
                rows[move["symbol"]].append(change)
        return rows


RETRY_NS = 60 * 10**9
"""The longest wait between two tries of an exit that is refused."""


def _steps(changes):
    found, ours, others = [], 0, 0
    for ts_ns, shares, mine, why in sorted(changes, key=lambda change: change[0]):
        first, second = (ours, others) if mine else (others, ours)
        first += shares
        if first < 0 and second > 0:  # a sale takes what is there, whosever it is
            taken = min(-first, second)
            first, second = first + taken, second - taken
        ours, others = (first, second) if mine else (second, first)
        found.append(Step(ts_ns, ours, others, why))
    return found


def _sign(row):
    return 1 if row["side"] == "BUY" else -1


def length(start, end, without):
    """Return how much of a span lies in none of others, which may overlap."""
    borders = sorted({start, end, *(t for span in without for t in span if t and start < t < end)})
    return sum(
        b - a
        for a, b in pairwise(borders)
        if not any(lo <= a and (hi is None or b <= hi) for lo, hi in without)
    )
