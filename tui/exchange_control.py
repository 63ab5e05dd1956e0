"""A local exchange's control port, from the command line's side.

KEY INPUT: the exchange's URL.
KEY OUTPUT: how it stands; whether it did as it was told. Proxies of the environment are not asked.
"""

from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import orjson

from engine.errors import RotorError

Json = dict[str, Any]
_SECONDS = 5.0


def control_state(url: str) -> Json:
    """Return how the exchange stands; raises RotorError if none answers."""
    return _asked(Request(f"{url.rstrip('/')}/control"))  # noqa: S310 - loopback, http


def control_tell(url: str, verb: str) -> Json:
    """Have the exchange pause, resume, …; raises RotorError if none answers."""
    address = f"{url.rstrip('/')}/control/{verb}"
    return _asked(Request(address, data=b"{}", method="POST"))  # noqa: S310


def _asked(request: Request) -> Json:
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            found = orjson.loads(answer.read())
    except (URLError, OSError, ValueError) as error:
        words = f"{request.full_url}: no exchange answers there ({type(error).__name__})"
        raise RotorError(words) from None
    if not isinstance(found, dict):
        raise RotorError(f"{request.full_url}: no exchange answers there")
    return found
