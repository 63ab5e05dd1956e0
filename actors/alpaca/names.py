"""A name that does not resolve: told as what it is, wherever in an error it hides.

KEY INPUT: an error of requests, urllib3 or asyncio.
KEY OUTPUT: a sentence; None for any other error.
"""

import socket
from collections.abc import Iterator

from urllib3.exceptions import NameResolutionError


def unresolved(error: BaseException, host: str = "the broker's name") -> str | None:
    """Return what is to be said of a name that cannot be looked up; None for another error."""
    for each in _within(error):
        if isinstance(each, socket.gaierror | NameResolutionError):
            return f"{host} does not resolve: is this machine online, and is its DNS right?"
    return None


def _within(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it was made of."""
    seen: list[BaseException | None] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        yield each
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [one for one in inner if isinstance(one, BaseException)]
