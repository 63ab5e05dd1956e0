"""Everything behind one row of a screen, as lines of words and numbers.

KEY INPUT: a Scene, the session's memory, a kind of row and its id.
KEY OUTPUT: ExplainView.
"""

from collections.abc import Callable

from actors.cockpit.asked import ExplainView
from actors.cockpit.feed import Row as DecisionRow
from actors.cockpit.labels import clock, gate_name, price, signed, usd
from actors.cockpit.memory import Memory
from actors.cockpit.moments import ended_ns
from actors.cockpit.scene import Scene
from actors.cockpit.symbol import forecast_views
from actors.cockpit.why import why
from engine.cards import Signal
from engine.errors import BadInputError
from engine.learning.signals import CONFIDENCE
from engine.trading.breakers import BREAKERS

Section = tuple[str, tuple[str, ...]]
Explain = Callable[[Scene, Memory, str], ExplainView]


def explain_view(scene: Scene, memory: Memory, kind: str, name: str) -> ExplainView:
    """Return the story of a row; raises BadInputError if there is none."""
    explain = _KINDS.get(kind)
    if explain is None:
        raise BadInputError(f"explain {kind!r}: {', '.join(_KINDS)}")
    return explain(scene, memory, name)


def _decision(_scene: Scene, memory: Memory, name: str) -> ExplainView:
    rows = memory.feed.rows
    if not name.isdigit() or int(name) >= len(rows):
        raise BadInputError(f"decision {name}: there is no such decision")
    row = rows[int(name)]
    view = row.view()
    sections: list[Section] = [("decision", (view.text, row.words))]
    decided = row.decided
    if decided is not None:
        known = [f"rank {decided.rank}   strength {decided.strength:.4f}"]
        if decided.gate.name != "PASS":
            known.append(f"refused by {gate_name(decided.gate)}")
        sections.append(("signal", tuple(known)))
        if decided.drivers:
            sections.append(("why", tuple(f"{n} {bps:+.2f} bp" for n, bps in decided.drivers)))
        if decided.numbers:
            allowed = tuple(f"{name} allows {shares:,.0f}" for name, shares in decided.numbers)
            sections.append(("size", allowed))
        if decided.advice:
            sections.append(("advice", (decided.advice,)))
    sections += _order_of(memory, row)
    return ExplainView(
        title=f"{clock(row.at_ns)} {row.label} {row.symbol}", sections=tuple(sections)
    )


def _order_of(memory: Memory, row: DecisionRow) -> list[Section]:
    if row.order is None:
        return []
    order, found = row.order, memory.orders.rows.get(row.order.order_id)
    lines = [f"{order.side} {order.shares:,} {order.symbol}, id {order.order_id}"]
    if found is not None:
        lines.append(f"{found.filled:,} of {found.shares:,} filled, {found.state}")
        if found.filled:
            slipped = 1e4 * found.slippage_micro / found.value_micro
            average = price(usd(found.value_micro) / found.filled)
            lines.append(f"at {average} on average, {slipped:+.1f} bp to the reference")
    sections: list[Section] = [("order", tuple(lines))]
    if order.signal is not None:
        sections.insert(0, ("signal behind it", _signal_lines(order.signal)))
    return sections


def _symbol(scene: Scene, memory: Memory, symbol: str) -> ExplainView:
    column = scene.state.column.get(symbol)
    if column is None:
        raise BadInputError(f"{symbol}: not traded in this session")
    frame = scene.frame
    confidence = frame.signals.item(frame.t, column, CONFIDENCE)
    direction = frame.direction(column)
    record = frame.quality.words(column, direction or 1, confidence)
    sections: list[Section] = []
    position = scene.state.ledger.positions.get(symbol)
    if position is not None:
        legs = scene.state.legs.get(column)
        lines = [f"{position.shares:,} @ {price(position.entry_price)}", position.reason]
        if legs is not None and legs.resting:
            stop, target = usd(legs.stop_micro), usd(legs.order.target_micro)
            lines.append(f"stop {price(stop)}, target {price(target)} rest at the broker")
        sections.append(("position", tuple(line for line in lines if line)))
    sections += [
        ("signal", _signal_lines(frame.signal(column))),
        ("record", (record,)),
        ("traded", (why(scene, column, memory.barred),)),
        ("forecasts", tuple(
            f"{f.horizon} min {f.mean_bps:+.1f} bp" for f in forecast_views(scene, column)
        )),
        ("why", tuple(f"{name} {bps:+.2f} bp" for name, bps in frame.drivers(column, 8))),
    ]  # fmt: skip
    last = next((row for row in reversed(memory.feed.rows) if row.symbol == symbol), None)
    if last is not None:
        words = f"{clock(last.at_ns)} {last.label} {last.words}"
        sections.append(("last decision", (words,)))
    return ExplainView(
        title=f"{symbol} at {clock(ended_ns(frame.ts_ns))}", sections=tuple(sections)
    )


def _signal_lines(signal: Signal) -> tuple[str, ...]:
    return (
        f"p {signal.probability:.3f}   confidence {signal.confidence:.2f}",
        f"strength {signal.strength:.4f}   rank {signal.rank}   edge {signal.edge_bps:+.1f} bp",
        f"such a signal {signal.record}: {signal.verdict}",
    )


def _order(_scene: Scene, memory: Memory, name: str) -> ExplainView:
    row = memory.orders.rows.get(name)
    if row is None:
        raise BadInputError(f"order {name}: there is no such order")
    behind = next(
        (r for r in memory.feed.rows if r.order and r.order.order_id == row.order_id), None
    )
    level = f" at {price(usd(row.price_micro))}" if row.price_micro else ""
    lines = [
        f"{row.side} {row.shares:,} {row.symbol}, {row.type}{level}",
        f"for {row.purpose}; {row.state}, {row.filled:,} filled",
        f"id {row.order_id}",
    ]
    sections: list[Section] = [("order", tuple(lines))]
    if behind is not None:
        sections.append(("decision", (f"{clock(behind.at_ns)} {behind.label}", behind.words)))
    return ExplainView(title=f"{clock(row.sent_ns)} {row.side} {row.symbol}", sections=(*sections,))


def _trade(_scene: Scene, memory: Memory, name: str) -> ExplainView:
    closed = next((one for one in memory.trips if str(one.number) == name), None)
    if closed is None:
        raise BadInputError(f"trade {name}: there is no such round trip in this session")
    trip = closed.trip
    pnl, pct = usd(trip.pnl_micro), 100 * trip.pnl_micro / trip.entry_micro
    costs = f"fees {usd(trip.fee_micro):.2f}, spread and impact {usd(trip.slippage_micro):.2f}"
    sections: list[Section] = [
        ("in", (
            f"{clock(trip.entry_ts_ns)} {trip.shares:,} @ {price(trip.entry_price)}",
            trip.entry_reason,
        )),
        ("out", (f"{clock(trip.exit_ts_ns)} @ {price(trip.exit_price)}", trip.exit_reason)),
        ("result", (f"{signed(pnl, pct)} in {trip.bars_held} minutes", costs)),
        ("path", (f"at worst {100 * closed.mae:+.2f}%, at best {100 * closed.mfe:+.2f}%",)),
    ]  # fmt: skip
    if trip.signal is not None:
        sections.append(("said", _signal_lines(trip.signal)))
    return ExplainView(title=f"Trade {closed.number} · {trip.symbol}", sections=tuple(sections))


def _card(scene: Scene, _memory: Memory, name: str) -> ExplainView:
    card = scene.state.inbox.find(name)
    if card is None:
        raise BadInputError(f"card {name}: it is not open any more")
    lines = (
        f"{card.shares:,} {card.symbol} at up to {price(usd(card.limit_micro))}",
        f"size bound by {card.binding.replace('_', ' ')}, risk {usd(card.risk_micro):,.2f}",
        f"stop {price(usd(card.stop_micro))}, target {price(usd(card.target_micro))}",
    )
    sections: tuple[Section, ...] = (
        ("asks for", lines),
        ("signal", _signal_lines(card.signal)),
        ("record", (card.evidence,)),
    )
    return ExplainView(title=f"{card.id} version {card.version}", sections=sections)


def _breaker(scene: Scene, _memory: Memory, name: str) -> ExplainView:
    breaker = next((b for b in BREAKERS if gate_name(b.gate) == name), None)
    if breaker is None:
        raise BadInputError(f"breaker {name}: there is no such breaker")
    trip = scene.state.risk.tripped.get(breaker.gate)
    measures = " ".join((type(breaker).__doc__ or "").split())
    state = "armed" if trip is None else f"tripped {clock(ended_ns(trip.ts_ns))}: {trip.reason}"
    rearms = f"re-arms {breaker.rearms(scene.config.risk)}"
    return ExplainView(title=name, sections=(("measures", (measures,)), ("state", (state, rearms))))


_KINDS: dict[str, Explain] = {
    "decision": _decision,
    "position": _symbol,
    "signal": _symbol,
    "order": _order,
    "trade": _trade,
    "card": _card,
    "breaker": _breaker,
}
