"""The book while one frame is being decided: who is held, who leaves, who enters, what it costs.

KEY INPUT: State and FrameView.
KEY OUTPUT: the frame's events, in order. The state itself is not touched.
"""

from collections.abc import Sequence

from engine.cards import Card
from engine.config import Config
from engine.events import (
    MICRO,
    Approved,
    CardClosed,
    Decided,
    Decision,
    Event,
    Gate,
    Order,
    OrderSubmitted,
    Protection,
)
from engine.learning.signals import CONFIDENCE
from engine.trading.approval import Refused, approve_entry
from engine.trading.exits import exit_order
from engine.trading.exposure import limit_micro, measure, request
from engine.trading.frame import FrameView
from engine.trading.inbox import Inbox
from engine.trading.ledger import side_of
from engine.trading.lots import Position
from engine.trading.refusals import refused
from engine.trading.sizing import Exposure, Request, Sizing, exceeds, size
from engine.trading.state import HELD, NOWHERE, State
from engine.trading.tape import Tape

_PASS = int(Gate.PASS)


class Book:
    """A scratch view of the state plus what this frame has already decided."""

    def __init__(self, state: State, frame: FrameView, tape: Tape, config: Config) -> None:
        self.frame = frame
        self.config = config
        self.events: list[Event] = []
        self._state = state
        self._tape = tape
        held = state.ledger.positions
        self._positions = {state.column[s]: p for s, p in held.items() if s in state.column}
        self._beside = sum(s not in state.column and not state.stays(p) for s, p in held.items())
        """Orphans of symbols that are not traded here: those that are not left take slots."""
        self.orphans = {s for s, position in self._positions.items() if position.orphan}
        """Columns of positions that Rotor did not open."""
        self.staying = {s for s in self.orphans if state.stays(self._positions[s])}
        """Those of them that are never sold."""
        self.held = sorted(self._positions)
        self.leaving: dict[int, str] = {}
        """Column of a held position → the id of its working exit."""
        self.entering: dict[int, Order] = {}
        """Column → its pending entry."""
        self._gates = frame.gates()
        self._claimed: set[str] = set()
        self._sent = 0
        self._settled: set[int] = set()
        """Columns whose card was settled in this frame."""
        self._refused: dict[int, tuple[Gate, Refused | None]] = {}
        for order_id, working in state.working.items():
            if working.column == NOWHERE:
                continue
            if working.order.entry:
                self.entering[working.column] = working.order
                self._claimed.update(working.order.after)
            else:
                self.leaving[working.column] = order_id

    def candidates(self) -> list[int]:
        """Return the columns to consider, strongest first: no gate of the ranking refuses them."""
        busy = self._positions.keys() | self.entering.keys() | self._settled
        free = [s for s, gate in enumerate(self._gates) if gate == _PASS and s not in busy]
        return sorted(free, key=self.frame.rank) if len(free) > 1 else free

    def position(self, column: int) -> Position:
        """Return the open position of a held column."""
        return self._positions[column]

    def held_minutes(self, column: int) -> int:
        """Return the minutes since the position's first fill."""
        return self.frame.minute - self._state.minute(self._positions[column].entry_ts_ns)

    def own_strength(self, column: int) -> float:
        """Return the strength of a held position's own side."""
        return self.frame.own_strength(column, self._positions[column].direction)

    @property
    def flattening(self) -> bool:
        """Return whether everything is to be sold."""
        return self._state.risk.flattened is not None

    def blocked(self) -> Refused | None:
        """Return what refuses every entry now: a halt, REDUCE_ONLY, a breaker."""
        risk = self._state.risk
        return None if risk.block is None else Refused(check=risk.block, reason=risk.words())

    def barred(self, column: int) -> Gate | None:
        """Return what bars the symbol: quarantine, by hand, cooldown, orphan, twin."""
        if self._state.columns.barred[column]:
            return Gate(self._state.columns.barred.item(column))
        if self.frame.minute < self._state.cooldown_until[column]:
            return Gate.COOLDOWN
        if self._shares_underlying(column):
            return Gate.ORPHAN
        if self._state.risk.refuses(self._state.symbols[column]):
            return Gate.BROKER_REFUSES
        twins = self._state.twins[column]
        if any(
            t in self.entering or (t in self._positions and t not in self.leaving) for t in twins
        ):
            return Gate.TWIN
        return None

    def _shares_underlying(self, column: int) -> bool:
        """Return whether an orphan has the symbol's underlying."""
        underlying = self.config.universe.underlying
        name = underlying.get(self._state.symbols[column])
        return name is not None and any(underlying.get(s) == name for s in self._state.orphans.by)

    def exits_of_twins(self, column: int) -> list[int]:
        """Return the leaving columns whose exit must fill before `column` may enter."""
        return [t for t in self._state.twins[column] if t in self.leaving]

    def free_slots(self, gone: Sequence[int] = ()) -> int:
        """Return the slots that are neither held nor promised once those in `gone` have left."""
        claims = self._claimed | {self.leaving[s] for s in gone if s in self.leaving}
        fresh = sum(s not in self.leaving for s in gone)
        held = len(self._positions) - len(self.staying)
        taken = self._beside + held + len(self.entering) - len(claims) - fresh
        return self.config.rotation.max_positions - taken

    def unclaimed_exit(self) -> int | None:
        """Return the first leaving column whose slot no entry waits for."""
        free = (s for s in sorted(self.leaving) if self.leaving[s] not in self._claimed)
        return next(free, None)

    def weakest(self) -> int | None:
        """Return the held column of the least own strength that is free to leave."""
        staying = [s for s in self.held if s not in self.leaving and s not in self.orphans]
        if self.entering:
            staying = [s for s in staying if not self._makes_room(s)]
        return min(staying, key=lambda s: (self.own_strength(s), s), default=None)

    def sizing(
        self, column: int, gone: Sequence[int], card: Card | None = None
    ) -> Sizing | Refused:
        """Return how large an entry may be once the positions in `gone` have left.

        With a card, at the price that sized it, a short at what it is worth by now; with its legs.
        """
        request = self._request(column)
        if isinstance(request, Refused):
            return request
        if card is not None:
            price = card.sized_micro / MICRO
            if card.direction < 0:  # its limit is no ceiling on what a short is worth
                price = max(price, request.price)
            request = request._replace(price=price, stop=card.stop, target=card.target)
        bound = self._bound(gone)
        sizing = self._size(request, bound, gone)
        staying = [(s, position) for s, position in bound if s not in self.leaving]
        if len(staying) < len(bound):  # what leaves makes no room for the other side
            sizing = min(sizing, self._size(request, staying, gone), key=lambda one: one.shares)
        return sizing

    def _makes_room(self, column: int) -> bool:
        """Return whether pending entries exceed a limit once a position has left."""
        bound = self._bound([])
        now = self._measure(bound, [])
        then = self._measure([one for one in bound if one[0] != column], [])
        return exceeds(now, then, self.config.risk)

    def _bound(self, gone: Sequence[int]) -> list[tuple[int, Position]]:
        """Return the positions that neither leave first nor make way for a pending entry."""
        return [
            (s, position)
            for s, position in self._positions.items()
            if s not in gone and self.leaving.get(s) not in self._claimed
        ]

    def _size(
        self, request: Request, bound: Sequence[tuple[int, Position]], gone: Sequence[int]
    ) -> Sizing:
        exposure = self._measure(bound, gone)
        return size(request, exposure, self.config.risk, self.config.simulation.participation_pct)

    def _measure(self, bound: Sequence[tuple[int, Position]], gone: Sequence[int]) -> Exposure:
        return measure(
            self._state,
            self.frame,
            bound,
            self.entering,
            self.config.universe,
            free_slots=self.free_slots(gone),
            sent=self._sent,
        )

    def _request(self, column: int) -> Request | Refused:
        others = {s: position.direction for s, position in self._positions.items()}
        others |= {s: order.side.sign for s, order in self.entering.items()}
        asked = request(self.frame, self._tape, column, others, self.config)
        return asked if isinstance(asked, Refused) else self._scaled(asked, column)

    def _scaled(self, asked: Request, column: int) -> Request:
        """Return the request with what quality and track record leave of its size."""
        frame = self.frame
        confidence = frame.signals.item(frame.t, column, CONFIDENCE)
        cell = frame.quality.cell(column, asked.direction, confidence)
        factor, name = frame.quality.factor(cell), "unproven"
        if self.config.quality.track_record == "on":
            earned = self._state.track.factor(column)
            if earned < 1.0:
                factor, name = factor * earned, "track_record"
        return asked if factor == 1.0 else asked._replace(factor=factor, factor_name=name)

    def leave(self, column: int, decision: Decision, reason: str) -> None:
        """Decide an exit and its order."""
        self._decided(column, decision, reason, self.own_strength(column))
        symbol = self._state.symbols[column]
        approved = exit_order(self._state, symbol, decision, self._sent)
        self.leaving[column] = self._submit(approved).order_id

    @property
    def inbox(self) -> Inbox:
        """Return the entries that wait for approval."""
        return self._state.inbox

    def close_card(self, event: CardClosed) -> None:
        """Decide that a card is gone; what it asked for is not asked again in this frame."""
        self.events.append(event)
        self._settled.add(self._state.column[event.symbol])

    def limit(self, column: int) -> int:
        """Return the worst price that an entry may pay, micro-dollars."""
        return limit_micro(self.frame.price(column), self.frame.direction(column), self.config)

    def enter(
        self,
        column: int,
        sizing: Sizing,
        gone: Sequence[int],
        *,
        card: Card | None = None,
        actor: str = "",
    ) -> None:
        """Decide an entry, if risk approves it; it waits for the exits of the columns in `gone`.

        With a card it is made on the card's terms, which `actor` approved.
        """
        frame = self.frame
        direction = frame.direction(column)
        after = tuple(sorted(self.leaving[s] for s in gone))
        order = self._entry(column, direction, sizing, after)
        if card is not None:
            assert order.protection is not None
            order = order._replace(
                shares=card.shares,
                limit_micro=card.limit_micro,
                value_micro=round(sizing.value_usd * card.shares / sizing.shares * MICRO),
                protection=order.protection._replace(target=card.target),
                signal=card.signal,
            )
        approved = approve_entry(order, sizing)
        if isinstance(approved, Refused):
            self.refuse(column, approved.check, approved)
            return
        strength, rank, edge = frame.strength(column), frame.rank(column), frame.edge_bps(column)
        reason = (
            f"Entering (rank={rank}, strength={strength:.4f}, edge={edge:.1f} bps, "
            f"{sizing.shares} shares by {sizing.binding}, risk ${sizing.risk_usd:,.0f})"
        )
        if card is not None:
            reason = (
                f"Approved by {actor}: card {card.id} version {card.version}, {card.shares} shares "
                f"at up to {card.limit_micro / MICRO:.2f}, risk ${card.risk_micro / MICRO:,.0f}"
            )
        if order.signal is not None and order.signal.pays_bps is not None:
            reason += f"; such a signal {order.signal.record}"
        decision = Decision.ENTER_LONG if direction > 0 else Decision.ENTER_SHORT
        self._decided(column, decision, reason, strength, drivers=frame.drivers(column))
        self.entering[column] = self._submit(approved)
        self._claimed.update(after)

    def _entry(self, column: int, direction: int, sizing: Sizing, after: tuple[str, ...]) -> Order:
        risk, symbol = self.config.risk, self._state.symbols[column]
        side = side_of(direction, entry=True)
        return Order(
            order_id=self._state.next_order_id(symbol, side, self._sent),
            symbol=symbol,
            side=side,
            shares=sizing.shares,
            entry=True,
            decision=Decision.ENTER_LONG if direction > 0 else Decision.ENTER_SHORT,
            after=after,
            limit_micro=self.limit(column),
            value_micro=round(sizing.value_usd * MICRO),
            protection=Protection(
                stop=sizing.stop_fraction,
                target=risk.take_profit_pct / 100,
                trail=risk.trailing_stop_pct / 100,
            ),
            signal=self.frame.signal(column),
        )

    def refuse(self, column: int, gate: Gate, risk: Refused | None = None) -> None:
        """Note what refuses a candidate; told only if it is news."""
        self._refused[column] = (gate, risk)

    def tell(self) -> list[int]:
        """Append HOLD and REFUSED where they changed; return this frame's deciding gates."""
        gates = self._gates
        told = self._state.told.tolist()
        for column in self.held:
            gates[column] = Gate.NONE
            if told[column] != HELD and column not in self.leaving:
                self._hold(column)
        for column in self.entering:
            gates[column] = Gate.NONE
        for column, (gate, _) in self._refused.items():
            gates[column] = gate
        for column, code in enumerate(gates):
            if code > _PASS and code != told[column]:
                _, risk = self._refused.get(column, (code, None))
                self.events.append(refused(self.frame, column, Gate(code), self.config, risk))
        return gates

    def _hold(self, column: int) -> None:
        strength = self.own_strength(column)
        reason = f"Holding (rank={self.frame.rank(column)}, strength={strength:.4f})"
        self._decided(column, Decision.HOLD, reason, strength)

    def _decided(
        self,
        column: int,
        decision: Decision,
        reason: str,
        strength: float,
        *,
        drivers: tuple[tuple[str, float], ...] = (),
    ) -> None:
        self.events.append(
            Decided(
                ts_ns=self.frame.ts_ns,
                symbol=self._state.symbols[column],
                decision=decision,
                reason=reason,
                rank=self.frame.rank(column),
                strength=strength,
                drivers=drivers,
            )
        )

    def _submit(self, approved: Approved[Order]) -> Order:
        self.events.append(OrderSubmitted(ts_ns=self.frame.ts_ns, approved=approved))
        self._sent += 1
        return approved.order
