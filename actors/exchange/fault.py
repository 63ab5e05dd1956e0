"""A fault: what goes wrong, when, how often, for how long.

KEY INPUT: a table of a TOML script, or the JSON of POST /control/fault.
KEY OUTPUT: a Fault; BadInputError that names what is wrong with it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.exchange.wire import SECOND_NS, Json, new_york
from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK
from engine.market.frames import MINUTE_NS, Session

FOR_EVER = 10**9
"""Seconds or hits that never run out."""
_STREAMS = ("market", "trades", "all")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of fault does, and its parameters with their defaults."""

    words: str
    count: int
    """How many requests, events or fills it hits, unless told."""
    seconds: float
    """Session seconds for which it is on, unless told."""
    parameters: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    # requests
    "gateway_timeout": Kind("obeyed, then answered 504", 1, FOR_EVER, {"method": "POST"}),
    "rate_limit": Kind("answered 429, not obeyed", 1, FOR_EVER, {"reset_seconds": 5.0}),
    "html_502": Kind("answered 502 in HTML, not obeyed", 1, FOR_EVER),
    "stall": Kind("not answered", 1, FOR_EVER, {"obeyed": False, "stall_seconds": 30.0}),
    "reject": Kind("an order is rejected, by event or by answer", 1, FOR_EVER, {"how": "event"}),
    "restart": Kind("all sockets drop, requests are answered 503", FOR_EVER, 5.0),
    "skew": Kind("/v2/clock is wrong", FOR_EVER, 60.0, {"skew_seconds": 3.0}),
    "unknown": Kind("unknown fields and enum values in answers and events", FOR_EVER, 60.0),
    "slow_cancel": Kind("cancellations take time", FOR_EVER, 60.0, {"cancel_seconds": 2.0}),
    # sockets
    "mute": Kind("sockets stand and say nothing", FOR_EVER, FOR_EVER, {"stream": "market"}),
    "drop": Kind("sockets break without a close frame", FOR_EVER, 0.0, {"stream": "all"}),
    "half_open": Kind("sockets hear and say nothing, pings too", FOR_EVER, 0.0, {"stream": "all"}),
    "connection_limit": Kind(
        "sockets drop, new ones are refused: 406 (trades: HTTP 429)", FOR_EVER, 90.0,
        {"stream": "market", "code": 406},
    ),
    "symbol_limit": Kind(
        "subscriptions beyond it are refused: 405", FOR_EVER, 0.0, {"limit": 30, "channel": ""}
    ),
    # the order stream
    "duplicate": Kind("an event comes twice", 1, FOR_EVER, {"event": ""}),
    "missing": Kind("an event does not come", 1, FOR_EVER, {"event": ""}),
    "late": Kind("an event comes late", 1, FOR_EVER, {"event": "", "late_seconds": 10.0}),
    "reorder": Kind("two events change places", 2, FOR_EVER, {"event": "", "wait_seconds": 5.0}),
    # the market
    "halt": Kind("a symbol does not trade", FOR_EVER, 300.0, {"symbol": ""}),
    "partial": Kind("fills come in pieces", 1, FOR_EVER, {"pieces": 3}),
    "thin": Kind("less of each bar can be had", FOR_EVER, 120.0, {"share": 0.05}),
    "late_bars": Kind("a minute's bars come late", 1, FOR_EVER, {"late_seconds": 3.0}),
    "missing_bars": Kind("a minute's bars do not come", 1, FOR_EVER),
    "revised_bars": Kind("a minute's bars come again, revised, 30 s later", 1, FOR_EVER),
}  # fmt: skip
REST = ("gateway_timeout", "rate_limit", "html_502", "stall")
EVENTS = ("missing", "duplicate", "late", "reorder")
SOCKETS = ("mute", "drop", "half_open", "connection_limit", "restart")
"""What begins by doing something to sockets that stand."""


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
    stream = parameters.get("stream", "all")
    if stream not in _STREAMS:
        raise BadInputError(f"fault {name}: stream {stream!r}: one of {', '.join(_STREAMS)}")
    if parameters.get("how", "event") not in ("event", "answer"):
        raise BadInputError(f"fault {name}: how {parameters['how']!r}: event or answer")
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
