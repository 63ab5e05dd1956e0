"""What the breakers have measured and what stands tripped, halted or flattened.

KEY INPUT: events, through `State.apply`.
KEY OUTPUT: RiskState: its `block` says what refuses every entry now.

A halt is state of its own: nothing but Resume lifts it, whatever parameters are edited.
"""

from dataclasses import dataclass, field

from engine.events import (
    BreakerRearmed,
    BreakerTripped,
    CommandGiven,
    Gate,
    Halt,
    Liquidate,
    Mode,
    OrderRejected,
    RefusalKind,
    Resume,
    RoundTrip,
)


@dataclass(slots=True)
class Trip:
    """A breaker that stands tripped."""

    ts_ns: int
    reason: str
    rearm_minute: int | None
    """Moves on while the cause lasts; None: it does not re-arm by itself."""


@dataclass(frozen=True, slots=True)
class Halted:
    """What an operator stopped."""

    ts_ns: int
    actor: str
    reason: str


MOST_REFUSALS = 3
"""Refusals of one kind after which a symbol is not entered any more in the session."""


@dataclass(slots=True)
class RiskState:
    """Measured, tripped, halted."""

    day_open: float
    """What the daily loss is measured from: equity at the session's open, or at a re-arming."""
    peak: float
    """The highest equity at a frame's close, USD."""
    session_open: float = 0.0
    """Equity at the session's open, USD."""
    losses: int = 0
    """Losing round trips in a row; one that breaks even changes nothing."""
    rejects: int = 0
    """Rejected orders in a row."""
    refusal: str = ""
    """The broker's words for the last rejected order."""
    refusals: dict[tuple[str, RefusalKind], int] = field(default_factory=dict)
    """(symbol, kind) → entries and stops that the broker refused in this session."""
    account: str = ""
    """Why the broker refuses whatever the account orders; empty while it does not."""
    stream_lost: str = ""
    """Why the order stream is down; empty when it is up."""
    orders_minute: int = -2
    """The session minute in which `orders` were sent."""
    orders: int = 0
    tripped: dict[Gate, Trip] = field(default_factory=dict)
    halt: Halted | None = None
    flattened: Halted | None = None
    """Everything is, or was, liquidated by hand; until Resume."""
    orphans: tuple[str, ...] = ()
    """Positions that Rotor did not open and nobody has acknowledged."""
    block: Gate | None = None
    """What refuses every entry now: the halt, REDUCE_ONLY, an orphan, or the first breaker."""
    rearm_minute: int | None = None
    """The next session minute in which a tripped breaker may re-arm by itself."""

    def rejected(self, event: OrderRejected) -> None:
        """Count a refusal, in a row and by its kind."""
        self.rejects += 1
        self.refusal = event.reason
        key = (event.symbol, event.kind)
        self.refusals[key] = self.refusals.get(key, 0) + 1
        if event.kind.account_wide:
            self.refused_account(event.reason)

    def refused_account(self, reason: str) -> None:
        """Stop entries until they are resumed by hand: the broker refuses the whole account."""
        self.account = self.account or reason
        self._settle()

    def refuses(self, symbol: str) -> bool:
        """Return whether the broker has refused a symbol too often for one kind of reason."""
        return any(
            count >= MOST_REFUSALS for (name, _), count in self.refusals.items() if name == symbol
        )

    def start_session(self) -> None:
        """Forget what the broker refused before."""
        self.refusals, self.account = {}, ""
        self._settle()

    def sent(self, minute: int) -> None:
        """Count an order."""
        if minute != self.orders_minute:
            self.orders_minute, self.orders = minute, 0
        self.orders += 1

    def orders_in(self, minute: int) -> int:
        """Return the orders sent in a session minute."""
        return self.orders if minute == self.orders_minute else 0

    def orders_lately(self, minute: int) -> int:
        """Return the orders of the last minute with any, if that is this one or the one before."""
        return self.orders if 0 <= minute - self.orders_minute <= 1 else 0

    def contribute(self, added: float) -> None:
        """Measure from so much more, USD: what was added to the account is no profit."""
        self.day_open += added
        self.session_open += added
        self.peak += added

    def closed(self, trip: RoundTrip, *, back: bool = False) -> None:
        """Count a round trip, or take a loss back that was none."""
        if back:
            self.losses -= trip.pnl_micro < 0 and self.losses > 0
        elif trip.pnl_micro < 0:
            self.losses += 1
        elif trip.pnl_micro > 0:
            self.losses = 0

    def trip(self, event: BreakerTripped) -> None:
        """Note a trip; what is counted in a row counts anew from here."""
        self.tripped[event.breaker] = Trip(event.ts_ns, event.reason, event.rearm_minute)
        self._count_anew(event.breaker)
        self._settle()

    def extend(self, breaker: Gate, minute: int) -> None:
        """Move a standing trip's re-arming: its cause is there again."""
        self.tripped[breaker].rearm_minute = minute
        self._count_anew(breaker)
        self._settle()

    def rearm(self, event: BreakerRearmed, equity: float) -> None:
        """Forget a trip and what led to it."""
        del self.tripped[event.breaker]
        self._count_anew(event.breaker)
        if event.breaker is Gate.DRAWDOWN:
            self.peak = equity
        elif event.breaker is Gate.DAILY_LOSS:
            self.day_open = equity
        self._settle()

    def command(self, event: CommandGiven) -> None:
        """Take an operator's command."""
        match event.command:
            case Halt(reason=reason):
                self.halt = Halted(event.ts_ns, event.actor, reason)
            case Liquidate(symbol=None):
                self.flattened = Halted(event.ts_ns, event.actor, "everything was liquidated")
            case Resume():
                self.halt = self.flattened = None
                self.refusals, self.account = {}, ""
        self._settle()

    def wait_for(self, orphans: tuple[str, ...]) -> None:
        """Stop entries until these are acknowledged, or gone."""
        self.orphans = orphans
        self._settle()

    def mode(self, *, flat: bool) -> Mode:
        """Return what the trader may do, given whether it holds or works anything."""
        if self.flattened is not None and not flat:
            return Mode.FLATTENING
        return Mode.ACTIVE if self.block is None else Mode.REDUCE_ONLY

    @property
    def blocked_since_ns(self) -> int | None:
        """Return when what blocks entries now began; None if nothing does."""
        begun = [trip.ts_ns for trip in self.tripped.values()]
        begun += [halt.ts_ns for halt in (self.halt, self.flattened) if halt is not None]
        return min(begun, default=None)

    def words(self) -> str:
        """Return all that blocks entries now, in words; empty if nothing does."""
        said = []
        if self.halt is not None:
            reason = f": {self.halt.reason}" if self.halt.reason else ""
            said.append(f"halted by {self.halt.actor}{reason}")
        if self.flattened is not None:
            said.append(f"{self.flattened.reason} by {self.flattened.actor}")
        if self.orphans:
            names = ", ".join(self.orphans)
            said.append(f"Rotor did not open {names}: acknowledge, or close, what is held")
        if self.account:
            said.append(f"the broker refuses the account's orders: {self.account}")
        said += [self.tripped[breaker].reason for breaker in sorted(self.tripped)]
        return "; ".join(said)

    def _count_anew(self, breaker: Gate) -> None:
        if breaker is Gate.CONSECUTIVE_LOSSES:
            self.losses = 0
        elif breaker is Gate.REJECTS:
            self.rejects = 0

    def _settle(self) -> None:
        if self.halt is not None:
            self.block = Gate.HALTED
        elif self.flattened is not None:
            self.block = Gate.REDUCE_ONLY
        elif self.orphans:
            self.block = Gate.ORPHAN
        elif self.account:
            self.block = Gate.ACCOUNT
        else:
            self.block = min(self.tripped, default=None)
        due = [t.rearm_minute for t in self.tripped.values() if t.rearm_minute is not None]
        self.rearm_minute = min(due, default=None)
