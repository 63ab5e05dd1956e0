"""The inbox: entries that wait for approval, and what became of them.

KEY INPUT: cards and operators' commands, through `State.apply`.
KEY OUTPUT: Inbox: the open cards, and why a command on a card is refused.

A card is executed once, in the version that was approved, or not at all. Exits never wait.
"""

from collections import deque
from dataclasses import dataclass, field

from engine.cards import Card
from engine.events import (
    Approve,
    CardClosed,
    CardCommand,
    CardOffered,
    CardRefused,
    Dismiss,
    Event,
    Snooze,
)
from engine.market.frames import MINUTE_NS

KEPT = 50
"""Closed cards that are remembered."""


@dataclass(slots=True)
class Inbox:
    """Open cards by symbol, closed ones by age."""

    open: dict[str, Card] = field(default_factory=dict)
    approved: dict[str, str] = field(default_factory=dict)
    """Symbol → who approved its card; executed at the end of the minute."""
    closed: deque[CardClosed] = field(default_factory=lambda: deque(maxlen=KEPT))
    refused: deque[CardRefused] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Commands that were not obeyed."""
    hidden_until_ns: dict[str, int] = field(default_factory=dict)
    """Symbol → until when nothing of it is offered."""

    def offered(self, event: CardOffered) -> None:
        """Take a card, or its next version: an approval of the last one is void."""
        self.open[event.card.symbol] = event.card
        self.approved.pop(event.card.symbol, None)

    def approve(self, command: Approve, actor: str, ts_ns: int) -> None:
        """Note who approved a card, unless it is refused."""
        if not self.refusal(command, ts_ns):
            card = self.find(command.card)
            assert card is not None
            self.approved[card.symbol] = actor

    def close(self, event: CardClosed) -> None:
        """Take a card away."""
        if event.hidden_minutes:
            until = event.ts_ns + event.hidden_minutes * MINUTE_NS
            self.hidden_until_ns[event.symbol] = until
        self.open.pop(event.symbol, None)
        self.approved.pop(event.symbol, None)
        self.closed.append(event)

    def start_session(self) -> None:
        """Forget what was hidden."""
        self.hidden_until_ns = {}

    def find(self, name: str) -> Card | None:
        """Return the open card with this id, or of this symbol."""
        by_symbol = self.open.get(name)
        return by_symbol or next((card for card in self.open.values() if card.id == name), None)

    def hidden(self, symbol: str, ts_ns: int) -> bool:
        """Return whether nothing of the symbol is offered in the minute that starts at `ts_ns`."""
        return ts_ns < self.hidden_until_ns.get(symbol, 0)

    @property
    def expires_ns(self) -> int | None:
        """Return when the next card expires."""
        return min((card.expires_ns for card in self.open.values()), default=None)

    def refusal(self, command: CardCommand, ts_ns: int) -> str:
        """Return why a command on a card cannot be obeyed; empty if it can."""
        card = self.find(command.card)
        if card is None:
            return self._gone(command.card)
        if command.version is not None and command.version != card.version:
            return f"version {command.version} is stale: the terms changed, see {card.version}"
        if ts_ns >= card.expires_ns:
            return "it has expired"
        if isinstance(command, Approve) and card.symbol in self.approved:
            return f"it was approved by {self.approved[card.symbol]} already"
        return ""

    def obey(
        self, command: CardCommand, actor: str, ts_ns: int, dismissed_minutes: int
    ) -> list[Event]:
        """Return what follows from a command that is not refused."""
        card = self.find(command.card)
        assert card is not None
        match command:
            case Approve():
                return []
            case Snooze(minutes=minutes):
                status, reason = "snoozed", f"for {minutes} minutes"
            case Dismiss():
                minutes, status = dismissed_minutes, "dismissed"
                reason = f"not offered again for {minutes} minutes"
        return [
            CardClosed(
                ts_ns=ts_ns, card=card.id, version=card.version, symbol=card.symbol, status=status,
                reason=reason, actor=actor, hidden_minutes=minutes,
            )
        ]  # fmt: skip

    def _gone(self, name: str) -> str:
        for event in reversed(self.closed):
            if name in (event.card, event.symbol):
                by = f" by {event.actor}" if event.actor else ""
                return f"it is gone: {event.status}{by}" + (
                    f" ({event.reason})" if event.reason else ""
                )
        return "there is no such card"
