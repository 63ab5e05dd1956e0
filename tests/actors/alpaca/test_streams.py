"""The streams: what comes through, what is told, and how every fault ends."""

import threading
from functools import partial

import msgpack
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.alpaca.streams import BackOff
from actors.venue import Bar, Connected, Lost, Status, Update
from tests.actors.alpaca.conftest import venue_at
from tests.actors.alpaca.fakes import bar, dead_socket, streaming, trade_update
from tests.patience import patience


class Listener:
    """Runs one of the venue's streams beside a test."""

    def __init__(self, nursery, run, capacity=100):
        send, self._receive = trio.open_memory_channel(capacity)
        self.returned = trio.Event()
        self._scope = trio.CancelScope()
        nursery.start_soon(self._run, run, send)

    async def _run(self, run, send):
        with self._scope:
            await run(send)
            self.returned.set()

    async def next(self):
        """Return what comes next; nothing for long fails the test."""
        with trio.fail_after(patience(2)):
            return await self._receive.receive()

    async def take(self, count):
        return [await self.next() for _ in range(count)]

    def stop(self):
        self._scope.cancel()


def bars_of(venue, *symbols):
    return partial(venue.bar_stream, symbols or ("TQQQ",))


async def test_bars_come_through_in_order_with_their_revisions(nursery):
    """Connected first, then each bar and each updated bar; both are counted as seen."""

    def script(line):
        line.subscribe_all()
        line.send([bar(minute=30), bar(minute=31, close=80.75), bar(minute=30, T="u")])
        line.hold()

    with streaming(script) as (url, lines):
        venue = venue_at(url)
        listener = Listener(nursery, bars_of(venue))

        said = await listener.take(4)
        await wait_all_tasks_blocked()
        listener.stop()

    assert said[0] == Connected(1)
    assert [(each.symbol, each.close, each.updated) for each in said[1:]] == [
        ("TQQQ", 80.5, False),
        ("TQQQ", 80.75, False),
        ("TQQQ", 80.5, True),
    ]
    assert said[1].start_ns == 1783690200_000000000 + 30 * 60_000_000_000
    assert venue.bars_seen == 3
    assert lines[0].path == "/v2/iex"
    assert lines[0].heard[0] == {"action": "auth", "key": "KEY", "secret": "SECRET"}
    assert lines[0].heard[1]["updatedBars"] == ["TQQQ"]


async def test_text_frames_are_read_as_well(nursery):
    """A server that speaks JSON where alpaca-py reads msgpack is understood."""

    def script(line):
        line.subscribe_all(text=True)
        line.send([bar() | {"t": "2026-07-10T13:30:00Z"}], text=True)
        line.hold()

    with streaming(script) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(2)
        listener.stop()

    assert said[1] == Bar("TQQQ", 1783690200_000000000, 80.0, 81.0, 79.5, 80.5, 1200.0)


async def test_rubbish_in_a_frame_costs_nothing_but_itself(nursery):
    """What is no message, or a bar without a price, is left out and counted; the rest comes."""

    def script(line):
        line.subscribe_all()
        line.send([None, 7, {"T": ["x"]}, bar() | {"c": "broken"}, {"T": "novelty"}, bar()])
        line.connection.send(b"\xc1\xff")
        line.send([bar(minute=31, surprise={"new": 1})])
        line.hold()

    with streaming(script) as (url, _):
        venue = venue_at(url)
        listener = Listener(nursery, bars_of(venue))
        said = await listener.take(3)
        await wait_all_tasks_blocked()
        listener.stop()

    assert [type(each) for each in said] == [Connected, Bar, Bar]
    assert venue.bars_seen == 3
    assert venue.oddities == {"bar stream: unreadable": 4, "bar: without time, price or volume": 1}


@pytest.mark.parametrize(
    ("code", "message"),
    [(402, "auth failed"), (409, "insufficient subscription")],
)
async def test_a_refusal_at_the_door_is_fatal(nursery, code, message):
    """402 and 409: told once, with the code, and never tried again."""

    def script(line):
        line.send([{"T": "success", "msg": "connected"}])
        line.receive()
        line.send([{"T": "error", "code": code, "msg": message}])
        line.hold()

    with streaming(script) as (url, lines):
        listener = Listener(nursery, bars_of(venue_at(url)))
        assert await listener.next() == Lost(f"{message} ({code})", fatal=True)
        with trio.fail_after(patience(2)):
            await listener.returned.wait()

    assert len(lines) == 1


async def test_the_symbol_limit_is_named(nursery):
    """405 after the subscription: fatal, with the number of symbols; alpaca-py only logs it."""

    def script(line):
        line.data_auth()
        line.send([{"T": "error", "code": 405, "msg": "symbol limit exceeded"}])
        line.hold()

    with streaming(script) as (url, lines):
        listener = Listener(nursery, bars_of(venue_at(url), "TQQQ", "SQQQ"))
        lost = await listener.next()

    assert lost.fatal
    assert lost.reason == (
        "symbol limit exceeded (405): 2 symbols are more than this plan's stream takes"
    )
    assert len(lines) == 1


async def test_a_connection_too_many_is_waited_out(nursery):
    """406 is told and tried again; after the patience the message asks for another program."""

    def refuse(line):
        line.send([{"T": "success", "msg": "connected"}])
        line.receive()
        line.send([{"T": "error", "code": 406, "msg": "connection limit exceeded"}])
        line.hold()

    def admit(line):
        line.subscribe_all()
        line.hold()

    with streaming(refuse, refuse, refuse, admit) as (url, _):
        venue = venue_at(url, back_off=partial(BackOff, first=0.1, longest=0.1, patience=0.0))
        listener = Listener(nursery, bars_of(venue))
        said = await listener.take(4)
        listener.stop()

    assert [getattr(each, "fatal", None) for each in said] == [False, False, False, None]
    assert said[3] == Connected(4)
    assert "does another program use these keys" in said[2].reason


@pytest.mark.parametrize("code", [404, 407, 500])
async def test_other_errors_break_the_connection_and_are_told(nursery, code):
    """alpaca-py logs such an error and goes on; here it is Lost, and then connected again."""

    def script(line):
        line.subscribe_all()
        line.send([{"T": "error", "code": code, "msg": "trouble"}])
        line.hold()

    with streaming(script, lambda line: (line.subscribe_all(), line.hold())) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(3)
        listener.stop()

    assert said == [Connected(1), Lost(f"trouble ({code})"), Connected(2)]


async def test_a_dropped_connection_is_lost_and_made_again(nursery):
    """The socket breaks between two bars: Lost stands between them."""

    def first(line):
        line.subscribe_all()
        line.send([bar(minute=30)])
        line.connection.socket.close()

    def second(line):
        line.subscribe_all()
        line.send([bar(minute=31)])
        line.hold()

    with streaming(first, second) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(5)
        listener.stop()

    assert [type(each) for each in said] == [Connected, Bar, Lost, Connected, Bar]
    assert "connection broke" in said[2].reason


async def test_a_mute_socket_is_noticed(nursery):
    """Pings are answered, bars do not come: after data_timeout it is lost and made again."""

    def mute(line):
        line.subscribe_all()
        line.hold()

    with streaming(mute) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url, data_timeout=0.2)))
        said = await listener.take(3)
        listener.stop()

    assert said == [Connected(1), Lost("no data in time"), Connected(2)]


async def test_a_watchdog_can_drop_a_connection(nursery):
    """drop_orders breaks it with the reason; a new one follows, and lockstep waits for it."""

    def script(line):
        line.trade_auth()
        line.hold()

    with streaming(script) as (url, _):
        venue = venue_at(url)
        listener = Listener(nursery, venue.order_stream)
        await listener.next()
        await wait_all_tasks_blocked()
        before = venue.waiting, venue.streams_up
        venue.drop_orders("no word")
        down = venue.waiting, venue.streams_up
        said = await listener.take(2)
        listener.stop()

    assert (before, down) == ((False, 1), (True, 0))
    assert said == [Lost("no word"), Connected(2)]


async def test_a_server_that_never_greets_is_given_up(nursery, monkeypatch):
    """Connected sockets without a word, or without an acknowledgement, end in time."""
    monkeypatch.setattr("actors.alpaca.venue.OPENING_SECONDS", patience(0.2))

    def silent(line):
        line.hold()

    def unacknowledged(line):
        line.data_auth()
        line.hold()

    with streaming(silent, unacknowledged) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(2)
        listener.stop()

    assert [each.reason for each in said] == [
        "no connection in time",
        "the subscription was not acknowledged in time",
    ]


async def test_a_half_open_socket_is_noticed(nursery, monkeypatch):
    """Pings without an answer end the connection, which alpaca-py alone leaves for minutes."""
    monkeypatch.setattr("actors.alpaca.listeners.PING_SECONDS", (patience(0.1),) * 2)

    with dead_socket(greets=True) as (url, taken):
        listener = Listener(nursery, bars_of(venue_at(url)))
        said = await listener.take(3)
        listener.stop()

    assert said[0] == Connected(1)
    assert "connection broke" in said[1].reason
    assert said[2] == Connected(2)
    assert len(taken) >= 2


@pytest.mark.parametrize("stream", ["bars", "orders"])
async def test_a_handshake_that_hangs_is_given_up(nursery, monkeypatch, stream):
    """TCP is accepted, HTTP never answered: Lost in time, and stopping waits for nothing."""
    monkeypatch.setattr("actors.alpaca.venue.OPENING_SECONDS", patience(0.2))

    with dead_socket(greets=False) as (url, _):
        venue = venue_at(url)
        listener = Listener(nursery, bars_of(venue) if stream == "bars" else venue.order_stream)
        lost = await listener.next()
        start = trio.current_time()
        listener.stop()

    assert lost == Lost("no connection in time")
    assert trio.current_time() - start < patience(0.2)


async def test_an_error_of_the_order_stream_is_told(nursery):
    """An update that has a field of that name is no error."""

    def script(line):
        line.trade_auth()
        line.send_json(trade_update("new", error=None))
        line.send_json({"stream": "error", "data": {"error": "internal"}})
        line.hold()

    with streaming(script) as (url, _):
        listener = Listener(nursery, venue_at(url).order_stream)
        said = await listener.take(3)
        listener.stop()

    assert [type(each) for each in said] == [Connected, Update, Lost]
    assert said[2].reason == "the server said: internal"


async def test_a_symbol_that_was_not_granted_is_named(nursery):
    """A subscription that leaves one out is no subscription."""

    def script(line):
        line.data_auth()
        line.send([{"T": "subscription", "bars": ["TQQQ"]}])
        line.hold()

    with streaming(script) as (url, _):
        listener = Listener(nursery, bars_of(venue_at(url), "TQQQ", "SPY"))
        lost = await listener.next()
        listener.stop()

    assert lost == Lost("not subscribed to: SPY")


async def test_a_port_where_nobody_listens_is_tried_again(nursery):
    """Refused connections are told and come with growing waits."""
    listener = Listener(nursery, bars_of(venue_at("http://127.0.0.1:9")))
    said = await listener.take(3)
    listener.stop()

    assert all(isinstance(each, Lost) and not each.fatal for each in said)


async def test_a_full_bridge_is_a_lost_connection_never_a_lost_bar(nursery):
    """With a reader that does not read, the connection ends; what came before is delivered."""

    ended = threading.Event()

    def flood(line):
        line.subscribe_all()
        for minute in range(50):
            line.send([bar(minute=minute)])
        line.hold()
        ended.set()

    def calm(line):
        line.subscribe_all()
        line.hold()

    with streaming(flood, calm) as (url, _):
        venue = venue_at(url, bridge_capacity=8)
        listener = Listener(nursery, bars_of(venue), capacity=0)
        await trio.to_thread.run_sync(ended.wait, patience(5))
        said = []
        while not isinstance(said[-1:] and said[-1], Lost):
            said.append(await listener.next())
        listener.stop()

    minutes = [each.start_ns for each in said if isinstance(each, Bar)]
    assert said[0] == Connected(1)
    assert minutes == sorted(minutes)
    assert 7 <= len(minutes) < 50
    assert "bridge is full" in said[-1].reason


@pytest.mark.parametrize("binary", [True, False])
async def test_order_updates_come_through_as_binary_or_text(nursery, binary):
    """Paper sends binary frames; unknown events survive; each is counted."""
    fill = trade_update(
        "partial_fill",
        timestamp="2026-07-10T13:31:02.000000001Z",
        execution_id="e-1",
        qty="4",
        price="80.123456",
        position_qty="4",
    )

    def script(line):
        line.trade_auth(binary=binary)
        line.send_json(trade_update("new"), binary=binary)
        line.send_json(fill, binary=binary)
        line.send_json(trade_update("enlightened"), binary=binary)
        line.hold()

    with streaming(script) as (url, lines):
        venue = venue_at(url)
        listener = Listener(nursery, venue.order_stream)
        said = await listener.take(4)
        await wait_all_tasks_blocked()
        listener.stop()

    assert said[0] == Connected(1)
    assert [each.event for each in said[1:]] == ["new", "partial_fill", "enlightened"]
    assert said[2][1:5] == (1783690262_000000001, "e-1", 4, 80_123_456)
    assert said[2].position == 4
    assert said[1].order.status is Status.WORKING
    assert venue.updates_seen == 3
    assert venue.oddities["event enlightened"] == 1
    assert lines[0].path == "/stream"


async def test_an_unreadable_update_is_counted_and_the_next_comes(nursery):
    """No data, no order, no JSON: nothing breaks."""

    def script(line):
        line.trade_auth()
        line.connection.send(b"not json")
        line.send_json({"stream": "trade_updates"})
        line.send_json({"stream": "trade_updates", "data": {"event": "fill"}})
        line.send_json({"stream": "trade_updates", "data": {"event": "new", "order": 5}})
        line.send_json(trade_update("canceled"))
        line.hold()

    with streaming(script) as (url, _):
        venue = venue_at(url)
        listener = Listener(nursery, venue.order_stream)
        said = await listener.take(2)
        await wait_all_tasks_blocked()
        listener.stop()

    assert isinstance(said[1], Update)
    assert said[1].event == "canceled"
    assert venue.updates_seen == 3
    assert venue.oddities["order stream: unreadable"] == 2
    assert venue.oddities["update: unreadable"] == 2


async def test_keys_refused_by_the_order_stream_are_fatal(nursery):
    """`unauthorized` is told once; the stream returns."""

    def script(line):
        line.receive()
        line.send_json({"stream": "authorization", "data": {"status": "unauthorized"}})
        line.hold()

    with streaming(script) as (url, lines):
        listener = Listener(nursery, venue_at(url).order_stream)
        assert await listener.next() == Lost("keys refused", fatal=True)
        with trio.fail_after(patience(2)):
            await listener.returned.wait()

    assert len(lines) == 1


async def test_a_dropped_order_stream_comes_back(nursery):
    """After a clean close by the server as well."""

    def first(line):
        line.trade_auth()
        line.connection.close()

    def second(line):
        line.trade_auth()
        line.send_json(trade_update("fill", qty="10", price="80.1", execution_id="e-2"))
        line.hold()

    with streaming(first, second) as (url, _):
        listener = Listener(nursery, venue_at(url).order_stream)
        said = await listener.take(4)
        listener.stop()

    assert [type(each) for each in said] == [Connected, Lost, Connected, Update]


async def test_stopping_takes_no_time(nursery):
    """A quiet stream, and one that waits to connect again, stop at once and leave no thread."""

    def quiet(line):
        line.subscribe_all()
        line.hold()

    with streaming(quiet) as (url, lines):
        async with trio.open_nursery() as inner:
            listener = Listener(inner, bars_of(venue_at(url)))
            await listener.next()
            start = trio.current_time()
            inner.cancel_scope.cancel()
        stopped = trio.current_time() - start

    assert stopped < patience(0.3)
    assert len(lines) == 1


async def test_the_secret_is_in_no_log(nursery, caplog):
    """Even with every logger at its lowest level, and with faults."""
    caplog.set_level(0)

    def script(line):
        line.trade_auth()
        line.connection.close()

    with streaming(script) as (url, _):
        listener = Listener(nursery, venue_at(url).order_stream)
        await listener.take(3)
        listener.stop()

    assert "SECRET" not in caplog.text


def test_waits_are_full_jitter_between_nothing_and_a_doubling_bound():
    """0.5, 1, 2, … 30 s bound the draws; a success starts again."""
    back_off = BackOff(seed=3)
    waits = [[back_off.failed() for _ in range(9)] for _ in range(300) if back_off.worked() is None]

    for nth, bound in enumerate([0.5, 1, 2, 4, 8, 16, 30, 30, 30]):
        drawn = [run[nth] for run in waits]
        assert 0 <= min(drawn) < 0.05 * bound
        assert 0.95 * bound < max(drawn) <= bound


def test_msgpack_timestamps_are_what_the_wire_has():
    """The fake speaks msgpack's own timestamp, as Alpaca does."""
    packed = msgpack.packb([bar()])

    assert msgpack.unpackb(packed)[0]["t"] == bar()["t"]
