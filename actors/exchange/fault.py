"""A fault: what goes wrong, when, how often, for how long.

KEY INPUT: a table of a TOML script, or the JSON of POST /control/fault.
KEY OUTPUT: a Fault; BadInputError that names what is wrong with it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.exchange.fault_kinds import CHOICES, FOR_EVER, KINDS
from actors.exchange.wire import SECOND_NS, Json, new_york
from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK
from engine.market.frames import MINUTE_NS, Session


@dataclass(slots=True, eq=False)
class Fault:
    """One fault of a schedule."""

    kind: str
    at_ns: int
    left: int
    """How many requests, events or fills it may still hit."""
    seconds: float
    parameters: dict[str, Any]
    begun: bool = False
    hits: int = 0

    @property
    def end_ns(self) -> int:
        """Return from when on it is off."""
        return self.at_ns + round(self.seconds * SECOND_NS)

    def on(self, now_ns: int) -> bool:
        """Return whether it is at work."""
        return self.begun and self.left > 0 and now_ns < self.end_ns

    def hit(self) -> None:
        """Count that it did something."""
        self.left -= 1
        self.hits += 1

    def shown(self) -> Json:
        """Return it as JSON."""
        lasts = {} if self.seconds >= FOR_EVER else {"seconds": self.seconds}
        return {
            "kind": self.kind,
            "at": f"{new_york(self.at_ns):%H:%M:%S}",
            **lasts,
            **({"left": self.left} if self.left < FOR_EVER // 2 else {}),
            **self.parameters,
            "hits": self.hits,
        }


def read_fault(asked: Mapping[str, Any], session: Session, now_ns: int | None = None) -> Fault:
    """Read a fault; without `at` or `minute` it begins now. Raises BadInputError."""
    given = dict(asked)
    name = given.pop("kind", None)
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadInputError(f"fault kind {name!r}: one of {', '.join(KINDS)}")
    at_ns = _moment(given, session, now_ns)
    count, seconds = given.pop("count", kind.count), given.pop("seconds", kind.seconds)
    if not _is_number(count) or not isinstance(count, int) or count < 1:
        raise BadInputError(f"fault {name}: count {count!r} must be a positive whole number")
    if not _is_number(seconds):
        raise BadInputError(f"fault {name}: seconds {seconds!r} must be a number, 0 or more")
    parameters = dict(kind.parameters)
    for key, value in given.items():
        if key not in parameters:
            known = ("at", "minute", "count", "seconds", *parameters)
            raise BadInputError(f"fault {name}: has no {key!r}; it has {', '.join(known)}")
        parameters[key] = _like(name, key, value, parameters[key])
    _check(name, parameters)
    return Fault(str(name), at_ns, count, float(seconds), parameters)


def _check(name: object, parameters: Mapping[str, Any]) -> None:
    for key, value in parameters.items():
        words = CHOICES.get((str(name), key)) or CHOICES.get(("", key))
        if words is not None and value not in words:
            known = ", ".join(word or '""' for word in words)
            raise BadInputError(f"fault {name}: {key} {value!r}: one of {known}")
    if parameters.get("pieces", 1) < 1:
        raise BadInputError(f"fault {name}: pieces must be at least 1")


def _like(name: object, key: str, value: Any, default: Any) -> Any:
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if not (_is_number(value) if number else isinstance(value, type(default))):
        raise BadInputError(f"fault {name}: {key} {value!r} must be like {default!r}")
    return value


def _is_number(value: Any) -> bool:
    """Return whether it is a number that a fault may have: not negative, not beyond all bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= FOR_EVER


def _moment(given: dict[str, Any], session: Session, now_ns: int | None) -> int:
    minute, at = given.pop("minute", None), given.pop("at", None)
    if minute is not None:
        if not _is_number(abs(minute) if isinstance(minute, int | float) else minute):
            raise BadInputError(f"fault at minute {minute!r}: a number, 0 is the bell")
        return session.open_ns + round(float(minute) * MINUTE_NS)
    if at is None:
        if now_ns is None:
            raise BadInputError('a fault of a script needs a minute, or at = "10:15"')
        return now_ns
    try:
        time = at if isinstance(at, dt.time) else dt.time.fromisoformat(str(at))
    except ValueError:
        raise BadInputError(f"fault at {at!r}: a New York time, such as 10:15:30") from None
    moment = dt.datetime.combine(session.date, time, NEW_YORK)
    return round(moment.timestamp()) * SECOND_NS
