"""The kinds of faults, in families.

KEY INPUT: none.
KEY OUTPUT: KINDS, with their words and defaults; FAMILIES; what a parameter may say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FOR_EVER = 10**9
"""Seconds or hits that never run out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of fault does, and its parameters with their defaults."""

    words: str
    count: int
    """How many requests, events, fills or occasions it hits, unless told."""
    seconds: float
    """Session seconds for which it is on, unless told."""
    parameters: Mapping[str, Any] = field(default_factory=dict)


_WIRE: Mapping[str, Kind] = {
    # requests
    "gateway_timeout": Kind("obeyed, then answered 504", 1, FOR_EVER, {"method": "POST"}),
    "rate_limit": Kind("answered 429, not obeyed", 1, FOR_EVER, {"reset_seconds": 5.0}),
    "html_502": Kind("answered 502 in HTML, not obeyed", 1, FOR_EVER),
    "stall": Kind("not answered", 1, FOR_EVER, {"obeyed": False, "stall_seconds": 30.0}),
    "reject": Kind("an order is rejected, by event or by answer", 1, FOR_EVER, {"how": "event"}),
    "restart": Kind("all sockets drop, requests are answered 503", FOR_EVER, 5.0),
    "skew": Kind("/v2/clock is wrong", FOR_EVER, 60.0, {"skew_seconds": 3.0}),
    "unknown": Kind("unknown fields and enum values in answers and events", FOR_EVER, 60.0),
    "slow_cancel": Kind("cancellations take time", FOR_EVER, 60.0, {"cancel_seconds": 2.0}),
    # sockets
    "mute": Kind("sockets stand and say nothing", FOR_EVER, FOR_EVER, {"stream": "market"}),
    "drop": Kind("sockets break without a close frame", FOR_EVER, 0.0, {"stream": "all"}),
    "half_open": Kind("sockets hear and say nothing, pings too", FOR_EVER, 0.0, {"stream": "all"}),
    "connection_limit": Kind(
        "sockets drop, new ones are refused: 406 (trades: HTTP 429)", FOR_EVER, 90.0,
        {"stream": "market", "code": 406},
    ),
    "symbol_limit": Kind(
        "subscriptions beyond it are refused: 405", FOR_EVER, 0.0, {"limit": 30, "channel": ""}
    ),
    # the order stream
    "duplicate": Kind("an event comes twice", 1, FOR_EVER, {"event": ""}),
    "missing": Kind("an event does not come", 1, FOR_EVER, {"event": ""}),
    "late": Kind("an event comes late", 1, FOR_EVER, {"event": "", "late_seconds": 10.0}),
    "reorder": Kind("two events change places", 2, FOR_EVER, {"event": "", "wait_seconds": 5.0}),
    # the market
    "halt": Kind("a symbol does not trade", FOR_EVER, 300.0, {"symbol": ""}),
    "partial": Kind("fills come in pieces", 1, FOR_EVER, {"pieces": 3}),
    "thin": Kind("less of each bar can be had", FOR_EVER, 120.0, {"share": 0.05}),
    "late_bars": Kind("a minute's bars come late", 1, FOR_EVER, {"late_seconds": 3.0}),
    "missing_bars": Kind("a minute's bars do not come", 1, FOR_EVER),
    "revised_bars": Kind("a minute's bars come again, revised, 30 s later", 1, FOR_EVER),
}  # fmt: skip
_HANDS: Mapping[str, Kind] = {
    "hand_trade": Kind(
        "somebody else trades in the account", 1, FOR_EVER,
        {"what": "part", "via": "order", "symbol": "", "cancel": True, "program": ""},
    ),
}  # fmt: skip
_REFUSALS: Mapping[str, Kind] = {
    "refuse": Kind(
        "orders are refused", FOR_EVER, 60.0,
        {"why": "restricted", "orders": "all", "symbol": "", "streams": False},
    ),
}  # fmt: skip
_STATE: Mapping[str, Kind] = {
    "state_lost": Kind(
        "the account comes back otherwise than it was", 1, FOR_EVER,
        {"how": "nothing", "down_seconds": 5.0},
    ),
}  # fmt: skip
_WORDS: Mapping[str, Kind] = {
    "odd_status": Kind(
        "orders have a status that nobody knows", FOR_EVER, 60.0, {"word": "", "of": "all"}
    ),
    "odd_positions": Kind(
        "rows of /v2/positions lack a price, or are dust", FOR_EVER, FOR_EVER, {"what": "no_price"}
    ),
    "html_ok": Kind(
        "answered 200 in HTML", 1, FOR_EVER, {"method": "PATCH", "obeyed": False}
    ),
}  # fmt: skip
_LATE: Mapping[str, Kind] = {
    "late_fill": Kind(
        "an entry is reported canceled, and filled after all", 1, FOR_EVER, {"late_seconds": 20.0}
    ),
}  # fmt: skip
_BUSTS: Mapping[str, Kind] = {
    "trade_bust": Kind("a fill is undone", 1, FOR_EVER, {"of": "entry"}),
    "trade_correct": Kind(
        "a fill's price or shares are changed", 1, FOR_EVER,
        {"of": "any", "price_factor": 1.005, "shares_factor": 1.0},
    ),
}  # fmt: skip
_CASH: Mapping[str, Kind] = {
    "cash": Kind(
        "cash leaves the account or comes in", 1, FOR_EVER,
        {"activity": "CSW", "direction": "out", "pct": 20.0},
    ),
}  # fmt: skip
_BARS: Mapping[str, Kind] = {
    "bad_bar": Kind(
        "a held symbol's bar is wrong", 1, FOR_EVER,
        {"symbol": "", "factor": 0.5, "corrected": True},
    ),
}  # fmt: skip
FAMILIES: Mapping[str, Mapping[str, Kind]] = {
    "wire": _WIRE,
    "hands": _HANDS,
    "refusals": _REFUSALS,
    "state": _STATE,
    "words": _WORDS,
    "late": _LATE,
    "busts": _BUSTS,
    "cash": _CASH,
    "bars": _BARS,
}
"""wire: requests, sockets, order stream, market; the others: what happens to the account."""
KINDS: Mapping[str, Kind] = {
    name: kind for family in FAMILIES.values() for name, kind in family.items()
}
REST = ("gateway_timeout", "rate_limit", "html_502", "stall", "html_ok")
EVENTS = ("missing", "duplicate", "late", "reorder")
SOCKETS = ("mute", "drop", "half_open", "connection_limit", "restart")
"""What begins by doing something to sockets that stand."""
DEEDS = ("hand_trade", "state_lost", "trade_bust", "trade_correct", "cash")
"""What waits for an occasion, and then does something to an account."""
WHY = (
    "shares", "buying_power", "wash_trade", "restricted", "owner", "not_tradable", "halted",
    "price", "size", "keys", "forbidden", "rate", "unknown",
)  # fmt: skip
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "stream"): ("market", "trades", "all"),
    ("reject", "how"): ("event", "answer"),
    ("hand_trade", "what"): ("part", "whole", "all", "on_top", "other"),
    ("hand_trade", "via"): ("order", "transfer"),
    ("refuse", "why"): WHY,
    ("refuse", "orders"): ("all", "entries", "exits", "stops"),
    ("state_lost", "how"): ("nothing", "other", "orders"),
    ("odd_status", "of"): ("all", "live", "final"),
    ("odd_positions", "what"): ("no_price", "null_price", "dust", "fraction"),
    ("trade_bust", "of"): ("entry", "exit", "any"),
    ("trade_correct", "of"): ("entry", "exit", "any"),
    ("cash", "activity"): ("CSW", "CSD", "JNLC", ""),
    ("cash", "direction"): ("out", "in"),
}
"""What a parameter of a kind may say; of no kind: of any that has it."""
