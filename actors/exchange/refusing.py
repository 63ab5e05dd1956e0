"""Refusals that a fault makes, in Alpaca's codes and words.

KEY INPUT: a refuse fault, the order, cancellation or replacement that it hits.
KEY OUTPUT: Refusal; a note in the account's books.
"""

from collections.abc import Mapping
from typing import Any

from actors.exchange.fault import Fault
from actors.exchange.refusal import (
    INSUFFICIENT,
    INVALID,
    TOO_MANY,
    UNAUTHORIZED,
    Refusal,
)

UNKNOWN_CODE = 42299017
"""A code that Alpaca does not have."""

_ANSWERS: Mapping[str, tuple[int, int, str]] = {
    "shares": (
        403, INSUFFICIENT,
        "insufficient qty available for order (requested: {shares}, available: 0)",
    ),
    "buying_power": (403, INSUFFICIENT, "insufficient buying power"),
    "wash_trade": (403, INSUFFICIENT, "potential wash trade detected. use complex orders"),
    "restricted": (403, INSUFFICIENT, "account is not authorized to trade"),
    "owner": (403, INSUFFICIENT, "new orders are rejected by user request"),
    "not_tradable": (422, INVALID, "asset {symbol} is not tradable"),
    "halted": (422, INVALID, "trading in {symbol} is halted"),
    "price": (422, INVALID, "limit_price is too far from the market"),
    "size": (422, INVALID, "qty must be <= 10"),
    "keys": (401, UNAUTHORIZED, "request is not authorized"),
    "forbidden": (403, 0, "forbidden."),
    "rate": (429, TOO_MANY, "too many requests."),
    "unknown": (422, UNKNOWN_CODE, "order denied: RD-17"),
}  # fmt: skip
_DETAILS: Mapping[str, Mapping[str, Any]] = {
    "shares": {"available": "0"},
    "buying_power": {"buying_power": "0"},
    "wash_trade": {"reject_reason": "opposite side market/stop order exists"},
}
KEYS = ("keys", "forbidden")
"""What hits every request, not orders alone."""


def refusal_of(why: str, symbol: str = "", shares: int = 0) -> Refusal:
    """Return the refusal of a kind."""
    status, code, words = _ANSWERS[why]
    refusal = Refusal(status, code, words.format(symbol=symbol, shares=shares))
    refusal.body.update(_DETAILS.get(why, {}))
    if not code:
        del refusal.body["code"]
    return refusal


def hits(fault: Fault, symbol: str, *, opens: bool, protects: bool) -> bool:
    """Return whether a fault refuses an order: an entry, a position's stop and target, an exit."""
    of = fault.parameters
    wanted = {"entries": opens, "stops": protects, "exits": not opens and not protects, "all": True}
    return bool(wanted[of["orders"]]) and of["symbol"] in ("", symbol) and of["why"] not in KEYS
