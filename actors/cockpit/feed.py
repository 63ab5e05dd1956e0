"""The feed of decisions: each in words, with what its fills came to once they are there.

KEY INPUT: the session's events, in order.
KEY OUTPUT: DecisionViews.
"""

from dataclasses import dataclass

from actors.cockpit.labels import LABELS, gate_name, price, usd, who
from actors.cockpit.views import DecisionView
from engine.events import (
    Acknowledge,
    BreakerRearmed,
    BreakerTripped,
    CardOffered,
    CashMoved,
    CommandGiven,
    ConfigChanged,
    Decided,
    Decision,
    Event,
    ExitRefused,
    FillBusted,
    FillCorrected,
    Halt,
    Liquidate,
    NotFlat,
    OcoOrder,
    Order,
    OrderSubmitted,
    OrphanFound,
    PredictorRestarted,
    Resume,
    SharesSplit,
    StreamLost,
    StreamRestored,
    SymbolQuarantined,
)
from engine.records.page import Trade

KEPT = 50
ENTRIES = (Decision.ENTER_LONG, Decision.ENTER_SHORT)
LEGS = (Decision.PROFIT_TARGET, Decision.STOP_LOSS, Decision.TRAILING_STOP)


@dataclass(slots=True)
class Row:
    """A decision and what became of it."""

    id: int
    at_ns: int
    label: str
    symbol: str
    words: str
    decided: Decided | None = None
    order: Order | None = None
    shares: int = 0
    """Filled."""
    value_micro: int = 0
    pnl_micro: int = 0

    def view(self) -> DecisionView:
        """Return it as it is shown."""
        return DecisionView(
            id=self.id,
            at_ns=self.at_ns,
            label=self.label,
            symbol=self.symbol,
            text=self._text(),
        )

    def _text(self) -> str:
        decided, order = self.decided, self.order
        if decided is None:
            return self.words
        if decided.decision in ENTRIES and order is not None:
            return _entry_words(decided, order)
        words = self.words.removeprefix("Rotating out ")
        if self.shares:
            done = f"{self.shares:,}"
            if order is not None and self.shares < order.shares:
                done = f"{self.shares:,} of {order.shares:,}"
            average = price(usd(self.value_micro) / self.shares)
            words = f"{done} @ {average} {usd(self.pnl_micro):+,.2f}: {words}"
        elif order is not None:
            words = f"{order.shares:,}: {words}"
        return f"out {words}" if decided.decision is Decision.ROTATE_OUT else words


class Feed:
    """The session's decisions, oldest first."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.newest: object = None
        """What the newest row was made of."""
        self._exits: dict[str, Row] = {}
        """By order id."""
        self._legs: dict[str, Row] = {}
        """By symbol: the last decision that a leg's fill stands for."""
        self._ordering: Row | None = None
        """A decision whose order comes next."""
        self._of_page: dict[int, Row] = {}

    def take(self, at_ns: int, place: int, event: Event | Trade) -> None:
        """Take what happened; `at_ns` is when, `place` where the page has it."""
        count = len(self.rows)
        match event:
            case Decided(decision=Decision.HOLD):
                pass
            case Decided():
                self._decided(at_ns, place, event)
            case OrderSubmitted():
                self._submitted(event)
            case Trade():
                if event.by_hand:
                    self._by_hand(at_ns, event)
                self._filled(event)
            case _:
                told = _told(event)
                if told is not None:
                    self._add(at_ns, *told)
        if len(self.rows) > count:
            self.newest = event

    def correct(self, place: int, event: Event | Trade) -> None:
        """Take a decision as the closed page has it: its minute's bar has come."""
        row = self._of_page.get(place)
        if row is not None and isinstance(event, Decided):
            row.decided, row.words = event, event.reason

    def close_page(self) -> None:
        """Forget the places of the page."""
        self._of_page = {}

    def views(self) -> tuple[DecisionView, ...]:
        """Return the newest, newest first."""
        return tuple(row.view() for row in reversed(self.rows[-KEPT:]))

    def _add(self, at_ns: int, label: str, symbol: str, words: str) -> Row:
        row = Row(len(self.rows), at_ns, label, symbol, words)
        self.rows.append(row)
        return row

    def _decided(self, at_ns: int, place: int, event: Decided) -> None:
        row = self._add(at_ns, LABELS[event.decision], event.symbol, event.reason)
        row.decided = event
        self._of_page[place] = row
        if event.decision in LEGS:
            self._legs[event.symbol] = row
        elif event.decision is not Decision.REFUSED:
            self._ordering = row

    def _submitted(self, event: OrderSubmitted) -> None:
        order, row = event.order, self._ordering
        self._ordering = None
        if isinstance(order, OcoOrder) or row is None or row.symbol != order.symbol:
            return
        row.order = order
        if not order.entry:
            self._exits[order.order_id] = row

    def _by_hand(self, at_ns: int, trade: Trade) -> None:
        fill = trade.fill
        words = f"{fill.side} {fill.shares:,} @ {price(usd(fill.price_micro))} by hand"
        self._add(at_ns, "RISK", fill.symbol, f"{words}; entries in it end")

    def _filled(self, trade: Trade) -> None:
        if trade.booking.entry or trade.by_hand:
            return
        fill = trade.fill
        row = self._exits.get(fill.order_id) or self._legs.get(fill.symbol)
        if row is not None:
            row.shares += fill.shares
            row.value_micro += fill.shares * fill.price_micro
            row.pnl_micro += trade.booking.realised_micro


def _entry_words(decided: Decided, order: Order) -> str:
    side = "long" if decided.decision is Decision.ENTER_LONG else "short"
    signal = order.signal
    edge = f", edge {signal.edge_bps:+.1f} bp" if signal is not None else ""
    binding = decided.reason.partition(" shares by ")[2].partition(",")[0].replace("_", " ")
    bound = f", size bound by {binding}" if binding else f": {decided.reason}"
    return (
        f"{side} {order.shares:,}: rank {decided.rank}, strength {decided.strength:.3f}{edge}"
        f"{bound}"
    )


def _told(event: Event) -> tuple[str, str, str] | None:  # noqa: C901 - a table
    """Return label, symbol and words of what else is shown in the feed."""
    match event:
        case BreakerTripped(reason=reason, rearms=rearms):
            return "RISK", "all", f"entries blocked: {reason}; re-arms {rearms}"
        case BreakerRearmed(breaker=breaker, reason=reason):
            return "RISK", "all", f"{gate_name(breaker)} re-armed: {reason}"
        case OrphanFound(symbol=symbol, shares=shares):
            return "RISK", symbol, f"entries wait: Rotor did not open {shares:,} that are held"
        case CashMoved(amount_micro=amount, reason=reason):
            return "RISK", "all", f"cash {usd(amount):+,.2f} by others: {reason}"
        case FillBusted(symbol=symbol, side=side, shares=shares):
            at = price(usd(event.price_micro))
            return "RISK", symbol, f"the fill of {side} {shares:,} @ {at} was undone"
        case FillCorrected(symbol=symbol, side=side, shares=shares):
            was, now = price(usd(event.price_micro)), price(usd(event.new_price_micro))
            return "RISK", symbol, f"the fill of {side} {shares:,} was corrected: {was} → {now}"
        case SharesSplit(symbol=symbol, before=before, after=after):
            return "RISK", symbol, f"split: {before:,} shares are {after:,} by now"
        case ExitRefused(symbol=symbol, reason=reason, tries=tries):
            return "RISK", symbol, f"exit refused, {tries} times so far: {reason}"
        case NotFlat(reason=reason):
            return "RISK", "all", f"NOT FLAT near the close: {reason}"
        case CommandGiven(command=Acknowledge(symbol=symbol), actor=actor):
            return "RISK", symbol, f"acknowledged by {who(actor)}; entries go on beside it"
        case StreamLost(reason=reason):
            return "HEALTH", "all", f"order stream lost: {reason}"
        case StreamRestored():
            return "HEALTH", "all", "order stream back, and reconciled"
        case PredictorRestarted(symbol=symbol, restarts=n, error=error):
            return "HEALTH", symbol, f"predictor restarted, {n} in 60 minutes: {error}"
        case SymbolQuarantined(symbol=symbol, error=error):
            return "HEALTH", symbol, f"predictor quarantined, no entries: {error}"
        case ConfigChanged(actor=actor, changes=changes):
            named = ", ".join(f"{key} {old} → {new}" for key, old, new in changes)
            return "CONFIG", "all", f"by {who(actor)}: {named}"
        case CardOffered(card=card):
            asks = f"{card.shares:,} at up to {price(usd(card.limit_micro))}"
            return "INBOX", card.symbol, f"asks for {asks}, version {card.version}"
        case CommandGiven(command=Halt(reason=reason), actor=actor):
            return "HALT", "all", f"by {who(actor)}{': ' + reason if reason else ''}"
        case CommandGiven(command=Resume(), actor=actor):
            return "RESUME", "all", f"by {who(actor)}"
        case CommandGiven(command=Liquidate(symbol=symbol), actor=actor):
            return "MANUAL", symbol or "all", f"liquidate {symbol or 'all'}, by {who(actor)}"
    return None
