"""An account's books as the control port tells them: the truth that checks go by.

KEY INPUT: an account.
KEY OUTPUT: JSON; money in micro-dollars, times in ns.
"""

from collections.abc import Iterable

from actors.exchange.account import Account
from actors.exchange.market import Market
from actors.exchange.order import Amendment, Execution, Order
from actors.exchange.wire import Json
from engine.events import MICRO


def ledger_json(account: Account, market: Market, bad_bars: Iterable[tuple[str, int]]) -> Json:
    """Return an account's books as integers, and (symbol, start) of wrong bars that were told."""
    return {
        "key": account.key,
        "number": account.number,
        "start_micro": account.start_micro,
        "cash_micro": account.cash_micro,
        "fees_micro": account.fees_micro,
        "positions": {
            symbol: {
                "shares": h.shares,
                "cost_micro": h.cost_micro,
                "price_micro": round((market.price(symbol) or 0.0) * MICRO),
            }
            for symbol, h in sorted(account.holdings.items())
        },
        "orders": [_order_row(order) for order in (*account.orders.values(), *account.lost)],
        "executions": [_execution_row(execution) for execution in account.executions],
        "amendments": [_amendment_row(amendment) for amendment in account.amendments],
        "moves": [move._asdict() for move in account.moves],
        "refused": [refused._asdict() for refused in account.refused],
        "lost": [order.order_id for order in account.lost],
        "bad_bars": list(bad_bars),
        "outages": {
            "order_stream": account.contact.order_stream.spans,
            "silence": account.contact.silence.spans,
            "requests": account.contact.requests.spans,
        },
    }


def _order_row(order: Order) -> Json:
    return {
        "id": order.order_id,
        "client_order_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "kind": str(order.kind),
        "time_in_force": str(order.force),
        "order_class": order.order_class,
        "parent": order.parent.order_id if order.parent else None,
        "shares": order.shares,
        "filled": order.filled,
        "value_micro": order.value_micro,
        "limit_micro": order.limit_micro,
        "stop_micro": order.stop_micro,
        "status": str(order.status),
        "submitted_ns": order.submitted_ns,
        "updated_ns": order.updated_ns,
        "replaces": order.replaces or None,
        "replaced_by": order.replaced_by or None,
        "by_hand": order.by_hand,
        "late": order.late,
    }


def _execution_row(execution: Execution) -> Json:
    order = execution.order
    return {
        "execution_id": execution.execution_id,
        "order_id": order.order_id,
        "client_order_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "shares": execution.shares,
        "price_micro": execution.price_micro,
        "fee_micro": execution.fee_micro,
        "ts_ns": execution.ts_ns,
        "position": execution.position,
        "by_hand": order.by_hand,
    }


def _amendment_row(amendment: Amendment) -> Json:
    undone, instead = amendment.undone, amendment.instead
    return {
        "event": "trade_bust" if instead is None else "trade_correct",
        "ts_ns": amendment.ts_ns,
        "execution_id": amendment.execution_id,
        "previous_execution_id": undone.execution_id,
        "order_id": undone.order.order_id,
        "client_order_id": undone.order.client_id,
        "symbol": undone.order.symbol,
        "side": undone.order.side.value,
        "was": [undone.shares, undone.price_micro, undone.fee_micro],
        "is": None if instead is None else [instead.shares, instead.price_micro, instead.fee_micro],
        "position": amendment.position,
    }
