"""The account's orders, all pages.

KEY INPUT: the trading API; a moment, or none for the open ones.
KEY OUTPUT: payloads, oldest first, legs nested, each order once.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from alpaca.common.enums import Sort
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import QueryOrderStatus
from alpaca.trading.requests import GetOrdersRequest

from actors.alpaca.rest import Api
from actors.alpaca.scalars import moment, time_ns
from actors.venue import Unreachable

NESTED = {"nested": "true"}
"""The query that brings legs; alpaca-py itself writes it True, which not every server reads."""

_PAGE = 500


async def past_orders(trading: Api[TradingClient], since_ns: int | None) -> list[dict[str, Any]]:
    """Return open orders, or all that were submitted at or after a moment.

    Raises Unreachable if a page does not come or cannot be read.
    """
    status = QueryOrderStatus.OPEN if since_ns is None else QueryOrderStatus.ALL
    after = None if since_ns is None else _before(since_ns)
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = await _page(trading, status, after)
        fresh = {str(each.get("id")): each for each in page}
        known = len(found)
        found.update(fresh)
        last = time_ns(page[-1].get("submitted_at")) if page else None
        if len(page) < _PAGE or last is None:
            break
        if len(found) == known:
            raise Unreachable(f"more than {_PAGE} orders of one moment")
        after = _before(last)
    return [each for each in found.values() if _since(each, since_ns)]


async def _page(
    trading: Api[TradingClient], status: QueryOrderStatus, after: dt.datetime | None
) -> list[dict[str, Any]]:
    request = GetOrdersRequest(status=status, limit=_PAGE, after=after, direction=Sort.ASC)
    fields = request.to_request_fields() | NESTED
    page = await trading.ask(lambda client: client.get("/orders", fields), urgent=True)
    if not isinstance(page, list):
        raise Unreachable("the list of orders cannot be read")
    return [each for each in page if isinstance(each, dict)]


def _before(ns: int) -> dt.datetime:
    # exclusive at the broker, and in whole microseconds here: an overlap is taken out again
    return moment(ns) - dt.timedelta(microseconds=1)


def _since(payload: Mapping[str, Any], since_ns: int | None) -> bool:
    submitted = time_ns(payload.get("submitted_at"))
    return since_ns is None or submitted is None or submitted >= since_ns
