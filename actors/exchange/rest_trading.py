"""The trading API (/v2) but for orders: account, clock, calendar, assets, activities.

KEY INPUT: Starlette requests that passed the gate.
KEY OUTPUT: Alpaca's JSON; refusals as {code, message}.
"""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.exchange.asking import account_of, number, symbol_of
from actors.exchange.floor import Floor
from actors.exchange.gate import answer
from actors.exchange.payloads import account_json, activities, asset_id
from actors.exchange.refusal import invalid
from actors.exchange.wire import SECOND_NS, Json, new_york
from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK, session_on, sessions_between

_MOST_ORDERS = 500
_MOST_ACTIVITIES = 100
_FAR_NS = 2**63
_YEARS = 1970, 2200


class TradingApi:
    """The handlers."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        return [
            Route("/v2/account", self.account),
            Route("/v2/account/configurations", self.configurations),
            Route("/v2/account/activities", self.activities),
            Route("/v2/account/activities/{kind}", self.activities),
            Route("/v2/clock", self.clock),
            Route("/v2/calendar", self.calendar),
            Route("/v2/assets", self.assets),
            Route("/v2/assets/{symbol}", self.asset),
        ]

    async def account(self, request: Request) -> Response:
        """GET /v2/account."""
        account = account_of(request)
        power = self._floor.broker.admission.buying_power(account)
        return answer(account_json(account, self._floor.market, power))

    async def configurations(self, _: Request) -> Response:
        """GET /v2/account/configurations: as the account is, unchangeable."""
        return answer(
            {
                "fractional_trading": False,
                "max_margin_multiplier": "1",
                "no_shorting": False,
                "suspend_trade": False,
                "trade_confirm_email": "none",
                "ptp_no_exception_entry": False,
            }
        )

    async def clock(self, _: Request) -> Response:
        """GET /v2/clock."""
        floor = self._floor
        now, session = floor.clock.now_ns, floor.market.session
        following = _session_after(session.date)
        opened = now >= session.open_ns
        return answer(
            {
                "timestamp": new_york(now + floor.faults.skew_ns).isoformat(),
                "is_open": session.open_ns <= now < session.close_ns,
                "next_open": new_york(following[0] if opened else session.open_ns).isoformat(),
                "next_close": new_york(
                    session.close_ns if now < session.close_ns else following[1]
                ).isoformat(),
            }
        )

    async def calendar(self, request: Request) -> Response:
        """GET /v2/calendar."""
        year = self._floor.market.session.date.year
        start = _date(request, "start") or dt.date(year, 1, 1)
        end = _date(request, "end") or dt.date(year, 12, 31)
        try:
            sessions = sessions_between(start, end)
        except BadInputError as error:
            raise invalid(str(error)) from None
        return answer(
            [
                {
                    "date": str(session.date),
                    "open": f"{new_york(session.open_ns):%H:%M}",
                    "close": f"{new_york(session.close_ns):%H:%M}",
                    "session_open": "0400",
                    "session_close": "2000",
                }
                for session in sessions
            ]
        )

    async def assets(self, _: Request) -> Response:
        """GET /v2/assets."""
        return answer([asset_json(symbol) for symbol in self._floor.market.symbols])

    async def asset(self, request: Request) -> Response:
        """GET /v2/assets/{symbol or id}."""
        return answer(asset_json(symbol_of(self._floor.market, request, "asset not found")))

    async def activities(self, request: Request) -> Response:
        """GET /v2/account/activities[/{type}]: fills that hold, fees, cash and shares moved."""
        account, asked = account_of(request), request.query_params
        kinds = request.path_params.get("kind") or asked.get("activity_types")
        wanted = kinds.split(",") if kinds else None
        trades = _CATEGORIES.get(asked.get("category", ""))
        first, last = _span(request)
        rows: list[Json] = [
            row
            for ts_ns, row in activities(account)
            if first < ts_ns < last
            if wanted is None or row["activity_type"] in wanted
            if trades is None or trades == (row["activity_type"] == "FILL")
        ]
        if asked.get("direction", "desc") != "asc":
            rows.reverse()
        token = asked.get("page_token")
        ids = [row["id"] for row in rows]
        first = ids.index(token) + 1 if token in ids else 0
        size = number(asked, "page_size", _MOST_ACTIVITIES, _MOST_ACTIVITIES)
        return answer(rows[first : first + size])


_CATEGORIES = {"trade_activity": True, "non_trade_activity": False}


def _span(request: Request) -> tuple[int, int]:
    """Return the moments between which activities are asked for; a date is its whole day."""
    day, after, until = (_date(request, name) for name in ("date", "after", "until"))
    first, last = (after, until) if day is None else (day - dt.timedelta(days=1), day)
    return (
        0 if first is None else _midnight(first + dt.timedelta(days=1)) - 1,
        _FAR_NS if last is None else _midnight(last + dt.timedelta(days=1)),
    )


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), NEW_YORK).timestamp()) * SECOND_NS


def asset_json(symbol: str) -> Json:
    """Return an asset."""
    return {
        "id": asset_id(symbol),
        "class": "us_equity",
        "exchange": "ARCA",
        "symbol": symbol,
        "name": symbol,
        "status": "active",
        "tradable": True,
        "marginable": True,
        "maintenance_margin_requirement": 100,
        "shortable": True,
        "easy_to_borrow": True,
        "fractionable": False,
        "attributes": [],
    }


def _date(request: Request, name: str) -> dt.date | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text[:10])
    except ValueError:
        day = dt.date.min
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise invalid(f"invalid {name}: {text}")
    return day


def _session_after(day: dt.date) -> tuple[int, int]:
    while True:
        day += dt.timedelta(days=1)
        session = session_on(day)
        if session is not None:
            return session.open_ns, session.close_ns
