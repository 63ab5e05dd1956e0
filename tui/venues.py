"""Which broker a session speaks to: Alpaca's paper, its real money, or a local exchange.

KEY INPUT: --endpoint, --live, the environment.
KEY OUTPUT: Keys, an AlpacaVenue; BadInputError for an endpoint that is not this machine.

Real money is reached in one way alone: `real`, without an endpoint. An endpoint is always loopback,
so that no address typed there can be Alpaca's own.
"""

import re
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from actors.session_clock import SessionClock, WallClock, pause
from engine.config import Live
from engine.errors import BadInputError

if TYPE_CHECKING:
    from actors.alpaca.keys import Keys
    from actors.alpaca.venue import AlpacaVenue

REHEARSAL = "rehearsal"
"""The key pair on an exchange of one's own."""
_ENDPOINT = re.compile(r"https?://(localhost|[0-9.]+|\[[0-9a-f:]+\])(?::\d{1,5})?/?")


def keys_for(endpoint: str | None, *, real: bool) -> "Keys":
    """Return the keys; on a local exchange, where any will do, a pair for rehearsals if need be.

    Real money takes no pair that is named after paper. Raises BadInputError if there is none, and
    for half a pair, on a local exchange too: whoever set it meant an account.
    """
    from actors.alpaca.keys import Keys, NoKeysError, read_keys

    try:
        return read_keys(paper=not real)
    except NoKeysError:
        if endpoint is None or real:
            raise
        return Keys(REHEARSAL, REHEARSAL)


def venue_at(
    endpoint: str | None,
    keys: "Keys",
    *,
    real: bool,
    clock: SessionClock | None = None,
    live: Live | None = None,
) -> "AlpacaVenue":
    """Return the venue; nothing is opened yet."""
    from actors.alpaca.rest import Deadlines
    from actors.alpaca.venue import AlpacaVenue

    local = endpoint is not None
    if endpoint is not None:
        check_loopback(endpoint)
    clock = clock or WallClock()
    rate = 1_000_000 if local else 200
    return AlpacaVenue(
        keys,
        paper=not real,
        clock=clock.now_ns,
        endpoint=endpoint,
        live=live,
        deadlines=Deadlines(connect=2.0, read=4.0, whole=8.0) if local else None,
        sleep=partial(pause, clock),
        trading_per_minute=rate,
        data_per_minute=rate,
    )


def check_loopback(endpoint: str) -> None:
    """Raise BadInputError unless an endpoint is on this machine."""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None or not _is_loopback(found[1].strip("[]")):
        raise BadInputError(
            f"--endpoint {endpoint}: is for an exchange on this machine, such as "
            "http://127.0.0.1:8090; Alpaca is reached without it (paper, or --live)"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
