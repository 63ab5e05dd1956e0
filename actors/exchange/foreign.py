"""Who may speak to the control port: programs of this machine, and no page that a browser shows.

KEY INPUT: the headers of a request.
KEY OUTPUT: why it is refused, or nothing.

A page of another site reaches loopback through the browser that shows it: at its own address (it
sends its Origin), or by a name of its own that points here (the Host is that name).
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

_HOST = re.compile(r"(\[[0-9a-f:]+\]|[^:\[\]]+)(?::\d{1,5})?", re.IGNORECASE)
_OWN_SITES = ("same-origin", "none")


def host_refusal(headers: Mapping[str, str]) -> str:
    """Return why a request that names a host is refused; empty if that is this machine."""
    host = headers.get("host", "")
    found = _HOST.fullmatch(host)
    if found is not None and _is_loopback(found[1].strip("[]")):
        return ""
    return f"host {host!r} is not this machine"


def origin_refusal(headers: Mapping[str, str]) -> str:
    """Return why a request from a page is refused; empty if the page is of this very port."""
    host, origin = headers.get("host", ""), headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
        return f"origin {origin!r} is another site"
    site = headers.get("sec-fetch-site")
    return "" if site is None or site in _OWN_SITES else "the page is of another site"


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
