"""A venue on a fake Alpaca."""

import time
from functools import partial

import pytest

from actors.alpaca.keys import Keys
from actors.alpaca.rest import Deadlines
from actors.alpaca.streams import BackOff
from actors.alpaca.venue import AlpacaVenue
from tests.actors.alpaca.fakes import Rest
from tests.patience import patience

NOW_NS = 1783690260_000000000
"""2026-07-10 13:31 UTC."""
SURE = Deadlines(connect=patience(2), read=patience(2), whole=patience(4))
"""For an answer that comes, however busy the machine."""
HASTY = Deadlines(connect=patience(0.3), read=patience(0.3), whole=patience(0.8))
"""For an answer that does not come."""


def venue_at(endpoint, **changes):
    """Return a venue that waits for the answers of a busy machine, and not long between trials."""
    start_ns = time.monotonic_ns()
    settings = {
        "paper": True,
        "clock": lambda: NOW_NS + time.monotonic_ns() - start_ns,
        "deadlines": SURE,
        "back_off": partial(BackOff, first=0.02, longest=0.1, seed=1),
    }
    return AlpacaVenue(Keys("KEY", "SECRET"), endpoint=endpoint, **(settings | changes))


@pytest.fixture
def rest():
    server = Rest()
    yield server
    server.close()


@pytest.fixture
def venue(rest):
    return venue_at(rest.url)
