"""Alpaca's payloads in the trader's terms, read tolerantly.

KEY INPUT: parsed JSON or msgpack, as it came.
KEY OUTPUT: BrokerOrder, Update, Holding, Account, Quote, Bar; None where it cannot be read.

An unknown field or word is counted and passed over, never a crash. Money is exact micro-dollars.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from actors.alpaca.scalars import decimal, micro, real, time_ns
from actors.venue import Account, Bar, BrokerOrder, Holding, Quote, Status, Update
from engine.events import Side

Payload = Mapping[str, Any]

STATUSES = {
    "new": Status.WORKING,
    "partially_filled": Status.PARTIAL,
    "filled": Status.FILLED,
    "done_for_day": Status.EXPIRED,
    "canceled": Status.CANCELED,
    "expired": Status.EXPIRED,
    "replaced": Status.REPLACED,
    "pending_cancel": Status.WORKING,
    "pending_replace": Status.WORKING,
    "pending_review": Status.PENDING,
    "accepted": Status.PENDING,
    "pending_new": Status.PENDING,
    "accepted_for_bidding": Status.PENDING,
    "stopped": Status.WORKING,
    "rejected": Status.REJECTED,
    "suspended": Status.PENDING,
    "calculated": Status.WORKING,
    "held": Status.PENDING,
}
"""Every word that Alpaca has for an order's status; a new one counts as working."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVENTS = _words(
    "new fill partial_fill canceled expired done_for_day replaced accepted rejected pending_new"
    " stopped pending_cancel pending_replace calculated suspended order_replace_rejected"
    " order_cancel_rejected restated held trade_bust trade_correct"
)

_ORDER_FIELDS = _words(
    "id client_order_id created_at updated_at submitted_at filled_at expired_at expires_at"
    " canceled_at failed_at replaced_at replaced_by replaces asset_id symbol asset_class notional"
    " qty filled_qty filled_avg_price order_class order_type type side position_intent"
    " time_in_force limit_price stop_price status extended_hours legs trail_percent trail_price"
    " hwm subtag source ratio_qty take_profit stop_loss commission reject_reason"
)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL}
_MOST_KINDS = 500
"""Kinds of oddity that are told apart: beyond, new ones are counted as one."""


class Decoder:
    """Reads payloads and counts what was odd about them."""

    def __init__(self) -> None:
        self.oddities: Counter[str] = Counter()
        """How often each unknown field, unknown word or unreadable payload came."""

    def order(self, payload: object) -> BrokerOrder | None:
        """Return an order with its legs."""
        if not isinstance(payload, Mapping):
            self._odd("order: not an object")
            return None
        side = _SIDES.get(str(payload.get("side")).lower())
        broker_id, symbol = payload.get("id"), payload.get("symbol")
        if side is None or not broker_id or not symbol:
            self._odd("order: without id, symbol or side")
            return None
        for field in payload.keys() - _ORDER_FIELDS:
            self._odd(f"order field {field}")
        filled = self._shares(payload.get("filled_qty") or 0)
        shares = self._shares(payload.get("qty")) if payload.get("qty") is not None else filled
        legs = payload.get("legs")
        read = map(self.order, legs if isinstance(legs, list) else ())
        return BrokerOrder(
            client_id=str(payload.get("client_order_id") or ""),
            broker_id=str(broker_id),
            symbol=str(symbol),
            side=side,
            kind=str(payload.get("type") or payload.get("order_type") or ""),
            shares=shares,
            filled=filled,
            filled_price_micro=micro(payload.get("filled_avg_price")) if filled else None,
            status=self._status(payload, filled),
            said=str(payload.get("status")),
            stop_micro=micro(payload.get("stop_price")),
            limit_micro=micro(payload.get("limit_price")),
            updated_ns=_updated(payload),
            replaces=str(payload.get("replaces") or ""),
            legs=tuple(leg for leg in read if leg is not None),
            extended_hours=payload.get("extended_hours") is True,
        )

    def update(self, payload: object) -> Update | None:
        """Return an event of the order stream, from its envelope or from what is in it."""
        data = payload.get("data", payload) if isinstance(payload, Mapping) else None
        order = self.order(data.get("order")) if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping) or order is None:
            self._odd("update: unreadable")
            return None
        event = str(data.get("event"))
        if event not in EVENTS:
            self._odd(f"event {event}")
        fill = event in {"fill", "partial_fill"}
        shares = self._shares(data.get("qty")) if fill else 0
        price = micro(data.get("price")) if fill else 0
        if fill and (shares < 1 or price is None):
            self._odd("update: a fill without shares or price")
        position = data.get("position_qty")
        return Update(
            event=event,
            at_ns=time_ns(data.get("timestamp")) or order.updated_ns,
            execution_id=str(data.get("execution_id") or ""),
            shares=shares,
            price_micro=price or 0,
            order=order,
            position=None if position is None or not fill else self._shares(position),
        )

    def holding(self, payload: object) -> Holding | None:
        """Return a position; of a short one shares and available are negative."""
        if not isinstance(payload, Mapping) or not payload.get("symbol"):
            self._odd("position: unreadable")
            return None
        shares = self._shares(payload.get("qty"))
        if str(payload.get("side")) == "short":
            shares = -abs(shares)
        free = payload.get("qty_available")
        available = shares if free is None else self._shares(free)
        return Holding(
            symbol=str(payload["symbol"]),
            shares=shares,
            entry_price_micro=micro(payload.get("avg_entry_price")) or 0,
            available=-abs(available) if shares < 0 else available,
        )

    def account(self, payload: object) -> Account | None:
        """Return the account; None if it has no number, cash or equity."""
        if not isinstance(payload, Mapping):
            self._odd("account: not an object")
            return None
        cash, equity = micro(payload.get("cash")), micro(payload.get("equity"))
        if not payload.get("account_number") or cash is None or equity is None:
            self._odd("account: without number, cash or equity")
            return None
        return Account(
            number=str(payload["account_number"]),
            cash_micro=cash,
            equity_micro=equity,
            buying_power_micro=micro(payload.get("buying_power")) or 0,
            blocked=_blocked(payload),
            shorting=payload.get("shorting_enabled") is True,
            multiplier=real(payload.get("multiplier")) or 1.0,
        )

    def quote(self, symbol: str, payload: object) -> Quote | None:
        """Return a quote; None if one of its sides is missing."""
        if not isinstance(payload, Mapping):
            self._odd("quote: not an object")
            return None
        bid, ask = real(payload.get("bp")), real(payload.get("ap"))
        if not bid or not ask or bid < 0 or ask < 0:
            self._odd("quote: one-sided")
            return None
        return Quote(symbol, bid, ask, time_ns(payload.get("t")) or 0)

    def bar(self, symbol: object, payload: object, *, updated: bool = False) -> Bar | None:
        """Return a minute bar; None if a price is missing or not a number."""
        if not isinstance(payload, Mapping) or not isinstance(symbol, str):
            self._odd("bar: unreadable")
            return None
        start = time_ns(payload.get("t"))
        prices = [real(payload.get(name)) for name in "ohlc"]
        volume = real(payload.get("v"))
        if start is None or volume is None or not all(p is not None and p > 0 for p in prices):
            self._odd("bar: without time, price or volume")
            return None
        o, h, low, c = (float(p) for p in prices if p is not None)
        return Bar(symbol, start, o, h, low, c, volume, updated)

    def _status(self, payload: Payload, filled: int) -> Status:
        word = str(payload.get("status"))
        if word not in STATUSES:
            self._odd(f"status {word}")
        status = STATUSES.get(word, Status.WORKING)
        if word == "done_for_day" and payload.get("time_in_force") == "gtc":
            status = Status.WORKING
        return Status.PARTIAL if filled and status is Status.WORKING else status

    def _shares(self, value: object) -> int:
        number = decimal(value)
        if number is None:
            self._odd("shares: unreadable")
            return 0
        if number != int(number):
            self._odd("shares: a fraction, cut")
        return int(number)

    def _odd(self, what: str) -> None:
        known = what in self.oddities or len(self.oddities) < _MOST_KINDS
        self.oddities[what if known else "others"] += 1


def _updated(payload: Payload) -> int:
    moments = (time_ns(payload.get(f"{name}_at")) for name in ("updated", "submitted", "created"))
    return next((moment for moment in moments if moment is not None), 0)


def _blocked(payload: Payload) -> str:
    status = str(payload.get("status", "ACTIVE"))
    reasons = [] if status.upper() == "ACTIVE" else [f"the account is {status}"]
    flags = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    reasons += [flag.replace("_", " ") for flag in flags if payload.get(flag) is True]
    return ", ".join(reasons)
