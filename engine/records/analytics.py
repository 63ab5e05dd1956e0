"""Analytics: what trades and signals came to, cut every way, each with its n and its interval.

KEY INPUT: round trips (Trip) and shadows (Shadow).
KEY OUTPUT: dictionaries of figures. Money in USD, exact sums of micro-dollars; ratios are
fractions; None where a figure is not defined. A trade at exactly zero is neither won nor lost.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.events import MICRO, Decision
from engine.learning.calibration import LEAST, MOST, interval
from engine.market.calendar import NEW_YORK
from engine.records.metrics import trade_figures
from engine.records.outcomes import Shadow, Trip

Json = dict[str, Any]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BINS = 10
_WON = ("n", "wins", "win_rate", "win_rate_low", "win_rate_high", "mean_return")
DECILE = ("from", "to", *_WON)
"""The keys of a row of `deciles`; below, of the other tables."""
CELL = ("symbol", "direction", "confidence", *_WON, "expected", "calibration_error")
BIN = ("from", "to", "n", "predicted", "win_rate", "win_rate_low", "win_rate_high")
HORIZON = ("horizon_minutes", "n", "ic", "hit_rate")


def figures(trips: Sequence[Trip]) -> Json:
    """Return what some round trips came to, the win rate with its 95% Jeffreys interval."""
    plain = asdict(trade_figures(trips))
    costs = sum(trip.fee_micro + trip.slippage_micro for trip in trips)
    ruled = [trip for trip in trips if not trip.by_hand]
    return {
        **plain,
        **_rate(plain["wins"], len(ruled)),
        "costs": costs / MICRO,
        "mean_return": _mean(trip.net_return for trip in ruled),
        "mean_mae": _mean(trip.mae for trip in ruled),
        "mean_mfe": _mean(trip.mfe for trip in ruled),
    }


def overview(trips: Sequence[Trip]) -> Json:
    """Return the figures of all, and which symbols did best and worst by total P&L."""
    by_symbol = table(trips, symbol)
    ranked = sorted(by_symbol, key=lambda name: (by_symbol[name]["total_pnl"], name))
    several = len(ranked) > 1
    return {
        **figures(trips),
        "best_symbol": ranked[-1] if several else None,
        "worst_symbol": ranked[0] if several else None,
    }


def table(trips: Sequence[Trip], key: Callable[[Trip], Any]) -> dict[str, Json]:
    """Return the figures of each group, groups in order of their key."""
    groups: dict[Any, list[Trip]] = {}
    for trip in trips:
        groups.setdefault(key(trip), []).append(trip)
    return {_name(k): figures(groups[k]) for k in sorted(groups)}


def symbol(trip: Trip) -> str:
    """Return its symbol."""
    return trip.symbol


def exit_reason(trip: Trip) -> str:
    """Return the decision of its exit, lower case."""
    return Decision(trip.decision).name.lower()


def direction(trip: Trip) -> str:
    """Return LONG or SHORT."""
    return "LONG" if trip.direction > 0 else "SHORT"


def hour(trip: Trip) -> str:
    """Return the New York hour of its entry, such as 09:00."""
    return f"{_new_york(trip.entry_ms):%H}:00"


def weekday(trip: Trip) -> int:
    """Return the New York weekday of its entry, 0 for Monday."""
    return _new_york(trip.entry_ms).weekday()


def deciles(shadows: Sequence[Shadow], by: Callable[[Shadow], float]) -> list[Json]:
    """Return how signals did by decile of a figure of theirs; equal values stay together."""
    if not shadows:
        return []
    values = np.array([by(shadow) for shadow in shadows])
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, 11)[1:-1], method="higher"))
    group = np.searchsorted(edges, values, side="right")
    rows = []
    for g in np.unique(group).tolist():
        mine = [shadow for shadow, k in zip(shadows, group, strict=True) if k == g]
        inside = values[group == g]
        rows.append({"from": float(inside.min()), "to": float(inside.max()), **_won(mine)})
    return rows


def cells(shadows: Sequence[Shadow]) -> list[Json]:
    """Return how signals did by symbol, direction and confidence in steps of 0.1."""
    groups: dict[tuple[str, int, int], list[Shadow]] = {}
    for shadow in shadows:
        bucket = min(BINS - 1, int(shadow.signal.confidence * BINS))
        groups.setdefault((shadow.symbol, -shadow.direction, bucket), []).append(shadow)
    rows = []
    for (name, side, bucket), mine in sorted(groups.items()):
        expected = _mean(shadow.signal.win_rate for shadow in mine)
        won = _won(mine)
        rows.append(
            {
                "symbol": name,
                "direction": "LONG" if side < 0 else "SHORT",
                "confidence": f"{bucket / BINS:.1f}-{(bucket + 1) / BINS:.1f}",
                **won,
                "expected": expected,
                "calibration_error": None if expected is None else expected - won["win_rate"],
            }
        )
    return rows


def raw_probability(shadow: Shadow) -> float:
    """Return the probability that the forecast gave to the signal's own direction."""
    p = shadow.signal.probability
    return p if shadow.direction > 0 else 1.0 - p


def calibrated_probability(shadow: Shadow) -> float:
    """Return the win rate that the calibration in force expected, out of sample."""
    return shadow.signal.win_rate


def reliability(shadows: Sequence[Shadow], of: Callable[[Shadow], float]) -> Json:
    """Return Brier score, log-loss, ECE, MCE and the reliability table of a predicted win rate.

    Brier, "Verification of forecasts expressed in terms of probability" (1950); expected and
    maximum calibration error over ten equal bins (Naeini, Cooper and Hauskrecht, AAAI 2015).
    """
    p = np.clip([of(shadow) for shadow in shadows], LEAST, MOST)
    won = np.array([shadow.win for shadow in shadows], float)
    if len(p) == 0:
        return {"n": 0, "brier": None, "log_loss": None, "ece": None, "mce": None, "bins": []}
    rows = []
    group = np.minimum(BINS - 1, (p * BINS).astype(int))
    for g in np.unique(group).tolist():
        here = group == g
        rows.append(
            {
                "from": g / BINS,
                "to": (g + 1) / BINS,
                "n": int(here.sum()),
                "predicted": float(p[here].mean()),
                **_rate(int(won[here].sum()), int(here.sum())),
            }
        )
    gaps = [(row["n"], abs(row["predicted"] - row["win_rate"])) for row in rows]
    return {
        "n": len(p),
        "brier": float(np.mean((p - won) ** 2)),
        "log_loss": float(-np.mean(np.log(np.where(won > 0, p, 1.0 - p)))),
        "ece": sum(n * gap for n, gap in gaps) / len(p),
        "mce": max(gap for _, gap in gaps),
        "bins": rows,
    }


def horizons(scores: dict[str, list[Json]]) -> list[Json]:
    """Return IC and hit rate of the forecasts by horizon, symbols weighted by their n.

    `scores`: per symbol, rows of HorizonScore. Prequential: each forecast was made before.
    """
    groups: dict[int, list[Json]] = {}
    for rows in scores.values():
        for row in rows:
            if row["n"]:
                groups.setdefault(row["horizon_minutes"], []).append(row)
    return [
        {
            "horizon_minutes": minutes,
            "n": sum(row["n"] for row in rows),
            "ic": _weighted(rows, "ic"),
            "hit_rate": _weighted(rows, "hit_rate"),
        }
        for minutes, rows in sorted(groups.items())
    ]


def _weighted(rows: Sequence[Json], key: str) -> float:
    return float(sum(row["n"] * row[key] for row in rows) / sum(row["n"] for row in rows))


def _won(shadows: Sequence[Shadow]) -> Json:
    wins = sum(shadow.win for shadow in shadows)
    return {
        "n": len(shadows),
        "wins": wins,
        **_rate(wins, len(shadows)),
        "mean_return": _mean(shadow.net_return for shadow in shadows),
    }


def _rate(wins: int, n: int) -> Json:
    low, high = interval(wins, n) if n else (None, None)
    return {"win_rate": wins / n if n else None, "win_rate_low": low, "win_rate_high": high}


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def _new_york(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms // 1000, NEW_YORK)


def _name(key: Any) -> str:
    return WEEKDAYS[key] if isinstance(key, int) else str(key)
