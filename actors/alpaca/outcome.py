"""What came of a request, and what it means in the seam's words.

KEY INPUT: an HTTP status and body.
KEY OUTPUT: Reply, Refusal or Silence; Accepted, Rejected or Unknown; a payload, or Unreachable.
"""

from collections.abc import Mapping
from contextlib import suppress
from json import loads
from typing import Any, NamedTuple, TypeVar

from actors.alpaca.decode import Decoder
from actors.alpaca.refusals import classify
from actors.alpaca.words import ended_by
from actors.venue import Accepted, Answer, Denied, Rejected, Unknown, Unreachable

T = TypeVar("T")

LIMITED = 429
"""HTTP status: too many requests; not looked at."""

_DUPLICATE = 40010001
_TIMED_OUT = 408


class Reply(NamedTuple):
    """What was asked for was done, or answered."""

    payload: Any


class Refusal(NamedTuple):
    """It was certainly not done."""

    status: int
    code: int
    """Alpaca's own; the HTTP status where there is none."""
    reason: str


class Silence(NamedTuple):
    """No answer, or none that says whether it was done."""

    reason: str


Outcome = Reply | Refusal | Silence


def judge(status: int, body: str) -> Outcome:
    """Return what an error answer means: Silence unless it certainly was refused."""
    said: object = None
    with suppress(ValueError):
        said = loads(body)
    fields = said if isinstance(said, Mapping) else {}
    code = fields.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) else status
    message = str(fields.get("message") or f"HTTP {status}, no reason given")
    if status < 400 or status >= 500 or status == _TIMED_OUT:
        return Silence(f"HTTP {status}: {message}" if fields else f"HTTP {status}")
    if number == _DUPLICATE and "client_order_id" in message:
        return Silence(message)
    return Refusal(status, number, message)


def answer_of(outcome: Outcome, decoder: Decoder) -> Answer:
    """Return the answer to a submit, cancel or replacement."""
    if isinstance(outcome, Refusal):
        kind = classify(outcome.reason, outcome.code, outcome.status)
        return Rejected(outcome.reason, outcome.code, kind, ended_by(outcome.reason))
    if not isinstance(outcome, Reply):
        return Unknown(outcome.reason)
    order = decoder.order(outcome.payload)
    return Unknown("an answer that cannot be read") if order is None else Accepted(order)


def payload_of(outcome: Outcome) -> Any:
    """Return the answer to a question; raises Denied, or Unreachable if there is none."""
    if isinstance(outcome, Reply):
        return outcome.payload
    if isinstance(outcome, Refusal) and outcome.status != LIMITED:
        raise Denied(outcome.reason, outcome.code)
    raise Unreachable(outcome.reason)


def readable(value: T | None, what: str) -> T:
    """Return what was read; raises Unreachable if it could not be."""
    if value is None:
        raise Unreachable(f"{what} cannot be read")
    return value
