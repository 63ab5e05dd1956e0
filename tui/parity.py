"""The parity report: what a live session did, held against a replay of the bars it saw.

KEY INPUT: the folder of a live session.
KEY OUTPUT: whether the decisions are the same, the first that is not, and what fills cost beside
the simulated ones and beside the middle of the quotes that they met, in basis points (positive:
live was worse).
"""

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import orjson

from actors.system import replay
from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK
from engine.records.inputs import NAME, Met, read_log
from engine.records.recorded import read_recorded
from tui.verify import replayed

Json = dict[str, Any]
_NAMED = ("timestamp_ms", "symbol", "decision", "reason")


async def parity(folder: Path) -> Json:
    """Replay a session's bars and compare."""
    try:
        recorded = read_recorded(folder)
        if recorded.unrepeatable:
            return {"compared": False, "why": recorded.unrepeatable}
        plan = replayed(recorded, None)
    except BadInputError as error:
        return {"compared": False, "why": str(error)}
    with tempfile.TemporaryDirectory(prefix="rotor-parity-") as scratch:
        again = Path(scratch, "run")
        await replay(replace(plan, folder=again, level="full"), signals=False)
        decisions = [_rows(place / "decisions.jsonl") for place in (folder, again)]
        trades = [_rows(place / "trades.jsonl") for place in (folder, again)]
    found = {
        "compared": True,
        "decisions": len(decisions[0]),
        "decisions_simulated": len(decisions[1]),
        "first_divergence": _first_divergence(*decisions),
        "fills": len(trades[0]),
        "fills_simulated": len(trades[1]),
        **_beside(*trades),
        **_at_quotes(trades[0], read_log(folder / NAME, recorded.symbols).met),
    }
    found["same_decisions"] = found["first_divergence"] is None
    return found


def parity_words(found: Json) -> str:
    """Return the report in a sentence."""
    if not found["compared"]:
        return f"Parity: not compared ({found['why']})."
    if found["same_decisions"]:
        said = f"Parity: all {found['decisions']:,} decisions are those of a replay"
    else:
        there = found["first_divergence"]
        said = f"Parity: decisions differ from a replay's, first at {_word(there)}"
    if found["fills_compared"]:
        bps = found["median_bps"]
        said += f"; {found['fills_compared']:,} fills cost {bps:+.2f} bps beside simulated ones"
    if found["orders_at_a_quote"]:
        said += (
            f"; {found['orders_at_a_quote']:,} orders cost {found['median_slippage_bps']:+.2f} bps"
            f" beside the middle of the quote, its spread {found['median_spread_bps']:.2f} bps"
        )
    return f"{said}."


def _rows(path: Path) -> list[Json]:
    rows = []
    for line in path.read_bytes().splitlines():
        row = orjson.loads(line)
        row.pop("chain", None)
        rows.append(row)
    return rows


def _first_divergence(live: list[Json], simulated: list[Json]) -> Json | None:
    for ours, theirs in zip(live, simulated, strict=False):
        if ours != theirs:
            return {"live": _short(ours), "simulated": _short(theirs)}
    if len(live) == len(simulated):
        return None
    longer = live if len(live) > len(simulated) else simulated
    row = _short(longer[min(len(live), len(simulated))])
    return {"live": row if longer is live else None, "simulated": None if longer is live else row}


def _short(row: Json) -> Json:
    return {name: row[name] for name in _NAMED}


def _beside(live: list[Json], simulated: list[Json]) -> Json:
    """Compare the average prices of what both traded: by minute, symbol and action."""
    ours, theirs = _by_trade(live), _by_trade(simulated)
    bps = []
    for name in sorted(ours.keys() & theirs.keys()):
        paid, would = ours[name], theirs[name]
        bps.append(1e4 * (paid / would - 1) * (1 if _buys(name[2], name[3]) else -1))
    return {
        "fills_compared": len(bps),
        "mean_bps": round(mean(bps), 4) if bps else None,
        "median_bps": round(median(bps), 4) if bps else None,
        "worst_bps": round(max(bps), 4) if bps else None,
    }


def _at_quotes(trades: list[Json], met: dict[str, Met]) -> Json:
    """Compare what orders paid on average with the middle of the quote that each met."""
    shares: dict[str, int] = {}
    value: dict[str, float] = {}
    for row in trades:
        name = row["order_id"]
        if name in met:
            shares[name] = shares.get(name, 0) + row["shares"]
            value[name] = value.get(name, 0.0) + row["value"]
    buys = {row["order_id"] for row in trades if _buys(row["action"], row["direction"])}
    slippage, spread = [], []
    for name, quote in met.items():
        middle = (quote.bid + quote.ask) / 2
        if name in shares:
            paid = value[name] / shares[name]
            slippage.append(1e4 * (paid / middle - 1) * (1 if name in buys else -1))
            spread.append(1e4 * (quote.ask - quote.bid) / middle)
    return {
        "quotes": len(met),
        "quotes_streamed": sum(quote.streamed for quote in met.values()),
        "orders_at_a_quote": len(slippage),
        "median_slippage_bps": round(median(slippage), 4) if slippage else None,
        "worst_slippage_bps": round(max(slippage), 4) if slippage else None,
        "median_spread_bps": round(median(spread), 4) if spread else None,
    }


def _buys(action: str, direction: str) -> bool:
    return (action == "ENTRY") == (direction == "LONG")


def _by_trade(trades: list[Json]) -> dict[tuple[int, str, str, str], float]:
    shares: dict[tuple[int, str, str, str], int] = {}
    value: dict[tuple[int, str, str, str], float] = {}
    for row in trades:
        name = (row["timestamp_ms"], row["symbol"], row["action"], row["direction"])
        shares[name] = shares.get(name, 0) + row["shares"]
        value[name] = value.get(name, 0.0) + row["value"]
    return {name: value[name] / shares[name] for name in shares}


def _word(there: Json) -> str:
    row, which = there["live"] or there["simulated"], "live" if there["live"] else "simulated"
    at = dt.datetime.fromtimestamp(row["timestamp_ms"] / 1000, NEW_YORK)
    return f"{at:%H:%M}, {row['symbol']} ({which}: {row['reason']})"
