"""Schedules of faults: from a script, or drawn from a seed.

KEY INPUT: a TOML file of [[fault]] tables; or a seed.
KEY OUTPUT: faults in order of time.

A drawn schedule is made so that a sound trader can end flat: nothing is at work in the last
6 minutes, sockets and requests recover, a halt ends 20 minutes before the close.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actors.exchange.fault import Fault, read_fault
from engine.errors import BadInputError
from engine.layers import read_toml
from engine.market.frames import Session

CALM_MINUTES = 6
"""Before the close, in which nothing of a drawn schedule is at work."""
_CALM_HALT_MINUTES = 20
_LONGEST_SECONDS = 150
_FEWEST, _MOST = 6, 16
Draw = Callable[[random.Random], dict[str, Any]]

_DRAWS: dict[str, Draw] = {
    "gateway_timeout": lambda rng: {"method": rng.choice(("POST", "POST", "DELETE", "PATCH"))},
    "rate_limit": lambda rng: {"count": rng.randint(1, 4), "reset_seconds": rng.randint(1, 8)},
    "html_502": lambda rng: {"count": rng.randint(1, 4)},
    "stall": lambda rng: {"obeyed": rng.random() < 0.5, "stall_seconds": rng.randint(5, 60)},
    "reject": lambda rng: {"how": rng.choice(("event", "answer"))},
    "restart": lambda rng: {"seconds": rng.randint(2, 20)},
    "skew": lambda rng: {"skew_seconds": round(rng.uniform(0, 3), 1), "seconds": 60},
    "unknown": lambda rng: {"seconds": rng.randint(30, 120)},
    "slow_cancel": lambda rng: {"cancel_seconds": rng.randint(1, 5), "seconds": 60},
    "mute": lambda rng: {"stream": rng.choice(("market", "trades")), "seconds": 120},
    "drop": lambda rng: {"stream": rng.choice(("market", "trades", "all"))},
    "half_open": lambda rng: {"stream": rng.choice(("market", "trades"))},
    "connection_limit": lambda _: {"seconds": 90},
    "duplicate": lambda rng: {"count": rng.randint(1, 4)},
    "missing": lambda rng: {"count": rng.randint(1, 3)},
    "late": lambda rng: {"count": rng.randint(1, 3), "late_seconds": rng.randint(1, 40)},
    "reorder": lambda _: {},
    "halt": lambda rng: {"seconds": 60 * rng.randint(1, 5)},
    "partial": lambda rng: {"pieces": rng.randint(2, 5), "count": rng.randint(1, 4)},
    "thin": lambda rng: {"share": round(rng.uniform(0.01, 0.3), 3), "seconds": 120},
    "late_bars": lambda rng: {"late_seconds": rng.choice((1, 3, 10))},
    "missing_bars": lambda _: {},
    "revised_bars": lambda _: {},
}


def read_script(path: Path, session: Session) -> list[Fault]:
    """Read the [[fault]] tables of a file; raises BadInputError that names it."""
    try:
        tables = read_toml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: {error}") from None
    rows = tables.pop("fault", [])
    if tables or not isinstance(rows, list):
        raise BadInputError(f"{path}: holds [[fault]] tables and nothing else")
    try:
        faults = [read_fault(row, session) for row in rows]
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from None
    return sorted(faults, key=lambda fault: fault.at_ns)


def draw_schedule(seed: int, session: Session, symbols: Sequence[str]) -> list[Fault]:
    """Draw a schedule: the same seed, session and symbols give the same faults."""
    rng = random.Random(seed)  # noqa: S311 - a rehearsal, not a secret
    faults = []
    for _ in range(rng.randint(_FEWEST, _MOST)):
        kind = rng.choice(sorted(_DRAWS))
        calm = _CALM_HALT_MINUTES if kind == "halt" else CALM_MINUTES
        last = session.minutes - calm - _LONGEST_SECONDS // 60 - 1
        if kind == "halt":
            last -= 3
        row = {"kind": kind, "minute": round(rng.uniform(1, last), 3), **_DRAWS[kind](rng)}
        if kind == "halt":
            row["symbol"] = rng.choice(list(symbols))
        faults.append(_ending(read_fault(row, session), session))
    return sorted(faults, key=lambda fault: fault.at_ns)


def _ending(fault: Fault, session: Session) -> Fault:
    """Return the fault with an end: one that hit nothing is not left for the calm."""
    calm_ns = session.close_ns - CALM_MINUTES * 60 * 10**9
    fault.seconds = min(fault.seconds, (calm_ns - fault.at_ns) / 1e9)
    return fault
