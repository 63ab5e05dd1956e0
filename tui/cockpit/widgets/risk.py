"""Limits and breakers: a panel, and the same in one line where there is no place for a panel.

KEY INPUT: RiskView; whether positions are being sold.
KEY OUTPUT: a bar per limit, what is tripped; warning from 70% of a limit, danger at it.
"""

from collections.abc import Sequence

from actors.cockpit.views import BreakerView, CockpitView, LimitView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.lines import Line, Lines, Piece, bar, plain, rule

NEAR = 0.7
"""The share of a limit from which on it is shown as a warning."""
NAMES = {"underlying": "one name"}
"""Of the panel, where a limit's own is too long."""
STRIP_NAMES = {"exposure": "expo", "day loss": "loss", "drawdown": "dd", "losses": "row"}


class Risk(Lines, can_focus=True):
    """Every limit, and the breakers."""

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return title, bars, breakers."""
        width = self.size.width
        tripped = [breaker for breaker in view.risk.breakers if breaker.tripped]
        title = rule(
            "Risk",
            f"{len(tripped)} tripped" if tripped else "all armed",
            width,
            bold=self.has_focus,
        )
        limits = [_limit(one, view, width) for one in view.risk.limits if one.unit == "%"]
        counts = [_count(one) for one in view.risk.limits if one.unit != "%"]
        if not tripped:
            armed = f" {'breakers':<9} {len(view.risk.breakers)} armed, 0 tripped"
            return title, *limits, plain(armed), *counts
        return title, *limits, *_tripped(tripped, view, width), *counts


class RiskStrip(Lines):
    """Every limit in one line."""

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return the line."""
        return (strip(view),)


def strip(view: CockpitView) -> Line:
    """Return the limits in 80 cells."""
    pieces: list[Piece] = [(" ", "")]
    for one in view.risk.limits:
        if one.name not in ("orders", "underlying"):
            pieces += _short(one, view)
    tripped = sum(breaker.tripped for breaker in view.risk.breakers)
    pieces.append((f"breakers {tripped}{' !' if tripped else ''}", "danger" if tripped else ""))
    return tuple(pieces)


def style_of(limit: LimitView) -> str:
    """Return warning from `NEAR` a limit on, danger at it; being fully invested is no alarm."""
    share = abs(limit.measure) / limit.limit if limit.limit else 0.0
    if share >= 1:
        return "danger"
    return "warning" if share >= NEAR and limit.name != "exposure" else ""


def _short(one: LimitView, view: CockpitView) -> list[Piece]:
    measure, limit = abs(one.measure), f"{one.limit:g}"
    if one.name == "heat" and _selling(view):
        return [(f"{'heat stops off':<21}", "warning")]
    name = STRIP_NAMES.get(one.name, one.name)
    if one.name == "exposure":
        return [(f"{name} {measure:.0f}%  ", style_of(one))]
    if one.unit != "%":
        return [(f"{name} {measure:.0f}/{limit}  ", style_of(one))]
    picture = bar(measure / one.limit, 6, style_of(one) or "info") if one.name == "heat" else ()
    return [
        (f"{name} ", style_of(one)),
        *picture,
        (f"{' ' if picture else ''}{measure:.1f}/{limit}%  ", style_of(one)),
    ]


def _limit(one: LimitView, view: CockpitView, width: int) -> Line:
    if one.name == "heat" and _selling(view):
        return ((f" {'heat':<9}", "muted"), ("stops off, being sold", "warning"))
    measure = abs(one.measure)
    share = measure / one.limit if one.limit else 0.0
    return (
        (f" {NAMES.get(one.name, one.name):<8} ", "muted"),
        *bar(share, max(width - 26, 1), style_of(one) or "info"),
        (
            f" {fmt.number(f'{measure:.1f}', 5)} of {fmt.number(f'{one.limit:g}', 3)}%",
            style_of(one),
        ),
    )


def _count(one: LimitView) -> Line:
    return (
        (f" {one.name:<9} ", "muted"),
        (
            f"{one.measure:.0f} of {one.limit:g} {one.unit}"
            if one.name != "losses"
            else f"{one.measure:.0f} in a row of {one.limit:g}",
            style_of(one),
        ),
    )


def _tripped(breakers: Sequence[BreakerView], view: CockpitView, width: int) -> list[Line]:
    room = max(width - 12, 0)
    return [
        *(
            ((f" ! {breaker.name:<8}", "danger"), (fmt.words(breaker.reason, room), ""))
            for breaker in breakers
        ),
        *(
            [((f" {'blocked':<9} ", "muted"), ("entries only; exits work", ""))]
            if view.header.blocked_by
            else []
        ),
    ]


def _selling(view: CockpitView) -> bool:
    return view.flatten is not None and view.flatten.confirmed_ns is None
