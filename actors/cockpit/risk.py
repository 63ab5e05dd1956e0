"""Risk on the screen: measures against their limits, breakers, refusals by gate.

KEY INPUT: a Scene.
KEY OUTPUT: RiskView.
"""

from actors.cockpit.labels import gate_name
from actors.cockpit.moments import ended_ns
from actors.cockpit.scene import Scene
from actors.cockpit.views import BreakerView, LimitView, RiskView
from engine.events import Gate
from engine.trading.breakers import BREAKERS


def risk_view(scene: Scene) -> RiskView:
    """Return limits and breakers as they stand."""
    base, counts = scene.day.base.refusals, scene.desk.refusals.counts.tolist()
    refused = [(gate, counts[gate] - base[gate]) for gate in Gate]
    refused.sort(key=lambda pair: (-pair[1], pair[0]))
    return RiskView(
        limits=_limits(scene),
        breakers=_breakers(scene),
        refusals_by_gate=tuple((gate_name(gate), n) for gate, n in refused if n),
    )


def _limits(scene: Scene) -> tuple[LimitView, ...]:
    rules, risk, equity = scene.config.risk, scene.state.risk, scene.equity
    exposure = scene.exposure()
    under = max((abs(value) for value in exposure.underlying.values()), default=0.0)
    peak = max(risk.peak, equity)
    measured = (
        ("heat", 100 * exposure.heat / equity, rules.max_heat_pct, "%"),
        ("exposure", 100 * exposure.gross / equity, rules.max_gross_exposure_pct, "%"),
        ("underlying", 100 * under / equity, rules.max_underlying_exposure_pct, "%"),
        ("day loss", max(0.0, 100 * (1 - equity / risk.day_open)), rules.daily_loss_pct, "%"),
        ("drawdown", 100 * (1 - equity / peak), rules.drawdown_pct, "%"),
        ("losses", risk.losses, rules.max_consecutive_losses, "in a row"),
        ("orders", risk.orders_lately(scene.minute), rules.max_orders_per_minute, "a minute"),
    )
    return tuple(
        LimitView(name=name, measure=float(measure), limit=float(limit), unit=unit)
        for name, measure, limit, unit in measured
    )


def _breakers(scene: Scene) -> tuple[BreakerView, ...]:
    tripped = scene.state.risk.tripped
    views = []
    for breaker in BREAKERS:
        trip = tripped.get(breaker.gate)
        views.append(
            BreakerView(
                name=gate_name(breaker.gate),
                tripped=trip is not None,
                reason=trip.reason if trip is not None else "",
                rearms=breaker.rearms(scene.config.risk),
                since_ns=ended_ns(trip.ts_ns) if trip is not None else None,
            )
        )
    return tuple(sorted(views, key=lambda view: not view.tripped))
