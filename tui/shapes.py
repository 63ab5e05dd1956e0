"""What answers and events look like, without what they say: fields, types, words of a few kinds.

KEY INPUT: parsed JSON of two brokers in the same place.
KEY OUTPUT: shapes; where they differ; the JSON without numbers of an account.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d.*)?")
_DIGITS = re.compile(r"\d[\d.,]*")
WORDS = frozenset(
    ("status", "side", "type", "order_type", "order_class", "time_in_force", "event", "asset_class",
     "activity_type", "order_status", "position_intent", "code")
)  # fmt: skip
"""Fields whose very words count."""
_PHRASES = ("message", "reject_reason")
"""Fields whose words count but for numbers and symbols in them."""
_PRIVATE = frozenset(("account_number", "account_id", "id_of_account"))
REDACTED = "redacted"


class Difference(NamedTuple):
    """One place in which two brokers are not alike."""

    where: str
    broker: str
    exchange: str

    @property
    def words(self) -> str:
        """Return it as a sentence."""
        return f"{self.where}: the broker {self.broker}, our exchange {self.exchange}"


def shape(value: Any, name: str = "", symbol: str = "") -> Any:
    """Return the shape of a value: of an object its fields', of a list that of its first item."""
    if isinstance(value, Mapping):
        return {str(key): shape(one, str(key), symbol) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0], name, symbol)] if value else []
    if name in WORDS and value is not None:
        return f"{value!r}"
    if name in _PHRASES and isinstance(value, str):
        plain = _ID.sub("ID", value)
        return repr(_DIGITS.sub("N", plain.replace(symbol, "SYMBOL") if symbol else plain))
    return _type(value)


def differences(where: str, broker: Any, exchange: Any) -> Iterator[Difference]:
    """Tell where two shapes differ, field by field."""
    if isinstance(broker, dict) and isinstance(exchange, dict):
        for key in sorted({*broker, *exchange}):
            place = f"{where}.{key}"
            if key not in exchange:
                yield Difference(place, f"has {_said(broker[key])}", "has no such field")
            elif key not in broker:
                yield Difference(place, "has no such field", f"has {_said(exchange[key])}")
            else:
                yield from differences(place, broker[key], exchange[key])
    elif isinstance(broker, list) and isinstance(exchange, list) and broker and exchange:
        yield from differences(f"{where}[]", broker[0], exchange[0])
    elif broker != exchange:
        yield Difference(where, f"has {_said(broker)}", f"has {_said(exchange)}")


def redacted(value: Any, secret: tuple[str, ...]) -> Any:
    """Return JSON without an account's numbers and without any of the secret texts."""
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if key in _PRIVATE else redacted(one, secret)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [redacted(one, secret) for one in value]
    if isinstance(value, str):
        for text in secret:
            value = value.replace(text, REDACTED)
    return value


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    text = str(value)
    if _ID.fullmatch(text):
        return "an id"
    if _TIME.fullmatch(text):
        return "a time"
    try:
        return "a number as text" if Decimal(text).is_finite() else "text"
    except InvalidOperation:
        return "text" if text else "empty text"


def _said(found: Any) -> str:
    if isinstance(found, dict):
        return "an object"
    if isinstance(found, list):
        return "a list" if found else "an empty list"
    return str(found)
