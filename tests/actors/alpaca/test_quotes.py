"""Streamed quotes: the newest answers, for its minute and its connection; else REST does."""

from functools import partial

import msgpack
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.alpaca.streams import BackOff
from actors.venue import Bar, Connected, Lost, Quote
from tests.actors.alpaca.conftest import NOW_NS, venue_at
from tests.actors.alpaca.fakes import bar, streaming
from tests.actors.alpaca.test_streams import Listener, bars_of
from tests.patience import patience

SECOND = 1_000_000_000
ASKED = Quote("TQQQ", 70.0, 70.02, NOW_NS)


def quote(symbol="TQQQ", bid=80.0, ask=80.02, at_ns=NOW_NS + SECOND, **changes):
    """Return a quote as the stream sends it."""
    return {
        "T": "q", "S": symbol, "bp": bid, "ap": ask, "t": msgpack.Timestamp.from_unix_nano(at_ns),
        "bs": 1, "as": 1, "bx": "V", "ax": "V", "c": ["R"], "z": "B",
    } | changes  # fmt: skip


def telling(*items):
    """Return a script: a stream that tells items, then a bar, so that a test knows they came."""

    def script(line):
        line.subscribe_all()
        for item in items:
            line.send([item])
        line.send([bar()])
        line.hold()

    return script


def asking(venue, monkeypatch):
    """Answer questions by REST with `ASKED`; the list of what was asked."""
    asked = []

    async def quotes(symbols):
        asked.extend(symbols)
        return {symbol: ASKED._replace(symbol=symbol) for symbol in symbols}

    monkeypatch.setattr(venue.history, "quotes", quotes)
    return asked


async def test_the_newest_quote_of_the_stream_answers(nursery, monkeypatch):
    """No question by REST but for a symbol without one; the channel sees bars alone."""
    items = (quote(), quote(bid=81.0, ask=81.02), quote("SPY"))
    with streaming(telling(*items)) as (url, lines):
        venue = venue_at(url)
        asked = asking(venue, monkeypatch)
        listener = Listener(nursery, bars_of(venue, "TQQQ", "SPY", "QLD"))
        said = await listener.take(2)
        found = await venue.quotes(["TQQQ", "QLD"])
        await wait_all_tasks_blocked()
        listener.stop()

    assert [type(each) for each in said] == [Connected, Bar]
    assert found["TQQQ"] == Quote("TQQQ", 81.0, 81.02, NOW_NS + SECOND, streamed=True)
    assert found["QLD"] == ASKED._replace(symbol="QLD")
    assert asked == ["QLD"]
    assert venue.bars_seen == 4  # what a local exchange has put on the wire
    assert lines[0].heard[2] == {"action": "subscribe", "quotes": ["TQQQ", "SPY", "QLD"]}
    assert "quotes" not in lines[0].heard[1]


@pytest.mark.parametrize(
    "item",
    [
        quote(at_ns=NOW_NS - 1),  # of the minute before
        quote(at_ns=NOW_NS + 60 * SECOND),  # stamped by a clock that is not ours
        quote(bid=0.0),
        quote(t=None),
        quote(S=7),
        quote(ap="much"),
    ],
)
async def test_what_is_stale_or_no_quote_is_asked_for(nursery, monkeypatch, item):
    """By REST; the stream goes on."""
    with streaming(telling(item)) as (url, _):
        venue = venue_at(url)
        asked = asking(venue, monkeypatch)
        listener = Listener(nursery, bars_of(venue))
        await listener.take(2)
        found = await venue.quotes(["TQQQ"])
        listener.stop()

    assert found == {"TQQQ": ASKED}
    assert asked == ["TQQQ"]


async def test_a_quote_ends_with_its_connection(nursery, monkeypatch):
    """While none stands, and on the next one until it tells: REST."""

    def first(line):
        line.subscribe_all()
        line.send([quote(), bar()])
        line.connection.socket.close()

    with streaming(first, telling(quote("SPY"))) as (url, _):
        venue = venue_at(url, back_off=partial(BackOff, first=0.3, longest=0.3, seed=1))
        asked = asking(venue, monkeypatch)
        listener = Listener(nursery, bars_of(venue, "TQQQ", "SPY"))
        said = await listener.take(3)
        down = await venue.quotes(["TQQQ"])
        said += await listener.take(2)
        again = await venue.quotes(["TQQQ", "SPY"])
        listener.stop()

    assert [type(each) for each in said] == [Connected, Bar, Lost, Connected, Bar]
    assert down == {"TQQQ": ASKED}
    assert not again["TQQQ"].streamed
    assert again["SPY"].streamed
    assert asked == ["TQQQ", "TQQQ"]


@pytest.mark.parametrize(
    ("code", "message"), [(405, "symbol limit exceeded"), (409, "insufficient subscription")]
)
async def test_where_the_feed_takes_bars_alone_quotes_are_asked_for(
    nursery, monkeypatch, caplog, code, message
):
    """Bars matter more: they come; quotes by REST, said once, and not tried again."""

    def refusing(line):
        asked = line.data_auth()
        line.send([{"T": "subscription", "bars": asked["bars"]}])
        line.heard.append(line.receive())
        line.send([{"T": "error", "code": code, "msg": message}])
        line.send([bar()])
        line.connection.socket.close()

    def second(line):
        asked = line.data_auth()
        line.send([{"T": "subscription", "bars": asked["bars"]}])
        line.send([bar(minute=31)])
        line.hold()

    with streaming(refusing, second) as (url, lines):
        venue = venue_at(url)
        asked = asking(venue, monkeypatch)
        listener = Listener(nursery, bars_of(venue))
        said = await listener.take(5)
        found = await venue.quotes(["TQQQ"])
        listener.stop()

    assert [type(each) for each in said] == [Connected, Bar, Lost, Connected, Bar]
    assert "connection broke" in said[2].reason
    assert (found, asked) == ({"TQQQ": ASKED}, ["TQQQ"])
    assert [len(line.heard) for line in lines] == [3, 2]
    (record,) = (r for r in caplog.records if r.name == "rotor")
    assert f"{message} ({code})" in record.getMessage()


async def test_an_error_that_is_not_of_the_quotes_breaks_the_connection(nursery):
    """A 405 later on, or a 500 in their place, is what it always was."""

    def broken(line):
        asked = line.data_auth()
        line.send([{"T": "subscription", "bars": asked["bars"]}])
        line.send([{"T": "error", "code": 500, "msg": "internal error"}])
        line.hold()

    def limited(line):
        line.subscribe_all()
        line.send([{"T": "error", "code": 405, "msg": "symbol limit exceeded"}])
        line.hold()

    with streaming(broken, limited) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(3)
        listener.stop()

    assert said[0] == Lost("internal error (500)")
    assert said[1] == Connected(2)
    assert said[2].fatal


async def test_quotes_that_are_not_acknowledged_do_not_cost_the_bars(nursery, monkeypatch):
    """The next connection does without them."""
    monkeypatch.setattr("actors.alpaca.venue.OPENING_SECONDS", patience(0.3))

    def deaf(line):
        asked = line.data_auth()
        line.send([{"T": "subscription", "bars": asked["bars"]}])
        line.hold()

    with streaming(deaf, deaf) as (url, lines):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(2)
        listener.stop()

    assert said == [Lost("the subscription was not acknowledged in time"), Connected(2)]
    assert len(lines[1].heard) == 2


async def test_quotes_alone_are_told_to_a_clock_that_waits_for_them(nursery):
    """A local exchange's time stands until they are counted, whether or not a bar follows."""

    def script(line):
        line.subscribe_all()
        line.send([quote(), quote("SPY")])
        line.hold()

    with streaming(script) as (url, _):
        venue = venue_at(url)
        listener = Listener(nursery, bars_of(venue, "TQQQ", "SPY"))
        await listener.next()
        with trio.fail_after(patience(2)):
            while venue.bars_seen < 2:  # noqa: ASYNC110 - nothing but its count tells
                await trio.sleep(0.01)
        listener.stop()
