"""The session so far, in pairs of figures.

KEY INPUT: StatsView.
KEY OUTPUT: eight lines of two figures each.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView, StatsView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.header import signed_style
from tui.cockpit.widgets.lines import Line, Lines, Piece, rule

UNKNOWN = "–"


class Stats(Lines, can_focus=True):
    """Session."""

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return title and figures."""
        width = self.size.width
        title = rule("Session", f"{view.stats.symbols} symbols", width, bold=self.has_focus)
        return title, *(_pair(left, right, width) for left, right in figures(view.stats))


Figure = tuple[str, str, str]


def figures(stats: StatsView) -> list[tuple[Figure, Figure]]:
    """Return name, value and style of what stands left and right."""
    total = signed_style(stats.total_usd)
    mrd = "" if stats.mrd_pct is None else signed_style(stats.mrd_pct)
    return [
        (("bars", f"{stats.bars}", ""), ("trades (fills)", f"{stats.fills}", "")),
        (("opened", f"{stats.opened}", ""), ("rotations", f"{stats.rotations}", "")),
        (("round trips", f"{stats.round_trips}", ""), ("win rate", _share(stats.win_rate), "")),
        (
            ("total P&L", fmt.signed_usd(stats.total_usd), total),
            ("costs", fmt.usd(stats.costs_usd), ""),
        ),
        (
            ("max dd", fmt.drawdown(stats.max_drawdown_pct), ""),
            ("profit factor", _known(stats.profit_factor), ""),
        ),
        (
            ("Sharpe (min)", _known(stats.sharpe), ""),
            ("MRD", UNKNOWN if stats.mrd_pct is None else fmt.signed_percent(stats.mrd_pct), mrd),
        ),
        (("symbol bars", f"{stats.symbol_bars:,}", ""), ("turnover", f"{stats.turnover:.1f}×", "")),
        (("refusals", f"{stats.refusals}", ""), ("forced closes", f"{stats.forced}", "")),
    ]


def _pair(left: Figure, right: Figure, width: int) -> Line:
    second = (width - 3) // 2
    first = width - 4 - second
    return (
        (" ", ""),
        *_figure(left, first),
        ("  ", ""),
        *_figure(right, second),
        (" ", ""),
    )


def _figure(figure: Figure, width: int) -> tuple[Piece, ...]:
    name, value, style = figure
    return (name, "muted"), (fmt.number(value, max(width - len(name), 0)), style)


def _known(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    # five cells: what is this large has no use for decimals
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100 * value:.0f}%"
