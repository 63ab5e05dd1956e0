"""The log: what happened to a session and what its machinery said, the newest thousands.

KEY INPUT: the session's events; records of `logging`; what is said to the operator.
KEY OUTPUT: LogView, filtered.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence

from actors.cockpit.asked import LogLine, LogView
from actors.cockpit.feed import Feed
from actors.cockpit.filtering import Term, parse
from actors.cockpit.labels import price, usd
from engine.events import (
    Event,
    ExitRefused,
    OcoOrder,
    OrderCanceled,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    SessionClosed,
    SessionOpened,
    StopMoved,
)
from engine.records.page import Page, Trade

KEPT = 5_000
SHOWN = 1_000
FIELDS = ("actor", "level", "sym", "text")
"""Of a filter."""
WARNINGS = ("RISK", "HEALTH", "HALT")
_ACTORS = {
    "RISK": "risk", "HEALTH": "health", "CONFIG": "config", "INBOX": "inbox", "HALT": "command",
    "RESUME": "command", "MANUAL": "command",
}  # fmt: skip


class Log:
    """Lines in the order in which they came."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self.total = 0

    def add(self, ns: int, level: str, actor: str, text: str) -> None:
        """Append a line."""
        self.total += 1
        self._lines.append(LogLine(id=self.total, ns=ns, level=level, actor=actor, text=text))

    def take(self, ns: int, event: Event | Trade, feed: Feed) -> None:
        """Append what happened, after the feed has taken it."""
        told = _told(event)
        if told is not None:
            self.add(ns, *told)
        elif feed.rows and feed.newest is event:
            row = feed.rows[-1]
            level = "warning" if row.label in WARNINGS else "info"
            symbol = "" if row.symbol == "all" else f"{row.symbol} "
            actor = _ACTORS.get(row.label, "cycle") if row.decided is None else "cycle"
            self.add(ns, level, actor, f"{row.label} {symbol}{row.words}")

    def page(self, page: Page, ns: int, took_ms: float | None) -> None:
        """Append a line of a minute that is over."""
        block = page.block
        there = int(block.universe[-1, 1])
        took = f", decided in {took_ms:.1f} ms" if took_ms is not None else ""
        text = f"minute {block.first + len(block) - 1}: {there} of {len(block.symbols)} bars{took}"
        self.add(ns, "info", "feed", text)

    def view(self, words: str) -> LogView:
        """Return the newest lines that match a filter; raises BadInputError for no filter."""
        terms = parse(words, (), FIELDS)
        found = [line for line in self._lines if matches(line, terms)]
        return LogView(lines=tuple(found[-SHOWN:]), total=self.total, matching=len(found))


class Listening(logging.Handler):
    """Puts the records of `logging` into a log."""

    def __init__(self, log: Log, now_ns: Callable[[], int]) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._now_ns = now_ns

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record."""
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.add(self._now_ns(), level, record.name, record.getMessage())


def matches(line: LogLine, terms: Sequence[Term]) -> bool:
    """Whether a line has all that a filter asks for; a symbol is a word of its text."""
    fields = {"actor": line.actor, "level": line.level, "sym": line.text, "text": line.text}
    return all(term.holds(fields) for term in terms)


def _told(event: Event | Trade) -> tuple[str, str, str] | None:  # noqa: C901 - a table
    """Return level, actor and words of what the feed of decisions does not show."""
    match event:
        case Trade(fill=fill):
            cost = 1e4 * fill.slippage_micro / (fill.shares * fill.price_micro)
            paid = f"{fill.shares:,} @ {price(usd(fill.price_micro))}, {cost:+.1f} bp"
            return "info", "broker", f"fill {fill.symbol} {fill.side} {paid}, id {fill.order_id}"
        case OrderSubmitted(approved=approved):
            order = approved.order
            if isinstance(order, OcoOrder):
                at = f"stop {price(usd(order.stop_micro))} target {price(usd(order.target_micro))}"
                return "info", "broker", f"OCO {order.symbol} {order.shares:,} {at}"
            said = f"order {order.symbol} {order.side} {order.shares:,}"
            return "info", "broker", f"{said}, id {order.order_id}"
        case OrderReleased(order_id=order_id):
            return "info", "broker", f"released {order_id}"
        case OrderCanceled(symbol=symbol, order_id=order_id, reason=reason):
            return "info", "broker", f"canceled {symbol} {order_id}: {reason}"
        case OrderRejected(symbol=symbol, order_id=order_id, reason=reason):
            return "error", "broker", f"rejected {symbol} {order_id}: {reason}"
        case ExitRefused(symbol=symbol, order_id=order_id, reason=reason, tries=tries):
            return "error", "broker", f"refused {symbol} {order_id}, {tries} times: {reason}"
        case StopMoved(symbol=symbol, stop_micro=stop):
            return "info", "broker", f"stop of {symbol} to {price(usd(stop))}"
        case SessionOpened(date=date):
            return "info", "session", f"{date} opened"
        case SessionClosed(date=date, equity_micro=equity):
            return "info", "session", f"{date} closed, {usd(equity):,.2f}"
    return None
