"""Words and fields that nobody knows, and such as are missing, in what the exchange says.

KEY INPUT: a fault, what would be answered or sent.
KEY OUTPUT: what is answered or sent in its place.
"""

from actors.exchange.fault import Fault
from actors.exchange.order import FINAL, Status
from actors.exchange.payloads import asset_id
from actors.exchange.wire import Json

_FINAL = frozenset(str(status) for status in FINAL)
_STATUSES = frozenset(str(status) for status in Status)
_DUST = {"symbol": "BTCUSD", "exchange": "CRYPTO", "asset_class": "crypto"}
_PRICES = ("avg_entry_price", "cost_basis", "unrealized_pl", "unrealized_plpc")


def unknown(value: object) -> object:
    """Return an object with fields and words that nobody knows; what is none as it is."""
    if not isinstance(value, dict):
        return value
    changed = {**value, "swap_rate_basis": "1.0", "regime": {"code": 7, "since": None}}
    if value.get("status") in ("new", "accepted"):
        changed["status"] = "queued_at_venue"
    if value.get("order_class") == "simple":
        changed["order_class"] = "plain"
    if "exchange" in value:
        changed["exchange"] = "NEWX"
    return changed


def odd_status(fault: Fault, value: object) -> object:
    """Return an order, and its legs, with the fault's word for their status."""
    if not isinstance(value, dict) or value.get("status") not in _STATUSES:
        return value
    of = fault.parameters["of"]
    fits = of == "all" or (of == "final") == (value["status"] in _FINAL)
    legs = [odd_status(fault, leg) for leg in value.get("legs") or []]
    word = {"status": fault.parameters["word"]} if fits else {}
    return {**value, **word, "legs": legs or value.get("legs")}


def odd_positions(fault: Fault, rows: list[Json]) -> list[Json]:
    """Return the rows of /v2/positions without prices, or with one more that is no whole share."""
    match fault.parameters["what"]:
        case "no_price":
            return [{k: v for k, v in row.items() if k not in _PRICES} for row in rows]
        case "null_price":
            return [{**row, **dict.fromkeys(_PRICES)} for row in rows]
        case "dust":
            return [*rows, _position("0.000000012", "0.00000004") | _DUST]
    return [*rows, _position("0.5", "250.1") | {"symbol": "VTI"}]


def _position(qty: str, price: str) -> Json:
    return {
        "asset_id": asset_id(qty),
        "symbol": "",
        "exchange": "ARCA",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": qty,
        "qty_available": qty,
        "avg_entry_price": price,
        "side": "long",
        "market_value": "0",
        "cost_basis": "0",
        "unrealized_pl": "0",
        "unrealized_plpc": "0",
        "unrealized_intraday_pl": "0",
        "unrealized_intraday_plpc": "0",
        "current_price": price,
        "lastday_price": price,
        "change_today": "0",
    }
