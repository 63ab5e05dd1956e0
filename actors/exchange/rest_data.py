"""The market-data API (/v2/stocks): bars with paging, latest quotes, bars and trades.

KEY INPUT: Starlette requests that passed the gate.
KEY OUTPUT: Alpaca's JSON; of the running minute only its quote.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.exchange.floor import Floor
from actors.exchange.gate import answer
from actors.exchange.market import ShownBar
from actors.exchange.market_stream import bar_fields, quote_json
from actors.exchange.refusal import DUPLICATE, Refusal
from actors.exchange.wire import Json, read_time, read_whole, rfc3339
from engine.market.frames import MINUTE_NS

_PAGE, _MOST = 1000, 10_000


class _Asked(NamedTuple):
    symbols: list[str]
    start_ns: int
    end_ns: int
    limit: int
    descending: bool
    token: tuple[str, int] | None
    """The last bar of the page before."""


class DataApi:
    """The handlers."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        return [
            Route("/v2/stocks/bars", self.bars),
            Route("/v2/stocks/bars/latest", self.latest_bars),
            Route("/v2/stocks/quotes/latest", self.latest_quotes),
            Route("/v2/stocks/trades/latest", self.latest_trades),
            Route("/v2/stocks/{symbol}/bars", self.bars),
            Route("/v2/stocks/{symbol}/bars/latest", self.latest_bars),
            Route("/v2/stocks/{symbol}/quotes/latest", self.latest_quotes),
            Route("/v2/stocks/{symbol}/trades/latest", self.latest_trades),
        ]

    async def bars(self, request: Request) -> Response:
        """GET bars: by symbol, then time; at most `limit` in all; the token goes on from there."""
        asked = self._read(request)
        page: list[ShownBar] = []
        for symbol in asked.symbols:
            page += self._bars_of(symbol, asked, asked.limit + 1 - len(page))
            if len(page) > asked.limit:
                break
        token = _token(page[asked.limit - 1]) if len(page) > asked.limit else None
        found: dict[str, list[Json]] = {}
        for shown in page[: asked.limit]:
            told = self._floor.faults.bars.shown(shown)
            found.setdefault(shown.symbol, []).append(_spelled(bar_fields(told)))
        single = request.path_params.get("symbol")
        if single is not None:
            rows = found.get(single.upper(), [])
            return answer({"symbol": single.upper(), "bars": rows, "next_page_token": token})
        return answer({"bars": found, "next_page_token": token})

    async def latest_quotes(self, request: Request) -> Response:
        """GET the quotes of this moment."""
        market, now = self._floor.market, self._floor.clock.now_ns

        def quote(symbol: str) -> Json | None:
            found = market.quote(symbol)
            return None if found is None else _spelled(quote_json(found, now))

        return self._latest(request, "quote", quote)

    async def latest_bars(self, request: Request) -> Response:
        """GET the newest bar that is over."""

        def bar(symbol: str) -> Json | None:
            shown = self._floor.market.latest(symbol)
            if shown is None:
                return None
            return _spelled(bar_fields(self._floor.faults.bars.shown(shown)))

        return self._latest(request, "bar", bar)

    async def latest_trades(self, request: Request) -> Response:
        """GET the price of this moment as a trade of one lot."""
        market, now = self._floor.market, self._floor.clock.now_ns

        def trade(symbol: str) -> Json | None:
            price = market.price(symbol)
            if price is None:
                return None
            return {
                "t": rfc3339(now), "x": "V", "p": price, "s": 100, "c": ["@"], "i": now, "z": "B",
            }  # fmt: skip

        return self._latest(request, "trade", trade)

    def _latest(self, request: Request, name: str, of: Callable[[str], Json | None]) -> Response:
        single = request.path_params.get("symbol")
        found = {s: x for s in self._symbols(request) if (x := of(s)) is not None}
        if single is not None:
            return answer({"symbol": single.upper(), name: found.get(single.upper())})
        return answer({f"{name}s": found})

    def _symbols(self, request: Request) -> list[str]:
        text = request.path_params.get("symbol") or request.query_params.get("symbols", "")
        asked = {part.strip().upper() for part in text.split(",") if part.strip()}
        if not asked:
            raise _bad("symbols is required")
        return [symbol for symbol in self._floor.market.symbols if symbol in asked]

    def _read(self, request: Request) -> _Asked:
        asked, now = request.query_params, self._floor.clock.now_ns
        frame = asked.get("timeframe", "1Min")
        if frame not in ("1Min", "1T"):
            raise _bad(f"invalid timeframe: {frame}; this exchange has 1Min")
        sort = asked.get("sort", "asc")
        if sort not in ("asc", "desc"):
            raise _bad(f"invalid sort: {sort}")
        midnight = self._floor.market.session.open_ns // (24 * 60 * MINUTE_NS) * 24 * 60 * MINUTE_NS
        start, end = _moment(asked, "start", midnight), _moment(asked, "end", now)
        if end < start:
            raise _bad("end should not be before start")
        return _Asked(
            symbols=self._symbols(request),
            start_ns=start,
            end_ns=end,
            limit=_limit(asked),
            descending=sort == "desc",
            token=_read_token(asked.get("page_token")),
        )

    def _bars_of(self, symbol: str, asked: _Asked, most: int) -> list[ShownBar]:
        start, end = asked.start_ns, asked.end_ns
        if asked.token is not None:
            last, ts_ns = asked.token
            if symbol < last:
                return []
            if symbol == last and asked.descending:
                end = min(end, ts_ns - MINUTE_NS)
            elif symbol == last:
                start = max(start, ts_ns + MINUTE_NS)
        return self._floor.market.shown(symbol, start, end, most, newest=asked.descending)


def _bad(message: str) -> Refusal:
    return Refusal(400, DUPLICATE, message)


def _spelled(fields: Json) -> Json:
    return {**fields, "t": rfc3339(fields["t"])}


def _moment(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name)
    if text is None:
        return default
    try:
        return read_time(text.replace(" ", "+"))
    except ValueError:
        raise _bad(f"invalid {name}: {text}") from None


def _limit(asked: Mapping[str, str]) -> int:
    try:
        limit = read_whole(asked.get("limit", str(_PAGE)))
    except ValueError:
        limit = 0
    if not 1 <= limit <= _MOST:
        raise _bad(f"limit must be from 1 to {_MOST}")
    return limit


def _token(last: ShownBar) -> str:
    return base64.urlsafe_b64encode(f"{last.symbol}|{last.start_ns}".encode()).decode()


def _read_token(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        symbol, _, stamp = base64.urlsafe_b64decode(text).decode().partition("|")
        ts_ns = int(stamp[:20])
    except (ValueError, binascii.Error):
        raise _bad("invalid page_token") from None
    return symbol, ts_ns
