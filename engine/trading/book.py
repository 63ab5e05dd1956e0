"""The book while one frame is being decided: who is held, who leaves, who enters, what it costs.

KEY INPUT: State and FrameView.
KEY OUTPUT: the frame's events, in order. The state itself is not touched.
"""

from collections.abc import Sequence

from engine.config import Config
from engine.events import Decided, Decision, Event, Gate, Order, OrderSubmitted
from engine.trading.frame import FrameView
from engine.trading.ledger import Position, side_of
from engine.trading.refusals import refused
from engine.trading.sizing import equal_share
from engine.trading.state import HELD, State

_PASS = int(Gate.PASS)


class Book:
    """A scratch view of the state plus what this frame has already decided."""

    def __init__(self, state: State, frame: FrameView, config: Config) -> None:
        self.frame = frame
        self.config = config
        self.events: list[Event] = []
        self._state = state
        self._positions = {state.column[s]: p for s, p in state.ledger.positions.items()}
        self.held = sorted(self._positions)
        self.leaving: dict[int, str] = {}
        """Column of a held position → the id of its working exit."""
        self.entering: dict[int, int] = {}
        """Column of a pending entry → its shares."""
        self._gates = frame.gates()
        self._claimed: set[str] = set()
        self._refused: dict[int, Gate] = {}
        for order_id, working in state.working.items():
            if working.order.entry:
                self.entering[working.column] = working.remaining
                self._claimed.update(working.order.after)
            else:
                self.leaving[working.column] = order_id

    def candidates(self) -> list[int]:
        """Return the columns to consider, strongest first: no gate of the ranking refuses them."""
        busy = self._positions.keys() | self.entering.keys()
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

    def barred(self, column: int) -> Gate | None:
        """Return what bars the symbol whatever else happens: quarantine, cooldown, its twin."""
        if column in self._state.quarantined:
            return Gate.QUARANTINE
        if self.frame.minute < self._state.cooldown_until[column]:
            return Gate.COOLDOWN
        twins = self._state.twins[column]
        if any(
            t in self.entering or (t in self._positions and t not in self.leaving) for t in twins
        ):
            return Gate.TWIN
        return None

    def exits_of_twins(self, column: int) -> list[int]:
        """Return the leaving columns whose exit must fill before `column` may enter."""
        return [t for t in self._state.twins[column] if t in self.leaving]

    def free_slots(self, gone: Sequence[int] = ()) -> int:
        """Return the slots that are neither held nor promised once those in `gone` have left."""
        claims = self._claimed | {self.leaving[s] for s in gone if s in self.leaving}
        fresh = sum(s not in self.leaving for s in gone)
        taken = len(self._positions) + len(self.entering) - len(claims) - fresh
        return self.config.rotation.max_positions - taken

    def unclaimed_exit(self) -> int | None:
        """Return the first leaving column whose slot no entry waits for."""
        free = (s for s in sorted(self.leaving) if self.leaving[s] not in self._claimed)
        return next(free, None)

    def weakest(self) -> int | None:
        """Return the held column of the least own strength that is not leaving."""
        staying = [s for s in self.held if s not in self.leaving]
        return min(staying, key=lambda s: (self.own_strength(s), s), default=None)

    def size(self, column: int, gone: list[int]) -> int:
        """Return the shares of an entry once the positions in `gone` have left."""
        frame = self.frame
        equity = self._state.cash
        bound = 0.0
        for s in self.held:
            position = self._positions[s]
            value = position.shares * frame.price(s)
            equity += position.direction * value
            if s not in gone and self.leaving.get(s) not in self._claimed:
                bound += value
        bound += sum(shares * frame.price(s) for s, shares in self.entering.items())
        slots = max(1, self.free_slots(gone))
        return equal_share(equity=equity, bound=bound, free_slots=slots, price=frame.price(column))

    def leave(self, column: int, decision: Decision, reason: str) -> None:
        """Decide an exit and its order."""
        position = self._positions[column]
        self._decided(column, decision, reason, self.own_strength(column))
        self.leaving[column] = self._order(
            column, position.direction, position.shares, decision, entry=False
        )

    def enter(self, column: int, shares: int, gone: list[int]) -> None:
        """Decide an entry; it waits for the exits of the columns in `gone`."""
        frame = self.frame
        direction = frame.direction(column)
        strength, rank, edge = frame.strength(column), frame.rank(column), frame.edge_bps(column)
        reason = (
            f"Entering (rank={rank}, strength={strength:.4f}, edge={edge:.1f} bps, {shares} shares)"
        )
        decision = Decision.ENTER_LONG if direction > 0 else Decision.ENTER_SHORT
        self._decided(column, decision, reason, strength, drivers=frame.drivers(column))
        after = tuple(sorted(self.leaving[s] for s in gone))
        self._order(column, direction, shares, decision, entry=True, after=after)
        self.entering[column] = shares
        self._claimed.update(after)

    def refuse(self, column: int, gate: Gate) -> None:
        """Note what refuses a candidate; told only if it is news."""
        self._refused[column] = gate

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
        for column, gate in self._refused.items():
            gates[column] = gate
        for column, code in enumerate(gates):
            if code > _PASS and code != told[column]:
                self.events.append(refused(self.frame, column, Gate(code), self.config))
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

    def _order(
        self,
        column: int,
        direction: int,
        shares: int,
        decision: Decision,
        *,
        entry: bool,
        after: tuple[str, ...] = (),
    ) -> str:
        symbol = self._state.symbols[column]
        side = side_of(direction, entry=entry)
        offset = sum(isinstance(event, OrderSubmitted) for event in self.events)
        order = Order(
            order_id=self._state.next_order_id(symbol, side, offset),
            symbol=symbol,
            side=side,
            shares=shares,
            entry=entry,
            decision=decision,
            after=after,
        )
        self.events.append(OrderSubmitted(ts_ns=self.frame.ts_ns, order=order))
        return order.order_id
