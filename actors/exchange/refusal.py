"""What the exchange says when it says no: HTTP status, Alpaca's code, words.

KEY INPUT: what was asked.
KEY OUTPUT: a Refusal, raised at the border and answered as JSON.
"""

from typing import Any

INVALID = 42210000
DUPLICATE = 40010001
INSUFFICIENT = 40310000
NOT_FOUND = 40410000
NO_METHOD = 40510000
UNAUTHORIZED = 40110000
TOO_MANY = 42910000


class Refusal(Exception):  # noqa: N818 - an answer, not an accident
    """A request that is answered with an error."""

    def __init__(self, status: int, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, **details}


def invalid(message: str) -> Refusal:
    """Return the refusal of a request that cannot be understood or obeyed."""
    return Refusal(422, INVALID, message)


def not_found(message: str) -> Refusal:
    """Return the refusal of a question about what is not there."""
    return Refusal(404, NOT_FOUND, message)
