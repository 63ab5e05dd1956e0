"""What a command would send now, exactly, before it is confirmed.

KEY INPUT: a Scene, a command such as {"verb": "liquidate", "symbol": "TQQQ"}.
KEY OUTPUT: ConfirmView.
"""

from collections.abc import Mapping
from typing import Any

from actors.cockpit.asked import ConfirmView
from actors.cockpit.labels import clock, price, signed, usd, who
from actors.cockpit.memory import Memory
from actors.cockpit.orders import Row
from actors.cockpit.scene import Scene
from actors.views import position_view
from engine.errors import BadInputError
from engine.events import Leg
from engine.trading.breakers import BREAKERS


def confirm_view(scene: Scene, memory: Memory, command: Mapping[str, Any]) -> ConfirmView:
    """Return what a command would do; raises BadInputError for one that needs no second key."""
    match command.get("verb"):
        case "liquidate":
            symbol = command.get("symbol")
            return _everything(scene) if symbol is None else _one(scene, memory, str(symbol))
        case "resume":
            return _resume(scene)
    raise BadInputError(f"{command.get('verb')!r}: liquidate and resume are confirmed")


def _one(scene: Scene, memory: Memory, symbol: str) -> ConfirmView:
    if symbol not in scene.state.leaves:
        return _nothing(f"Liquidate {symbol}?", _gone(memory, symbol))
    legs = scene.orders.legs_of(symbol)
    send, beside, pnl, pct = _sale(scene, symbol)
    cooldown = scene.state.cooldown_minutes
    return ConfirmView(
        title=f"Liquidate {symbol}?",
        sends=(send,),
        about=(beside,),
        then=(
            f"entries in {symbol} are barred for {cooldown} minutes",
            _cancels(legs),
            *_sold(scene, symbol),
            f"ask the broker until {symbol} is flat",
        ),
        facts=(f"P&L if filled at last {signed(pnl, pct)}",),
        gone="",
    )


def _everything(scene: Scene) -> ConfirmView:
    held = sorted(scene.state.leaves, key=lambda s: scene.slots.of.get(s, 1_000))
    entering = sorted(scene.entering)
    if not held and not entering:
        return _nothing("Liquidate ALL?", "no positions, and no entry works")
    sales = [_sale(scene, symbol) for symbol in held]
    count = f"{len(held)} position{'s' if len(held) != 1 else ''}"
    return ConfirmView(
        title=f"Liquidate ALL {count}?",
        sends=tuple(send for send, *_ in sales),
        about=tuple(f"{beside.partition(', ')[2]}  {signed(pnl)}" for _, beside, pnl, _ in sales),
        then=(
            "freeze entries" + (f", cancel those of {', '.join(entering)}" if entering else ""),
            f"cancel {len(scene.orders.legs_of(None))} resting orders",
            _ladder(scene),
            "ask the broker until flat; alarm if not in 60 s",
            "stay REDUCE_ONLY until you resume with h",
        ),
        facts=(f"P&L if filled at last {signed(sum(pnl for _, _, pnl, _ in sales))}",),
        gone="",
    )


def _resume(scene: Scene) -> ConfirmView:
    risk = scene.state.risk
    facts = [
        f"entries were {word} {clock(stop.ts_ns)} by {who(stop.actor)}"
        + (f": {stop.reason}" if word == "halted" and stop.reason else "")
        for word, stop in (("halted", risk.halt), ("stopped", risk.flattened))
        if stop is not None
    ]
    rules = scene.config.risk
    by_hand = [b for b in BREAKERS if b.minutes(rules) is None and not b.by_session(rules)]
    rearmed = [b.gate for b in by_hand if b.gate in risk.tripped]
    stays = [trip.reason for gate, trip in sorted(risk.tripped.items()) if gate not in rearmed]
    if not facts and not rearmed:
        return _nothing("Resume entries?", "nothing that a resume would lift")
    facts += [f"re-arms by hand: {risk.tripped[gate].reason}" for gate in rearmed]
    facts.append(f"still blocking after resume: {'; '.join(stays) or 'nothing'}")
    facts.append("exits, stops and the flatten before the close never stopped")
    return ConfirmView(
        title="Resume entries?",
        sends=("RESUME",),
        then=("entries are allowed from the next decision on",),
        facts=tuple(facts),
        gone="",
    )


def _sale(scene: Scene, symbol: str) -> tuple[str, str, float, float]:
    """Return what is sent, what is beside it, and P&L in USD and percent at the last price."""
    position = scene.state.ledger.positions[symbol]
    view = position_view(scene.state, scene.block, scene.frame.t, position)
    side = "SELL" if view.direction == "LONG" else "BUY"
    value = f"last {price(view.price)}, about {view.shares * view.price:,.0f}"
    return f"{side} {view.shares:,} {symbol}", value, round(view.pnl, 2), 100 * view.pnl_pct


def _cancels(legs: list[Row]) -> str:
    if not legs:
        return "no resting orders to cancel"
    words = []
    for row in legs:
        name = "stop" if row.leg is Leg.STOP else "target"
        words.append(f"{name} {price(usd(row.price_micro or 0))}")
    return f"cancel its {len(legs)} resting orders ({', '.join(words)})"


def _sold(scene: Scene, symbol: str) -> tuple[str, ...]:
    if symbol in scene.leaving:
        return ("its exit works already: nothing more is sent",)
    return (_ladder(scene),)


def _ladder(scene: Scene) -> str:
    if scene.about.mode == "replay":
        return "sell at the market"
    through = f"{scene.config.risk.entry_limit_pct:g}% through"
    return f"marketable limit {through}, the rest at the market"


def _nothing(title: str, gone: str) -> ConfirmView:
    return ConfirmView(title=title, sends=(), then=(), gone=gone)


def _gone(memory: Memory, symbol: str) -> str:
    for closed in reversed(memory.trips):
        if closed.trip.symbol == symbol:
            at = clock(closed.trip.exit_ts_ns)
            return f"{symbol} was sold at {at}: {closed.trip.exit_reason}"
    return f"no position in {symbol}"
