"""The herald: which of the things that happen to a session somebody is alerted to.

KEY INPUT: reports and commands as they come, pages as they are written.
KEY OUTPUT: alerts, in words.
"""

from collections.abc import Callable, Sequence

from engine.config import AlertKind
from engine.events import (
    MICRO,
    Acknowledge,
    BreakerTripped,
    CashMoved,
    Command,
    ExitRefused,
    FillBusted,
    FillCorrected,
    Halt,
    Liquidate,
    NotFlat,
    OrderRejected,
    OrphanFound,
    Report,
    Resume,
    StreamLost,
    StreamRestored,
    TradedByHand,
)
from engine.records.page import Page

Tell = Callable[[AlertKind, str], None]


def tell_nobody(_kind: AlertKind, _words: str) -> None:
    """Alert nobody."""


class Herald:
    """Tells of one session; never waits."""

    def __init__(self, tell: Tell = tell_nobody) -> None:
        self._tell = tell

    def reports(self, reports: Sequence[Report]) -> None:
        """Tell of a lost stream, of rejected orders, of orphans, of what is held at the close."""
        for report in reports:
            match report:
                case OrderRejected():
                    words = f"{report.symbol}: the broker rejected an order: {report.reason}"
                    self._tell("reject", words)
                case ExitRefused(symbol=symbol, reason=reason, tries=tries):
                    words = f"{symbol}: the broker refused the exit, {tries} times so far: {reason}"
                    self._tell("reject", words)
                case StreamLost():
                    words = f"the order stream is lost, no entries: {report.reason}"
                    self._tell("disconnect", words)
                case OrphanFound(symbol=symbol, shares=shares):
                    words = f"no entries: Rotor did not open {shares:,} {symbol}, which is held"
                    self._tell("halt", words)
                case NotFlat(reason=reason):
                    self._tell("end", f"the close is near: {reason}")
                case StreamRestored():
                    self._tell("disconnect", "the order stream is back, and reconciled")
                case _:
                    self._others(report)

    def _others(self, report: Report) -> None:
        """Tell of what others did in the account, and of what was undone."""
        match report:
            case TradedByHand(symbol=symbol, shares=shares):
                words = f"{symbol}: {shares:+,} shares by hand; no more entries in it today"
                self._tell("halt", words)
            case CashMoved(amount_micro=amount, reason=reason):
                self._tell("halt", f"cash moved: {amount / MICRO:+,.2f} ({reason})")
            case FillBusted(symbol=symbol, side=side, shares=shares):
                self._tell("reject", f"{symbol}: the fill of {side} {shares:,} was undone")
            case FillCorrected(symbol=symbol, side=side, shares=shares):
                self._tell("reject", f"{symbol}: the fill of {side} {shares:,} was corrected")

    def bars_lost(self, reason: str) -> None:
        """Tell of a lost bar stream."""
        self._tell("disconnect", f"the bar stream is lost, it connects again: {reason}")

    def command(self, command: Command, actor: str) -> None:
        """Tell of a halt, of its end, and of a liquidation by hand."""
        match command:
            case Halt(reason=reason):
                self._tell("halt", f"halted by {actor}: {reason or 'no reason given'}")
            case Liquidate(symbol=symbol):
                self._tell("halt", f"{symbol or 'everything'} liquidated by {actor}")
            case Acknowledge(symbol=symbol):
                self._tell("halt", f"{symbol} acknowledged by {actor}")
            case Resume():
                self._tell("halt", f"resumed by {actor}")

    def page(self, page: Page) -> None:
        """Tell of the breakers that tripped in a minute."""
        for _, event in page.entries if page.trading else ():
            if isinstance(event, BreakerTripped):
                words = f"no entries: {event.reason}; it re-arms {event.rearms}"
                self._tell("breaker", words)
