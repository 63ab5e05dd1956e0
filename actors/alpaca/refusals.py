"""What kind of refusal Alpaca's answer is: from its HTTP status, its code and its words.

KEY INPUT: status, code and message of an answer that certainly refused; or the reason of a
rejected order, which has words alone.
KEY OUTPUT: RefusalKind.

Code 40310000 stands for anything that an account may not do, so that its words decide; 42210000
for anything wrong with an order. Words are Alpaca's own, as its documentation, its clients' issues
and its forum show them; what is not known is UNKNOWN, and is treated with the most care.
"""

from engine.events import RefusalKind

_KEYS, _RATE = (401, 40110000), (429, 42910000)

_WORDS = (
    (RefusalKind.WASH_TRADE, ("wash trade", "opposite side")),
    (RefusalKind.BUYING_POWER, ("buying power", "insufficient balance", "insufficient day")),
    (
        RefusalKind.SHARES,
        ("insufficient qty", "held_for_orders", "insufficient underlying", "allowed to short",
         "cannot be sold short"),
    ),
    (
        RefusalKind.RESTRICTED,
        ("restricted", "not authorized to trade", "not allowed to trade", "liquidation only",
         "blocked", "suspended by", "trade_suspended", "trading is suspended", "account is closed",
         "not eligible to trade", "pattern day", "by user request"),
    ),
    (
        RefusalKind.NOT_TRADABLE,
        ("not tradable", "not active", "halted", "asset not found", "could not find asset",
         "not found for", "only accept", "market is closed", "not open for trading"),
    ),
    (
        RefusalKind.PRICE_OR_SIZE,
        ("limit_price", "limit price", "stop_price", "stop price", "take_profit", "stop_loss",
         "sub-penny", "increment", "base price", "qty must", "quantity", "notional", "price must",
         "fractional", "minimum", "maximum", "collar", "too far"),
    ),
    (RefusalKind.KEYS, ("unauthorized", "api key", "access key", "not authenticated")),
    (RefusalKind.RATE, ("too many requests", "rate limit")),
)  # fmt: skip


def classify(message: str, code: int = 0, status: int = 0) -> RefusalKind:
    """Return the kind of a refusal."""
    if status in _KEYS or code in _KEYS:
        return RefusalKind.KEYS
    if status in _RATE or code in _RATE:
        return RefusalKind.RATE
    said = message.lower()
    for kind, words in _WORDS:
        if any(word in said for word in words):
            return kind
    return RefusalKind.UNKNOWN
