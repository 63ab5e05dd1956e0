"""What a screen, a socket or a page sees of a session: a frozen snapshot, the latest wins.

KEY INPUT: the state, the frame just decided.
KEY OUTPUT: View; readers pull it, nobody is ever waited for.
"""

from dataclasses import dataclass

from engine.cards import Card
from engine.config import Config
from engine.events import MICRO, CardClosed
from engine.market.frames import MINUTE_NS, Block
from engine.trading.exposure import heat_of
from engine.trading.lots import Position
from engine.trading.state import NOWHERE, State


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One open position. Money in USD, ratios are fractions."""

    symbol: str
    direction: str
    shares: int
    entry_price: float
    price: float
    pnl: float
    pnl_pct: float
    bars_held: int
    stop: float | None
    target: float | None
    leaving: bool
    """True while an exit works."""
    orphan: bool = False
    """True if Rotor did not open it."""
    acknowledged_by: str = ""
    """Who acknowledged an orphan; empty while nobody has."""
    stays: bool = False
    """True for an orphan that is not sold unless it is adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """An entry that waits for approval. Money in USD."""

    card: str
    version: int
    symbol: str
    direction: str
    shares: int
    binding: str
    """The limit that allows no more shares."""
    limit: float
    stop: float
    target: float
    risk: float
    reward_to_risk: float
    heat_after: float
    heat_limit: float
    confidence: float
    win_rate: float
    """What the calibration expects, a fraction."""
    verdict: str
    evidence: str
    rotates_out: str
    minutes_left: int
    approved_by: str
    """Empty until it is approved; it is executed when the minute ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCard:
    """What became of a card."""

    card: str
    version: int
    symbol: str
    status: str
    reason: str
    actor: str
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCommand:
    """A command on a card that was not obeyed."""

    card: str
    reason: str
    actor: str
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A session at the end of one frame."""

    timestamp_ms: int
    """UTC start of the frame's bars."""
    date: str
    minute: int
    """Of the session, from 0."""
    minutes: int
    mode: str
    blocked_by: str
    """What refuses entries now, in words; empty if nothing does."""
    halted: bool
    tripped: tuple[str, ...]
    equity: float
    cash: float
    day_pnl: float
    heat: float
    heat_limit: float
    losses_in_row: int
    working_orders: int
    positions: tuple[PositionView, ...]
    inbox: tuple[CardView, ...]
    inbox_closed: tuple[ClosedCard, ...]
    """The last ones, oldest first."""
    inbox_refused: tuple[RefusedCommand, ...]
    """Commands on cards that were not obeyed, oldest first."""


class Views:
    """The place where the latest view stands."""

    def __init__(self) -> None:
        self.latest: View | None = None


def view_of(state: State, block: Block, t: int, config: Config) -> View:
    """Return the view of frame `t`, after it was decided."""
    risk, held = state.risk, state.ledger.held
    heat = sum(
        heat_of(state, state.column_of(p.symbol), p, price_of(state, block, t, p.symbol))
        for p in held
    )
    return View(
        timestamp_ms=block.ts_ns(t) // 1_000_000,
        date=str(block.session.date),
        minute=block.first + t,
        minutes=block.session.minutes,
        mode=str(state.mode),
        blocked_by=risk.words(),
        halted=risk.halt is not None,
        tripped=tuple(gate.name.lower() for gate in sorted(risk.tripped)),
        equity=state.equity,
        cash=state.cash,
        day_pnl=state.equity - risk.session_open,
        heat=heat,
        heat_limit=state.equity * config.risk.max_heat_pct / 100,
        losses_in_row=risk.losses,
        working_orders=len(state.working),
        positions=tuple(position_view(state, block, t, position) for position in held),
        inbox=tuple(
            _card(card, state.inbox.approved.get(symbol, ""), block.ts_ns(t) + MINUTE_NS)
            for symbol, card in sorted(state.inbox.open.items())
        ),
        inbox_closed=tuple(_closed(event) for event in state.inbox.closed),
        inbox_refused=tuple(
            RefusedCommand(
                card=event.card,
                reason=event.reason,
                actor=event.actor,
                timestamp_ms=event.ts_ns // 1_000_000,
            )
            for event in state.inbox.refused
        ),
    )


def _card(card: Card, approved_by: str, now_ns: int) -> CardView:
    return CardView(
        card=card.id,
        version=card.version,
        symbol=card.symbol,
        direction="LONG" if card.direction > 0 else "SHORT",
        shares=card.shares,
        binding=card.binding,
        limit=card.limit_micro / MICRO,
        stop=card.stop_micro / MICRO,
        target=card.target_micro / MICRO,
        risk=card.risk_micro / MICRO,
        reward_to_risk=round(card.reward_to_risk, 4),
        heat_after=card.heat_micro / MICRO,
        heat_limit=card.heat_limit_micro / MICRO,
        confidence=card.confidence,
        win_rate=card.signal.win_rate,
        verdict=card.signal.verdict,
        evidence=card.evidence,
        rotates_out=card.rotates_out,
        minutes_left=(card.expires_ns - now_ns) // MINUTE_NS,
        approved_by=approved_by,
    )


def _closed(event: CardClosed) -> ClosedCard:
    return ClosedCard(
        card=event.card,
        version=event.version,
        symbol=event.symbol,
        status=event.status,
        reason=event.reason,
        actor=event.actor,
        timestamp_ms=event.ts_ns // 1_000_000,
    )


def position_view(state: State, block: Block, t: int, position: Position) -> PositionView:
    """Return an open position as frame `t` leaves it."""
    symbol, column = position.symbol, state.column_of(position.symbol)
    price, entry = price_of(state, block, t, symbol), position.entry_price
    legs = None if position.orphan else state.legs.get(column)
    resting = legs is not None and legs.resting
    exits = {w.order.symbol for w in state.working.values() if not w.order.entry}
    beside = state.ledger.beside.get(symbol) is position
    return PositionView(
        symbol=symbol,
        direction="LONG" if position.direction > 0 else "SHORT",
        shares=position.shares,
        entry_price=round(entry, 6),
        price=price,
        pnl=round(position.quantity * (price - entry), 6),
        pnl_pct=round(position.direction * (price / entry - 1), 8),
        bars_held=block.first + t - state.minute(position.entry_ts_ns),
        stop=legs.stop_micro / MICRO if legs and resting else None,
        target=legs.order.target_micro / MICRO if legs and resting else None,
        leaving=symbol in exits and not beside,
        orphan=position.orphan,
        acknowledged_by=state.orphans.by.get(symbol, "") if position.orphan else "",
        stays=state.stays(position),
    )


def price_of(state: State, block: Block, t: int, symbol: str) -> float:
    """Return the last price; the cost of a symbol that has no bars here."""
    column = state.column_of(symbol)
    if column == NOWHERE:
        return state.ledger.positions[symbol].entry_price
    return block.close.item(t, column)
