"""`rotor explain RUN TRADE`: why a trade was made and what came of it, from the run's own records.

KEY INPUT: a run, a round trip's number or an order's id.
KEY OUTPUT: the story for people, or one JSON object.
"""

from pathlib import Path
from typing import Any

from rich.console import Console

from engine.cards import record_words
from engine.errors import BadInputError
from engine.events import Decision
from engine.records.manifest import read_manifest
from engine.records.reading import sound_journal
from engine.records.recorded import understood
from engine.records.story import find_trip, round_trips, story
from tui.find_run import find_folder
from tui.options import Database
from tui.output import Column, new_york, number, print_json, print_rows, rate, show, usd, whole

Json = dict[str, Any]
SHOWN_FEATURES = 12


def explain_command(name: str, trade: str | None, database: Database, *, json: bool) -> int:
    """Run `rotor explain`; without a trade list what there is."""
    folder = find_folder(name, database)
    manifest = read_manifest(folder)
    level = manifest["level"]
    if level != "full":
        raise BadInputError(f"{folder}: journal {level} keeps no bars; replay with --journal full")
    sound_journal(folder, manifest)
    with understood(folder):
        _explain(folder, trade, json=json)
    return 0


def _explain(folder: Path, trade: str | None, *, json: bool) -> None:
    trips = round_trips(folder)
    if trade is None:
        _list(trips, json=json)
        return
    trip = find_trip(trips, trade, folder)
    if not trip.get("signal"):
        raise BadInputError(f"round trip {trip['trip']}: no signal of ours opened it")
    told = story(folder, trip)
    if json:
        print_json(told)
    else:
        _tell(told)


def _list(trips: list[Json], *, json: bool) -> None:
    rows = [
        {
            "trip": trip["trip"],
            "symbol": trip["symbol"],
            "direction": trip["direction"],
            "entry": new_york(trip["entry_ms"]),
            "exit": new_york(trip["exit_ms"])[-5:],
            "pnl": trip["pnl"],
            "decision": Decision(trip["decision"]).name.lower(),
        }
        for trip in trips
    ]
    columns = (
        Column("trip", "Trade", whole), Column("symbol", "Symbol", left=True),
        Column("direction", "Side", left=True), Column("entry", "Entry", left=True),
        Column("exit", "Exit", left=True), Column("pnl", "P&L", usd),
        Column("decision", "By", left=True),
    )  # fmt: skip
    print_rows(rows, columns, "json" if json else "table")


def _tell(told: Json) -> None:
    console = Console()

    def say(text: str, *, head: bool = False) -> None:
        console.print(text, style="bold" if head else None, highlight=False)

    say(f"Trade {told['trip']}: {told['direction']} {told['symbol']}, signal of the bar "
        f"{new_york(told['timestamp_ms'])}", head=True)  # fmt: skip
    say("\nWhat it saw", head=True)
    rows = told["features"]
    features = (
        Column("feature", "Feature", left=True),
        Column("value", "Value", lambda x: f"{x:+.3f}"),
        Column("contribution_bps", "Contribution bp", lambda x: f"{x:+.3f}"),
    )
    show(console, rows[:SHOWN_FEATURES], features)
    rest = sum(row["contribution_bps"] for row in rows[SHOWN_FEATURES:])
    if len(rows) > SHOWN_FEATURES:
        say(f"and {len(rows) - SHOWN_FEATURES} more, {rest:+.3f} bp together")
    _forecast(told, say)
    say("\nHow it ranked", head=True)
    show(console, told["ranking"], _RANKED)
    say("\nWhat was decided", head=True)
    say(told["decision"].get("reason", "no decision is recorded"))
    for order in told["orders"]:
        say(_order(order))
    say("\nWhat was done", head=True)
    show(console, [_fill(fill) for fill in told["fills"]], _FILLED)
    if told["stop_moves"]:
        say(f"the trailing stop moved {told['stop_moves']} times")
    _outcome(told, say)


def _forecast(told: Json, say: Any) -> None:
    forecast, cell = told["forecast"], told["calibration"]
    say("\nWhat it said", head=True)
    say(
        f"expected return {1e4 * forecast['expected_return']:+.2f} bp "
        f"(sd {1e4 * forecast['expected_return_sd']:.1f}), probability of a rise "
        f"{forecast['probability']:.3f}, confidence {forecast['confidence']:.3f}"
    )
    say(
        f"such signals (confidence {cell['confidence']}): {cell['won']} of {cell['outcomes']} won; "
        f"calibrated it {record_words(cell['win_rate'], cell['pays_bps'])}: {cell['verdict']} "
        f"(version {cell['version']})"
    )


def _outcome(told: Json, say: Any) -> None:
    end = told["outcome"]
    say("\nWhat came of it", head=True)
    say(
        f"${end['pnl']:+,.2f} ({100 * end['return']:+.2f}%) in {end['bars_held']} minutes, by "
        f"{Decision(end['decision']).name.lower()}: {end['exit_reason']}"
    )
    say(
        f"at worst {100 * end['mae']:+.2f}%, at best {100 * end['mfe']:+.2f}%; fees "
        f"${end['fees']:.2f}, spread and impact ${end['slippage']:.2f}"
    )
    shadow = told["shadow"]
    if shadow:
        say(f"as a shadow: {100 * shadow['return']:+.2f}%, ended by {shadow['exit']}")


def _order(order: Json) -> str:
    at = new_york(order["timestamp_ms"])
    if order.get("class") == "oco":
        return (
            f"{at}  legs for {order['shares']:,}: stop {order['stop']:.2f}, "
            f"target {order['target']:.2f}"
        )
    limit = f" to {order['limit']:.2f}" if order.get("limit") else ""
    return f"{at}  {order['side']} {order['shares']:,}{limit}"


def _fill(fill: Json) -> Json:
    return {
        "at": new_york(fill["timestamp_ms"]),
        "what": f"{fill['side']}{' by ' + fill['leg'] if fill.get('leg') else ''}",
        **{key: fill[key] for key in ("shares", "price", "fee", "slippage")},
    }


_RANKED = (
    Column("symbol", "Symbol", left=True), Column("direction", "Side", left=True),
    Column("probability", "P(rise)", rate), Column("strength", "Strength", rate),
    Column("edge_bps", "Edge bp", number),
    Column("refused_by", "Refused by", left=True, folds=True),
)  # fmt: skip
_FILLED = (
    Column("at", "Time", left=True), Column("what", "", left=True),
    Column("shares", "Shares", whole), Column("price", "Price", number),
    Column("fee", "Fee", number), Column("slippage", "Spread+impact", number),
)  # fmt: skip
