"""How times and money look on the wire, and how they are read from it.

KEY INPUT: UTC ns, micro-dollars; strings and numbers of a request.
KEY OUTPUT: RFC 3339 times, decimal strings that lose nothing.
"""

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Any

from engine.events import MICRO
from engine.market.calendar import NEW_YORK

Json = dict[str, Any]
SECOND_NS = 1_000_000_000
_AVERAGE = Decimal(1).scaleb(-12)
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_MOST_MICRO = 10**9 * MICRO
"""No price, and no number of shares, is larger."""


def rfc3339(ts_ns: int) -> str:
    """Return a moment as Alpaca writes it: UTC, fraction only if there is one."""
    seconds, rest = divmod(ts_ns, SECOND_NS)
    text = f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}"
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else f"{text}Z"


def new_york(ts_ns: int) -> dt.datetime:
    """Return a moment in New York, to the microsecond."""
    seconds, rest = divmod(ts_ns, SECOND_NS)
    moment = dt.datetime.fromtimestamp(seconds, NEW_YORK)
    return moment.replace(microsecond=rest // 1000)


def read_time(text: str) -> int:
    """Return UTC ns of an RFC 3339 time or a date (midnight UTC); raises ValueError."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        whole = int(moment.replace(microsecond=0).timestamp())
    except OverflowError:
        raise ValueError(text) from None
    return whole * SECOND_NS + moment.microsecond * 1000


def read_whole(text: str) -> int:
    """Return a whole number of a request, of nine digits at most; raises ValueError."""
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(text)
    return int(text)


def usd(micro: int) -> str:
    """Return micro-dollars as a decimal string, exact, without trailing zeros."""
    whole, rest = divmod(abs(micro), MICRO)
    text = f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if micro < 0 else text


def average(value_micro: int, shares: int) -> str:
    """Return the price per share: exact if it is, else to 12 decimals, so that × shares is."""
    if value_micro % shares == 0:
        return usd(value_micro // shares)
    price = (Decimal(value_micro) / shares / MICRO).quantize(_AVERAGE)
    return f"{price:f}".rstrip("0").rstrip(".")


def ratio(part: int, whole: int) -> str:
    """Return part / whole to 6 decimals, 0 of nothing."""
    return f"{part / whole:.6f}" if whole else "0"


def micro_of(value: object) -> int:
    """Return a price of a request in micro-dollars; raises ValueError if it is none."""
    text = str(value)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text[:40])
    micro = Decimal(text) * MICRO
    if abs(micro) > _MOST_MICRO or micro != micro.to_integral_value():
        raise ValueError(text[:40])
    return int(micro)


def stable_id(*parts: object) -> str:
    """Return a UUID that is a function of its parts: the same session gives the same ids."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(str(part) for part in parts)))
