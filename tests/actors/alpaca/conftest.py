"""A venue on a fake Alpaca."""

import time
from functools import partial

import pytest

from actors.alpaca.keys import Keys
from actors.alpaca.rest import Deadlines
from actors.alpaca.streams import BackOff
from actors.alpaca.venue import AlpacaVenue
from tests.actors.alpaca.fakes import Rest

NOW_NS = 1783690260_000000000
"""2026-07-10 13:31 UTC."""


def venue_at(endpoint, **changes):
    """Return a venue whose deadlines suit a test."""
    start_ns = time.monotonic_ns()
    settings = {
        "paper": True,
        "clock": lambda: NOW_NS + time.monotonic_ns() - start_ns,
        "deadlines": Deadlines(connect=0.3, read=0.3, whole=0.8),
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
