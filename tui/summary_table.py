"""The session summary as a person reads it.

KEY INPUT: the summary's JSON, baselines, the comparison.
KEY OUTPUT: tables on a rich console; readable at 80 columns, without colour, and where the output
takes nothing but ASCII.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Json = Mapping[str, Any]

_ASCII = str.maketrans({"▲": "^", "▼": "v", "–": "-", "×": "x", "•": "*", "…": "-"})
MOST_TRIPS = 12
"""Breaker trips that the table shows."""
_WHOLE_DOLLARS = 1e6
"""From here on cents would push a breakdown over 80 columns."""


def render(
    summary: Json,
    console: Console,
    *,
    baselines: Sequence[Json] = (),
    comparison: Json | None = None,
    said: Sequence[str] = (),
) -> None:
    """Print the summary, its breakdowns, and what it means."""
    if not console.options.ascii_only:
        _print(summary, console, baselines, comparison, said)
        return
    with console.capture() as captured:
        _print(summary, console, baselines, comparison, said)
    plain = captured.get().translate(_ASCII).encode(console.encoding, "replace")
    console.file.write(plain.decode(console.encoding))


def _print(
    summary: Json,
    console: Console,
    baselines: Sequence[Json],
    comparison: Json | None,
    said: Sequence[str],
) -> None:
    console.print(_head(summary))
    console.print(_figures(summary))
    if baselines:
        console.print(_baselines(summary, baselines, comparison))
    if len(summary["months"]) > 1:
        console.print(_months(summary))
    if summary["round_trips"]:
        console.print(_breakdown("Symbol", summary["by_symbol"]))
        console.print(_breakdown("Exit reason", summary["by_exit_reason"]))
    risk = summary["risk_refusals"]
    signals = {gate: n for gate, n in summary["refusals"].items() if gate not in risk}
    if signals:
        console.print(_refusals("Refused by", signals))
    if risk:
        console.print(_refusals("Refused by risk", risk))
    if summary["breaker_trips"]:
        console.print(_trips(summary["breaker_trips"]))
    for sentence in said:
        console.print(f"• {sentence}", highlight=False)


def _head(summary: Json) -> str:
    warm, first = summary["warmup_sessions"], summary["first_session"]
    span = f"{first} … {summary['last_session']}" if first else "no whole session"
    return (
        f"\n[bold]Session summary[/bold]  {span}"
        f"  ({summary['sessions']} sessions{f', {warm} before' if warm else ''})"
    )


def _figures(summary: Json) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for width in (21, None):  # of a P&L of six digits
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True, min_width=width)
    basis = summary["sharpe_basis"]
    sharpe = "Sharpe ratio" if basis == "daily" else "Sharpe (minutes)"
    rows = [
        ("Bars processed", f"{summary['bars_processed']:,}"),
        ("Symbol-bars", f"{summary['symbol_bars']:,}"),
        ("Trades executed", f"{summary['trades_executed']:,}"),
        ("Round trips", f"{summary['round_trips']:,}"),
        ("Rotations", f"{summary['rotations']:,}"),
        ("Total P&L", _signed(summary["total_pnl"])),
        ("Total return", _percent(summary["total_pnl_pct"])),
        ("Gross P&L", _signed(summary["gross_pnl"])),
        ("Costs paid", f"${summary['costs_paid']:,.2f}"),
        ("Final equity", f"${summary['final_equity']:,.2f}"),
        ("Max drawdown", f"{100 * summary['max_drawdown']:.2f}%"),
        ("Win rate", _share(summary["win_rate"])),
        ("Profit factor", _number(summary["profit_factor"])),
        (sharpe, _number(summary["sharpe_ratio"])),
        ("Sortino ratio", _number(summary["sortino_ratio"])),
        ("MRD", _percent(summary["mrd"], 3)),
        ("MRD 95% low", _percent(summary["mrd_low"], 3)),
        ("MRD 95% high", _percent(summary["mrd_high"], 3)),
        ("MRD gross", _percent(summary["gross_mrd"], 3)),
        ("Turnover a day", f"{summary['turnover_per_day'] or 0.0:.2f}× capital"),
        ("Break-even cost", _bps(summary["break_even_bps"])),
        ("Cost paid", _bps(summary["cost_bps"])),
        ("Exposure", f"{100 * summary['exposure']:.1f}%"),
        ("Forced closes", f"{summary['forced_closes']:,}"),
        ("Ambiguous bars", f"{summary['ambiguous_bars']:,}"),
        ("Breaker trips", f"{len(summary['breaker_trips']):,}"),
    ]
    half = (len(rows) + 1) // 2
    for left, right in zip(rows[:half], rows[half:], strict=True):
        table.add_row(*left, *right)
    return table


def _baselines(summary: Json, baselines: Sequence[Json], comparison: Json | None) -> Table:
    table = _table("Against", "MRD net", "MRD gross", "Total P&L")
    rows: list[Json] = [{"name": "this run", **summary}, *baselines]
    if comparison is not None:
        rows.insert(1, {"name": "this run, earned-slope gate off", **comparison})
    for row in rows:
        name = row["name"]
        if "percentile" in row:
            name = f"{name} ({row['seeds']} seeds; this run beats {100 * row['percentile']:.0f}%)"
        table.add_row(
            name,
            _percent(row["mrd"], 3),
            _percent(row["gross_mrd"], 3),
            _signed(row["total_pnl"]),
        )
    return table


def _months(summary: Json) -> Table:
    table = _table("Month", "Sessions", "Fills", "P&L", "MRD net")
    for month, row in summary["months"].items():
        table.add_row(
            month,
            str(row["sessions"]),
            f"{row['fills']:,}",
            _signed(row["pnl"]),
            _percent(row["mrd"], 3),
        )
    return table


def _breakdown(title: str, groups: Mapping[str, Json]) -> Table:
    table = _table(title, "Trips", "Wins", "Win rate", "P&L", "Gross", "Minutes")
    largest = max(abs(row[key]) for row in groups.values() for key in ("total_pnl", "gross_pnl"))
    places = 0 if largest >= _WHOLE_DOLLARS else 2
    for name, row in groups.items():
        table.add_row(
            name,
            f"{row['round_trips']:,}",
            f"{row['wins']:,}",
            _share(row["win_rate"]),
            _signed(row["total_pnl"], places),
            _signed(row["gross_pnl"], places),
            _number(row["mean_bars_held"], 0),
        )
    return table


def _trips(trips: Sequence[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("Tripped (New York)", "Re-armed"):
        table.add_column(column, no_wrap=True)
    table.add_column("Why")
    for trip in trips[:MOST_TRIPS]:
        again = trip["rearmed_at"]
        table.add_row(
            f"{trip['at']:%Y-%m-%d %H:%M}",
            f"{again:%m-%d %H:%M}" if again else "–",
            trip["reason"],
        )
    if len(trips) > MOST_TRIPS:
        table.add_row(f"and {len(trips) - MOST_TRIPS} more", "", "all are in summary.json")
    return table


def _refusals(title: str, refusals: Mapping[str, int]) -> Table:
    table = _table(title, "Candidates", "Share")
    total = sum(refusals.values())
    for gate, count in sorted(refusals.items(), key=lambda item: -item[1]):
        table.add_row(gate, f"{count:,}", f"{100 * count / total:.1f}%")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left", header_style="bold")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _signed(usd: float, places: int = 2) -> str:
    shown = round(usd, places)
    return f"{_arrow(shown)}{'-' if shown < 0 else '+'}${abs(shown):,.{places}f}"


def _percent(fraction: float | None, places: int = 2) -> str:
    if fraction is None:
        return "–"
    shown = round(100 * fraction, places) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{_arrow(shown)}{shown:+.{places}f}%"


def _arrow(value: float) -> str:
    return "▲" if value > 0 else "▼" if value < 0 else " "


def _share(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.1f}%"


def _number(value: float | None, places: int = 2) -> str:
    return "–" if value is None else f"{value:,.{places}f}"


def _bps(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} bps a side"
