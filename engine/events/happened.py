"""What has happened in a session, past tense.

KEY INPUT: decisions, commands, breakers, cards, crashes.
KEY OUTPUT: events.
"""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from engine.cards import Card
from engine.events.commands import Command
from engine.events.orders import Approved, OcoOrder, Order
from engine.events.words import Decision, Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """A session began."""

    ts_ns: int
    date: dt.date
    minutes: int
    trading: bool
    """False for a warm-up session: learners learn, nothing is traded."""


class Decided(NamedTuple):
    """A decision for one symbol, with its reason in words."""

    ts_ns: int
    symbol: str
    decision: Decision
    reason: str
    rank: int
    strength: float
    gate: Gate = Gate.PASS
    drivers: tuple[tuple[str, float], ...] = ()
    """On entries: the strongest contributions to the expected return, (feature, bps)."""
    numbers: tuple[tuple[str, float], ...] = ()
    """Where a risk check refuses: the shares that each limit allows."""
    advice: str = ""
    """Where a risk check refuses: what to do about it."""


class OrderSubmitted(NamedTuple):
    """An order was handed to the broker, or is held back until its `after` exits fill."""

    ts_ns: int
    approved: Approved[Order | OcoOrder]

    @property
    def order(self) -> Order | OcoOrder:
        """Return the order itself."""
        return self.approved.order


class StopMoved(NamedTuple):
    """A trailing stop was replaced by one nearer to the price."""

    ts_ns: int
    order_id: str
    symbol: str
    stop_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReleased:
    """A held-back entry was sent, since the exits it waited for are filled."""

    ts_ns: int
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesSplit:
    """The shares held of a symbol were divided or joined; it cost nothing."""

    ts_ns: int
    symbol: str
    before: int
    """Signed, all that was held."""
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTripped:
    """A breaker stops entries."""

    ts_ns: int
    breaker: Gate
    reason: str
    """What it measured, against what."""
    rearms: str
    """How it re-arms, in words."""
    rearm_minute: int | None
    """The session minute from which it re-arms by itself; None: next session, or by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRearmed:
    """A breaker allows entries again."""

    ts_ns: int
    breaker: Gate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGiven:
    """An operator's command took effect."""

    ts_ns: int
    command: Command
    actor: str
    """Who: script, cli:NAME, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOffered:
    """An entry waits for approval, or its terms changed."""

    ts_ns: int
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class CardClosed:
    """A card is gone."""

    ts_ns: int
    card: str
    version: int
    symbol: str
    status: str
    """approved, dismissed, snoozed, expired or refused."""
    reason: str
    actor: str = ""
    """Who did it; empty for the clock."""
    hidden_minutes: int = 0
    """How long nothing of the symbol is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRefused:
    """A command on a card was not obeyed: it is stale, expired or gone."""

    ts_ns: int
    card: str
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChanged:
    """Settings changed at this frame's border."""

    ts_ns: int
    actor: str
    changes: tuple[tuple[str, object, object], ...]
    """(section.key, old, new)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorRestarted:
    """A predictor crashed and was rebuilt from its last checkpoint."""

    ts_ns: int
    symbol: str
    error: str
    restarts: int
    """Crashes within the last 60 session minutes, this one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolQuarantined:
    """A predictor crashed too often: no entries in its symbol for the rest of the run."""

    ts_ns: int
    symbol: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A session's outcomes made a new version of the calibration."""

    ts_ns: int
    version: int
    outcomes: int
    """Of the session."""
    brier: float | None
    """Of what was expected of them, out of sample; None without outcomes."""
    log_loss: float | None
    rolled_back: str
    """Why it went back to an older version; empty if it did not."""
    cells: tuple[tuple[str, int, int, int, int, float, str, float, float | None], ...]
    """(symbol, direction, confidence bucket, outcomes, won, calibrated win rate, verdict,

    mean net return of the decayed outcomes, its lower 90% bound by session or None below two).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    """A session ended; a traded one ends flat."""

    ts_ns: int
    date: dt.date
    equity_micro: int
    trading: bool
    pooled_slope: float
    """The earned slope's pooled lower bound from here on (1.0 when it is off)."""
    carried: tuple[str, ...] | None = None
    """Live: what could not be sold and stays overnight; None where that cannot be."""
