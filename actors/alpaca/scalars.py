"""Numbers, money and moments as Alpaca writes them.

KEY INPUT: text, numbers or msgpack timestamps.
KEY OUTPUT: micro-dollars, floats, UTC ns; None for what cannot be read.
"""

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from engine.events import MICRO

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?")
_NS = 1_000_000_000
_NEW_YORK = ZoneInfo("America/New_York")


def micro(value: object) -> int | None:
    """Return a price in micro-dollars, exactly if it has at most six decimals; None for none."""
    number = decimal(value)
    return None if number is None else int((number * MICRO).to_integral_value())


def time_ns(value: object) -> int | None:
    """Return UTC ns of an RFC 3339 text or a msgpack timestamp; None if it is neither."""
    nano = getattr(value, "to_unix_nano", None)
    if nano is not None:
        return int(nano())
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{day}T{clock}{zone or 'Z'}")
    except ValueError:
        return None
    return int(moment.timestamp()) * _NS + int((fraction or "0")[:9].ljust(9, "0"))


def decimal(value: object) -> Decimal | None:
    """Return a number, exactly as it was written; None if it is none, or absurd."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 12 else None


def real(value: object) -> float | None:
    """Return a number as a float; None if it is none."""
    number = decimal(value)
    return None if number is None else float(number)


def moment(ns: int) -> dt.datetime:
    """Return UTC ns as a datetime, cut to its microsecond."""
    return dt.datetime.fromtimestamp(ns // _NS, dt.UTC) + dt.timedelta(
        microseconds=ns % _NS // 1000
    )


def new_york_day(ns: int) -> str:
    """Return the date in New York of a moment, as 2026-07-10."""
    return moment(ns).astimezone(_NEW_YORK).date().isoformat()
