"""Why a symbol is not traded, in at most 11 characters of a closed vocabulary.

KEY INPUT: a Scene, a column.
KEY OUTPUT: the words; `held` and `entering` for those that are.
"""

from actors.cockpit.labels import short
from actors.cockpit.scene import Scene
from engine.events import Gate
from engine.trading.state import HELD

_FIXED = {
    Gate.COLD: "cold",
    Gate.WINDOW: "late",
    Gate.QUARANTINE: "quarantined",
    Gate.HALTED: "halted",
    Gate.REDUCE_ONLY: "reduce only",
    Gate.STALE_DATA: "data stale",
    Gate.QUALITY: "rejected",
    Gate.UNPROVEN: "unproven",
    Gate.ORPHAN: "orphan",
    Gate.BROKER_REFUSES: "refused",
    Gate.ACCOUNT: "account",
    Gate.INBOX: "in inbox",
    Gate.DISMISSED: "dismissed",
    Gate.BY_HAND: "by hand",
}
_BREAKERS = range(Gate.DAILY_LOSS, Gate.ORDER_RATE + 1)
_RISK = (Gate.SIZE, *range(Gate.LIQUIDITY, Gate.UNMEASURED + 1))


def why(scene: Scene, column: int, barred: set[str]) -> str:
    """Return why a symbol is not traded; `barred` were liquidated by hand."""
    state, frame = scene.state, scene.frame
    symbol = state.symbols[column]
    if symbol in state.ledger.positions:
        return "held"
    if symbol in scene.entering:
        return "entering"
    if state.columns.barred[column]:
        return _FIXED[Gate(state.columns.barred.item(column))]
    if not scene.fresh:
        return "cold" if frame.cold(column) else "no bar yet"
    gate = Gate(frame.gates()[column])
    if gate is Gate.NONE:
        return _no_candidate(scene, column)
    if state.risk.block is not None:
        return _of_gate(scene, column, state.risk.block, barred)
    if gate is Gate.PASS:
        # what the book said of it, which is told as soon as it changes
        said = int(state.told[column])
        gate = Gate(said) if said != HELD else Gate.PASS
    return _of_gate(scene, column, gate, barred)


def _no_candidate(scene: Scene, column: int) -> str:
    side = scene.frame.direction(column)
    if scene.frame.price(column) != scene.frame.price(column):
        return "no bar yet"
    return "short off" if side < 0 else "neutral"


def _of_gate(scene: Scene, column: int, gate: Gate, barred: set[str]) -> str:
    rules, frame = scene.config.rotation, scene.frame
    match gate:
        case Gate.STALE:
            return f"old {frame.stale_minutes(column)} min"
        case Gate.STRENGTH:
            return f"strng<{short(rules.min_strength_to_enter)}"
        case Gate.RANK:
            full = len(scene.state.ledger.positions) >= rules.max_positions
            return "slots full" if full else f"rank>{rules.max_positions}"
        case Gate.EDGE:
            return f"edge<{rules.min_edge_bps:.1f}"
        case Gate.EARNED_SLOPE:
            return f"slope {scene.desk.slope.value.item(column):.2f}"
        case Gate.COOLDOWN:
            return _cooldown(scene, column, barred)
        case Gate.TWIN:
            return _twin(scene, column)
        case Gate.SLOTS:
            return _slots(scene, column)
    if gate in _FIXED:
        return _FIXED[gate]
    return "breaker" if gate in _BREAKERS else "size 0" if gate in _RISK else "waits"


def _cooldown(scene: Scene, column: int, barred: set[str]) -> str:
    left = max(1, int(scene.state.cooldown_until[column]) - scene.frame.minute)
    if scene.state.symbols[column] in barred:
        return f"barred {left}m"
    return f"cooldown {left}m" if left < 10 else f"cooldown{left}m"[:11]


def _twin(scene: Scene, column: int) -> str:
    state = scene.state
    taken = state.ledger.positions.keys() | scene.entering
    twins = (state.symbols[twin] for twin in state.twins[column])
    return f"twin {next((twin for twin in twins if twin in taken), '')}"


def _slots(scene: Scene, column: int) -> str:
    state, frame = scene.state, scene.frame
    staying = state.ledger.positions.keys() - scene.leaving
    own = [
        scene.own_strength(state.column_of(symbol), state.ledger.positions[symbol].direction)
        for symbol in staying
    ]
    needed = scene.config.rotation.rotation_strength_delta
    better = frame.strength(column) - min(own, default=0.0)
    if not own or not 0.0 <= better < needed:
        return "slots full"
    return f"Δ {short(better)}<{short(needed)}"
