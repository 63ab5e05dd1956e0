"""What Alpaca knows of the market and of the account beside trading: clock, calendar, assets.

KEY INPUT: questions.
KEY OUTPUT: answers in the terms of actors.venue; Unreachable, or Denied.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from alpaca.trading.client import TradingClient

from actors.alpaca.outcome import readable
from actors.alpaca.rest import Api
from actors.alpaca.scalars import real, time_ns
from actors.market_facts import Asset, MarketClock, MarketDay, Settings
from actors.venue import Denied, Unreachable

Payload = Mapping[str, Any]
ONE_BY_ONE = 50
"""Up to so many symbols are asked for one by one; for more, the whole list of thousands is."""

_NEW_YORK = ZoneInfo("America/New_York")
_NOT_FOUND = (404, 40410000)


class Facts:
    """Questions about one account's broker."""

    def __init__(self, trading: Api[TradingClient]) -> None:
        self._trading = trading

    async def clock(self) -> MarketClock:
        """Return what time it is for the broker."""
        return readable(_clock(await self._get("/clock")), "the clock")

    async def calendar(self, first: dt.date, last: dt.date) -> list[MarketDay]:
        """Return the sessions from `first` to `last`, both included."""
        payload = await self._get("/calendar", {"start": str(first), "end": str(last)})
        days = payload if isinstance(payload, list) else None
        return [readable(_day(each), "a day") for each in readable(days, "the calendar")]

    async def assets(self, symbols: Sequence[str]) -> dict[str, Asset]:
        """Return what may be done with each symbol; one unknown to the broker is missing."""
        if len(symbols) > ONE_BY_ONE:
            payload = await self._get("/assets", {"status": "active", "asset_class": "us_equity"})
            found = [_asset(each) for each in payload] if isinstance(payload, list) else []
        else:
            found = [await self._asset(symbol) for symbol in symbols]
        return {a.symbol: a for a in found if a is not None and a.symbol in symbols}

    async def settings(self) -> Settings | None:
        """Return what the owner has set at the broker; None from one that has no such settings."""
        try:
            payload = await self._get("/account/configurations")
        except Denied:
            return None
        if not isinstance(payload, Mapping):
            raise Unreachable("the account's settings cannot be read")
        return Settings(
            suspended=payload.get("suspend_trade") is True,
            no_shorting=payload.get("no_shorting") is True,
            max_multiplier=real(payload.get("max_margin_multiplier")),
        )

    async def _asset(self, symbol: str) -> Asset | None:
        try:
            return _asset(await self._get(f"/assets/{symbol}"))
        except Denied as error:
            if error.code in _NOT_FOUND:
                return None
            raise

    async def _get(self, path: str, fields: dict[str, str] | None = None) -> Any:
        return await self._trading.ask(lambda client: client.get(path, fields))


def _clock(payload: object) -> MarketClock | None:
    if not isinstance(payload, Mapping):
        return None
    now = time_ns(payload.get("timestamp"))
    following = time_ns(payload.get("next_open")), time_ns(payload.get("next_close"))
    if now is None or following[0] is None or following[1] is None:
        return None
    return MarketClock(now, payload.get("is_open") is True, following[0], following[1])


def _day(payload: object) -> MarketDay | None:
    if not isinstance(payload, Mapping):
        return None
    try:
        date = dt.date.fromisoformat(str(payload.get("date")))
        opens, closes = (dt.time.fromisoformat(str(payload.get(k))) for k in ("open", "close"))
    except ValueError:
        return None
    return MarketDay(date, _ns(date, opens), _ns(date, closes))


def _ns(date: dt.date, time: dt.time) -> int:
    return int(dt.datetime.combine(date, time, _NEW_YORK).timestamp()) * 1_000_000_000


def _asset(payload: object) -> Asset | None:
    if not isinstance(payload, Mapping) or not payload.get("symbol"):
        return None
    names = ("tradable", "marginable", "shortable", "easy_to_borrow", "fractionable")
    flags = {name: payload.get(name) is True for name in names}
    return Asset(str(payload["symbol"]), str(payload.get("status")), **flags)
