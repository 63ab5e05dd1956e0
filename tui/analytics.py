"""`rotor analytics`: what trades came to, by strategy, symbol, exit, hour and weekday.

KEY INPUT: a view, a run or a strategy, dates.
KEY OUTPUT: tables, JSON or CSV.
"""

from typing import Any

import orjson
from rich.console import Console

from engine.errors import BadInputError
from engine.records import analytics
from engine.records.outcomes import Shadow, Trip
from engine.records.store.queries import (
    Dates,
    find_run,
    rows,
    runs,
    runs_that_count,
    shadows,
    trips,
)
from engine.records.store.tables import BacktestResult
from tui.archive import Archive, open_archive
from tui.find_run import warn_at_a_glance, warn_of
from tui.options import Database, Scope
from tui.output import (
    Column,
    Form,
    number,
    percent,
    print_apart,
    print_json,
    print_rows,
    rate,
    usd,
    whole,
)
from tui.prepare import parse_dates

Json = dict[str, Any]
_GROUPED = (
    Column("trades", "Trades", whole),
    Column("win_rate", "Won", percent),
    Column("interval", "95%", left=True, drops=5),
    Column("profit_factor", "PF", number, drops=3),
    Column("expectancy", "Mean", usd, drops=4),
    Column("average_win", "Win", usd, drops=2),
    Column("average_loss", "Loss", usd, drops=1),
    Column("total_pnl", "Total", usd),
)
VIEWS = {
    "symbols": ("symbol", analytics.symbol),
    "exits": ("exit", analytics.exit_reason),
    "hours": ("hour", analytics.hour),
    "weekdays": ("weekday", analytics.weekday),
    "directions": ("direction", analytics.direction),
}
DECILES = {
    "confidence": lambda shadow: shadow.signal.confidence,
    "strength": lambda shadow: shadow.signal.strength,
    "edge": lambda shadow: shadow.signal.edge_bps,
    "probability": analytics.raw_probability,
}


def show_overview(scope: Scope, database: Database, form: Form) -> int:
    """Print the figures of all trades that count, backtest and live apart."""
    with open_archive(database.config, database.sets) as archive:
        evidence = traded(archive, scope)
    every = [trip for found in evidence.values() for trip in found]
    whole_ = analytics.overview(every)
    apart = {name: analytics.overview(found) for name, found in evidence.items()}
    if form == "json":
        print_json({**whole_, "evidence": apart})
        return 0
    lines = [_row(name, figures) for name, figures in apart.items() if figures["round_trips"]]
    if len(lines) != 1:
        lines.append(_row("all", whole_))
    print_rows(lines, (Column("group", "Evidence", left=True), *_GROUPED), form)
    if form == "table" and whole_["best_symbol"]:
        best, worst = whole_["best_symbol"], whole_["worst_symbol"]
        Console().print(f"best {best}, worst {worst}, by total P&L", style="dim", highlight=False)
    return 0


def show_strategy(name: str, scope: Scope, database: Database, form: Form) -> int:
    """Print a strategy by symbol."""
    with open_archive(database.config, database.sets) as archive:
        _check_strategy(archive, name)
        evidence = traded(archive, scope, name)
    lines = [
        {"evidence": kind, **_row(symbol, figures)}
        for kind, found in evidence.items()
        for symbol, figures in analytics.table(found, analytics.symbol).items()
    ]
    columns = (Column("group", "Symbol", left=True), *_GROUPED)
    if form == "json":
        print_json({"strategy": name, "by_symbol": lines})
    else:
        print_apart(lines, "evidence", columns, form, ("evidence", "group", *_header()))
    return 0


def show_groups(view: str, scope: Scope, database: Database, form: Form) -> int:
    """Print the trades in groups: symbols, exits, hours, weekdays, directions."""
    title, key = VIEWS[view]
    with open_archive(database.config, database.sets) as archive:
        evidence = traded(archive, scope)
    lines = [
        {"evidence": kind, title: name, **_row(name, figures)}
        for kind, found in evidence.items()
        for name, figures in analytics.table(found, key).items()
    ]
    if form != "table":
        lines = [{k: v for k, v in line.items() if k != "group"} for line in lines]
    columns = (Column("group", title.capitalize(), left=True), *_GROUPED)
    print_apart(lines, "evidence", columns, form, ("evidence", title, *_header()))
    return 0


def show_deciles(by: str, scope: Scope, database: Database, form: Form) -> int:
    """Print how signals did by decile, traded or not."""
    with open_archive(database.config, database.sets) as archive:
        evidence = shadowed(archive, scope)
    lines = [
        {"evidence": kind, **row}
        for kind, found in evidence.items()
        for row in analytics.deciles(found, DECILES[by])
    ]
    columns = (
        Column("from", by.capitalize(), rate),
        Column("to", "to", rate), Column("n", "n", whole), Column("win_rate", "Won", percent),
        Column("interval", "95%", left=True, drops=1), Column("mean_return", "Mean return", _bps),
    )  # fmt: skip
    if form == "table":
        lines = [_interval(line) for line in lines]
    print_apart(lines, "evidence", columns, form, ("evidence", *analytics.DECILE))
    return 0


def show_horizons(scope: Scope, database: Database, form: Form) -> int:
    """Print IC and hit rate of the forecasts by horizon."""
    lines = []
    with open_archive(database.config, database.sets) as archive:
        for kind, keys in _runs(archive, scope, None, unrecorded=True).items():
            for key in keys:
                for result in rows(archive.store, BacktestResult, run=key):
                    scores = orjson.loads(result["summary_json"])["scores"]
                    lines += [{"evidence": kind, **row} for row in analytics.horizons(scores)]
    columns = (
        Column("horizon_minutes", "Minutes", whole),
        Column("n", "n", whole), Column("ic", "IC", lambda ic: f"{ic:+.4f}"),
        Column("hit_rate", "Hit rate", percent),
    )  # fmt: skip
    print_apart(lines, "evidence", columns, form, ("evidence", *analytics.HORIZON))
    return 0


def traded(archive: Archive, scope: Scope, strategy: str | None = None) -> dict[str, list[Trip]]:
    """Return the round trips that are asked about, by evidence."""
    dates = dates_of(scope)
    return {
        kind: trips(archive.store, keys, dates)
        for kind, keys in _runs(archive, scope, strategy).items()
    }


def shadowed(archive: Archive, scope: Scope) -> dict[str, list[Shadow]]:
    """Return the shadows that are asked about, by evidence."""
    dates = dates_of(scope)
    return {
        kind: shadows(archive.store, keys, dates)
        for kind, keys in _runs(archive, scope, None).items()
    }


def dates_of(scope: Scope) -> Dates:
    """Return the dates of --from and --to."""
    return parse_dates(scope.first, scope.last)


def recorded(run: Json) -> Json:
    """Return a run; raises BadInputError for one whose trades were not recorded."""
    if run["level"] == "none":
        raise BadInputError(
            f"{run['run_id']}: its trades were not recorded (journal none); replay it with "
            "--journal trades, or full"
        )
    return run


def _runs(
    archive: Archive, scope: Scope, strategy: str | None, *, unrecorded: bool = False
) -> dict[str, list[int]]:
    if scope.run is not None:
        run = find_run(archive.store, scope.run)
        if not unrecorded:
            recorded(run)
        warn_of(run)
        kind = "backtest" if run["kind"] == "replay" else run["kind"]
        return {kind: [run["id"]]}
    name = strategy or scope.strategy or archive.config.strategy.name
    counted = runs_that_count(archive.store, name)
    keys = {key for found in counted.values() for key in found}
    warn_at_a_glance(run for run in runs(archive.store) if run["id"] in keys)
    return counted


def _check_strategy(archive: Archive, name: str) -> None:
    known = sorted({run["strategy"] for run in runs(archive.store)})
    if not known:
        raise BadInputError(f"{name}: there is no run yet: rotor replay")
    if name not in known:
        raise BadInputError(f"{name}: no run of this strategy; there are: {', '.join(known)}")


def _row(name: str, figures: Json) -> Json:
    figures = {"trades" if k == "round_trips" else k: v for k, v in figures.items()}
    return _interval({"group": name, **figures})


def _header() -> list[str]:
    """Return the keys of a row of figures, for CSV without rows."""
    return [key for key in _row("", analytics.figures([])) if key != "group"]


def _interval(row: Json) -> Json:
    low, high = row["win_rate_low"], row["win_rate_high"]
    words = None if low is None else f"{100 * low:.0f}–{100 * high:.0f}%"
    return {**row, "interval": words}


def _bps(value: float) -> str:
    return f"{1e4 * value:+.1f} bp"
