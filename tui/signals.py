"""`rotor signals`: what signals of a kind have won, how honest their confidence is, who passes.

KEY INPUT: a view, a run or a strategy.
KEY OUTPUT: tables, JSON or CSV. Shadows are asked unless traded outcomes are named.
"""

from math import isnan
from typing import Any

import orjson
from rich.console import Console

from engine.config import Config
from engine.config import Quality as Rules
from engine.errors import BadInputError
from engine.learning.calibration import Calibration, Matured, bucket_of, interval
from engine.market.calendar import NEW_YORK
from engine.records import analytics
from engine.records.outcomes import Shadow
from engine.records.store.queries import find_run, rows, runs_that_count, shadows
from engine.records.store.tables import CalibrationRow, Run, SessionRow
from engine.trading.quality import Quality
from tui.analytics import recorded, shadowed
from tui.archive import Archive, open_archive
from tui.options import Database, Scope
from tui.output import (
    Column,
    Form,
    fine,
    new_york,
    number,
    percent,
    print_apart,
    print_json,
    print_rows,
    rate,
    show,
    whole,
)

Json = dict[str, Any]
_CELL = (
    Column("symbol", "Symbol", left=True),
    Column("direction", "Side", left=True),
    Column("confidence", "Confidence", left=True),
)

FILTERED = (
    "symbol", "direction", "confidence", "verdict", "n", "wins", "weight", "win_rate",
    "win_rate_low", "win_rate_high", "pays_bps", "pays_bps_low",
)  # fmt: skip
"""The keys of a row of the filter."""


def show_quality(scope: Scope, database: Database, form: Form) -> int:
    """Print what signals have won by symbol, direction and confidence."""
    with open_archive(database) as archive:
        evidence = shadowed(archive, scope)
    lines = [
        {"evidence": f"shadow-{kind}", **cell, "words": _words(cell)}
        for kind, found in evidence.items()
        for cell in analytics.cells(found)
    ]
    columns = (
        *_CELL, Column("n", "n", whole),
        Column("words", "Won (95%)", left=True), Column("expected", "Expected", percent, drops=1),
        Column("mean_return", "Return", fine, drops=2),
    )  # fmt: skip
    if form != "table":
        lines = [{k: v for k, v in line.items() if k != "words"} for line in lines]
    print_apart(lines, "evidence", columns, form, ("evidence", *analytics.CELL))
    return 0


def show_calibration(scope: Scope, database: Database, form: Form) -> int:
    """Print how predicted and actual win rates agree, raw and calibrated, out of sample."""
    with open_archive(database) as archive:
        evidence = shadowed(archive, scope)
        versions = _versions(archive, scope)
    found = {
        kind: {
            "raw": analytics.reliability(outcomes, analytics.raw_probability),
            "calibrated": analytics.reliability(outcomes, analytics.calibrated_probability),
        }
        for kind, outcomes in evidence.items()
    }
    if form == "json":
        print_json({"evidence": found, "versions": versions})
        return 0
    bins = [
        {"evidence": kind, "prediction": name, **row}
        for kind, both in found.items()
        for name, scored in both.items()
        for row in scored["bins"]
    ]
    if form == "csv":
        print_rows(bins, (), form, ("evidence", "prediction", *analytics.BIN))
        return 0
    _print_calibration(found, bins, versions)
    return 0


def show_filter(scope: Scope, database: Database, form: Form) -> int:
    """Print which signals pass, are rejected or unproven, by the rules that are configured."""
    with open_archive(database) as archive:
        run = _run(archive, scope)
        config = Config.model_validate(orjson.loads(run["config_json"]))
        rules = archive.config.quality
        calibration, quality = calibrate(archive, run, config, rules)
    symbols = run["symbols"].split(",")
    fit = calibration.fit
    low, high = fit.interval()
    pays, pays_low = fit.mean_return, fit.return_low()
    lines = []
    for column, symbol in enumerate(symbols):
        for side, direction in enumerate(("LONG", "SHORT")):
            for bucket in range(10):
                cell = (column, side, bucket)
                n = calibration.evidence.seen.item(cell)
                if n:
                    lines.append(
                        {
                            "symbol": symbol,
                            "direction": direction,
                            "confidence": f"{bucket / 10:.1f}-{(bucket + 1) / 10:.1f}",
                            "verdict": quality.verdict(cell).name.lower(),
                            "n": n,
                            "wins": calibration.evidence.won.item(cell),
                            "weight": fit.own.item(cell),
                            "win_rate": quality.rate(cell),
                            "win_rate_low": low.item(cell),
                            "win_rate_high": high.item(cell),
                            "pays_bps": 1e4 * pays.item(cell),
                            "pays_bps_low": _bps(pays_low.item(cell)),
                        }
                    )
    if form == "table":
        Console().print(
            f"{run['run_id']}: at least {100 * rules.min_win_rate:g}% from "
            f"{rules.min_outcomes} outcomes on, by {rules.reject}; unproven: {rules.unproven}",
            style="dim", highlight=False,
        )  # fmt: skip
    columns = (
        *_CELL, Column("verdict", "Verdict", left=True), Column("n", "n", whole),
        Column("wins", "Won", whole, drops=3), Column("win_rate", "Calibrated", percent),
        Column("win_rate_low", "low", percent, drops=2),
        Column("win_rate_high", "high", percent, drops=1),
        Column("pays_bps", "Pays bp", number), Column("pays_bps_low", "low", number, drops=4),
    )  # fmt: skip
    print_rows(lines, columns, form, FILTERED)
    return 0


def _bps(value: float) -> float | None:
    return None if isnan(value) else 1e4 * value


def calibrate(
    archive: Archive, run: Json, config: Config, rules: Rules
) -> tuple[Calibration, Quality]:
    """Return a run's calibration, made anew of its outcomes, judged by `rules` each session."""
    symbols = run["symbols"].split(",")
    calibration = Calibration(len(symbols), half_life_sessions=config.quality.half_life_sessions)
    quality = Quality(calibration.fit, rules)
    by_day: dict[str, list[Matured]] = {}
    for shadow in shadows(archive.store, [run["id"]]):
        by_day.setdefault(_day(shadow), []).append(_matured(shadow, symbols))
    for session in rows(archive.store, SessionRow, run=run["id"]):
        if session["closing_equity_micro"] is not None:
            version = calibration.end_session(by_day.get(str(session["date"]), []))
            quality = quality.after(calibration.fit, rules, anew=bool(version.rolled_back))
    return calibration, quality


def _matured(shadow: Shadow, symbols: list[str]) -> Matured:
    return Matured(
        column=symbols.index(shadow.symbol),
        side=0 if shadow.direction > 0 else 1,
        bucket=bucket_of(shadow.signal.confidence),
        won=shadow.win,
        expected=shadow.signal.win_rate,
        net_return=shadow.net_return,
    )


def _day(shadow: Shadow) -> str:
    import datetime as dt

    return f"{dt.datetime.fromtimestamp(shadow.exit_ms // 1000, NEW_YORK):%Y-%m-%d}"


def _run(archive: Archive, scope: Scope) -> Json:
    if scope.run is not None:
        return recorded(find_run(archive.store, scope.run))
    strategy = scope.strategy or archive.config.strategy.name
    counts = runs_that_count(archive.store, strategy)
    keys = [*counts["backtest"], *counts["live"]]
    if not keys:
        raise BadInputError(f"no run of {strategy} counts yet: rotor replay, or name one by --run")
    return rows(archive.store, Run, id=keys[-1])[0]


def _versions(archive: Archive, scope: Scope) -> list[Json]:
    run = _run(archive, scope)
    return [
        {
            "version": row["version"],
            "at_ms": row["at_ms"],
            "outcomes": row["outcomes"],
            "brier": row["brier"],
            "log_loss": row["log_loss"],
            "rolled_back": row["rolled_back"],
        }
        for row in rows(archive.store, CalibrationRow, run=run["id"])
    ]


def _words(cell: Json) -> str:
    low, high = interval(cell["wins"], cell["n"])
    return f"{100 * cell['wins'] / cell['n']:.0f}% ({100 * low:.0f}–{100 * high:.0f}%)"


def _print_calibration(found: Json, bins: list[Json], versions: list[Json]) -> None:
    scores = [
        {"evidence": kind, "prediction": name, **scored}
        for kind, both in found.items()
        for name, scored in both.items()
        if scored["n"]
    ]
    head = (Column("evidence", "Evidence", left=True), Column("prediction", "", left=True))
    console = Console()
    show(
        console,
        scores,
        (
            *head, Column("n", "n", whole), Column("brier", "Brier", rate),
            Column("log_loss", "Log-loss", rate, drops=2), Column("ece", "ECE", rate),
            Column("mce", "MCE", rate, drops=1),
        ),
    )  # fmt: skip
    console.print()
    show(
        console,
        bins,
        (
            *head, Column("from", "from", rate), Column("to", "to", rate, drops=1),
            Column("n", "n", whole), Column("predicted", "Said", percent),
            Column("win_rate", "Won", percent), Column("win_rate_low", "low", percent, drops=3),
            Column("win_rate_high", "high", percent, drops=2),
        ),
    )  # fmt: skip
    back = [version for version in versions if version["rolled_back"]]
    console.print(f"\n{len(versions)} versions, {len(back)} went back", style="dim")
    for version in back:
        console.print(
            f"{version['version']} at {new_york(version['at_ms'])}: {version['rolled_back']}"
        )
