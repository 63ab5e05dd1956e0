"""Schedules of faults: from a script, or drawn from a seed.

KEY INPUT: a TOML file of [[fault]] tables; or a seed.
KEY OUTPUT: faults in order of time.

A drawn schedule of the wire is made so that a sound trader can end flat: nothing is at work in the
last 6 minutes, sockets and requests recover, a halt ends 20 minutes before the close. What happens
to the account may last to the end, so that a sound trader ends flat or says that it does not.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from actors.exchange.drawing import OTHERS, Draw
from actors.exchange.fault import Fault, read_fault
from actors.exchange.fault_kinds import FAMILIES, FOR_EVER
from engine.errors import BadInputError
from engine.layers import read_toml
from engine.market.frames import Session

CALM_MINUTES = 6
"""Before the close, in which nothing of a drawn schedule is at work."""
_CALM_HALT_MINUTES = 20
_LONGEST_SECONDS = 150
_FEWEST, _MOST = 6, 16
_FEW, _SOME = 2, 7
"""How many of the wire: alone, and with other families."""

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


def read_seed(text: str) -> tuple[int, tuple[str, ...]] | None:
    """Return the seed and the families of `7`, `7:all` or `7:hands,busts`; None if it is none.

    Raises BadInputError for a family that there is not.
    """
    number, colon, named = text.partition(":")
    if not (number.isascii() and number.isdigit()):
        return None
    if not colon:
        return int(number), ("wire",)
    families = tuple(FAMILIES) if named == "all" else tuple(named.split(","))
    for family in families:
        if family not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise BadInputError(f"faults {text}: no family {family!r}; all, or some of {known}")
    return int(number), families


def draw_schedule(
    seed: int, session: Session, symbols: Sequence[str], families: Sequence[str] = ("wire",)
) -> list[Fault]:
    """Draw a schedule: the same seed, session, symbols and families give the same faults.

    Of several families: some faults of the wire, if it is among them, and of one or two others.
    """
    rng = random.Random(seed)  # noqa: S311 - a rehearsal, not a secret
    others = [family for family in families if family != "wire"]
    fewest, most = (_FEW, _SOME) if others else (_FEWEST, _MOST)
    drawn = [_wire(rng, session, symbols) for _ in range(rng.randint(fewest, most))]
    faults = drawn if "wire" in families else []
    for family in rng.sample(others, min(len(others), rng.randint(1, 2))):
        for _ in range(rng.randint(1, 2)):
            kind = rng.choice(sorted(FAMILIES[family]))
            last = session.minutes - _CALM_HALT_MINUTES
            row = {"kind": kind, "minute": round(rng.uniform(3, last), 3), **OTHERS[kind](rng)}
            fault = read_fault(row, session)
            faults.append(fault if fault.seconds >= FOR_EVER else _ending(fault, session))
    return sorted(faults, key=lambda fault: fault.at_ns)


def _wire(rng: random.Random, session: Session, symbols: Sequence[str]) -> Fault:
    kind = rng.choice(sorted(_DRAWS))
    calm = _CALM_HALT_MINUTES if kind == "halt" else CALM_MINUTES
    last = session.minutes - calm - _LONGEST_SECONDS // 60 - 1
    if kind == "halt":
        last -= 3
    row = {"kind": kind, "minute": round(rng.uniform(1, last), 3), **_DRAWS[kind](rng)}
    if kind == "halt":
        row["symbol"] = rng.choice(list(symbols))
    return _ending(read_fault(row, session), session)


def _ending(fault: Fault, session: Session) -> Fault:
    """Return the fault with an end: one that hit nothing is not left for the calm."""
    calm_ns = session.close_ns - CALM_MINUTES * 60 * 10**9
    fault.seconds = min(fault.seconds, (calm_ns - fault.at_ns) / 1e9)
    return fault
