"""`rotor doctor --orders`: what it sends, what it compares, what it leaves behind."""

import fcntl
import sys
from io import StringIO
from pathlib import Path

import orjson
import pytest
import trio

from actors.alpaca.keys import Keys
from actors.alpaca.orders_script import OrdersScript
from actors.exchange.payloads import order_json
from engine.errors import BadInputError
from tests.actors.exchange.venue import Trader, floor_of, quiet_market, serving
from tests.patience import patience
from tui.cli import main
from tui.doctor import DoctorRequest
from tui.doctor_ask import check_orders, order_findings
from tui.doctor_orders import Wanted, examine_orders, plan
from tui.shapes import Difference, differences, redacted, shape

KEYS = Keys("KEYOFMINE", "SECRETOFMINE")


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A market that does not move."""
    return quiet_market(tmp_path_factory.mktemp("bars"))


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path, runtime_dir):
    """A folder of the test's own, with keys and nobody's sockets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("actors.alpaca.orders_script.EVENT_SECONDS", patience(15))
    monkeypatch.setattr("tui.doctor_orders._OPENING_SECONDS", patience(20))
    monkeypatch.setenv("APCA_API_KEY_ID", KEYS.key_id)
    monkeypatch.setenv("APCA_API_SECRET_KEY", KEYS.secret)


async def opened(floor, minute=1.5):
    """Serve in a session that runs, slowly."""
    floor.clock.jump(floor.market.session.open_ns + round(minute * 60e9))


async def wait_open(floor):
    while not floor.market.open:  # noqa: ASYNC110
        await trio.sleep(0.005)


def wanted(api, tmp_path, **more):
    about = {
        "keys": KEYS, "endpoint": api.url, "symbol": "AAA", "price": 50.0, "trading": True,
        "account": "RX1", "out": tmp_path / "found.json",
    }  # fmt: skip
    return Wanted(**(about | more))


async def test_on_our_own_exchange_nothing_differs(bars, tmp_path):
    """Every step is taken, one share was held, all is flat again; no file is written."""
    floor = floor_of(bars, speed=0.001)
    await opened(floor)
    async with serving(floor) as api:
        await wait_open(floor)
        request = DoctorRequest(endpoint=api.url, symbols="AAA", orders=True, yes=True)
        findings, found = await order_findings(request)
    assert [f.words for f in found] == []
    assert [(f.check, f.verdict) for f in findings] == [("orders", "ok")]
    (account,) = floor.accounts.values()
    assert account.holdings == {}
    assert account.live() == []
    assert sum(e.shares for e in account.executions) == 2
    steps = {(order.client_id.split("-", 2)[2], str(order.status)) for order in
             account.orders.values() if order.client_id.startswith("doctor")}  # fmt: skip
    assert steps == {
        ("limit", "replaced"), ("moved-limit", "canceled"), ("entry", "filled"),
        ("legs", "canceled"), ("moved-stop", "canceled"), ("exit", "filled"),
    }  # fmt: skip
    assert not list(tmp_path.iterdir())


async def test_before_the_bell_nothing_is_bought(bars, tmp_path):
    """What needs no open market is sent all the same, and it is said."""
    floor = floor_of(bars, speed=0.001)
    async with serving(floor) as api:
        findings, found = await examine_orders(wanted(api, tmp_path, trading=False))
    (account,) = floor.accounts.values()
    assert not account.executions
    assert found == []
    assert [(f.check, f.verdict) for f in findings] == [("orders", "warning")]
    assert "the market is closed" in findings[0].said


async def test_what_differs_is_found_and_written_without_keys(bars, tmp_path, monkeypatch):
    """Another word, a field more and one less, an event more, another status: each by its place."""

    def strange(order, *, nested=True):
        told = order_json(order, nested=nested)
        word = "pending_new" if told["status"] == "new" else told["status"]
        changed = {**told, "status": word, "expires_at": "2025-07-02T20:00:00Z", "account": "RX1"}
        del changed["subtag"]
        return changed

    floor = floor_of(bars, speed=0.001)
    await opened(floor)
    async with serving(floor) as api:
        await wait_open(floor)
        theirs = wanted(api, tmp_path)
        with monkeypatch.context() as patched:
            # the exchange that is asked differs, the one that is compared with does not
            record = __import__("tui.doctor_orders", fromlist=["record"]).record

            async def of_both(keys, endpoint, *arguments, **more):
                if endpoint == api.url:
                    with pytest.MonkeyPatch.context() as other:
                        other.setattr("actors.exchange.rest_orders.order_json", strange)
                        return await record(keys, endpoint, *arguments, **more)
                return await record(keys, endpoint, *arguments, **more)

            patched.setattr("tui.doctor_orders.record", of_both)
            findings, found = await examine_orders(theirs)
    words = [difference.words for difference in found]
    place = "limit: POST /v2/orders"
    assert f"{place}.status: the broker has 'pending_new', our exchange has 'new'" in words
    assert f"{place}.expires_at: the broker has a time, our exchange has no such field" in words
    assert f"{place}.subtag: the broker has no such field, our exchange has null" in words
    assert not [line for line in words if line.startswith("event")]
    (finding,) = findings
    assert (finding.check, finding.verdict) == ("exchange", "warning")
    written = (tmp_path / "found.json").read_bytes()
    assert b"OFMINE" not in written
    assert b"RX1" not in written
    told = orjson.loads(written)
    assert len(told["differences"]) == len(found)
    assert told["answers"][0]["body"]["account"] == "redacted"


async def test_what_goes_wrong_is_taken_back(bars, tmp_path):
    """Legs that are refused: the share is sold all the same, and the finding is bad."""
    floor = floor_of(bars, speed=0.001)
    await opened(floor)
    async with serving(floor) as api:
        await wait_open(floor)
        await api.post("/control/fault", kind="refuse", why="unknown", orders="stops", seconds=600)
        findings, _ = await examine_orders(wanted(api, tmp_path))
    (account,) = floor.accounts.values()
    assert account.holdings == {}
    assert account.live() == []
    (finding,) = findings
    assert (finding.check, finding.verdict) == ("orders", "bad")
    assert "legs: not accepted: order denied: RD-17" in finding.said
    assert (tmp_path / "found.json").exists()


async def test_without_an_order_stream_nothing_is_sent(bars, tmp_path, monkeypatch):
    """It is said why."""
    floor = floor_of(bars)
    async with serving(floor) as api:
        await api.post("/control/fault", kind="refuse", why="keys", streams=True, seconds=600)
        findings, _ = await examine_orders(wanted(api, tmp_path))
    assert findings[0].said.startswith(
        "nothing was sent: the order stream does not stand: keys refused"
    )
    assert not [order for account in floor.accounts.values() for order in account.orders]


async def test_a_symbol_in_which_something_is_held_will_not_do(bars):
    """Another is to be named."""
    floor = floor_of(bars)
    async with serving(floor) as api, Trader(api, KEYS.key_id, KEYS.secret).connected() as trader:
        await trader.until(1)
        keys = {"APCA-API-KEY-ID": KEYS.key_id, "APCA-API-SECRET-KEY": KEYS.secret}
        api.headers.update(keys)
        await api.order(qty=1)
        request = DoctorRequest(endpoint=api.url, symbols="AAA", orders=True, yes=True)
        with pytest.raises(BadInputError, match="holds AAA, or has orders"):
            await order_findings(request)


async def test_an_account_on_which_a_session_trades_will_not_do(bars, runtime_dir):
    """Its session would take the orders for somebody's by hand."""
    floor = floor_of(bars, speed=0.001)
    async with serving(floor) as api:
        account = floor.account(KEYS.key_id, KEYS.secret)
        with (Path(runtime_dir) / f"account-{account.number}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            request = DoctorRequest(endpoint=api.url, symbols="AAA", orders=True, yes=True)
            with pytest.raises(BadInputError, match=f"trades on account {account.number} now"):
                await order_findings(request)
        assert not account.orders


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--orders", "--live", "--yes"], "for paper alone"),
        (["--orders"], "add --yes"),
        (["--orders", "--json"], "add --yes"),
        (["--yes"], "belong to --orders"),
    ],
)
def test_what_must_not_be_is_refused_before_anything_is_asked(words, said, capsys, monkeypatch):
    """Real money, and sending without having asked: exit code 2."""
    monkeypatch.setattr(sys, "stdin", StringIO())
    assert main(["doctor", *words]) == 2
    assert said in capsys.readouterr().err


async def test_it_asks_first_and_no_is_no(bars, monkeypatch, tmp_path):
    """On a terminal: it says what it will send, and sends nothing without a yes."""
    monkeypatch.setattr(sys, "stdin", StringIO("no\n"))
    floor = floor_of(bars, speed=0.001)
    async with serving(floor) as api:
        request = DoctorRequest(endpoint=api.url, symbols="AAA", orders=True)
        with pytest.raises(BadInputError, match="nothing was sent"):
            await order_findings(request)
        assert not [order for account in floor.accounts.values() for order in account.orders]
        words = plan(wanted(api, tmp_path))
    assert "one share of AAA, about $50.00" in words
    assert "a limit at half its price: placed, moved, cancelled ($25.00)" in words
    check_orders(DoctorRequest(orders=True, yes=True))


def test_shapes_tell_fields_types_and_a_few_words():
    """Numbers, times and ids by their kind; words of status as they are."""
    told = {
        "id": "8efc7b9a-8b2b-4000-9955-d36e7db0df74", "qty": "1", "status": "new", "legs": None,
        "at": "2025-07-02T13:31:00Z", "n": 3, "on": True, "rows": [{"a": ""}], "note": "free text",
        "code": 40310000, "message": "insufficient qty available (requested: 5) for AAA",
    }  # fmt: skip
    assert shape(told, symbol="AAA") == {
        "id": "an id", "qty": "a number as text", "status": "'new'", "legs": "null",
        "at": "a time", "n": "a number", "on": "true or false", "rows": [{"a": "empty text"}],
        "note": "text", "code": "40310000",
        "message": "'insufficient qty available (requested: N) for SYMBOL'",
    }  # fmt: skip
    assert list(differences("x", [{"a": "null"}], [{"a": "a time"}])) == [
        Difference("x[].a", "has null", "has a time")
    ]
    assert list(differences("x", [], [{"a": "null"}])) == [
        Difference("x", "has an empty list", "has a list")
    ]
    assert redacted({"account_number": "A", "b": ["xKy"]}, ("K",)) == {
        "account_number": "redacted", "b": ["xredactedy"],
    }  # fmt: skip


def test_the_script_never_asks_for_more_than_a_share():
    """Every order that it can make."""
    script = OrdersScript(None, "AAA", 50.0, trading=True)
    made = [script._limit_order("a", 25.0), script._market("b"), script._oco()]
    assert [request.qty for request in made] == [1, 1, 1]
