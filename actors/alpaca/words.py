"""Alpaca's words for how an order stands, and what else says that it is over.

KEY INPUT: an order's payload, the word of an event.
KEY OUTPUT: a Status; None where nothing in the payload is understood.

An order's end is also known from the moment at which it ended, whatever its status says.
"""

import re
from collections.abc import Mapping
from typing import Any

from actors.venue import Status

Payload = Mapping[str, Any]

STATUSES = {
    "new": Status.WORKING,
    "partially_filled": Status.PARTIAL,
    "filled": Status.FILLED,
    "done_for_day": Status.EXPIRED,
    "canceled": Status.CANCELED,
    "expired": Status.EXPIRED,
    "replaced": Status.REPLACED,
    "pending_cancel": Status.WORKING,
    "pending_replace": Status.WORKING,
    "pending_review": Status.PENDING,
    "accepted": Status.PENDING,
    "pending_new": Status.PENDING,
    "accepted_for_bidding": Status.PENDING,
    "stopped": Status.WORKING,
    "rejected": Status.REJECTED,
    "suspended": Status.PENDING,
    "calculated": Status.WORKING,
    "held": Status.PENDING,
}
"""Every word that Alpaca has for an order's status."""

EVENTS = frozenset(
    [
        "new",
        "fill",
        "partial_fill",
        "canceled",
        "expired",
        "done_for_day",
        "replaced",
        "accepted",
        "rejected",
        "pending_new",
        "stopped",
        "pending_cancel",
        "pending_replace",
        "calculated",
        "suspended",
        "order_replace_rejected",
        "order_cancel_rejected",
        "restated",
        "held",
        "trade_bust",
        "trade_correct",
    ]
)

FILLS = frozenset({"fill", "partial_fill"})
MENDED = frozenset({"trade_bust", "trade_correct"})
"""Events that undo or change a fill of before."""

_ENDS = (
    ("canceled_at", Status.CANCELED),
    ("expired_at", Status.EXPIRED),
    ("failed_at", Status.REJECTED),
    ("replaced_at", Status.REPLACED),
)
_UNDER_WAY = frozenset({"pending_cancel", "pending_replace"})
"""Their moments may be those of the request."""
_ENDING = {
    "canceled": Status.CANCELED,
    "expired": Status.EXPIRED,
    "done_for_day": Status.EXPIRED,
    "replaced": Status.REPLACED,
    "rejected": Status.REJECTED,
}

_ALREADY = re.compile(r'already (?:in )?"?(\w+)"?', re.IGNORECASE)


def word_of(payload: Payload) -> str:
    """Return the broker's word for the status; empty if there is none."""
    word = payload.get("status")
    return word.strip().lower() if isinstance(word, str) else ""


def status_of(payload: Payload, shares: int, filled: int) -> Status | None:
    """Return how an order stands: by its word, else by when it ended; None if neither is known."""
    word = word_of(payload)
    status = STATUSES.get(word)
    if word == "done_for_day" and payload.get("time_in_force") == "gtc":
        status = Status.WORKING
    if status is not None and status.final:
        return status
    ended = None if word in _UNDER_WAY else _ended(payload, shares, filled)
    if ended is not None:
        return ended
    return Status.PARTIAL if filled and status is Status.WORKING else status


def ending_of(event: str, shares: int, filled: int) -> Status | None:
    """Return the end of an order that an event tells of; None for any other event."""
    if event == "fill" and 0 < shares <= filled:
        return Status.FILLED
    return _ENDING.get(event)


def ended_by(reason: str) -> Status | None:
    """Return how an order is over of which a refusal says that it is; None if it does not."""
    found = _ALREADY.search(reason)
    status = STATUSES.get(found[1].lower()) if found else None
    return status if status is not None and status.final else None


def _ended(payload: Payload, shares: int, filled: int) -> Status | None:
    if payload.get("filled_at") and 0 < shares <= filled:
        return Status.FILLED
    return next((status for name, status in _ENDS if payload.get(name)), None)
