"""The story of one trade, from the run's own records: what was seen, said, decided, done, and won.

KEY INPUT: a run folder with a full journal, the number of a round trip (or an order's or signal's
id).
KEY OUTPUT: a dictionary in the order of the decision: features → contributions → forecast →
calibration → rank → gates → fills → outcome.
"""

from pathlib import Path
from typing import Any

import numpy as np

from engine.config import Config
from engine.errors import BadInputError
from engine.learning.judge import Judge
from engine.learning.predictors import make_predictor
from engine.learning.signals import (
    CONFIDENCE,
    EXPECTED,
    PROBABILITY,
    SD,
    STALE,
    Context,
    Predictor,
    Signals,
)
from engine.market.frames import MINUTE_NS, Floats
from engine.records.recorded import Recorded, read_recorded, session_day, whole_rows

Json = dict[str, Any]
_FORECAST = {
    "probability": PROBABILITY, "confidence": CONFIDENCE, "expected_return": EXPECTED,
    "expected_return_sd": SD,
}  # fmt: skip


def round_trips(folder: Path) -> list[Json]:
    """Return the round trips of a run, in order of closing."""
    return [row for row in whole_rows(folder / "events.jsonl") if row["type"] == "round_trip"]


def find_trip(trips: list[Json], name: str, folder: Path) -> Json:
    """Return the round trip with this number, or whose signal or order has this id."""
    for trip in trips:
        signal = trip.get("signal") or {}
        if name in (str(trip["trip"]), signal.get("id")):
            return trip
    for row in whole_rows(folder / "events.jsonl"):
        if row["type"] == "order_submitted" and row["order_id"] == name:
            mine = [t for t in trips if t["symbol"] == row["symbol"]]
            for trip in mine:
                if row["timestamp_ms"] <= trip["exit_ms"]:
                    return trip
    there = f"1 to {trips[-1]['trip']}" if trips else "none"
    raise BadInputError(f"{name}: no such round trip; there are: {there}")


def story(folder: Path, trip: Json) -> Json:
    """Return the whole story of a round trip."""
    recorded = read_recorded(folder)
    signal = trip.get("signal")
    if signal is None:
        raise BadInputError(f"round trip {trip['trip']}: Rotor did not open {trip['symbol']}")
    symbol, minute = signal["id"].rsplit("-", 1)
    at_ms = int(minute) * 60_000
    events = _events(folder, trip, at_ms)
    return {
        "trip": trip["trip"],
        "symbol": symbol,
        "direction": trip["direction"],
        "signal_id": signal["id"],
        "timestamp_ms": at_ms,
        **_seen(recorded, symbol, at_ms),
        "calibration": _calibration(folder, trip, at_ms),
        "ranking": _ranking(folder, recorded, at_ms),
        "decision": _decision(folder, symbol, at_ms),
        "orders": [row for row in events if row["type"] == "order_submitted"],
        "stop_moves": sum(row["type"] == "stop_moved" for row in events),
        "fills": [row for row in events if row["type"] == "order_filled"],
        "outcome": {k: v for k, v in trip.items() if k not in ("seq", "type", "chain", "signal")},
        "shadow": _shadow(folder, signal["id"]),
    }


def _seen(recorded: Recorded, symbol: str, at_ms: int) -> Json:
    """Feed the symbol's predictor up to the signal's bar; return what it saw and said."""
    predictor = make_predictor(
        recorded.config.learning.predictor,
        _context(recorded, symbol),
        recorded.config.learning.options,
    )
    judge = Judge((recorded.symbols.index(symbol),), recorded.config.learning.horizons)
    signals: Signals | None = None
    gathered: Floats | None = None
    t = 0
    for block in recorded.blocks():
        last = (at_ms * 1_000_000 - block.ts_ns(0)) // MINUTE_NS
        if last < 0:
            break
        t = min(int(last), len(block) - 1)
        known = block.slice(0, t + 1)
        signals = predictor.process(known)
        gathered = judge.take(known, (signals,))
    if signals is None or gathered is None:
        raise BadInputError(f"{symbol}: no bar was recorded up to this trade")
    stale = int(gathered[t, 0, STALE])  # without a bar in this minute the last forecast holds
    values, parts = gathered[t, 0], signals.contributions[t - stale]
    features = _features(predictor)
    strongest = np.argsort(-np.abs(parts), kind="stable").tolist()
    return {
        "features": [
            {
                "feature": predictor.feature_names[f],
                "value": None if features is None else float(features[f]),
                "contribution_bps": float(parts[f]) * 1e4,
            }
            for f in strongest
        ],
        "forecast": {
            **{name: float(values[column]) for name, column in _FORECAST.items()},
            "stale_minutes": stale,
        },
    }


def _features(predictor: Predictor) -> Any:
    asked = getattr(predictor, "features", None)
    return None if asked is None else asked()


def _context(recorded: Recorded, symbol: str) -> Context:
    config: Config = recorded.config
    learning = config.learning
    return Context(
        symbol, recorded.symbols.index(symbol), recorded.symbols, config.universe.sign(symbol),
        learning.horizons,
        learning.numbers(),
    )  # fmt: skip


def _calibration(folder: Path, trip: Json, at_ms: int) -> Json:
    """Return what the calibration in force said of such signals, and on what evidence."""
    signal = trip["signal"]
    bucket = min(9, int(signal["confidence"] * 10))
    cell: Json = {}
    version = 0
    for row in whole_rows(folder / "events.jsonl"):
        if row["timestamp_ms"] >= at_ms:
            break
        if row["type"] == "calibrated":
            version = row["version"]
            wanted = (trip["symbol"], trip["direction"], bucket)
            found = [
                c for c in row["cells"] if (c["symbol"], c["direction"], c["bucket"]) == wanted
            ]
            cell = found[0] if found else cell
    return {
        "version": version,
        "confidence": f"{bucket / 10:.1f}-{(bucket + 1) / 10:.1f}",
        "outcomes": cell.get("n", 0),
        "won": cell.get("won", 0),
        "win_rate": signal["win_rate"],
        "verdict": signal["verdict"],
        "pays_bps": signal.get("pays_bps"),
    }


def _ranking(folder: Path, recorded: Recorded, at_ms: int) -> list[Json]:
    """Return all symbols' signals of the minute, by strength, with what refused each."""
    start = b'{"timestamp_ms":%d,' % at_ms
    rows = _starting(folder / "signals.jsonl", start)
    shorts = recorded.config.rotation.allow_short
    told: dict[str, Json] = {}
    for row in whole_rows(folder / "decisions.jsonl"):
        if row["timestamp_ms"] > at_ms:
            break
        told[row["symbol"]] = row
    found = []
    for row in rows:
        last = told.get(row["symbol"], {})
        # what was told earlier in this session still holds, unless something else was decided
        known = last.get("gate") and session_day(last["timestamp_ms"]) == session_day(at_ms)
        gate, reason = (last["gate"], last["reason"]) if known else (None, None)
        if row["signal"] == 0 or (row["signal"] < 0 and not shorts):
            gate, reason = "direction", "a direction that is not traded"
        found.append(
            {
                "symbol": row["symbol"],
                "direction": row["direction"],
                "strength": row["strength"],
                "edge_bps": row["expected_edge_bps"],
                "probability": row["probability"],
                "refused_by": gate,
                "reason": reason,
            }
        )
    return sorted(found, key=lambda row: (-row["strength"], row["symbol"]))


def _decision(folder: Path, symbol: str, at_ms: int) -> Json:
    """Return the decision to enter: at the signal's bar, or when its card was approved."""
    for row in whole_rows(folder / "decisions.jsonl"):
        entered = row["decision"] in (2, 3) and row["symbol"] == symbol
        if entered and row["timestamp_ms"] >= at_ms:
            return {k: v for k, v in row.items() if k != "chain"}
    return {}


def _events(folder: Path, trip: Json, at_ms: int) -> list[Json]:
    """Return the orders, fills and stop moves of a round trip."""
    kinds = ("order_submitted", "order_filled", "stop_moved")
    return [
        {k: v for k, v in row.items() if k != "chain"}
        for row in whole_rows(folder / "events.jsonl")
        if row["type"] in kinds
        and row["symbol"] == trip["symbol"]
        and at_ms <= row["timestamp_ms"] <= trip["exit_ms"]
    ]


def _shadow(folder: Path, signal_id: str) -> Json | None:
    for row in whole_rows(folder / "events.jsonl"):
        if row["type"] == "shadow" and row["signal"]["id"] == signal_id:
            kept = ("entry_price", "exit_price", "exit", "return", "exit_ms")
            return {key: row[key] for key in kept}
    return None


def _starting(path: Path, start: bytes) -> list[Json]:
    import orjson

    with path.open("rb") as lines:
        return [orjson.loads(line) for line in lines if line.startswith(start)]
