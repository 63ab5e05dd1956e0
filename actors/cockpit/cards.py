"""The inbox on the screen: what waits for approval, what became of the rest.

KEY INPUT: the state.
KEY OUTPUT: CardViews, ClosedCardViews.
"""

from actors.cockpit.labels import usd
from actors.cockpit.moments import happened_ns
from actors.cockpit.views import CardView, ClosedCardView
from engine.cards import Card
from engine.trading.state import State


def card_views(state: State) -> tuple[CardView, ...]:
    """Return the open cards by symbol."""
    approved = state.inbox.approved
    return tuple(_card(card, approved.get(s, "")) for s, card in sorted(state.inbox.open.items()))


def closed_views(state: State) -> tuple[ClosedCardView, ...]:
    """Return what became of the session's last cards, the newest first."""
    return tuple(
        ClosedCardView(
            id=event.card,
            version=event.version,
            symbol=event.symbol,
            status=event.status,
            reason=event.reason,
            actor=event.actor,
            at_ns=happened_ns(event),
        )
        for event in reversed(state.inbox.closed)
        if event.ts_ns >= state.open_ns
    )


def _card(card: Card, approved_by: str) -> CardView:
    return CardView(
        id=card.id,
        version=card.version,
        symbol=card.symbol,
        direction=card.direction,
        shares=card.shares,
        binding=card.binding,
        limit_usd=usd(card.limit_micro),
        stop_usd=usd(card.stop_micro),
        target_usd=usd(card.target_micro),
        risk_usd=usd(card.risk_micro),
        reward_to_risk=round(card.reward_to_risk, 4),
        heat_after_usd=usd(card.heat_micro),
        heat_limit_usd=usd(card.heat_limit_micro),
        confidence=card.confidence,
        win_rate=card.signal.win_rate,
        verdict=card.signal.verdict,
        evidence=card.evidence,
        rotates_out=card.rotates_out,
        expires_ns=card.expires_ns,
        approved_by=approved_by,
    )
