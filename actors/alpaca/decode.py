"""Alpaca's payloads in the trader's terms, read tolerantly.

KEY INPUT: parsed JSON or msgpack, as it came.
KEY OUTPUT: BrokerOrder, Update, Holding, Account, Activity, Quote, Bar; None for what cannot be
read.

An unknown field or word is counted and passed over, never a crash. Money is exact micro-dollars.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from actors.alpaca.scalars import decimal, micro, real, time_ns
from actors.alpaca.words import (
    EVENTS,
    FILLS,
    MENDED,
    STATUSES,
    Payload,
    ending_of,
    status_of,
    word_of,
)
from actors.venue import Account, Activity, Bar, BrokerOrder, Holding, Quote, Status, Update
from engine.events import Side

_ORDER_FIELDS = frozenset(
    [
        "id",
        "client_order_id",
        "created_at",
        "updated_at",
        "submitted_at",
        "filled_at",
        "expired_at",
        "expires_at",
        "canceled_at",
        "failed_at",
        "replaced_at",
        "replaced_by",
        "replaces",
        "asset_id",
        "symbol",
        "asset_class",
        "notional",
        "qty",
        "filled_qty",
        "filled_avg_price",
        "order_class",
        "order_type",
        "type",
        "side",
        "position_intent",
        "time_in_force",
        "limit_price",
        "stop_price",
        "status",
        "extended_hours",
        "legs",
        "trail_percent",
        "trail_price",
        "hwm",
        "subtag",
        "source",
        "ratio_qty",
        "take_profit",
        "stop_loss",
        "commission",
        "reject_reason",
    ]
)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL}
CONTRACT = 100
"""Shares of an option's contract."""
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
        status = self._status(payload, shares, filled)
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
            filled_price_micro=_price(payload, "filled_avg_price") if filled else None,
            status=status or Status.WORKING,
            said=word_of(payload),
            doubtful=status is None,
            counted=decimal(payload.get("filled_qty")) is not None,
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
        end = ending_of(event, order.shares, order.filled) if order.doubtful else None
        if end is not None:
            order = replace(order, status=end, doubtful=False)
        told = event in FILLS or event in MENDED
        shares = self._shares(data.get("qty")) if told and data.get("qty") is not None else 0
        price = _price(data, "price", of=data.get("order")) if told else 0
        if event in FILLS and (shares < 1 or price is None):
            self._odd("update: a fill without shares or price")
        position = data.get("position_qty")
        return Update(
            event=event,
            at_ns=time_ns(data.get("timestamp")) or order.updated_ns,
            execution_id=str(data.get("execution_id") or ""),
            shares=shares,
            price_micro=price or 0,
            order=order,
            position=None if position is None or not told else self._shares(position),
            previous_id=str(data.get("previous_execution_id") or ""),
        )

    def holding(self, payload: object) -> Holding | None:
        """Return a position; of a short one shares and available are negative.

        None where its symbol or its shares cannot be read; a price that cannot is none.
        """
        number = decimal(payload.get("qty")) if isinstance(payload, Mapping) else None
        if not isinstance(payload, Mapping) or not payload.get("symbol") or number is None:
            self._odd("position: unreadable")
            return None
        shares = int(number)
        if str(payload.get("side")) == "short":
            shares = -abs(shares)
        entry = _price(payload, "avg_entry_price")
        if not entry:
            self._odd("position: without an entry price")
        free = payload.get("qty_available")
        available = shares if free is None else self._shares(free)
        return Holding(
            symbol=str(payload["symbol"]),
            shares=shares,
            entry_price_micro=entry or None,
            available=-abs(available) if shares < 0 else available,
            fraction=number != int(number),
            market_micro=_price(payload, "current_price") or None,
        )

    def activity(self, payload: object) -> Activity | None:
        """Return what moved the account's cash beside fills; None for a fill, or nothing at all."""
        if not isinstance(payload, Mapping):
            self._odd("activity: not an object")
            return None
        amount, kind = micro(payload.get("net_amount")), str(payload.get("activity_type") or "")
        if not amount or kind == "FILL":
            return None
        words = str(payload.get("description") or "")
        return Activity(
            activity_id=str(payload.get("id") or ""),
            kind=kind,
            date=str(payload.get("date") or payload.get("transaction_time") or "")[:10],
            amount_micro=amount,
            words=f"{kind}: {words}" if words else kind,
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

    def _status(self, payload: Payload, shares: int, filled: int) -> Status | None:
        word = word_of(payload)
        if word not in STATUSES:
            self._odd(f"status {word}")
        return status_of(payload, shares, filled)

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


def _price(payload: Payload, name: str, *, of: object = None) -> int | None:
    """Return a price of one unit: an option's contract counts for its hundred shares."""
    price = micro(payload.get(name))
    named = of if isinstance(of, Mapping) else payload
    option = named.get("asset_class") == "us_option"
    return price * CONTRACT if price is not None and option else price


def _updated(payload: Payload) -> int:
    moments = (time_ns(payload.get(f"{name}_at")) for name in ("updated", "submitted", "created"))
    return next((moment for moment in moments if moment is not None), 0)


def _blocked(payload: Payload) -> str:
    status = str(payload.get("status", "ACTIVE"))
    reasons = [] if status.upper() == "ACTIVE" else [f"the account is {status}"]
    flags = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    reasons += [flag.replace("_", " ") for flag in flags if payload.get(flag) is True]
    return ", ".join(reasons)
