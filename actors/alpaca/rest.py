"""The one place that calls alpaca-py's REST clients: deadlines, rate, and what an answer means.

KEY INPUT: a call of one of the two clients.
KEY OUTPUT: a Reply, a Refusal that is certain, or Silence: whether it was done is not known.

A call runs in a worker thread, where requests' own time-outs end it; Trio's deadline is the second
line. alpaca-py's own retry, which posts orders twice, is off. A GET is asked again after a 429; a
POST, PATCH or DELETE as well, since a 429 says that it was not looked at, and after nothing else.
"""

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import trio
import urllib3
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient
from requests.adapters import HTTPAdapter

from actors.alpaca.keys import Keys
from actors.alpaca.limits import RateSaid, TokenBucket, read_rate
from actors.alpaca.names import unresolved
from actors.alpaca.outcome import LIMITED, Outcome, Refusal, Reply, Silence, judge, payload_of

C = TypeVar("C", bound=RESTClient)
Clock = Callable[[], int]
"""The wall's time, UTC ns."""

_NS = 1_000_000_000
_URGENT_THREADS, _OTHER_THREADS = 16, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long an answer may take, in seconds of wall time."""

    connect: float = 3.0
    read: float = 10.0
    whole: float = 15.0
    """Permit, thread and repetitions together."""


class Api(Generic[C]):
    """One of Alpaca's APIs: a client, its rate, its threads."""

    def __init__(
        self,
        client: C,
        deadlines: Deadlines,
        per_minute: int,
        clock: Clock,
        *,
        local: bool,
        sleep: Callable[[float], Awaitable[object]] = trio.sleep,
    ) -> None:
        self.client = client
        self._clock = clock
        self._local = local
        self.bucket = TokenBucket(per_minute, seconds=lambda: clock() / _NS, sleep=sleep)
        self._deadlines = deadlines
        self._threads = {
            True: trio.CapacityLimiter(_URGENT_THREADS),
            False: trio.CapacityLimiter(_OTHER_THREADS),
        }
        self._heard = threading.local()
        self._calls = 0
        client._retry = 0
        session = client._session
        session.trust_env = not local  # a proxy of the environment is no way to loopback
        for scheme in ("http://", "https://"):
            session.mount(scheme, _TimedAdapter(deadlines))
        session.hooks["response"].append(self._hear)

    @property
    def in_flight(self) -> int:
        """Return how many calls are on their way."""
        return self._calls

    async def ask(self, call: Callable[[C], Any], *, urgent: bool = False) -> Any:
        """Return the answer to a question.

        Raises Denied if it was refused for good, Unreachable if no answer came.
        """
        return payload_of(await self.send(call, urgent=urgent))

    async def send(self, call: Callable[[C], Any], *, urgent: bool) -> Outcome:
        """Make a call; again after a 429, as soon as there is room, until the deadline."""
        outcome: Outcome = Refusal(LIMITED, LIMITED, "not sent: the rate limit left no room")
        with trio.move_on_after(self._deadlines.whole):
            while _limited(outcome):
                await self.bucket.acquire(urgent=urgent)
                outcome = Silence(f"no answer within {self._deadlines.whole:g} s")
                outcome = await self._once(call, urgent=urgent)
        return outcome

    async def _once(self, call: Callable[[C], Any], *, urgent: bool) -> Outcome:
        self._calls += 1
        try:
            outcome, said = await trio.to_thread.run_sync(
                partial(self._work, call), abandon_on_cancel=True, limiter=self._threads[urgent]
            )
        finally:
            self._calls -= 1
            self.bucket.done()
        self.bucket.note(said, limited=_limited(outcome))
        return outcome

    def _work(self, call: Callable[[C], Any]) -> tuple[Outcome, RateSaid]:
        self._heard.response = None
        outcome = self._call(call)
        response: requests.Response | None = self._heard.response
        if response is None:
            return outcome, RateSaid()
        if isinstance(outcome, Reply) and response.status_code >= 300:
            outcome = Silence(f"HTTP {response.status_code} where an answer was expected")
        return outcome, read_rate(response.headers, self._clock() / _NS, dated=not self._local)

    def _call(self, call: Callable[[C], Any]) -> Outcome:
        try:
            return Reply(call(self.client))
        except APIError as error:
            return judge(error.status_code or 0, str(error))
        except requests.JSONDecodeError:
            return Silence("an answer that is no JSON")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Silence(_in_words(error))
        except ValueError as error:
            return Silence(f"an unreadable answer: {type(error).__name__}")

    def _hear(self, response: requests.Response, **_: object) -> None:
        self._heard.response = response


class Rest:
    """Both of Alpaca's REST clients, hardened."""

    def __init__(
        self,
        keys: Keys,
        *,
        paper: bool,
        endpoint: str | None,
        deadlines: Deadlines,
        clock: Clock,
        trading_per_minute: int = 200,
        data_per_minute: int = 200,
        sleep: Callable[[float], Awaitable[object]] = trio.sleep,
    ) -> None:
        local = endpoint is not None
        self.trading = Api(
            TradingClient(
                keys.key_id, keys.secret, paper=paper, raw_data=True, url_override=endpoint
            ),
            deadlines,
            trading_per_minute,
            clock,
            local=local,
            sleep=sleep,
        )
        self.data = Api(
            StockHistoricalDataClient(
                keys.key_id, keys.secret, raw_data=True, url_override=endpoint
            ),
            deadlines,
            data_per_minute,
            clock,
            local=local,
            sleep=sleep,
        )

    @property
    def in_flight(self) -> int:
        """Return how many calls are on their way."""
        return self.trading.in_flight + self.data.in_flight


class _TimedAdapter(HTTPAdapter):
    """Gives every request of a session its time-outs: alpaca-py gives none."""

    def __init__(self, deadlines: Deadlines) -> None:
        super().__init__(pool_maxsize=_URGENT_THREADS + _OTHER_THREADS, max_retries=0)
        self._timeout = (deadlines.connect, deadlines.read)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        kwargs["timeout"] = self._timeout
        return super().send(request, *args, **kwargs)


def _limited(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) and outcome.status == LIMITED


def _in_words(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.ReadTimeout):
        return "no answer in time"
    return unresolved(error, _host(error)) or f"the connection failed: {type(error).__name__}"


def _host(error: Exception) -> str:
    request = getattr(error, "request", None)
    return urlsplit(str(request.url)).hostname or "" if request is not None else "the broker's name"
