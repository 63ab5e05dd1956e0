"""How a broker order goes from one status to the next: the one table of it.

KEY INPUT: where an order stands, where an event or a snapshot says that it stands.
KEY OUTPUT: where it stands then. Statuses only go forward: what would lead back is late news.

The broker's own words are put into these statuses where they are read (actors/alpaca/decode.py):
accepted, pending_new, held and suspended are PENDING; new, pending_cancel, pending_replace and
stopped are WORKING; done_for_day is EXPIRED.
"""

from collections.abc import Mapping

from actors.venue import Status

_ENDS = frozenset(status for status in Status if status.final)

NEXT: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: _ENDS | {Status.WORKING, Status.PARTIAL},
    Status.WORKING: _ENDS | {Status.PARTIAL},
    Status.PARTIAL: _ENDS,
    Status.FILLED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.REPLACED: frozenset(),
    Status.REJECTED: frozenset(),
}
"""Status → what may follow it. An order ends once, and nothing follows an end."""


def may_follow(before: Status, after: Status) -> bool:
    """Return whether an order may go from one status to another."""
    return after in NEXT[before]
