"""The account's activities beside trading, all pages.

KEY INPUT: the trading API; a day.
KEY OUTPUT: payloads, oldest first, each once.
"""

import datetime as dt
from typing import Any

from alpaca.trading.client import TradingClient

from actors.alpaca.rest import Api
from actors.venue import Unreachable

PAGE = 100
MOST_PAGES = 20
"""Of a day's activities; what is beyond is not asked for."""


async def activities(trading: Api[TradingClient], since: dt.date) -> list[dict[str, Any]]:
    """Return the non-trade activities of a day and later. Raises Unreachable."""
    # `after` leaves the day itself out
    fields = {
        "after": str(since - dt.timedelta(days=1)),
        "category": "non_trade_activity",
        "direction": "asc",
        "page_size": str(PAGE),
    }
    found: dict[str, dict[str, Any]] = {}
    for _ in range(MOST_PAGES):
        page = await _page(trading, fields)
        known = len(found)
        found.update((str(each.get("id")), each) for each in page)
        if len(page) < PAGE or len(found) == known:
            break
        fields["page_token"] = str(page[-1].get("id"))
    return list(found.values())


async def _page(trading: Api[TradingClient], fields: dict[str, str]) -> list[dict[str, Any]]:
    page = await trading.ask(lambda client: client.get("/account/activities", fields))
    if not isinstance(page, list):
        raise Unreachable("the list of activities cannot be read")
    return [each for each in page if isinstance(each, dict)]
