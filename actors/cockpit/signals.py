"""The ladder of signals: the ranked by rank, then the others in the universe's order.

KEY INPUT: a Scene; the symbols liquidated by hand.
KEY OUTPUT: SignalViews.
"""

from actors.cockpit.scene import Scene
from actors.cockpit.views import SignalView
from actors.cockpit.why import why
from engine.events import Gate
from engine.learning.signals import CONFIDENCE
from engine.market.frames import AGE

NEVER_MINUTES = 100_000
"""The age that is shown of a symbol that has never traded."""


def signal_views(scene: Scene, barred: set[str]) -> tuple[SignalView, ...]:
    """Return every symbol's signal of the last minute."""
    rows = [_signal(scene, column, barred) for column in _order(scene)]
    ranked = sorted((row for row in rows if row.rank is not None), key=lambda row: row.rank or 0)
    return (*ranked, *(row for row in rows if row.rank is None))


def _order(scene: Scene) -> list[int]:
    """Return the columns in the order of the configuration."""
    column, named = scene.state.column, scene.config.universe.symbols
    first = [column[symbol] for symbol in named if symbol in column]
    return [*first, *(c for c in range(len(column)) if c not in first)]


def _signal(scene: Scene, column: int, barred: set[str]) -> SignalView:
    frame, symbol = scene.frame, scene.state.symbols[column]
    signal, price = frame.signal(column), frame.price(column)
    confidence = frame.signals.item(frame.t, column, CONFIDENCE)
    cell = frame.quality.cell(column, frame.direction(column), confidence)
    quarantined = scene.state.columns.barred.item(column) == Gate.QUARANTINE
    known = price == price and not quarantined and scene.fresh
    rows, needed = _learned(scene, column)
    return SignalView(
        symbol=symbol,
        rank=None if quarantined else scene.day.rank(column),
        rank_change=0 if quarantined else scene.day.rank_change(column),
        held=symbol in scene.state.ledger.positions,
        direction=frame.direction(column) if known else 0,
        strength=signal.strength if known else 0.0,
        probability=signal.probability if known else None,
        confidence=signal.confidence if known else None,
        win_rate=signal.win_rate if known else None,
        win_n=scene.desk.evidence.calibration.evidence.seen.item(cell),
        verdict="quarantined" if quarantined else signal.verdict,
        edge_bps=signal.edge_bps if known else None,
        why=why(scene, column, barred),
        age_minutes=int(min(NEVER_MINUTES, scene.block.bars.item(frame.t, column, AGE))),
        warm=not frame.cold(column),
        last_usd=price if price == price else None,
        spark=scene.day.spark(column),
        rows_learned=rows,
        rows_needed=needed,
    )


def _learned(scene: Scene, column: int) -> tuple[int, int]:
    learners = scene.outside.learners
    if not learners:
        return 0, 0
    return learners[column].rows_learned, scene.config.learning.warm_rows
