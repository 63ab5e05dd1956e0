"""What many requests ask in the same way: whose account, which symbol, how many.

KEY INPUT: Starlette requests that passed the gate.
KEY OUTPUT: accounts, symbols, numbers; Refusal for what is not there or makes no sense.
"""

from collections.abc import Mapping

from starlette.requests import Request

from actors.exchange.account import Account
from actors.exchange.market import Market
from actors.exchange.payloads import asset_id
from actors.exchange.refusal import invalid, not_found
from actors.exchange.wire import read_whole


def account_of(request: Request) -> Account:
    """Return the account of the request's keys."""
    return request.scope["rotor.account"]  # type: ignore[no-any-return]


def symbol_of(market: Market, request: Request, words: str) -> str:
    """Return the symbol that the path names, by itself or by its asset id; 404 if there is none."""
    asked = request.path_params["symbol"]
    for symbol in market.symbols:
        if asked.upper() == symbol or asked == asset_id(symbol):
            return symbol
    raise not_found(words)


def number(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a whole number of the query, from 1 to `most`; else 422."""
    text = asked.get(name)
    if text is None:
        return default
    try:
        value = read_whole(text)
    except ValueError:
        value = 0
    if not 1 <= value <= most:
        raise invalid(f"{name} must be from 1 to {most}")
    return value
