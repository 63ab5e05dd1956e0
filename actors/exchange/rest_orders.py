"""The trading API's orders and positions (/v2/orders, /v2/positions).

KEY INPUT: Starlette requests that passed the gate.
KEY OUTPUT: Alpaca's JSON; refusals as {code, message}.
"""

from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.exchange.account import Account
from actors.exchange.asking import account_of, number, symbol_of
from actors.exchange.floor import Floor
from actors.exchange.gate import answer
from actors.exchange.order import Order
from actors.exchange.payloads import order_json, position_json
from actors.exchange.refusal import Refusal, invalid, not_found
from actors.exchange.tickets import Ticket, read_change, read_ticket
from actors.exchange.wire import Json, micro_of, read_time
from engine.events import MICRO

_MOST_ORDERS = 500


class OrdersApi:
    """The handlers."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        return [
            Route("/v2/orders", self.submit, methods=["POST"]),
            Route("/v2/orders", self.orders),
            Route("/v2/orders", self.cancel_all, methods=["DELETE"]),
            Route("/v2/orders:by_client_order_id", self.order_by_client_id),
            Route("/v2/orders/{order_id}", self.order),
            Route("/v2/orders/{order_id}", self.replace, methods=["PATCH"]),
            Route("/v2/orders/{order_id}", self.cancel, methods=["DELETE"]),
            Route("/v2/positions", self.positions),
            Route("/v2/positions", self.close_all, methods=["DELETE"]),
            Route("/v2/positions/{symbol}", self.position),
            Route("/v2/positions/{symbol}", self.close, methods=["DELETE"]),
        ]

    async def submit(self, request: Request) -> Response:
        """POST /v2/orders."""
        account = account_of(request)
        ticket = read_ticket(await _body(request))
        opens = account.shares(ticket.symbol) * ticket.side.sign >= 0
        self._check(account, "POST", ticket, opens=opens)
        how = self._floor.faults.on_submit()
        if how == "answer":
            raise invalid("the order was rejected: a fault of the rehearsal")
        if how == "event":
            return answer(order_json(self._floor.broker.submit_to_reject(account, ticket)))
        return answer(order_json(self._floor.broker.submit(account, ticket)))

    async def orders(self, request: Request) -> Response:
        """GET /v2/orders."""
        asked = request.query_params
        nested = _true(asked, "nested")
        chosen = _chosen(account_of(request), asked)
        return answer([order_json(order, nested=nested) for order in chosen])

    async def order(self, request: Request) -> Response:
        """GET /v2/orders/{id}."""
        return answer(order_json(_order(request)))

    async def order_by_client_id(self, request: Request) -> Response:
        """GET /v2/orders:by_client_order_id."""
        client_id = request.query_params.get("client_order_id", "")
        order = account_of(request).by_client_id.get(client_id)
        if order is None:
            raise not_found(f"order not found for client_order_id {client_id}")
        return answer(order_json(order))

    async def replace(self, request: Request) -> Response:
        """PATCH /v2/orders/{id}."""
        change = read_change(await _body(request))
        account, order = account_of(request), _order(request)
        self._check(account, "PATCH", order, opens=order.opens)
        return answer(order_json(self._floor.broker.replace(account, order, change)))

    async def cancel(self, request: Request) -> Response:
        """DELETE /v2/orders/{id}."""
        self._floor.broker.cancel(account_of(request), _order(request))
        return Response(status_code=204)

    def _check(self, account: Account, method: str, order: Order | Ticket, *, opens: bool) -> None:
        refusal = self._floor.faults.refusal(account, method, order, opens=opens)
        if refusal is not None:
            raise refusal

    async def cancel_all(self, request: Request) -> Response:
        """DELETE /v2/orders: 207, one row per order."""
        account = account_of(request)
        rows = []
        for order in [o for o in account.live() if o.parent is None]:
            rows.append({"id": order.order_id, "status": 200, "body": order_json(order)})
            self._floor.broker.cancel(account, order)
        for leg in [o for o in account.live() if o.live]:
            self._floor.broker.cancel(account, leg)
        return answer(rows, 207)

    async def positions(self, request: Request) -> Response:
        """GET /v2/positions."""
        account = account_of(request)
        symbols = sorted(account.holdings)
        return answer([position_json(account, s, self._floor.market) for s in symbols])

    async def position(self, request: Request) -> Response:
        """GET /v2/positions/{symbol or id}."""
        account, symbol = (
            account_of(request),
            symbol_of(self._floor.market, request, "position does not exist"),
        )
        if symbol not in account.holdings:
            raise not_found("position does not exist")
        return answer(position_json(account, symbol, self._floor.market))

    async def close(self, request: Request) -> Response:
        """DELETE /v2/positions/{symbol or id}, all of it, `qty`, or `percentage`."""
        account, symbol = (
            account_of(request),
            symbol_of(self._floor.market, request, "position does not exist"),
        )
        shares = _part(request.query_params, abs(account.shares(symbol)))
        return answer(order_json(self._floor.broker.close(account, symbol, shares)))

    async def close_all(self, request: Request) -> Response:
        """DELETE /v2/positions: 207, one row per position; `cancel_orders` first."""
        account, broker = account_of(request), self._floor.broker
        if _true(request.query_params, "cancel_orders"):
            for order in account.live():
                if order.live:
                    broker.cancel(account, order)
        rows: list[Json] = []
        for symbol in sorted(account.holdings):
            try:
                body, status = order_json(broker.close(account, symbol)), 200
            except Refusal as refusal:
                body, status = refusal.body, refusal.status
            rows.append({"symbol": symbol, "status": status, "body": body})
        return answer(rows, 207)


def _order(request: Request) -> Order:
    order_id = request.path_params["order_id"]
    order = account_of(request).orders.get(order_id)
    if order is None:
        raise not_found(f"order not found for {order_id}")
    return order


def _chosen(account: Account, asked: Mapping[str, str]) -> list[Order]:
    """Return the orders of a list request; default the 50 newest open ones."""
    status = asked.get("status", "open")
    nested = _true(asked, "nested")
    symbols = {s for s in asked.get("symbols", "").upper().split(",") if s}
    after, until = _moment(asked, "after"), _moment(asked, "until")
    side = asked.get("side")
    chosen = [
        order
        for order in account.orders.values()
        if status == "all" or _open(order, nested=nested) == (status == "open")
        if not (nested and order.parent is not None)
        if not symbols or order.symbol in symbols
        if after is None or order.submitted_ns > after
        if until is None or order.submitted_ns < until
        if side is None or order.side.value.lower() == side
    ]
    chosen.sort(key=lambda order: order.sequence, reverse=asked.get("direction") != "asc")
    return chosen[: number(asked, "limit", 50, _MOST_ORDERS)]


def _true(asked: Mapping[str, str], name: str) -> bool:
    return asked.get(name, "").lower() == "true"


def _open(order: Order, *, nested: bool) -> bool:
    return order.live or (nested and any(leg.live for leg in order.legs))


def _moment(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    try:
        return read_time(text.replace(" ", "+"))
    except ValueError:
        raise invalid(f"invalid {name}: {text}") from None


def _part(asked: Mapping[str, str], held: int) -> int | None:
    """Return the shares that a close asks for, None for all."""
    try:
        if "qty" in asked:
            shares, rest = divmod(micro_of(asked["qty"]), MICRO)
        elif "percentage" in asked:
            shares, rest = held * micro_of(asked["percentage"]) // (100 * MICRO), 0
        else:
            return None
    except ValueError as error:
        raise invalid(f"invalid quantity: {error}") from None
    if shares < 1 or rest:
        raise invalid("the quantity to close must be a whole number of shares, at least 1")
    return shares


async def _body(request: Request) -> object:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None
