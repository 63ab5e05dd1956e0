"""How faults of the families beside the wire are drawn.

KEY INPUT: a random generator.
KEY OUTPUT: the parameters of one fault, by its kind.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from actors.exchange.fault_kinds import FOR_EVER, WHY

Draw = Callable[[random.Random], dict[str, Any]]


def _hand_trade(rng: random.Random) -> dict[str, Any]:
    return {
        "what": rng.choice(("part", "part", "whole", "all", "on_top", "other")),
        "via": rng.choice(("order", "order", "order", "transfer")),
        "program": rng.choice(("", "other-program")),
    }


def _refuse(rng: random.Random) -> dict[str, Any]:
    why = rng.choice(WHY)
    seconds = rng.choice((20, 60, 180, 600, FOR_EVER))
    orders = rng.choice(("all", "entries", "exits", "stops"))
    return {
        "why": why,
        "orders": orders,
        "seconds": seconds,
        "streams": why == "keys" and seconds >= FOR_EVER,
    }


def _odd_positions(rng: random.Random) -> dict[str, Any]:
    what = rng.choice(("no_price", "null_price", "dust", "fraction"))
    return {"what": what, "seconds": FOR_EVER if what in ("dust", "fraction") else 300}


def _cash(rng: random.Random) -> dict[str, Any]:
    activity = rng.choice(("CSW", "CSW", "CSD", "JNLC", ""))
    known = {"CSW": "out", "CSD": "in"}
    direction = known.get(activity) or rng.choice(("out", "in"))
    return {"activity": activity, "direction": direction, "pct": rng.randint(1, 60)}


OTHERS: Mapping[str, Draw] = {
    "hand_trade": _hand_trade,
    "refuse": _refuse,
    "state_lost": lambda rng: {"how": rng.choice(("nothing", "other", "orders"))},
    "odd_status": lambda rng: {
        "word": rng.choice(("", "queued_at_venue")),
        "of": rng.choice(("all", "live", "final")),
        "seconds": rng.randint(30, 300),
    },
    "odd_positions": _odd_positions,
    "html_ok": lambda rng: {
        "method": rng.choice(("PATCH", "PATCH", "POST", "DELETE")),
        "obeyed": rng.random() < 0.5,
        "count": rng.randint(1, 2),
    },
    "late_fill": lambda rng: {"late_seconds": rng.randint(2, 90), "count": rng.randint(1, 2)},
    "trade_bust": lambda rng: {"of": rng.choice(("entry", "exit", "any"))},
    "trade_correct": lambda rng: {
        "of": rng.choice(("entry", "exit", "any")),
        "price_factor": round(rng.uniform(0.99, 1.01), 4),
        "shares_factor": rng.choice((1.0, 1.0, 0.5)),
    },
    "cash": _cash,
    "bad_bar": lambda rng: {
        "factor": rng.choice((0.5, 0.01, 2.0)),
        "corrected": rng.random() < 0.5,
    },
}
