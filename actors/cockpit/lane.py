"""The newest thing that was done or refused, for the line above the footer.

KEY INPUT: the session's events, in order.
KEY OUTPUT: a MessageView.
"""

from typing import Literal

from actors.cockpit.labels import price, usd, who
from actors.cockpit.views import MessageView
from engine.events import (
    Acknowledge,
    Approve,
    CardClosed,
    CardRefused,
    CommandGiven,
    ConfigChanged,
    Dismiss,
    Event,
    ExitRefused,
    Halt,
    Liquidate,
    NotFlat,
    OcoOrder,
    OrderRejected,
    OrderSubmitted,
    OrphanFound,
    Resume,
    Side,
    Snooze,
)
from engine.records.page import Trade

Kind = Literal["done", "note", "error"]


class Lane:
    """Remembers the last message of a session."""

    def __init__(self) -> None:
        self.message: MessageView | None = None
        self._count = 0

    def take(self, ns: int, event: Event | Trade) -> None:  # noqa: C901 - a table
        """Take what happened; `ns` is when."""
        match event:
            case Trade():
                self._say(ns, "done", _filled(event))
            case OrderSubmitted(approved=approved) if isinstance(approved.order, OcoOrder):
                self._protected(ns, approved.order)
            case OrderRejected(symbol=symbol, reason=reason):
                self._say(ns, "error", f"{symbol}: the broker rejected an order: {reason}")
            case ExitRefused(symbol=symbol, reason=reason, tries=tries):
                words = f"{symbol}: the broker refused the exit ({tries} times so far): {reason}"
                self._say(ns, "error", words)
            case OrphanFound(symbol=symbol, shares=shares):
                words = f"{symbol}: Rotor did not open {shares:,} that are held; entries wait"
                self._say(ns, "error", words)
            case NotFlat(reason=reason):
                self._say(ns, "error", f"NOT FLAT near the close: {reason}")
            case CardRefused(card=card, reason=reason, actor=actor):
                self._say(ns, "error", f"{card}: {reason}: nothing sent", actor)
            case CardClosed(actor=actor) if actor:
                words = f"{event.card} {event.symbol} {event.status}"
                self._say(ns, "done", words, actor)
            case CommandGiven(actor=actor):
                said = _commanded(event)
                if said:
                    self._say(ns, "done", said, actor)
            case ConfigChanged(actor=actor, changes=changes):
                words = f"{len(changes)} settings changed by {who(actor)}"
                self._say(ns, "done", words, actor)

    def _say(self, ns: int, kind: Kind, text: str, actor: str = "") -> None:
        self._count += 1
        self.message = MessageView(id=self._count, ns=ns, text=text, kind=kind, actor=actor)

    def _protected(self, ns: int, order: OcoOrder) -> None:
        # one message with the fill that it follows
        before, start = self.message, f"{order.symbol} "
        where = f"stop {price(usd(order.stop_micro))}, target {price(usd(order.target_micro))}"
        said = before.text if before is not None and before.text.startswith(start) else start
        self._say(ns, "done", f"{said.partition(';')[0]}; {where} at the broker")


def _filled(trade: Trade) -> str:
    fill, booking = trade.fill, trade.booking
    word = "bought" if fill.side is Side.BUY else "sold"
    said = f"{fill.symbol} {word} {fill.shares:,} @ {price(usd(fill.price_micro))}"
    if booking.entry:
        return said
    flat = ", flat" if booking.closed is not None else ""
    return f"{said}, {usd(booking.realised_micro):+,.2f}{flat}"


def _commanded(event: CommandGiven) -> str:
    by = f"by {who(event.actor)}"
    match event.command:
        case Halt():
            return f"halted {by}; exits go on. h y resumes"
        case Resume():
            return f"resumed {by}"
        case Liquidate(symbol=symbol):
            what = symbol or "all"
            return f"liquidate {what}, sent {by}. Ends when the broker confirms flat."
        case Acknowledge(symbol=symbol):
            return f"{symbol} acknowledged {by}; entries go on beside it"
        case Approve(card=card):
            return f"{card} approved {by}"
        case Dismiss() | Snooze():
            return ""  # its CardClosed follows
