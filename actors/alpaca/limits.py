"""How often Alpaca may be asked: one token bucket per API, with a lane for what must not wait.

KEY INPUT: the rate headers of each answer.
KEY OUTPUT: a permit per request, at once or when there is room.

Two bounds hold together: our own refilling bucket, and what the server said is left until its
window ends. Exits, cancels, stops and look-ups may use every token; the rest leaves a reserve.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import trio

RESERVE = 40
"""Requests kept for the urgent lane."""

_LONGEST_WINDOW = 60.0
_SHORTEST_WAIT = 0.01
_LEAST_REST = 0.25
"""Seconds after a 429, though its window should be over: headers have whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSaid:
    """What an answer's headers say about the rate; None where they say nothing."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    """Until the server's window ends."""


def read_rate(headers: Mapping[str, str], seconds: float, *, dated: bool = True) -> RateSaid:
    """Read X-Ratelimit-* and Retry-After.

    The reset is counted from the answer's own Date if it is `dated` in the server's time, else
    from ours: a local exchange resets in session time, and dates by the wall.
    """
    reset = _number(headers.get("X-Ratelimit-Reset"))
    retry = _number(headers.get("Retry-After"))
    limit = _number(headers.get("X-Ratelimit-Limit"))
    remaining = _number(headers.get("X-Ratelimit-Remaining"))
    if retry is None and reset is not None:
        retry = reset - _date(headers.get("Date") if dated else None, seconds)
    return RateSaid(
        limit=None if limit is None or limit < 1 else int(limit),
        remaining=None if remaining is None else max(0, int(remaining)),
        reset_seconds=None if retry is None else min(max(retry, 0.0), _LONGEST_WINDOW),
    )


class TokenBucket:
    """Requests that may still be made, for one API; used from one Trio thread."""

    def __init__(
        self,
        per_minute: int,
        reserve: int = RESERVE,
        *,
        seconds: Callable[[], float] = trio.current_time,
        sleep: Callable[[float], Awaitable[object]] = trio.sleep,
    ) -> None:
        """Start full; `seconds` and `sleep` are the clock's that the server counts by."""
        self._seconds = seconds
        self._sleep = sleep
        self._limit = per_minute
        self._reserve = reserve
        self._tokens = float(per_minute)
        self._at: float | None = None
        self._server_left: int | None = None
        self._server_until = 0.0
        self._in_flight = 0

    async def acquire(self, *, urgent: bool) -> None:
        """Take a permit; waits until there is one. Give it back with `done`."""
        while True:
            wait = self._wait(urgent=urgent)
            if wait <= 0:
                break
            await self._sleep(wait)
        self._tokens -= 1
        self._in_flight += 1
        if self._server_left is not None:
            self._server_left -= 1

    def done(self) -> None:
        """Say that the request of a permit is over."""
        self._in_flight -= 1

    def note(self, said: RateSaid, *, limited: bool) -> None:
        """Take in what an answer said; `limited` if it was a 429."""
        if said.limit is not None:
            self._refill()
            self._limit = said.limit
            self._tokens = min(self._tokens, self._limit)
        remaining = 0 if limited else said.remaining
        if remaining is None:
            return
        seconds = said.reset_seconds
        if seconds is None:
            seconds = 1.0 if limited else _LONGEST_WINDOW
        if limited:
            seconds = max(seconds, _LEAST_REST)
        self._server_left = remaining - (0 if limited else self._in_flight)
        self._server_until = self._seconds() + seconds

    def available(self) -> float:
        """Return how many requests may be made now, by both bounds."""
        self._refill()
        if self._server_left is None:
            return self._tokens
        return min(self._tokens, self._server_left)

    def _refill(self) -> None:
        now = self._seconds()
        if self._at is not None and now < self._at:
            self._server_left = None  # the clock was set back: what was said of it is void
        elif self._at is not None:
            self._tokens = min(self._limit, self._tokens + (now - self._at) * self._limit / 60)
        self._at = now
        if self._server_left is not None and now >= self._server_until:
            self._server_left = None

    def _wait(self, *, urgent: bool) -> float:
        floor = 1.0 if urgent else 1.0 + min(self._reserve, self._limit // 2)
        if self.available() >= floor:
            return 0.0
        wait = (floor - self._tokens) * 60 / self._limit
        if self._server_left is not None and self._server_left < floor:
            wait = max(wait, self._server_until - self._seconds())
        return max(wait, _SHORTEST_WAIT)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e18 else None


def _date(text: str | None, seconds: float) -> float:
    try:
        return parsedate_to_datetime(text).timestamp() if text else seconds
    except ValueError:
        return seconds
