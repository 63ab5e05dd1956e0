"""Names that do not resolve: every connection says so, in words that help."""

import socket

import pytest
import trio

from actors.alpaca.keys import Keys
from actors.alpaca.names import unresolved
from actors.alpaca.venue import AlpacaVenue
from actors.venue import Lost, Unreachable
from engine.errors import RotorError
from tui.live_start import open_account
from tui.venues import venue_at

WORDS = "does not resolve: is this machine online, and is its DNS right?"


@pytest.fixture(autouse=True)
def no_names(monkeypatch):
    """No name resolves, so that nothing leaves this machine either."""

    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def test_a_session_that_starts_without_names_says_so():
    """The host is named; it was "the connection failed: ConnectionError"."""
    with pytest.raises(RotorError, match=rf"paper-api\.alpaca\.markets {WORDS[:20]}"):
        await open_account(venue_at(None, Keys("K", "S"), real=False))


async def test_questions_say_so():
    """Of the market's data, too."""
    venue = venue_at(None, Keys("K", "S"), real=False)
    with pytest.raises(Unreachable, match=rf"data\.alpaca\.markets {WORDS[:20]}"):
        await venue.bars(("TQQQ",), 0, 1)


@pytest.mark.parametrize("stream", ["bars", "orders"])
async def test_streams_say_so(nursery, stream):
    """They connect again by themselves."""
    venue: AlpacaVenue = venue_at(None, Keys("K", "S"), real=False)
    sender, receiver = trio.open_memory_channel(10)
    if stream == "bars":
        nursery.start_soon(venue.bar_stream, ("TQQQ",), sender)
    else:
        nursery.start_soon(venue.order_stream, sender)
    with trio.fail_after(30):
        lost = await receiver.receive()

    assert isinstance(lost, Lost)
    assert (lost.reason, lost.fatal) == (f"the broker's name {WORDS}", False)


def test_another_error_is_not_taken_for_one():
    """Nor one that is its own cause."""
    error = ConnectionError("reset")
    error.__cause__ = error

    assert unresolved(error) is None
