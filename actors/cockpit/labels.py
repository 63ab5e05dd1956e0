"""The short words of the cockpit for what was decided and why something is not traded.

KEY INPUT: decisions, gates.
KEY OUTPUT: labels of at most 6 characters.
"""

import datetime as dt

from engine.events import MICRO, Decision, Gate
from engine.market.calendar import NEW_YORK

LABELS = {
    Decision.HOLD: "HOLD",
    Decision.EXIT: "EXIT",
    Decision.ENTER_LONG: "ENTER",
    Decision.ENTER_SHORT: "ENTER",
    Decision.ROTATE_OUT: "ROTATE",
    Decision.PROFIT_TARGET: "TARGET",
    Decision.STOP_LOSS: "STOP",
    Decision.EOD_EXIT: "EOD",
    Decision.TRAILING_STOP: "TRAIL",
    Decision.TIME_EXIT: "TIME",
    Decision.MANUAL_EXIT: "MANUAL",
    Decision.RISK_EXIT: "RISK",
    Decision.REFUSED: "REFUSE",
}
PURPOSES = {
    Decision.EXIT: "exit",
    Decision.ENTER_LONG: "entry",
    Decision.ENTER_SHORT: "entry",
    Decision.ROTATE_OUT: "rotate out",
    Decision.PROFIT_TARGET: "target",
    Decision.STOP_LOSS: "stop",
    Decision.EOD_EXIT: "before the close",
    Decision.TRAILING_STOP: "stop, trailing",
    Decision.TIME_EXIT: "time is over",
    Decision.MANUAL_EXIT: "flatten",
    Decision.RISK_EXIT: "risk",
}
"""What an order is for."""


def gate_name(gate: Gate) -> str:
    """Return a gate's or breaker's name in words."""
    return gate.name.lower().replace("_", " ")


def who(actor: str) -> str:
    """Return who gave a command: `ann` for `cli:ann`, `tui:ann@dashboard`."""
    return actor.partition(":")[2].partition("@")[0] or actor


def clock(ns: int) -> str:
    """Return the time in New York, such as 13:41."""
    return f"{dt.datetime.fromtimestamp(ns // 10**9, NEW_YORK):%H:%M}"


def signed(usd: float, pct: float | None = None) -> str:
    """Return a profit or loss in words, such as `▲ +196.98 +0.60%`."""
    mark = "▲" if usd > 0 else "▼" if usd < 0 else "·"
    return f"{mark} {usd:+,.2f}" + (f" {pct:+.2f}%" if pct is not None else "")


def usd(micro: int) -> float:
    """Return micro-dollars as dollars."""
    return micro / MICRO


def price(value: float) -> str:
    """Return a price in words: cents, below a dollar hundredths of them."""
    return f"{value:.2f}" if value >= 1.0 else f"{value:.4f}"


def short(value: float, digits: int = 3) -> str:
    """Return a fraction without its leading zero, such as `.005`."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text.replace("-0.", "-.")
