"""The newest quote of each symbol, as the bar stream's thread hears them.

KEY INPUT: items of the market data stream, in its thread.
KEY OUTPUT: a symbol's quote of the running minute, to whoever asks; nothing crosses for it.

A stream that stands has told of every change, so that its newest quote is the market's, however
long ago it came. But a stream can be dead for half a minute before anybody knows. So a quote holds
on the connection it came by, for the minute that it is stamped with: what is decided at a minute's
begin then rests on a quote of seconds ago, or on an answer by REST; and the local exchange, whose
quotes change once a minute, is not asked for what it has just told.
"""

import logging
from typing import Any

from actors.alpaca.decode import Decoder
from actors.venue import Quote
from engine.market.frames import MINUTE_NS

Payload = dict[str, Any]
_log = logging.getLogger("rotor")


class Quotes:
    """The newest quotes of the connection that stands."""

    def __init__(self, decoder: Decoder) -> None:
        self.refused = ""
        """Why they are not streamed; from then on they are not asked for again."""
        self._decoder = decoder
        self._newest: dict[str, Payload] = {}

    def begin(self) -> dict[str, Payload]:
        """Forget what an earlier connection told; return where a new one puts what it hears."""
        self._newest = {}
        return self._newest

    def refuse(self, reason: str) -> None:
        """Do without them: the feed takes the bars, and no more."""
        if not self.refused:
            self.refused = reason
            _log.warning("quotes are not streamed, but asked for one by one: %s", reason)

    def at(self, symbol: str, now_ns: int) -> Quote | None:
        """Return a symbol's quote if it is of the running minute and has both sides."""
        payload = self._newest.get(symbol)
        quote = None if payload is None else self._decoder.quote(symbol, payload)
        if quote is None or quote.at_ns // MINUTE_NS != now_ns // MINUTE_NS:
            return None
        return quote._replace(streamed=True)


def keep_quotes(items: list[Any], newest: dict[str, Payload]) -> list[Any]:
    """Put the quotes among a frame's items away, the last of each symbol; return the rest."""
    rest = []
    for item in items:
        if isinstance(item, dict) and item.get("T") == "q" and isinstance(item.get("S"), str):
            newest[item["S"]] = item
        else:
            rest.append(item)
    return rest
