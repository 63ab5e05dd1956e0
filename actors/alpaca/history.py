"""Bars of the past and latest quotes, by REST.

KEY INPUT: symbols, a span of time.
KEY OUTPUT: minute bars of every page; quotes.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from alpaca.common.enums import Sort
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockLatestQuoteRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from actors.alpaca.decode import Decoder
from actors.alpaca.rest import Api
from actors.alpaca.scalars import moment
from actors.venue import Bar, Quote, Unreachable

_PAGE = 10_000
_MINUTE = TimeFrame(1, TimeFrameUnit.Minute)  # type: ignore[no-untyped-call, arg-type, unused-ignore]


class History:
    """The market data API of one feed.

    Prices are as they were traded unless `adjustment` is SPLIT: then a split between then and now
    is taken out, so that it is no return that a learner sees.
    """

    def __init__(
        self,
        data: Api[StockHistoricalDataClient],
        decoder: Decoder,
        feed: str,
        adjustment: Adjustment = Adjustment.RAW,
    ) -> None:
        self._data = data
        self._adjustment = adjustment
        self._decoder = decoder
        self._feed = DataFeed(feed)

    async def bars(self, symbols: Sequence[str], start_ns: int, end_ns: int) -> list[Bar]:
        """Return the minute bars that start in [start, end), by symbol and time, all pages.

        Raises Unreachable, or Denied (a recent span of sip without its subscription).
        """
        if not symbols or end_ns <= start_ns:
            return []
        found = [bar async for bar in self._all(symbols, start_ns, end_ns)]
        wanted = {(bar.symbol, bar.start_ns): bar for bar in found}
        return [wanted[key] for key in sorted(wanted) if start_ns <= key[1] < end_ns]

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes; a symbol without one, or with one side alone, is missing."""
        if not symbols:
            return {}
        request = StockLatestQuoteRequest(symbol_or_symbols=list(symbols), feed=self._feed)
        answer = await self._get("/stocks/quotes/latest", request.to_request_fields())
        payloads = answer.get("quotes")
        if not isinstance(payloads, dict):
            raise Unreachable("the quotes cannot be read")
        read = (self._decoder.quote(symbol, each) for symbol, each in payloads.items())
        return {quote.symbol: quote for quote in read if quote is not None}

    async def _all(self, symbols: Sequence[str], start_ns: int, end_ns: int) -> AsyncIterator[Bar]:
        fields = self._bars_request(symbols, start_ns, end_ns)
        while True:
            answer = await self._get("/stocks/bars", fields)
            payloads = answer.get("bars") or {}
            if not isinstance(payloads, dict):
                raise Unreachable("the bars cannot be read")
            for symbol, bars in payloads.items():
                for payload in bars if isinstance(bars, list) else ():
                    bar = self._decoder.bar(symbol, payload)
                    if bar is not None:
                        yield bar
            token = answer.get("next_page_token")
            if not token:
                return
            if token == fields.get("page_token"):
                raise Unreachable("the pages of bars do not end")
            fields = fields | {"page_token": token}

    def _bars_request(self, symbols: Sequence[str], start_ns: int, end_ns: int) -> dict[str, Any]:
        return StockBarsRequest(
            symbol_or_symbols=list(symbols),
            timeframe=_MINUTE,
            start=moment(start_ns),
            end=moment(end_ns - 1),  # the end is inclusive at Alpaca
            limit=_PAGE,
            adjustment=self._adjustment,
            feed=self._feed,
            sort=Sort.ASC,
        ).to_request_fields()

    async def _get(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        answer = await self._data.ask(lambda client: client.get(path, fields))
        if not isinstance(answer, dict):
            raise Unreachable(f"{path}: an answer that cannot be read")
        return answer
