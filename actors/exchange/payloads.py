"""What the trading API shows: orders, the account, positions, activities, as Alpaca's JSON.

KEY INPUT: an account's books, the market's prices.
KEY OUTPUT: JSON objects; money as exact decimal strings.
"""

from actors.exchange.account import Account, Holding
from actors.exchange.market import Market
from actors.exchange.order import Execution, Move, Order, Status
from actors.exchange.wire import Json, average, new_york, ratio, rfc3339, stable_id, usd
from engine.events import MICRO


def asset_id(symbol: str) -> str:
    """Return the id of an asset."""
    return stable_id("asset", symbol)


def order_json(order: Order, *, nested: bool = True) -> Json:
    """Return an order; `nested` with its legs."""

    def ended(*statuses: Status) -> str | None:
        return rfc3339(order.ended_ns) if order.status in statuses else None

    submitted = rfc3339(order.submitted_ns)
    return {
        "id": order.order_id,
        "client_order_id": order.client_id,
        "created_at": submitted,
        "updated_at": rfc3339(order.updated_ns),
        "submitted_at": submitted,
        "filled_at": ended(Status.FILLED),
        "expired_at": ended(Status.EXPIRED),
        "canceled_at": ended(Status.CANCELED),
        "failed_at": ended(Status.REJECTED),
        "replaced_at": ended(Status.REPLACED),
        "replaced_by": order.replaced_by or None,
        "replaces": order.replaces or None,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": None,
        "qty": str(order.shares),
        "filled_qty": str(order.filled),
        "filled_avg_price": average(order.value_micro, order.filled) if order.filled else None,
        "order_class": order.order_class,
        "order_type": str(order.kind),
        "type": str(order.kind),
        "side": order.side.value.lower(),
        "time_in_force": str(order.force),
        "limit_price": None if order.limit_micro is None else usd(order.limit_micro),
        "stop_price": None if order.stop_micro is None else usd(order.stop_micro),
        "status": str(order.status),
        "extended_hours": order.extended_hours,
        "legs": [order_json(leg) for leg in order.legs] if nested and order.legs else None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
    }


def account_json(account: Account, market: Market, buying_power: int) -> Json:
    """Return the account: no leverage, shorting allowed."""
    values = [h.shares * _price_micro(market, s, h) for s, h in account.holdings.items()]
    long, short = sum(v for v in values if v > 0), sum(v for v in values if v < 0)
    equity = usd(account.cash_micro + long + short)
    return {
        "id": account.account_id,
        "account_number": account.number,
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": usd(account.cash_micro),
        "buying_power": usd(buying_power),
        "regt_buying_power": usd(buying_power),
        "non_marginable_buying_power": usd(buying_power),
        "accrued_fees": "0",
        "portfolio_value": equity,
        "equity": equity,
        "last_equity": usd(account.start_micro),
        "long_market_value": usd(long),
        "short_market_value": usd(short),
        "position_market_value": usd(long - short),
        "initial_margin": usd(long - short),
        "maintenance_margin": usd(long - short),
        "last_maintenance_margin": "0",
        "sma": "0",
        "multiplier": "1",
        "shorting_enabled": True,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "created_at": rfc3339(market.session.open_ns - 86_400 * 10**9),
    }


def position_json(account: Account, symbol: str, market: Market) -> Json:
    """Return a position; raises KeyError if there is none."""
    holding = account.holdings[symbol]
    shares, cost = holding.shares, holding.cost_micro
    sign = 1 if shares > 0 else -1
    price = _price_micro(market, symbol, holding)
    value, basis = shares * price, sign * cost
    available = sign * (abs(shares) - account.held(symbol))
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": "ARCA",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": str(shares),
        "qty_available": str(available),
        "avg_entry_price": average(cost, abs(shares)),
        "side": "long" if shares > 0 else "short",
        "market_value": usd(value),
        "cost_basis": usd(basis),
        "unrealized_pl": usd(value - basis),
        "unrealized_plpc": ratio(value - basis, abs(basis)),
        "unrealized_intraday_pl": usd(value - basis),
        "unrealized_intraday_plpc": ratio(value - basis, abs(basis)),
        "current_price": usd(price),
        "lastday_price": usd(price),
        "change_today": "0",
    }


def fill_json(account: Account, execution: Execution) -> Json:
    """Return a fill as an activity; `fee` and `execution_id` are this exchange's own fields."""
    order = execution.order
    done = execution.cumulative >= order.shares
    return {
        "id": activity_id(execution.ts_ns, "fill", execution.execution_id),
        "account_id": account.account_id,
        "activity_type": "FILL",
        "transaction_time": rfc3339(execution.ts_ns),
        "type": "fill" if done else "partial_fill",
        "price": usd(execution.price_micro),
        "qty": str(execution.shares),
        "side": order.side.value.lower(),
        "symbol": order.symbol,
        "leaves_qty": str(max(0, order.shares - execution.cumulative)),
        "order_id": order.order_id,
        "cum_qty": str(execution.cumulative),
        "order_status": "filled" if done else "partially_filled",
        "execution_id": execution.execution_id,
        "fee": usd(execution.fee_micro),
    }


def fee_json(account: Account, execution: Execution) -> Json:
    """Return the fee of a fill as an activity."""
    return {
        "id": activity_id(execution.ts_ns, "fee", execution.execution_id),
        "account_id": account.account_id,
        "activity_type": "FEE",
        "date": str(new_york(execution.ts_ns).date()),
        "net_amount": usd(-execution.fee_micro),
        "description": f"SEC, TAF and CAT fees of {execution.shares} {execution.order.symbol}",
        "symbol": execution.order.symbol,
        "qty": str(execution.shares),
        "status": "executed",
        "execution_id": execution.execution_id,
        "order_id": execution.order.order_id,
    }


def move_json(account: Account, move: Move, number: int) -> Json:
    """Return cash or shares that came or went as an activity."""
    shares = {"symbol": move.symbol, "qty": str(move.shares)} if move.shares else {}
    return {
        "id": activity_id(move.ts_ns, "move", f"{account.name}/{number}"),
        "account_id": account.account_id,
        "activity_type": move.why,
        "date": str(new_york(move.ts_ns).date()),
        "net_amount": usd(move.amount_micro),
        "description": _MOVES[move.why],
        **shares,
        "status": "executed",
    }


_MOVES = {
    "CSD": "cash deposit",
    "CSW": "cash withdrawal",
    "JNLC": "cash journal",
    "JNLS": "share journal",
}


def activities(account: Account) -> list[tuple[int, Json]]:
    """Return (ns, row) of all that the account's activities tell, oldest first."""
    rows = [(e.ts_ns, fill_json(account, e)) for e in account.standing()]
    rows += [(e.ts_ns, fee_json(account, e)) for e in account.standing() if e.fee_micro]
    told = [(n, move) for n, move in enumerate(account.moves) if move.why in _MOVES]
    rows += [(move.ts_ns, move_json(account, move, n)) for n, move in told]
    return sorted(rows, key=lambda row: row[0])


def activity_id(ts_ns: int, *parts: str) -> str:
    """Return an id that sorts by time."""
    stamp = f"{new_york(ts_ns):%Y%m%d%H%M%S%f}"[:17]
    return f"{stamp}::{stable_id(*parts)}"


def _price_micro(market: Market, symbol: str, holding: Holding) -> int:
    price = market.price(symbol)
    return abs(holding.cost_micro // holding.shares) if price is None else round(price * MICRO)
